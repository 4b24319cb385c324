"""The policy as a node: onboard pictures and a goal in, commands for the gate out.

Turns messages into bytes and ages and calls `xview_deploy.pursuit.pursuit`. It answers a picture the moment it comes,
at the rate that the policy was trained at, and stamps its command with that picture's stamp. While the gate is
not armed the robot does not act out what was decided, so nothing is remembered.

A goal comes on the topic `policy/goal` or by the action `pursue`, and is treated the same; only a client of the
action is told how it ended. A goal replaces the one before and stops the robot: whoever armed it for the first target
has not agreed to the second.

    ros2 run xview_agent policy --ros-args -r __ns:=/xview -p policy:=forward_biased_random
"""

from __future__ import annotations

import time

import numpy as np
from nav_msgs.msg import Odometry
from rcl_interfaces.msg import SetParametersResult
from rclpy.client import Client
from rclpy.clock import Clock, ClockType
from rclpy.parameter import Parameter
from rclpy.timer import Timer
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.robot_command import STAND
from xview_deploy.pursuit.outcome import Ending, PursuitLimits, StopCondition, Verdict
from xview_deploy.pursuit.pursuit import ENDED, REFUSED, Outcome, Pursuit
from xview_deploy.runtime.pacing import Pacer
from xview_deploy.spec import ContractError
from xview_interfaces.action import Pursue
from xview_interfaces.msg import CrossViewGoal as GoalMessage
from xview_interfaces.msg import GateStatus, PolicyCommand

from xview_agent import topics
from xview_agent.command_message import command_message
from xview_agent.goal_message import read_goal
from xview_agent.graph import configuration_file
from xview_agent.managed import ManagedNode
from xview_agent.onboard_lens import OnboardLens
from xview_agent.parameters import declared
from xview_agent.policy_choice import PolicyChoice
from xview_agent.policy_parameters import Thresholds
from xview_agent.policy_reports import PolicyReporter, feedback_message
from xview_agent.pursue_server import PursueServer
from xview_agent.running import run
from xview_agent.stamps import age_s, nanoseconds, pose_of
from xview_agent.subscriptions import tunable_subscription

CONFIRMATION_S = 0.5  # for the gate to stop by itself where a goal is replaced, with the better reason


