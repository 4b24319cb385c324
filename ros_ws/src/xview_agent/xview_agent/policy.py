"""The policy as a node: onboard pictures and a goal in, commands for the gate out.

Turns messages into bytes and ages and calls `xview_deploy.pursuit`. It answers a picture the moment it comes, at
the rate that the policy was trained at, and stamps its command with that picture's stamp. While the gate is
not armed the robot does not act out what was decided, so nothing is remembered.

    ros2 run xview_agent policy --ros-args -r __ns:=/xview -p policy:=forward_biased_random
"""

from __future__ import annotations

import time

import numpy as np
from builtin_interfaces.msg import Time
from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.parameter import Parameter
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger
from xview_deploy.actions import ActionMapping
from xview_deploy.goal import CrossViewGoal
from xview_deploy.onnx_policy import OnnxPolicy
from xview_deploy.pacing import Pacer
from xview_deploy.policy import Policy
from xview_deploy.pursuit import REFUSED, Outcome, Pursuit, PursuitSettings
from xview_deploy.random_policy import ForwardBiasedRandomPolicy, RandomPolicy
from xview_deploy.robot_command import STAND
from xview_deploy.shipped import bundle_path
from xview_deploy.spec import ContractError
from xview_interfaces.msg import CrossViewGoal as GoalMessage
from xview_interfaces.msg import GateStatus, PolicyCommand, PolicyStatus

from xview_agent import topics
from xview_agent.command_message import command_message
from xview_agent.graph import configuration_file
from xview_agent.parameters import declared
from xview_agent.running import FarewellNode, run
from xview_agent.stamps import age_s, nanoseconds

BUNDLE, RANDOM, FORWARD_BIASED_RANDOM = "bundle", "random", "forward_biased_random"
GOAL_VERSION = 1


