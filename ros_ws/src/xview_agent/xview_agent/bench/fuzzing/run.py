"""Thousands of mutated messages, pictures, bundles and files: nothing crashes, nothing moves, each refusal says why.

Nodes run as on a robot (`xview_agent.bench.stage`), with a deadman button that nobody holds: whatever is sent, the gate
may not be armed. A tenth of all goes ahead, then the nodes' memory is looked at, and again at the end.

    xview bench fuzz --count 10000 --seed 0 --json FILE
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

from xview_agent.bench.fuzzing.console import console_kinds
from xview_agent.bench.fuzzing.files import file_kinds
from xview_agent.bench.fuzzing.graph import graph_kinds
from xview_agent.bench.fuzzing.kinds import Kind, Tally
from xview_agent.bench.fuzzing.mutation import Mutator
from xview_agent.bench.stage import Stage
from xview_agent.starter import interruptible

WARM_UP = 0.1  # share of the attempts before memory is looked at first
MOST_GROWTH = 0.1  # share of a node's memory at first
MOST_GROWTH_MIB = 8.0  # or this, where it is more: what an interpreter and an allocator may keep
ARM_EVERY = 50  # attempts
SHOWN_CHARS = 300  # of what went wrong; the JSON file has more
GATE = {"enable_button": 0, "status_frequency": 100.0, "heartbeat_timeout": 0.5}


@dataclasses.dataclass
class FuzzReport:
    """All of a run. velocities: that went to the base; moving: those of them that were not zero."""

    seed: int
    sent: int
    kinds: dict[str, Tally]
    dead_nodes: list[str]
    failures_in_logs: list[str]
    armed: int  # times that the gate let itself be armed
    velocities: int
    moving: int
    node_mib_start: dict[str, float]
    node_mib_end: dict[str, float]

    @property
    def crashes(self) -> int:
        """Of nodes, and of what reads files."""
        return len(self.dead_nodes) + sum(len(tally.crashes) for tally in self.kinds.values())

    @property
    def unexplained(self) -> int:
        """Refusals without a reason, and silence."""
        return sum(len(tally.unexplained) for tally in self.kinds.values())

    @property
    def growth_mib(self) -> float:
        """Of the node that grew most."""
        return max(self.node_mib_end[node] - start for node, start in self.node_mib_start.items())

    @property
    def grown(self) -> list[str]:
        """Nodes whose memory grew by more than may be."""
        most = {node: max(MOST_GROWTH_MIB, MOST_GROWTH * start) for node, start in self.node_mib_start.items()}
        return [node for node, start in self.node_mib_start.items() if self.node_mib_end[node] - start > most[node]]

    @property
    def sound(self) -> bool:
        """Whether nothing was that must not be."""
        faults = self.crashes + self.unexplained + self.armed + self.moving
        return not faults and not self.failures_in_logs and not self.grown and self.velocities > 0


def shares(kinds: list[Kind], count: int) -> dict[str, int]:
    """How many of each kind: by their shares, at least one, `count` in all where that is no fewer than the kinds."""
    whole = sum(kind.share for kind in kinds)
    counts = {kind.name: max(1, count * kind.share // whole) for kind in kinds}
    most = max(counts, key=lambda name: counts[name])
    counts[most] = max(1, counts[most] + count - sum(counts.values()))
    return counts


def run_fuzz(count: int, seed: int) -> FuzzReport:
    """That many attempts over all kinds; ContractError where the graph does not start."""
    folder = tempfile.TemporaryDirectory(prefix="xview-fuzz-")
    with interruptible(), folder as name, Stage(Path(name), GATE, apart=False) as stage:
        return _Run(stage, Path(name), seed).all(count)


class _Run:
    def __init__(self, stage: Stage, folder: Path, seed: int) -> None:
        self._stage, self._folder, self._seed = stage, folder, seed
        self._mutator = Mutator(seed)
        self._armed = self._sent = 0
        stage.send_goal()
        stage.until(lambda: stage.whole, lambda: "the graph to be whole")
        stage.page.close()
        stage.open_page(beats=False)
        stage.senses.withhold()
        self._kinds = [*graph_kinds(stage), *console_kinds(stage), *file_kinds(folder)]
        self._tallies = {kind.name: Tally() for kind in self._kinds}

    def all(self, count: int) -> FuzzReport:
        counts = shares(self._kinds, count)
        first = {name: max(1, int(number * WARM_UP)) for name, number in counts.items()}
        self._attempt(first)
        start = self._stage.resident_mib()
        self._attempt({name: number - first[name] for name, number in counts.items()})
        senses = self._stage.senses
        return FuzzReport(
            seed=self._seed,
            sent=self._sent,
            kinds=self._tallies,
            dead_nodes=[str(death) for death in self._stage.deaths()],
            failures_in_logs=self._tracebacks(),
            armed=self._armed,
            velocities=senses.heard,
            moving=senses.stirred,
            node_mib_start=start,
            node_mib_end=self._stage.resident_mib(),
        )

    def _attempt(self, counts: dict[str, int]) -> None:
        for kind in self._kinds:
            print(f"{kind.name}: {counts[kind.name]}", flush=True)
            for _ in range(counts[kind.name]):
                if self._stage.deaths():
                    return
                self._tallies[kind.name].count(kind, self._mutator)
                self._sent += 1
                if self._sent % ARM_EVERY == 0:
                    self._armed += self._stage.link.arm().ok

    def _tracebacks(self) -> list[str]:
        logs = {path.stem: path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log"))}
        return [f"{node}: ...{text[-800:]}" for node, text in logs.items() if "Traceback" in text]


def show(report: FuzzReport, out: Path | None) -> int:
    """Prints the counts and writes them as JSON where asked; 1 where something was that must not be."""
    print(f"{'kind':<28} {'sent':>6} {'refused':>8} {'taken':>6} {'unexplained':>12} {'crashes':>8}")
    for name, tally in report.kinds.items():
        unexplained, crashes = len(tally.unexplained), len(tally.crashes)
        print(f"{name:<28} {tally.sent:>6} {tally.refused:>8} {tally.taken:>6} {unexplained:>12} {crashes:>8}")
        for said in dict.fromkeys([*tally.unexplained, *tally.crashes]):
            print(f"    {said[:SHOWN_CHARS]}")
    print(
        f"{report.sent} sent; {report.crashes} crashes, {report.unexplained} refusals unexplained; {report.armed} armed"
    )
    print(f"{report.moving} of {report.velocities} velocities that went to the base were motion")
    for node, start in report.node_mib_start.items():
        print(f"memory of {node}: {start:.1f} MiB, at the end {report.node_mib_end[node]:.1f} MiB")
    for failure in (*report.dead_nodes, *report.failures_in_logs):
        print(failure)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(_record(report), indent=1))
        print(out)
    return 0 if report.sound else 1


def _record(report: FuzzReport) -> dict[str, object]:
    summary = {"crashes": report.crashes, "unexplained": report.unexplained, "growth_mib": report.growth_mib}
    return {**summary, "sound": report.sound, **dataclasses.asdict(report)}
