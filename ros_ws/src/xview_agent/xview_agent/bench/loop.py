"""How long the graph takes from a picture's stamp to the velocity that answers it, beside inference alone.

Policy and gate run as the processes that they are on a robot; this process plays camera, operator and base, and
between two pictures runs the policy's decision by itself: same picture, same machine, same minute. It knows
nothing of what the nodes do.

    xview bench loop --json FILE
    xview bench loop --minutes 30   # soak: memory, age and dropped pictures over time
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import cv2
import numpy as np
import rclpy
from geometry_msgs.msg import TwistStamped
from numpy.typing import NDArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import decode_picture, encode_jpeg
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.shipped import bundle_path
from xview_deploy.spec import ContractError, Event
from xview_interfaces.msg import PolicyStatus

from xview_agent import topics
from xview_agent.bench.loop_report import LoopReport, median, percentile
from xview_agent.bench.memory import resident_mib
from xview_agent.domains import free_domain_id
from xview_agent.operator_link import OperatorLink
from xview_agent.stamps import jpeg_message, nanoseconds
from xview_agent.starter import RunningGraph, StartSettings, chosen, localhost_environment

WIDTH_PX, HEIGHT_PX = 640, 480
START_S = 60.0  # longest wait for the graph to drive
ANSWER_SHARE = 0.6  # of a period after the picture: by then its velocity has come, and inference alone may run
WARM_UP = 10  # pictures that are not counted: libraries and connections are made at the first
# At the rate of the decisions a single late picture would be too old for the usual limit.
PATIENCE = {
    "gate": {"picture_timeout": 0.5, "command_picture_timeout": 0.5},
    "policy": {"picture_timeout": 0.5},
}


def scene(seed: int = 0) -> NDArray[np.uint8]:
    """A picture with shapes and a camera's grain: uint8 (480, 640, 3) RGB. Its JPEG weighs what a room's does."""
    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), 130, np.uint8)
    for _ in range(60):
        x, y, w, h = (int(v) for v in rng.integers(0, (WIDTH_PX, HEIGHT_PX, 160, 120)))
        color = [int(v) for v in rng.integers(0, 256, 3)]
        cv2.rectangle(picture, (x, y), (x + w, y + h), color, -1)
    grain = rng.normal(0, 3, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def goal_of(picture: NDArray[np.uint8], stamp_ns: int) -> CrossViewGoal:
    """Approach the middle of the picture."""
    mask = np.zeros(picture.shape[:2], bool)
    mask[200:280, 280:360] = True
    return CrossViewGoal("bench", Event.APPROACH, picture, mask, stamp_ns, "third_person")


class LoopProbe:
    """Camera, operator and base of the graph under test, in one node."""

    def __init__(self, node: Node) -> None:
        self.link = OperatorLink(node, ())
        self.stamps_ns: list[int] = []
        self.velocities_ns: list[int] = []  # stamps of cmd_vel
        self.decided_ns: dict[int, int] = {}  # picture's stamp -> when its command was made
        self._node = node
        self._jpegs = [encode_jpeg(scene(seed)) for seed in range(8)]
        self._pictures = node.create_publisher(CompressedImage, topics.image_topic(topics.ONBOARD), topics.CAMERA_QOS)
        node.create_subscription(TwistStamped, topics.CMD_VEL, self._on_velocity, topics.NEWEST_QOS)
        node.create_subscription(PolicyStatus, topics.POLICY_STATUS, self._on_status, topics.NEWEST_QOS)

    def publish_picture(self) -> None:
        """One more picture, stamped now."""
        jpeg = self._jpegs[len(self.stamps_ns) % len(self._jpegs)]
        stamp = self._node.get_clock().now().to_msg()
        self.stamps_ns.append(nanoseconds(stamp))
        self._pictures.publish(jpeg_message(jpeg, stamp, "onboard_optical_frame"))

    def _on_velocity(self, velocity: TwistStamped) -> None:
        self.velocities_ns.append(nanoseconds(velocity.header.stamp))

    def _on_status(self, status: PolicyStatus) -> None:
        if status.state == "running":
            taken_ns = nanoseconds(status.header.stamp)
            self.decided_ns.setdefault(taken_ns, taken_ns + int(status.picture_age_ms * 1e6))

    def latencies_ms(self, first: int, last: int) -> list[float]:
        """Of pictures first to last - 1, those that were answered: the first velocity after its command was made.

        The gate also publishes on a beat of its own; a command is made after the status' age was taken, so a
        beat that falls between the two can at most shorten a figure by their distance.
        """
        found = []
        velocities = np.array(self.velocities_ns)
        for stamp_ns in self.stamps_ns[first:last]:
            decided_ns = self.decided_ns.get(stamp_ns)
            at = len(velocities) if decided_ns is None else int(np.searchsorted(velocities, decided_ns))
            if at < len(velocities):
                found.append((velocities[at] - stamp_ns) / 1e6)
        return found


class InferenceAlone:
    """The same decision without a graph: what the graph's time is measured against."""

    def __init__(self, bundle: str) -> None:
        self.policy = OnnxPolicy.load(bundle_path(bundle))
        self.ms: list[float] = []
        self._rng = np.random.default_rng(0)
        self._picture = decode_picture(encode_jpeg(scene()))
        goal = goal_of(scene(), 0)
        self.policy.set_goal(goal.image, goal.mask, goal.event)

    def decide(self) -> None:
        """One decision on a decoded picture."""
        started = time.perf_counter()
        self.policy.act(self._picture, rng=self._rng)
        self.ms.append((time.perf_counter() - started) * 1e3)


