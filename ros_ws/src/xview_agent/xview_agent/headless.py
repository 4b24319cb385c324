"""Closed-loop trials of several policies on the simulated robot, each on a graph of its own.

The graph is the one that an operator drives, without the page; a process `trials` takes her place. The trained policy
runs alone, the random ones beside each other: they use up every second of their limit.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from xview_deploy.strict_json import load, parse_object
from xview_deploy.trials.records import TrialRecord, report, table

from xview_agent.domains import free_domain_id
from xview_agent.starter import RunningGraph, StartSettings, chosen, node_environment

# Label and the policy node's parameter; side by side within a round.
ROUNDS = ((("shipped", "bundle"),), (("random", "random"), ("forward_biased_random", "forward_biased_random")))
NODES = ("twin", "gate", "policy")
POLL_S = 0.5
# The room alone judges: a goal that the policy itself calls over would cut the trial short.
WITHOUT_END = {"reached_decisions": 0, "lost_timeout": 0.0, "stuck_timeout": 0.0}
GRACE_S = 10.0  # for an operator to stop her robot
OPERATOR_HZ = 2.0  # third-person pictures: this operator needs one a trial


class Contestant:
    """One policy with its graph and its operator."""

    def __init__(
        self, label: str, policy: str, domain_id: int, arguments: Sequence[str], bundle: str, folder: Path
    ) -> None:
        self.label = label
        self.domain_id = domain_id
        self.out = folder / f"{label}.json"
        self.settings = StartSettings(
            domain_id=domain_id,
            parameters={
                "policy": {"policy": policy, "bundle": bundle, **WITHOUT_END},
                "twin": {"third_person_rate": OPERATOR_HZ},
            },
            log_folder=folder / label,
        )
        self.graph = RunningGraph(chosen("sim", NODES), self.settings)
        self._command = [sys.executable, "-m", "xview_agent.trials", *arguments, "--json", str(self.out)]

    def start(self) -> None:
        """Starts graph and operator."""
        self.graph.__enter__()
        self._operator = subprocess.Popen(self._command, env=node_environment(self.settings))

    def failure(self) -> str:
        """Why the graph or its operator failed; empty while all is well."""
        if deaths := self.graph.deaths():
            return f"{self.label}: {deaths[0]} (log in {self.settings.log_folder})"
        if self._operator.poll() not in (None, 0):
            return f"{self.label}: the trials ended with status {self._operator.returncode}"
        return ""

    @property
    def finished(self) -> bool:
        """All its trials are over."""
        return self._operator.poll() == 0

    def wait(self) -> None:
        """A moment, or until its operator ends."""
        try:
            self._operator.wait(POLL_S)
        except subprocess.TimeoutExpired:
            return

    def stop(self) -> None:
        """Ends the operator, then the graph."""
        if self._operator.poll() is None:
            self._operator.terminate()
            try:
                self._operator.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._operator.kill()
                self._operator.wait()
        self.graph.stop()

    def records(self) -> list[TrialRecord]:
        """What came of its trials."""
        content = parse_object(self.out.read_bytes(), str(self.out))
        return [load(TrialRecord, record, "trial") for record in content["trials"]]


def run_rounds(trials: int, seed: int, difficulty: str, bundle: str, out: Path | None) -> int:
    """Runs every policy on the same trials, prints the table, writes the report; 1 where a graph failed."""
    with _interruptible():
        return _run_rounds(trials, seed, difficulty, bundle, out)


def _run_rounds(trials: int, seed: int, difficulty: str, bundle: str, out: Path | None) -> int:
    arguments = ["--trials", str(trials), "--seed", str(seed), "--difficulty", difficulty]
    records: dict[str, list[TrialRecord]] = {}
    with tempfile.TemporaryDirectory(prefix="xview-trials-") as name:
        for entries in ROUNDS:
            contestants: list[Contestant] = []
            for label, policy in entries:
                domain_id = free_domain_id([c.domain_id for c in contestants])
                contestants.append(Contestant(label, policy, domain_id, arguments, bundle, Path(name)))
            if failure := _compete(contestants):
                print(f"xview demo: {failure}", file=sys.stderr)
                _show_logs(contestants)
                return 1
            for contestant in contestants:
                records[contestant.label] = contestant.records()
    Console().print(table(records))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report(records), indent=1))
        print(out)
    return 0


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM end the graphs on the way out, also where a shell started this with SIGINT ignored: no robot
    drives on without its operator. Afterwards they do what they did before."""
    before = {signum: signal.signal(signum, _interrupted) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _interrupted(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _compete(contestants: Sequence[Contestant]) -> str:
    """Runs these side by side to their end; the first failure, or nothing."""
    started: list[Contestant] = []
    try:
        for contestant in contestants:
            contestant.start()
            started.append(contestant)
        while not all(contestant.finished for contestant in contestants):
            for contestant in contestants:
                if failure := contestant.failure():
                    return failure
                contestant.wait()
        return ""
    finally:
        for contestant in started:
            contestant.stop()


def _show_logs(contestants: Sequence[Contestant]) -> None:
    """The nodes' last words, which their folder does not outlive."""
    for contestant in contestants:
        for log in sorted((contestant.settings.log_folder or Path()).glob("*.log")):
            print(f"--- {contestant.label} {log.stem}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