class PolicyNode(ManagedNode):
    """Pursues the newest goal with the chosen policy."""

    def __init__(self) -> None:
        super().__init__("policy")
        self._choice = PolicyChoice(self)
        self._seed = declared(self, "seed", 0, "of the sampling of actions", low=0, high=2**31 - 1)
        self._mapping = declared(self, "action_mapping", "mecanum.yaml", "how the base acts out the keys: YAML file")
        self._base_frame = declared(self, "base_frame", "base_link", "frame of the belief's markers")
        self._lens = OnboardLens(self)
        self._thresholds = Thresholds.declared(self)
        self.add_on_set_parameters_callback(self._on_parameters)

    def configure(self) -> None:
        """Loads the bundle: all that may fail."""
        limits = self._thresholds
        self._pursuit = Pursuit(
            self._choice.make(self._choice.kind),
            ActionMapping.load(configuration_file(self._mapping)),
            limits.pursuit,
            np.random.default_rng(self._seed),
            StopCondition(limits.stop, limits.motion),
        )
        self._command = self.create_publisher(PolicyCommand, topics.COMMAND, topics.NEWEST_QOS)
        self._reporter = PolicyReporter(self, self._base_frame, self._pursuit)
        self._stop_gate: Client = self.create_client(Trigger, topics.STOP)
        self._server = PursueServer(self, lambda: self.active, self._on_action_goal, self._on_cancel)

    def activate(self) -> None:
        """Listens and decides from now on; a goal that waits on its topic is taken up."""
        self._lens.watch(self._pursuit)
        self._picture: CompressedImage | None = None
        self._goal = GoalMessage()
        self._armed: bool | None = None  # None: no gate has spoken yet
        self._held_s: float | None = None  # since when it commands to stand until the gate says that it stopped
        self._commanded = STAND
        self._timer: Timer | None = None
        self._start_timer()
        onboard = topics.image_topic(topics.ONBOARD)
        self._inputs = [
            tunable_subscription(self, CompressedImage, onboard, self._on_picture, topics.CAMERA_QOS),
            tunable_subscription(self, Odometry, topics.ODOMETRY, self._on_odometry, topics.CAMERA_QOS),
            self.create_subscription(GateStatus, topics.GATE_STATUS, self._on_gate_status, topics.LATCHED_QOS),
            tunable_subscription(self, GoalMessage, topics.GOAL, self._on_goal, topics.LATCHED_QOS),
        ]
        self._reset_memory = self.create_service(Trigger, topics.RESET_MEMORY, self._on_reset_memory)

    def deactivate(self) -> None:
        """Stops the robot, if it was on its way, and decides no more."""
        if self._armed and self._pursuit.goal is not None:
            self._stop_robot()
        self._end(Verdict(Ending.STOPPED, "the policy was deactivated"))
        self._pursuit.forget_goal()
        self._lens.leave()
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self.destroy_service(self._reset_memory)
        if self._timer is not None:
            self.destroy_timer(self._timer)
        self._reporter.rest()

    def cleanup(self) -> None:
        """Frees the bundle."""
        self._server.destroy()
        self._reporter.destroy()
        self.destroy_client(self._stop_gate)
        self.destroy_publisher(self._command)
        del self._pursuit

    def _start_timer(self) -> None:
        if self._timer is not None:
            self.destroy_timer(self._timer)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._pacer = Pacer(1.0 / self._pursuit.policy.actions.rate_hz)
        self._timer = self.create_timer(self._pacer.period_s, self._miss_pictures, clock=steady)

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        values = {parameter.name: parameter.value for parameter in parameters}
        try:
            thresholds = self._thresholds.changed(values)
            if "policy" in values:
                self._change_policy(str(values["policy"]))
        except ContractError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if thresholds != self._thresholds:
            self._thresholds = thresholds
            if self.configured:
                self._pursuit.settings = thresholds.pursuit
                self._pursuit.stop.use(thresholds.stop, thresholds.motion)
        return SetParametersResult(successful=True)

    def _change_policy(self, kind: str) -> None:
        policy = self._choice.make(kind)
        if self.configured:
            self._pursuit.use(policy)
        if self.active:
            self._start_timer()
        self._choice.kind = kind

    def _on_picture(self, picture: CompressedImage) -> None:
        self._picture = picture
        if self._pacer.take(time.monotonic()):
            self._decide()

    def _miss_pictures(self) -> None:
        """Without pictures there is nothing to decide by: say so, again and again."""
        if self._pacer.overdue(time.monotonic()):
            self._decide()

    def _on_odometry(self, odometry: Odometry) -> None:
        self._pursuit.stop.on_odometry(pose_of(odometry), time.monotonic())

    def _on_gate_status(self, status: GateStatus) -> None:
        if self._held_s is not None and status.armed:
            if time.monotonic() - self._held_s > CONFIRMATION_S:
                self._call_stop()
            return
        surprised = self._armed and not status.armed and self._held_s is None
        self._armed, self._held_s = status.armed, None
        if surprised and self._server.busy:
            # Whoever waits for this goal decides anew; an operator at the console arms again and drives on.
            # The gate may have heard of the next goal before this node has: it is the same replacement.
            if status.goal_id not in ("", self._goal.id):
                self._end(Verdict(Ending.REPLACED, f"by goal {status.goal_id!r} on the topic"))
            else:
                self._end(Verdict(Ending.STOPPED, f"by the gate: {status.reason}"))

    def _on_goal(self, message: GoalMessage) -> None:
        self._server.end(Verdict(Ending.REPLACED, f"by goal {message.id!r} on the topic"))
        self._pursue(message, PursuitLimits())

    def _on_action_goal(self, request: Pursue.Goal) -> None:
        try:
            limits = PursuitLimits(request.timeout_s, request.lost_timeout_s, request.stuck_timeout_s)
        except ContractError as error:
            self._take(request.goal)
            self._refuse(error)
        else:
            self._pursue(request.goal, limits)

    def _take(self, message: GoalMessage) -> None:
        """The goal that is spoken of from now on. The gate stops a robot whose goal is replaced."""
        if self._goal.id and message.id != self._goal.id:
            self._hold()
        self._goal = message

    def _pursue(self, message: GoalMessage, limits: PursuitLimits) -> None:
        self._take(message)
        try:
            goal, goal_age_s = read_goal(message), age_s(message.header.stamp, self.get_clock())
            self._pursuit.pursue(goal, goal_age_s, time.monotonic(), limits)
        except ContractError as error:
            self._refuse(error)
            return
        self.get_logger().info(f"goal {message.id!r}: {message.event} on {message.source_camera}")
        self._pacer.restart()
        self._decide()

    def _refuse(self, error: ContractError) -> None:
        self._pursuit.refuse(str(error))
        self.get_logger().error(f"goal {self._goal.id!r} refused: {error}")
        self._decide()
        self._server.end(Verdict(Ending.REFUSED, str(error)))

    def _on_cancel(self) -> None:
        self._stop_robot()
        self._end(Verdict(Ending.STOPPED, "cancelled by the client"))

    def _on_reset_memory(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._pursuit.reset()
        response.success, response.message = True, "memory emptied"
        return response

    def _end(self, verdict: Verdict) -> None:
        self._pursuit.end(verdict)
        self._server.end(verdict)

    def _hold(self) -> None:
        """Commands to stand until the gate says that it stopped."""
        self._held_s = time.monotonic() if self._armed else None

    def _stop_robot(self) -> None:
        """To stand at once, and the gate to stop until somebody arms it again."""
        self._hold()
        if self._picture is not None:
            self._publish_command(Outcome(ENDED, command=STAND), self._picture.header)
        self._call_stop()

    def _call_stop(self) -> None:
        if self._stop_gate.service_is_ready():
            self._stop_gate.call_async(Trigger.Request())  # the gate's status is its answer

    def _decide(self) -> None:
        picture = self._picture
        header, data = (Header(), None) if picture is None else (picture.header, bytes(picture.data))
        picture_age_s = 0.0 if picture is None else age_s(header.stamp, self.get_clock())
        if self._armed is False:
            self._pursuit.reset()
        acting = self._armed is True and self._held_s is None
        self._lens.before_picture()
        outcome = self._pursuit.decide(data, nanoseconds(header.stamp), picture_age_s, time.monotonic(), acting)
        if picture is not None:
            picture_age_s = age_s(header.stamp, self.get_clock())  # at the decision, before anybody acts on it
            self._publish_command(outcome, header)
        self._lens.after_picture()
        self._tell(outcome, header, picture_age_s)
        if outcome.state == ENDED and self._pursuit.verdict is not None:
            self._server.end(self._pursuit.verdict)

    def _publish_command(self, outcome: Outcome, picture: Header) -> None:
        command = outcome.command
        if outcome.state == REFUSED and self._commanded != STAND:
            command = STAND  # once: else the base would keep the last command until the gate misses the next
        if command is None:
            return
        if self._held_s is not None:
            command = STAND
        decided = self.get_clock().now().to_msg()
        goal = self._goal
        self._command.publish(command_message(command, picture, decided, goal.id, goal.header.stamp))
        self._commanded = command

    def _tell(self, outcome: Outcome, picture: Header, picture_age_s: float) -> None:
        self._reporter.tell(outcome, self._goal, picture, picture_age_s)
        if self._server.busy:
            feedback = feedback_message(outcome, picture, picture_age_s, armed=self._armed is True)
            self._server.feedback(feedback, decided=outcome.decision is not None)


def main() -> None:
    """Entry point."""
    run(PolicyNode)


if __name__ == "__main__":
    main()