class PolicyNode(FarewellNode):
    """Pursues the newest goal with the chosen policy."""

    def __init__(self) -> None:
        super().__init__("policy")
        self._bundle = declared(self, "bundle", "", "path of the policy's bundle; empty: the shipped one")
        self._require_gpu = declared(self, "require_gpu", False, "refuse to run the bundle on the CPU")
        seed = declared(self, "seed", 0, "of the sampling of actions")
        mapping = declared(self, "action_mapping", "mecanum.yaml", "how the base acts out the keys: YAML file")
        settings = PursuitSettings(
            picture_timeout=declared(self, "picture_timeout", 0.2, "s, oldest picture to decide by"),
            temperature=declared(self, "temperature", 1.0, "of the sampling; 0: the most likely action"),
        )
        self._picture: CompressedImage | None = None
        self._goal_id = self._goal_event = ""
        self._goal_stamp = Time()
        self._gate_holds = False
        self._commanded = STAND
        self._timer: Timer | None = None
        self._pursuit = Pursuit(
            self._make_policy(self._declare_policy()),
            ActionMapping.load(configuration_file(mapping)),
            settings,
            np.random.default_rng(seed),
        )
        self._create_topics()
        self._start_timer()
        self.add_on_set_parameters_callback(self._on_parameters)

    def _declare_policy(self) -> str:
        choices = f"{BUNDLE}, {RANDOM} or {FORWARD_BIASED_RANDOM}"
        descriptor = ParameterDescriptor(description=f"{choices}; may change while it runs")
        return str(self.declare_parameter("policy", BUNDLE, descriptor).value)

    def _make_policy(self, kind: str) -> Policy:
        if kind == BUNDLE:
            return OnnxPolicy.load(bundle_path(self._bundle), require_gpu=self._require_gpu)
        if kind == RANDOM:
            return RandomPolicy()
        if kind == FORWARD_BIASED_RANDOM:
            return ForwardBiasedRandomPolicy()
        raise ContractError(f"parameter policy: expected {BUNDLE}, {RANDOM} or {FORWARD_BIASED_RANDOM}, got {kind!r}")

    def _create_topics(self) -> None:
        overrides = QoSOverridingOptions.with_default_policies()
        self._command = self.create_publisher(PolicyCommand, topics.COMMAND, topics.NEWEST_QOS)
        self._status = self.create_publisher(PolicyStatus, topics.POLICY_STATUS, topics.NEWEST_QOS)
        self.create_subscription(
            CompressedImage,
            topics.image_topic(topics.ONBOARD),
            self._on_picture,
            topics.CAMERA_QOS,
            qos_overriding_options=overrides,
        )
        self.create_subscription(
            GoalMessage, topics.GOAL, self._on_goal, topics.LATCHED_QOS, qos_overriding_options=overrides
        )
        self.create_subscription(GateStatus, topics.GATE_STATUS, self._on_gate_status, topics.LATCHED_QOS)
        self.create_service(Trigger, topics.RESET_MEMORY, self._on_reset_memory)

    def _start_timer(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._pacer = Pacer(1.0 / self._pursuit.policy.actions.rate_hz)
        self._timer = self.create_timer(self._pacer.period_s, self._miss_pictures, clock=steady)

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == "policy":
                try:
                    self._pursuit.use(self._make_policy(str(parameter.value)))
                except ContractError as error:
                    return SetParametersResult(successful=False, reason=str(error))
                self._start_timer()
        return SetParametersResult(successful=True)

    def _on_picture(self, picture: CompressedImage) -> None:
        self._picture = picture
        if self._pacer.take(time.monotonic()):
            self._decide()

    def _miss_pictures(self) -> None:
        """Without pictures there is nothing to decide by: say so, again and again."""
        if self._pacer.overdue(time.monotonic()):
            self._decide()

    def _on_gate_status(self, status: GateStatus) -> None:
        self._gate_holds = not status.armed

    def _on_goal(self, message: GoalMessage) -> None:
        self._goal_id, self._goal_event, self._goal_stamp = message.id, message.event, message.header.stamp
        try:
            self._pursuit.pursue(decode_goal(message))
        except ContractError as error:
            self._pursuit.refuse(str(error))
            self.get_logger().error(f"goal {message.id!r} refused: {error}")
        else:
            self.get_logger().info(f"goal {message.id!r}: {message.event} on {message.source_camera}")
        self._pacer.restart()
        self._decide()

    def _on_reset_memory(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._pursuit.reset()
        response.success, response.message = True, "memory emptied"
        return response

    def _decide(self) -> None:
        picture, stamp_ns, picture_age_s = self._picture, 0, 0.0
        if picture is not None:
            stamp_ns = nanoseconds(picture.header.stamp)
            picture_age_s = age_s(picture.header.stamp, self.get_clock())
        if self._gate_holds:
            self._pursuit.reset()
        data = None if picture is None else bytes(picture.data)
        outcome = self._pursuit.decide(data, stamp_ns, picture_age_s)
        self._publish_command(outcome, picture)
        self._publish_status(outcome, picture)

    def _publish_command(self, outcome: Outcome, picture: CompressedImage | None) -> None:
        command = outcome.command
        if outcome.state == REFUSED and self._commanded != STAND:
            command = STAND  # once: else the base would keep the last command until the gate misses the next
        if picture is None or command is None:
            return
        decided = self.get_clock().now().to_msg()
        self._command.publish(command_message(command, picture.header, decided, self._goal_id, self._goal_stamp))
        self._commanded = command

    def _publish_status(self, outcome: Outcome, picture: CompressedImage | None) -> None:
        policy = self._pursuit.policy
        status = PolicyStatus(
            goal_id=self._goal_id,
            event=self._goal_event,
            policy=policy.name,
            provider=policy.provider,
            state=outcome.state,
            message=outcome.message,
            step=self._pursuit.step,
        )
        if picture is not None:
            status.header = picture.header
            status.picture_age_ms = age_s(picture.header.stamp, self.get_clock()) * 1000.0
        if outcome.decision is not None:
            belief = outcome.decision.belief
            status.visible, status.inference_ms = belief.visible, outcome.decision.ms
            status.point, status.box, status.bearing = belief.point, belief.box, belief.bearing
        self._status.publish(status)


def decode_goal(message: GoalMessage) -> CrossViewGoal:
    """The checked goal; ContractError says what was expected."""
    if message.version != GOAL_VERSION:
        raise ContractError(f"goal version: expected {GOAL_VERSION}, got {message.version}")
    return CrossViewGoal.decode(
        id=message.id,
        event=message.event,
        image=bytes(message.image.data),
        mask=bytes(message.mask.data),
        stamp_ns=nanoseconds(message.header.stamp),
        source_camera=message.source_camera,
    )


def main() -> None:
    """Entry point."""
    run(PolicyNode)


if __name__ == "__main__":
    main()