def measure(seconds: float, bundle: str = "") -> LoopReport:
    """Runs the graph for that long; ContractError where it does not drive."""
    os.environ.update(localhost_environment())
    domain_id = free_domain_id()
    parameters: dict[str, dict[str, Any]] = {**PATIENCE, "policy": {**PATIENCE["policy"], "bundle": bundle}}
    alone = InferenceAlone(bundle)
    with RunningGraph(
        chosen("robot", ("gate", "policy")), StartSettings(domain_id=domain_id, parameters=parameters)
    ) as graph:
        context = Context()
        rclpy.init(context=context, domain_id=domain_id)
        node = Node("bench", namespace=topics.NAMESPACE, context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        spinning = threading.Thread(target=executor.spin, daemon=True)
        try:
            return _drive(LoopProbe(node), alone, graph, spinning, seconds)
        finally:
            executor.shutdown()
            node.destroy_node()
            rclpy.shutdown(context=context)


def _drive(
    probe: LoopProbe, alone: InferenceAlone, graph: RunningGraph, spinning: threading.Thread, seconds: float
) -> LoopReport:
    spinning.start()
    period_s = 1.0 / alone.policy.actions.rate_hz
    probe.link.send_goal(goal_of(scene(), probe.link.now_ns()))
    beat = Beat(probe, alone, period_s)
    _until_armed(probe, beat)
    beat.run(WARM_UP)
    first, alone.ms[:], memory = len(probe.stamps_ns), [], resident_mib(graph)
    minutes, begun, stops = [], first, 0
    for _ in range(max(1, round(seconds / 60.0))):
        beat.run(round(min(60.0, seconds) / period_s))
        minutes.append(_minute(probe, graph, begun))
        begun = len(probe.stamps_ns)
        if not _armed(probe):
            stops += 1
            _until_armed(probe, beat)
    return _report(probe, alone, first, stops, memory, resident_mib(graph), minutes)


class Beat:
    """Pictures at the policy's rate, heartbeats, and the decision alone in the pause between them."""

    def __init__(self, probe: LoopProbe, alone: InferenceAlone, period_s: float) -> None:
        self._probe, self._alone, self._period_s = probe, alone, period_s

    def run(self, pictures: int) -> None:
        """So many pictures."""
        next_s = time.monotonic()
        for _ in range(pictures):
            self._probe.publish_picture()
            self._probe.link.heartbeat()
            time.sleep(self._period_s * ANSWER_SHARE)
            self._alone.decide()
            next_s = max(next_s + self._period_s, time.monotonic())
            time.sleep(max(0.0, next_s - time.monotonic()))


def _armed(probe: LoopProbe) -> bool:
    gate = probe.link.gate()
    return gate is not None and gate.state == "armed"


def _until_armed(probe: LoopProbe, beat: Beat) -> None:
    deadline_s = time.monotonic() + START_S
    answer = "no answer yet"
    while time.monotonic() < deadline_s:
        beat.run(5)
        answer = probe.link.arm().message
        beat.run(2)
        if _armed(probe):
            return
    raise ContractError(f"the gate would not arm within {START_S:g} s: {answer}")


def _minute(probe: LoopProbe, graph: RunningGraph, begun: int) -> dict[str, float]:
    pictures = len(probe.stamps_ns) - begun
    latencies = probe.latencies_ms(begun, begun + pictures)
    return {
        "pictures": pictures,
        "dropped": pictures - len(latencies),
        "loop_ms_median": median(latencies),
        "loop_ms_p99": percentile(latencies, 99),
        "mib": sum(resident_mib(graph).values()),
    }


def _report(
    probe: LoopProbe,
    alone: InferenceAlone,
    first: int,
    stops: int,
    memory: dict[str, float],
    memory_end: dict[str, float],
    minutes: list[dict[str, float]],
) -> LoopReport:
    latencies = probe.latencies_ms(first, len(probe.stamps_ns))
    inference = median(alone.ms)
    return LoopReport(
        pictures=len(probe.stamps_ns) - first,
        answered=len(latencies),
        stops=stops,
        loop_ms_median=median(latencies),
        loop_ms_p99=percentile(latencies, 99),
        inference_ms_median=inference,
        inference_ms_p99=percentile(alone.ms, 99),
        added_ms_median=median(latencies) - inference,
        added_ms_p99=percentile(latencies, 99) - inference,
        node_mib_start=memory,
        node_mib_end=memory_end,
        minutes=minutes,
    )
