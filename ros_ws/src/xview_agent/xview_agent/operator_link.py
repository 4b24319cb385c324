"""The graph as an operator drives it: `xview_deploy.console.robot.Robot` over topics and services.

The console's page and the trials' automatic operator both drive through here, so a goal is published in one way only.
The node that it is built on must be spun in another thread than the one that calls `arm` and `stop`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from rclpy.client import Client
from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from xview_deploy.console.robot import Answer, Frame, GateReport, PolicyReport
from xview_deploy.goal import CrossViewGoal
from xview_deploy.spec import Belief
from xview_interfaces.msg import CrossViewGoal as GoalMessage
from xview_interfaces.msg import GateStatus, PolicyStatus

from xview_agent import topics
from xview_agent.stamps import as_octets, nanoseconds, stamp_of
from xview_agent.subscriptions import tunable_subscription

SERVICE_S = 2.0  # longest wait for the gate's answer


class OperatorLink:
    """One robot's graph, seen from a node in its namespace."""

    def __init__(self, node: Node, third_person_cameras: tuple[str, ...]) -> None:
        self.onboard_camera = topics.ONBOARD
        self.third_person_cameras = third_person_cameras
        self._node = node
        self._frames: dict[str, Frame] = {}
        self._policy: PolicyReport | None = None
        self._gate: GateReport | None = None
        self._goal = node.create_publisher(GoalMessage, topics.GOAL, topics.LATCHED_QOS)
        self._heartbeat = node.create_publisher(Header, topics.OPERATOR_HEARTBEAT, topics.NEWEST_QOS)
        self._arm: Client = node.create_client(Trigger, topics.ARM)
        self._stop: Client = node.create_client(Trigger, topics.STOP)
        self._inputs = [
            *(self._listen_to(camera) for camera in (self.onboard_camera, *third_person_cameras)),
            node.create_subscription(PolicyStatus, topics.POLICY_STATUS, self._on_policy, topics.NEWEST_QOS),
            node.create_subscription(GateStatus, topics.GATE_STATUS, self._on_gate, topics.LATCHED_QOS),
        ]

    def close(self) -> None:
        """Leaves the graph; whoever still calls is answered as if it were silent."""
        for subscription in self._inputs:
            self._node.destroy_subscription(subscription)
        for publisher in (self._goal, self._heartbeat):
            self._node.destroy_publisher(publisher)
        for client in (self._arm, self._stop):
            self._node.destroy_client(client)

    def _listen_to(self, camera: str) -> Subscription:
        def keep(picture: CompressedImage) -> None:
            before = self._frames.get(camera)
            number = 1 if before is None else before.number + 1
            self._frames[camera] = Frame(camera, number, nanoseconds(picture.header.stamp), bytes(picture.data))

        return tunable_subscription(self._node, CompressedImage, topics.image_topic(camera), keep, topics.CAMERA_QOS)

    def _on_policy(self, status: PolicyStatus) -> None:
        x0, y0, x1, y1 = (float(side) for side in status.box)
        belief = Belief(float(status.visible), _pair(status.point), (x0, y0, x1, y1), _pair(status.bearing))
        self._policy = PolicyReport(
            state=status.state,
            message=status.message,
            goal_id=status.goal_id,
            event=status.event,
            policy=status.policy,
            events=tuple(status.events),
            provider=status.provider,
            belief=belief,
            inference_ms=status.inference_ms,
            picture_age_ms=status.picture_age_ms,
            step=status.step,
            received_s=time.monotonic(),
        )

    def _on_gate(self, status: GateStatus) -> None:
        self._gate = GateReport(
            state=status.state,
            reason=status.reason,
            picture_age_ms=status.picture_age_ms,
            command_age_ms=status.command_age_ms,
            heartbeat_age_ms=status.heartbeat_age_ms,
            forward_m_s=status.output.linear.x,
            left_m_s=status.output.linear.y,
            yaw_rad_s=status.output.angular.z,
            received_s=time.monotonic(),
        )

    def now_ns(self) -> int:
        """Now on the node's clock, which stamps the pictures too."""
        return int(self._node.get_clock().now().nanoseconds)

    def frame(self, camera: str) -> Frame | None:
        """The newest picture of that camera."""
        return self._frames.get(camera)

    def policy(self) -> PolicyReport | None:
        """The policy's newest report."""
        return self._policy

    def gate(self) -> GateReport | None:
        """The gate's newest report."""
        return self._gate

    def send_goal(self, goal: CrossViewGoal) -> Answer:
        """Publishes the goal, stamped as its picture was."""
        message = GoalMessage(id=goal.id, event=goal.event.value, source_camera=goal.source_camera)
        message.header.stamp = stamp_of(goal.stamp_ns)
        message.header.frame_id = f"{goal.source_camera}_optical_frame"
        jpeg, png = goal.encode()
        for part, data, kind in ((message.image, jpeg, "jpeg"), (message.mask, png, "png")):
            part.header, part.format, part.data = message.header, kind, as_octets(data)
        self._goal.publish(message)
        return Answer(True, f"goal {goal.id} sent")

    def arm(self) -> Answer:
        """Asks the gate to let commands pass."""
        return self._call(self._arm)

    def stop(self) -> Answer:
        """Asks the gate for zeros from now on."""
        return self._call(self._stop)

    def heartbeat(self) -> None:
        """Tells the gate that the operator is there at this moment."""
        self._heartbeat.publish(Header(stamp=self._node.get_clock().now().to_msg(), frame_id="operator"))

    def _call(self, client: Client) -> Answer:
        """The gate's answer; not ok where none comes in time."""
        if not client.wait_for_service(timeout_sec=SERVICE_S):
            return Answer(False, f"expected the gate's service {client.srv_name}, found none: does the gate run?")
        answered = threading.Event()
        call = client.call_async(Trigger.Request())
        call.add_done_callback(lambda _: answered.set())
        if not answered.wait(SERVICE_S):
            return Answer(False, f"expected an answer of {client.srv_name} within {SERVICE_S:g} s, got none")
        response = call.result()
        if response is None:
            return Answer(False, f"expected an answer of {client.srv_name}, got none: was the gate ended?")
        return Answer(bool(response.success), str(response.message))


def _pair(numbers: Iterable[float]) -> tuple[float, float]:
    x, y = (float(number) for number in numbers)
    return x, y
