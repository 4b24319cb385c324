"""Starts a graph's nodes as processes where there is no `ros2 launch`, and ends them together.

The same nodes with the same parameter files as the launch files: both read xview_agent.graph. Knows nothing
of what the nodes do. Several graphs run side by side under different domain ids.

    python -m xview_agent.starter sim --set policy.temperature=0.5 --arg policy=random
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import tyro
from xview_deploy.spec import ContractError

from xview_agent.graph import (
    GRAPHS,
    NodeEntry,
    argument_parameters,
    argument_remappings,
    check_arguments,
    configuration_file,
    plain,
)
from xview_agent.topics import NAMESPACE

POLL_S = 0.1


@dataclasses.dataclass(frozen=True)
class StartSettings:
    """What differs between two runs of one graph."""

    namespace: str = NAMESPACE
    domain_id: int | None = None  # ROS_DOMAIN_ID; None keeps the environment's
    localhost_only: bool = True  # nobody on the network sees or moves this graph
    parameters: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)  # node -> name -> value
    parameter_file: str = ""  # YAML that wins over the graph's own files
    arguments: Mapping[str, str] = dataclasses.field(default_factory=dict)  # those of xview_agent.graph
    log_level: str = ""  # debug, info, warn, error or fatal; empty: ROS's own
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)  # of the nodes, over this process's own
    log_folder: Path | None = None  # one file a node; None: this process's output
    grace_s: float = 5.0  # from SIGINT to SIGKILL


@dataclasses.dataclass(frozen=True)
class NodeDeath:
    """A node that ended although nobody asked it to."""

    name: str
    status: int  # exit status; negative: the signal that killed it

    def __str__(self) -> str:
        how = f"was killed by {signal.Signals(-self.status).name}" if self.status < 0 else f"ended: {self.status}"
        return f"node {self.name} {how}"


class RunningGraph:
    """The nodes of one graph as child processes; a context manager.

    Each child leads a process group of its own, so that a Ctrl-C at the terminal reaches this process alone,
    and the gate can say its zeros before anything ends.
    """

    def __init__(self, nodes: Sequence[NodeEntry], settings: StartSettings | None = None) -> None:
        self.settings = settings or StartSettings()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        check_parameters(nodes, self.settings.parameters)
        check_arguments(self.settings.arguments)
        self._nodes = nodes

    def __enter__(self) -> RunningGraph:
        try:
            for node in self._nodes:
                self.processes[node.name] = self._start(node)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def deaths(self) -> list[NodeDeath]:
        """The nodes that are no longer running."""
        ended = [(name, process.poll()) for name, process in self.processes.items()]
        return [NodeDeath(name, status) for name, status in ended if status is not None]

    def wait(self, stopping: threading.Event) -> list[NodeDeath]:
        """Until `stopping` is set (no deaths) or a node dies."""
        while not stopping.wait(POLL_S):
            if deaths := self.deaths():
                return deaths
        return []

    def restart(self, name: str) -> None:
        """Starts a node that ended, as it was started before."""
        ended = self.processes[name]
        if ended.poll() is None:
            raise ContractError(f"restart of node {name}: expected one that ended, got one that runs")
        self.processes[name] = self._start(next(node for node in self._nodes if node.name == name))

    def stop(self) -> None:
        """SIGINT to every group; SIGKILL to those that are still there after the grace."""
        for process in self.processes.values():
            signal_group(process, signal.SIGINT)
        deadline_s = time.monotonic() + self.settings.grace_s
        for process in self.processes.values():
            try:
                process.wait(max(deadline_s - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                signal_group(process, signal.SIGKILL)
                process.wait()

    def _start(self, node: NodeEntry) -> subprocess.Popen[bytes]:
        command = node_command(node, self.settings)
        environment = node_environment(self.settings)
        if self.settings.log_folder is None:
            return subprocess.Popen(command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL)
        self.settings.log_folder.mkdir(parents=True, exist_ok=True)
        with open(self.settings.log_folder / f"{node.name}.log", "ab") as log:
            return subprocess.Popen(
                command,
                env=environment,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def node_command(node: NodeEntry, settings: StartSettings) -> list[str]:
    """The command line of one node, parameters as ROS tools write them."""
    command = [sys.executable, "-m", node.module, "--ros-args"]
    command += ["-r", f"__ns:={settings.namespace}", "-r", f"__node:={node.node_name(settings.arguments)}"]
    own = (settings.parameter_file,) if settings.parameter_file else ()
    for name in (*node.parameter_files, *own):
        command += ["--params-file", str(configuration_file(name))]
    parameters = {**argument_parameters(node.name, settings.arguments), **settings.parameters.get(node.name, {})}
    for name, value in parameters.items():
        command += ["-p", f"{name}:={json.dumps(value)}"]
    for topic, renamed in argument_remappings(settings.arguments):
        command += ["-r", f"{topic}:={renamed}"]
    if settings.log_level:
        command += ["--log-level", settings.log_level]
    return command


def node_environment(settings: StartSettings) -> dict[str, str]:
    """This process's environment with the graph's isolation."""
    environment = dict(os.environ)
    if settings.domain_id is not None:
        environment["ROS_DOMAIN_ID"] = str(settings.domain_id)
    if settings.localhost_only:
        environment.update(localhost_environment())
    environment.update(settings.environment)
    return environment


def localhost_environment() -> dict[str, str]:
    """What keeps ROS nodes within this machine and lets them find each other quickly there."""
    return {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FASTDDS_DEFAULT_PROFILES_FILE": str(configuration_file("discovery.xml")),
    }


def signal_group(process: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    """Signals the process and its children, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signum)


