"""The safety gate as a node: the last one before the base.

Turns messages into ages and calls `xview_deploy.safety.gate`; the rules are written there. It loads no policy and
judges no goal but by its age. It ticks on the steady clock, so that a simulated clock that stands still cannot keep it
silent, and is alive from its first moment: no manager of life cycles can forbid it to say zero.
"""

from __future__ import annotations

import hashlib
import time

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType, ROSClock
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.safety.freshness import Source
from xview_deploy.safety.gate import Answered, GateState, SafetyGate
from xview_deploy.spec import ContractError
from xview_interfaces.msg import CrossViewGoal, GateStatus, PolicyCommand

from xview_agent import topics
from xview_agent.command_message import as_twist, read_command
from xview_agent.diagnostics import ERROR, OK, WARN, diagnostic_array
from xview_agent.gate_actuators import CameraJoints, TriggerCalls
from xview_agent.gate_parameters import GateParameters
from xview_agent.gate_sensors import GateSensors
from xview_agent.graph import configuration_file
from xview_agent.parameters import declared
from xview_agent.running import FarewellNode, run
from xview_agent.stamps import age_s
from xview_agent.subscriptions import tunable_subscription

LEVELS = {GateState.DISARMED: WARN, GateState.ARMED: OK, GateState.STOPPED: ERROR}
GOODBYE_S = 0.5  # for the last zero to arrive


