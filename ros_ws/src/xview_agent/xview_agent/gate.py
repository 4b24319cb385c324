"""The safety gate as a node: the last one before the base.

Turns messages into ages and calls `xview_deploy.safety`; the rules are written there. It knows neither goals
nor policies. It ticks on the steady clock, so that a simulated clock that stands still cannot keep it silent.

    ros2 run xview_agent gate --ros-args -r __ns:=/xview --params-file robot.yaml
"""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from xview_deploy.safety import GateSettings, GateState, SafetyGate, Source
from xview_deploy.spec import ContractError
from xview_deploy.velocity import STILL, Velocity, VelocityLimits
from xview_interfaces.msg import GateStatus, PolicyCommand

from xview_agent import topics
from xview_agent.command_message import as_twist, as_velocity
from xview_agent.diagnostics import ERROR, OK, WARN, diagnostic_array
from xview_agent.parameters import declared
from xview_agent.running import FarewellNode, run
from xview_agent.stamps import age_s

LEVELS = {GateState.DISARMED: WARN, GateState.ARMED: OK, GateState.STOPPED: ERROR}


class GateNode(FarewellNode):
    """Passes the policy's commands to the base while all is well, zeros otherwise."""

    def __init__(self) -> None:
        super().__init__("gate")
        self._gate = SafetyGate(gate_settings(self))
        self._stamped = declared(self, "stamped_cmd_vel", True, "publish TwistStamped rather than Twist")
        self._frame = declared(self, "base_frame", "base_link", "frame of the velocities")
        status_hz = declared(self, "status_frequency", 10.0, "Hz, of the status")
        if status_hz <= 0.0:
            raise ContractError(f"parameter status_frequency: expected a positive number, got {status_hz}")
        self._reported_state: GateState | None = None
        self._output = STILL
        self._create_outputs()
        self._create_inputs()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / self._gate.settings.smoothing_frequency, self._tick, clock=steady)
        self.create_timer(1.0 / status_hz, self._report, clock=steady)
        self.create_timer(1.0, self._diagnose, clock=steady)

    def _create_outputs(self) -> None:
        kind = TwistStamped if self._stamped else Twist
        self._cmd_vel = self.create_publisher(kind, topics.CMD_VEL, topics.NEWEST_QOS)
        self._status = self.create_publisher(GateStatus, topics.GATE_STATUS, topics.LATCHED_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, topics.DIAGNOSTICS, 10)

    def _create_inputs(self) -> None:
        self.create_subscription(
            CompressedImage,
            topics.image_topic(topics.ONBOARD),
            lambda picture: self._gate.on_picture(age_s(picture.header.stamp, self.get_clock()), time.monotonic()),
            topics.CAMERA_QOS,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.create_subscription(PolicyCommand, topics.COMMAND, self._on_command, topics.NEWEST_QOS)
        self.create_subscription(
            Header,
            topics.OPERATOR_HEARTBEAT,
            lambda beat: self._gate.on_heartbeat(age_s(beat.stamp, self.get_clock()), time.monotonic()),
            topics.NEWEST_QOS,
        )
        self.create_service(Trigger, topics.ARM, self._on_arm)
        self.create_service(Trigger, topics.STOP, self._on_stop)

    def _on_command(self, command: PolicyCommand) -> None:
        velocity = as_velocity(command.velocity)
        picture_age_s = age_s(command.header.stamp, self.get_clock())
        self._gate.on_command(velocity, picture_age_s, time.monotonic())
        self._tick()  # at once: a period of the smoothing is a delay that no policy was trained with

    def _on_arm(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        refusal = self._gate.arm(time.monotonic())
        response.success = not refusal
        response.message = f"not armed: {refusal}" if refusal else "armed"
        self._tick()
        return response

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._gate.stop("stopped by the operator")
        self._tick()
        response.success = True
        response.message = f"stopped: {self._gate.reason(time.monotonic())}"
        return response

    def _tick(self) -> None:
        self._publish(self._gate.output(time.monotonic()))
        if self._gate.state is not self._reported_state:
            self._report()
            self._diagnose()

    def _publish(self, velocity: Velocity) -> None:
        self._output = velocity
        twist = as_twist(velocity)
        if not self._stamped:
            self._cmd_vel.publish(twist)
            return
        stamped = TwistStamped(twist=twist)
        stamped.header.stamp = self.get_clock().now().to_msg()
        stamped.header.frame_id = self._frame
        self._cmd_vel.publish(stamped)

    def _report(self) -> None:
        now_s = time.monotonic()
        state, reason = self._gate.state, self._gate.reason(now_s)
        if state is not self._reported_state:
            self.get_logger().info(f"{state.value}: {reason}" if reason else state.value)
            self._reported_state = state
        status = GateStatus(state=state.value, armed=state is GateState.ARMED, reason=reason)
        status.header.stamp = self.get_clock().now().to_msg()
        status.header.frame_id = self._frame
        status.picture_age_ms = age_ms(self._gate.picture, now_s)
        status.command_age_ms = age_ms(self._gate.command, now_s)
        status.heartbeat_age_ms = age_ms(self._gate.heartbeat, now_s)
        status.output = as_twist(self._output)
        self._status.publish(status)

    def _diagnose(self) -> None:
        now_s = time.monotonic()
        sources = (self._gate.picture, self._gate.command, self._gate.heartbeat)
        values = {f"{source.name} age, ms": f"{age_ms(source, now_s):.0f}" for source in sources}
        state = self._gate.state
        message = self._gate.reason(now_s) or state.value
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(
            diagnostic_array(stamp, self.get_fully_qualified_name(), LEVELS[state], message, values)
        )

    def farewell(self) -> None:
        """Zeros, delivered: a base that keeps its last command must not keep a velocity."""
        self._gate.stop("the gate is shutting down")
        self._tick()
        self._cmd_vel.wait_for_all_acked(Duration(seconds=0.5))


def gate_settings(node: FarewellNode) -> GateSettings:
    """The gate's settings from the node's parameters, under the names that Nav2 uses where it has one."""
    limits, gate = VelocityLimits(), GateSettings()
    described = {
        "max_velocity": "[x, y, theta], m/s, m/s, rad/s",
        "min_velocity": "[x, y, theta], not positive",
        "max_accel": "[x, y, theta], m/s2, m/s2, rad/s2, away from zero",
        "max_decel": "[x, y, theta], negative, towards zero",
    }
    axes = {
        name: tuple(declared(node, name, list(getattr(limits, name)), description))
        for name, description in described.items()
    }
    described = {
        "smoothing_frequency": "Hz, of the velocities",
        "picture_timeout": "s, oldest picture to drive by",
        "velocity_timeout": "s, longest silence of the policy",
        "heartbeat_timeout": "s, oldest heartbeat of the operator to drive by",
        "command_picture_timeout": "s, oldest picture that a command may answer",
        "future_tolerance": "s, that a stamp may lie ahead of this clock",
    }
    times = {name: declared(node, name, getattr(gate, name), description) for name, description in described.items()}
    return GateSettings(limits=VelocityLimits(**axes), **times)


def age_ms(source: Source, now_s: float) -> float:
    """Age for a status message: milliseconds, negative before the first."""
    age = source.age_s(now_s)
    return -1.0 if age is None else age * 1000.0


def main() -> None:
    """Entry point."""
    run(GateNode)


if __name__ == "__main__":
    main()
