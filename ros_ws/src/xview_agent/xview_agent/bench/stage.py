"""A whole robot and its operator on this machine, to do things to: each node a process that may be killed.

Simulated base, camera, gate, policy and console run as on a robot, with its cautious settings, the console on a
network of its own where the machine allows it. This process is the road from the base's sensors to the graph
(`xview_agent.bench.senses`), the operator's browser, from which her heartbeats come, and a second operator beside
the robot, who sends goals and arms. A random policy that mostly walks ahead drives slowly through a simulated room: it
moves whatever it sees. Knows no fault.

    with Stage(folder) as stage:
        stage.drive()
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from xview_deploy.console.robot import GateReport
from xview_deploy.goal import CrossViewGoal
from xview_deploy.safety.gate_settings import GateSettings
from xview_deploy.spec import ContractError, Event

from xview_agent import topics
from xview_agent.bench.network import Network, Networks
from xview_agent.bench.page import Page
from xview_agent.bench.senses import ROBOT_ODOMETRY, ROBOT_PICTURE, SOURCE_CAMERA_INFO, SOURCE_PICTURE, Senses
from xview_agent.bench.stepped_clock import SteppedClock
from xview_agent.domains import free_domain_id
from xview_agent.headless import WITHOUT_END
from xview_agent.operator_link import OperatorLink
from xview_agent.stamps import stamp_of
from xview_agent.starter import NodeDeath, RunningGraph, StartSettings, chosen
from xview_agent.trial_room import RosTrialRoom

START_S = 90.0  # longest wait for nodes to start, on a busy machine
POLL_S = 0.01
ROOM_SEED, DIFFICULTY = 0, "near"
GATE = GateSettings(odometry_required=True)
STATED = (  # of these settings, that parameters are set to
    "odometry_required",
    "picture_timeout",
    "picture_frozen_timeout",
    "velocity_timeout",
    "heartbeat_timeout",
    "odometry_frozen_timeout",
    "goal_timeout",
)
BASE_TIMEOUT_S = 0.5  # of the base's own controller
ONBOARD_HZ = 20.0
# Half the usual speed, and hardly a turn: seconds of steady motion.
MAPPING = """
base: {kind: mecanum, keys: [forward]}
motion: {kind: velocities, meters_per_block: 0.25, walk_gain: 0.45, turn_gain: 0.05}
"""
FRESH_MS = {"picture_age_ms": 200.0, "command_age_ms": 500.0, "heartbeat_age_ms": 500.0}


class Stage:
    """Everything runs from `with` to its end. ContractError where it does not start."""

    def __init__(self, folder: Path, gate: Mapping[str, Any] | None = None, apart: bool = True) -> None:
        """folder: for logs. gate: further parameters of it.

        apart: the operator on a network of her own and a clock that can be stepped, where the machine allows it.
        """
        self.folder = folder
        self.domain_id = free_domain_id()
        self.clock: SteppedClock | None = None
        self.clockless = ""  # why the robot's clock cannot be stepped
        stated = {name: getattr(GATE, name) for name in STATED}
        self._gate = {**stated, "action_mapping": str(folder / "mapping.yaml"), **(gate or {})}
        self._apart = apart
        self._port = free_port()
        self._goals = 0
        self._killed: set[str] = set()
        self._stack = ExitStack()

    def __enter__(self) -> Stage:
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _build(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "mapping.yaml").write_text(MAPPING)
        if self._apart:
            try:
                self.clock = SteppedClock(self.folder)
            except ContractError as error:
                self.clockless = str(error)
        self.networks = self._stack.enter_context(Networks(self._apart))
        self.graphs = {name: self._start(name, graph) for name, graph in self._described().items()}
        with _environment(self.networks.robot.environment):
            self.networks.robot.run(self._join)
        self.open_page()
        self._stack.callback(lambda: self.page.close())

    def _described(self) -> dict[str, tuple[str, dict[str, Any], dict[str, str]]]:
        """Of each node: its graph, its parameters, its arguments."""
        driver = {"onboard_image": ROBOT_PICTURE, "onboard_camera_info": SOURCE_CAMERA_INFO, "odom": ROBOT_ODOMETRY}
        room = {"seed": ROOM_SEED, "difficulty": DIFFICULTY, "cmd_vel_timeout": BASE_TIMEOUT_S}
        rates = {"onboard_rate": ONBOARD_HZ, "third_person_rate": 0.1}
        walk = {"policy": "forward_biased_random", "action_mapping": self._gate["action_mapping"], **WITHOUT_END}
        return {
            "twin": ("sim", {**room, **rates}, driver),
            "camera": ("camera", {}, {"source": "topic", "path": SOURCE_PICTURE}),
            "gate": ("robot", self._gate, {}),
            "policy": ("robot", walk, {}),
            "console": ("robot", {"port": self._port}, {}),
        }

    def _start(self, name: str, described: tuple[str, dict[str, Any], dict[str, str]]) -> RunningGraph:
        kind, parameters, arguments = described
        network = self._network_of(name)
        clock = self.clock.environment if self.clock and network is self.networks.robot and name != "console" else {}
        settings = StartSettings(
            domain_id=self.domain_id,
            parameters={name: parameters},
            arguments=arguments,
            environment={**network.environment, **clock},
            log_folder=self.folder,
        )
        graph = RunningGraph(chosen(kind, (name,)), settings)
        network.run(graph.__enter__)
        self._stack.callback(graph.stop)
        return graph

    def _join(self) -> None:
        """Becomes a node of the robot's graph."""
        context = Context()
        rclpy.init(context=context, domain_id=self.domain_id)
        self._stack.callback(lambda: rclpy.shutdown(context=context))
        self.node = Node("stage", namespace=topics.NAMESPACE, context=context)
        self._stack.callback(self.node.destroy_node)
        self.senses, self.link = Senses(self.node), OperatorLink(self.node, ())
        self._room = RosTrialRoom(self.node)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(self.node)
        self._stack.callback(executor.shutdown)
        threading.Thread(target=_spin, args=(executor,), daemon=True).start()

    def _network_of(self, node: str) -> Network:
        return self.networks.operator if node == "console" else self.networks.robot

    # What the operators do.

    def open_page(self) -> None:
        """Opens the operator's page: heartbeats go out while it is open."""
        address = f"ws://127.0.0.1:{self._port}/ws"
        self.page = self.networks.operator.run(lambda: Page(address, START_S))

    def send_goal(self, age_s: float = 0.0) -> None:
        """A new goal, marked on a picture that was taken so long ago."""
        self._goals += 1
        picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        mask = np.zeros((64, 64), bool)
        mask[20:40, 20:40] = True
        stamp_ns = self.now_ns() - int(age_s * 1e9)
        goal = CrossViewGoal(self.goal_id, Event.APPROACH, picture, mask, stamp_ns, "third_person")
        self.link.send_goal(goal)

    def drive(self) -> None:
        """Puts the robot at the start of its room, arms as an operator does, and waits until it moves."""
        self._room.load(ROOM_SEED, DIFFICULTY)
        if not self._goals:
            self.send_goal()
        said = [""]

        def moves() -> bool:
            if not self.armed:
                said[0] = self.link.arm().message
            return self.armed and self.senses.moves

        self.until(moves, lambda: f"motion; the gate: {said[0]}")

    # What is to be seen.

    def now_ns(self) -> int:
        """Now on the robot's clock."""
        step_s = self.clock.step_s if self.clock else 0.0
        return self.link.now_ns() + int(step_s * 1e9)

    def stamp(self) -> Time:
        """The same as a message's stamp."""
        return stamp_of(self.now_ns())

    @property
    def goal_id(self) -> str:
        """Of the newest goal."""
        return f"goal-{self._goals}"

    @property
    def gate(self) -> GateReport | None:
        """What the gate says now; None where it is silent."""
        report = self.link.gate()
        return report if report is not None and time.monotonic() - report.received_s < 0.5 else None

    @property
    def armed(self) -> bool:
        """Whether the gate lets commands pass."""
        return self.gate is not None and self.gate.state == "armed"

    @property
    def whole(self) -> bool:
        """Whether everything that must come does come."""
        gate = self.gate
        return gate is not None and all(0 <= getattr(gate, name) < most for name, most in FRESH_MS.items())

    def until(self, condition: Callable[[], object], what: Callable[[], str], deadline_s: float = START_S) -> None:
        """Waits until that is so; ContractError with `what` was waited for where it never is, or a node is dead."""
        end_s = time.monotonic() + deadline_s
        while not condition():
            if deaths := self.deaths():
                raise ContractError(f"expected {what()}, but {deaths[0]} (logs in {self.folder})")
            if time.monotonic() > end_s:
                raise ContractError(f"expected within {deadline_s:g} s: {what()} (logs in {self.folder})")
            time.sleep(POLL_S)

    def deaths(self) -> list[NodeDeath]:
        """The nodes that ended, but for those that were killed here."""
        return [death for graph in self.graphs.values() for death in graph.deaths() if death.name not in self._killed]

    # What happens to it.

    def kill(self, name: str) -> None:
        """Ends a node's process by SIGKILL: no farewell."""
        process = self.graphs[name].processes[name]
        self._killed.add(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def restart(self, name: str) -> None:
        """Starts the node of that name again."""
        self._network_of(name).run(lambda: self.graphs[name].restart(name))
        self._killed.remove(name)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """With these variables for this process, while a participant is made that reads them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _spin(executor: SingleThreadedExecutor) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        return