class GateNode(FarewellNode):
    """Passes the policy's commands to the robot while all is well, zeros otherwise."""

    def __init__(self) -> None:
        super().__init__("gate")
        mapping = declared(self, "action_mapping", "mecanum.yaml", "what kind of robot this is: the policy's YAML file")
        self._stamped = declared(self, "stamped_cmd_vel", True, "publish TwistStamped rather than Twist")
        self._frame = declared(self, "base_frame", "base_link", "frame of the velocities")
        self._yields = declared(
            self, "yield_when_still", False, "fall silent once odometry confirms a stop, so that others may drive"
        )
        status_hz = declared(self, "status_frequency", 10.0, "Hz, of the status", low=0.1, high=100.0)
        sensors = GateSensors(self)
        robot = ActionMapping.load(configuration_file(mapping))
        self._settings = GateParameters(self, robot, sensors.has_deadman, sensors.has_ranging)
        self._gate = SafetyGate(self._settings.settings)
        self._reported_state: GateState | None = None
        self._output = STILL
        self._create_outputs(robot)
        self._create_inputs(sensors)
        self.add_on_set_parameters_callback(self._on_parameters)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._period_s = 1.0 / self._gate.settings.smoothing_frequency
        self.create_timer(self._period_s, self._on_period, clock=steady)
        self.create_timer(1.0 / status_hz, self._report, clock=steady)
        self.create_timer(1.0, self._diagnose, clock=steady)

    def _create_outputs(self, robot: ActionMapping) -> None:
        kind = TwistStamped if self._stamped else Twist
        self._cmd_vel = self.create_publisher(kind, topics.CMD_VEL, topics.NEWEST_QOS)
        self._joints = CameraJoints(self, robot)
        self._triggers = TriggerCalls(self, robot)
        self._status = self.create_publisher(GateStatus, topics.GATE_STATUS, topics.LATCHED_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, topics.DIAGNOSTICS, 10)

    def _create_inputs(self, sensors: GateSensors) -> None:
        onboard = topics.image_topic(topics.ONBOARD)
        tunable_subscription(self, CompressedImage, onboard, self._on_picture, topics.CAMERA_QOS)
        tunable_subscription(self, CrossViewGoal, topics.GOAL, self._on_goal, topics.LATCHED_QOS)
        self.create_subscription(PolicyCommand, topics.COMMAND, self._on_command, topics.NEWEST_QOS)
        self.create_subscription(Header, topics.OPERATOR_HEARTBEAT, self._on_heartbeat, topics.NEWEST_QOS)
        sensors.listen(self._gate, self._now_s)
        self.create_service(Trigger, topics.ARM, self._on_arm)
        self.create_service(Trigger, topics.STOP, self._on_stop)

    def _now_s(self) -> float:
        """The steady clock's time; the gate learns on the way what the stamping clock says."""
        now_s, clock = time.monotonic(), self.get_clock()
        simulated = isinstance(clock, ROSClock) and clock.ros_time_is_active
        self._gate.on_clock(clock.now().nanoseconds * 1e-9, now_s, simulated)
        return now_s

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            settings = self._settings.changed({parameter.name: parameter.value for parameter in parameters})
        except ContractError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings.settings = settings
        self._gate.use(settings)
        return SetParametersResult(successful=True)

    def _on_picture(self, picture: CompressedImage) -> None:
        now_s = self._now_s()
        digest = hashlib.blake2b(picture.data, digest_size=16).digest()
        self._gate.on_picture(age_s(picture.header.stamp, self.get_clock()), now_s, digest)

    def _on_heartbeat(self, beat: Header) -> None:
        now_s = self._now_s()
        self._gate.on_heartbeat(age_s(beat.stamp, self.get_clock()), now_s)

    def _on_goal(self, goal: CrossViewGoal) -> None:
        now_s = self._now_s()
        self._gate.on_goal(goal.id, age_s(goal.header.stamp, self.get_clock()), now_s)
        self._tick()

    def _on_command(self, command: PolicyCommand) -> None:
        now_s, clock = self._now_s(), self.get_clock()
        answered = Answered(
            picture_age_s=age_s(command.header.stamp, clock),
            decided_age_s=age_s(command.decided, clock),
            goal_id=command.goal_id,
            goal_age_s=age_s(command.goal_stamp, clock),
        )
        if self._gate.on_command(read_command(command), answered, now_s):
            self._triggers.press(command.presses, now_s)
        self._tick()  # at once: a period of the smoothing is a delay that no policy was trained with

    def _on_arm(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        refusal = self._gate.arm(self._now_s())
        response.success = not refusal
        response.message = f"not armed: {refusal}" if refusal else "armed"
        self._tick()
        return response

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        now_s = time.monotonic()
        self._gate.stop("stopped by the operator", now_s)
        self._tick()
        response.success = True
        response.message = f"stopped: {self._gate.reason(now_s)}"
        return response

    def _on_period(self) -> None:
        self._tick()
        self._joints.turn(self._gate.camera_rate(time.monotonic()), self._period_s)

    def _tick(self) -> None:
        now_s = self._now_s()
        self._output = self._gate.output(now_s)
        if not (self._yields and self._gate.base_confirms_stop(now_s)):
            self._publish(self._output)
        if self._gate.state is not GateState.ARMED:
            self._triggers.release()
        if self._gate.state is not self._reported_state:
            self._report()
            self._diagnose()

    def _publish(self, velocity: Velocity) -> None:
        twist = as_twist(velocity)
        if not self._stamped:
            self._cmd_vel.publish(twist)
            return
        stamped = TwistStamped(twist=twist)
        stamped.header.stamp = self.get_clock().now().to_msg()
        stamped.header.frame_id = self._frame
        self._cmd_vel.publish(stamped)

    def _report(self) -> None:
        now_s, gate = time.monotonic(), self._gate
        state, reason = gate.state, gate.reason(now_s)
        if state is not self._reported_state:
            self.get_logger().info(f"{state.value}: {reason}" if reason else state.value)
            self._reported_state = state
        status = GateStatus(
            state=state.value,
            armed=state is GateState.ARMED,
            reason=reason,
            picture_age_ms=age_ms(gate.picture, now_s),
            command_age_ms=age_ms(gate.command, now_s),
            heartbeat_age_ms=age_ms(gate.heartbeat, now_s),
            odometry_age_ms=age_ms(gate.base.source, now_s),
            base=gate.base.state(now_s, gate.settings).value,
            goal_id=gate.goal.shown,
            output=as_twist(self._output),
        )
        status.header.stamp = self.get_clock().now().to_msg()
        status.header.frame_id = self._frame
        self._status.publish(status)

    def _diagnose(self) -> None:
        now_s, gate = time.monotonic(), self._gate
        sources = (gate.picture, gate.command, gate.heartbeat, gate.base.source, gate.joystick, gate.obstacles)
        values = {f"{source.name} age, ms": f"{age_ms(source, now_s):.0f}" for source in sources}
        values |= {"base": gate.base.state(now_s, gate.settings).value, "goal": gate.goal.shown}
        state = gate.state
        message = gate.reason(now_s) or state.value
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(
            diagnostic_array(stamp, self.get_fully_qualified_name(), LEVELS[state], message, values)
        )

    def farewell(self) -> None:
        """Zeros, delivered: a base that keeps its last command must not keep a velocity."""
        self._gate.stop("the gate is shutting down", time.monotonic())
        self._tick()
        self._cmd_vel.wait_for_all_acked(Duration(seconds=GOODBYE_S))


def age_ms(source: Source, now_s: float) -> float:
    """Age for a status message: milliseconds, negative before the first."""
    age = source.age_s(now_s)
    return -1.0 if age is None else age * 1000.0


def main() -> None:
    """Entry point."""
    run(GateNode)


if __name__ == "__main__":
    main()