def check_parameters(nodes: Sequence[NodeEntry], parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """ContractError unless each name is a node of this graph."""
    names = [node.name for node in nodes]
    for name in parameters:
        if name not in names:
            raise ContractError(f"parameters of a node: expected one of {names}, got {name!r}")


def parse_assignments(assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`node.parameter=value` with a JSON value or plain text, as a table."""
    table: dict[str, dict[str, Any]] = {}
    for assignment in assignments:
        target, equals, text = assignment.partition("=")
        node, dot, parameter = target.partition(".")
        if not (equals and dot and node and parameter):
            raise ContractError(f"parameter: expected node.parameter=value, got {assignment!r}")
        table.setdefault(node, {})[parameter] = plain(text)
    return table


def parse_arguments(assignments: Sequence[str]) -> dict[str, str]:
    """`name=value` as a table; ContractError for a name that is no argument."""
    table = dict(assignment.partition("=")[::2] for assignment in assignments)
    check_arguments(table)
    return table


def chosen(graph: str, only: Sequence[str]) -> tuple[NodeEntry, ...]:
    """The graph's nodes, or those of them that are named; ContractError for a name that is none."""
    if graph not in GRAPHS:
        raise ContractError(f"graph: expected one of {list(GRAPHS)}, got {graph!r}")
    names = [node.name for node in GRAPHS[graph]]
    for name in only:
        if name not in names:
            raise ContractError(f"node of the graph {graph}: expected one of {names}, got {name!r}")
    return tuple(node for node in GRAPHS[graph] if not only or node.name in only)


def run_graph(nodes: Sequence[NodeEntry], settings: StartSettings) -> int:
    """Runs nodes until SIGINT, SIGTERM or a node's death; 0 where somebody asked for the end, else 1."""
    stopping = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda received, frame: stopping.set())
    with RunningGraph(nodes, settings) as running:
        deaths = running.wait(stopping)
    for death in deaths:
        print(f"{death}: stopped the graph", file=sys.stderr)
    return 1 if deaths else 0


def start(
    graph: tyro.conf.Positional[str],
    only: tuple[str, ...] = (),
    set: tuple[str, ...] = (),
    domain_id: int | None = None,
    namespace: str = NAMESPACE,
    network: bool = False,
    parameters: str = "",
    arg: tuple[str, ...] = (),
    log_level: str = "",
) -> int:
    """Start a graph's nodes and keep them running.

    Args:
        graph: robot, sim or camera.
        only: the nodes to start, where the others run elsewhere; all where none is named.
        set: parameters of nodes, each as node.parameter=value.
        domain_id: ROS_DOMAIN_ID of the graph.
        namespace: of all nodes.
        network: let other machines see the graph; the simulation does not need it.
        parameters: YAML file that wins over the package's own.
        arg: the launch files' arguments, each as name=value, e.g. onboard_image=/camera/image_raw/compressed.
        log_level: debug, info, warn, error or fatal.
    """
    nodes = chosen(graph, only)
    settings = StartSettings(
        namespace=namespace,
        domain_id=domain_id,
        localhost_only=not network,
        parameters=parse_assignments(set),
        parameter_file=str(Path(parameters).resolve()) if parameters else "",
        arguments=parse_arguments(arg),
        log_level=log_level,
    )
    return run_graph(nodes, settings)


def main() -> None:
    """Entry point."""
    try:
        sys.exit(tyro.cli(start))
    except ContractError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
