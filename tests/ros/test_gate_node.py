"""The gate's node: arming and stopping, its end, its parameters, a robot that drives by steps."""

import signal
import time

import pytest
from driven_gate_node import PATIENT, STATUS, drive, forward
from geometry_msgs.msg import Twist, TwistStamped
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory
from xview_agent import topics
from xview_interfaces.msg import GateStatus, PolicyCommand


def test_nothing_moves_until_it_is_armed(probe, start_node):
    start_node("gate")
    probe.play_everything()
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    status = probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    assert status.state == GateStatus.DISARMED
    probe.until(lambda: len(commands) >= 20, "zeros")
    assert all(command.twist == Twist() for _, command in commands)
    assert probe.call(topics.ARM).success
    probe.newest(TwistStamped, topics.CMD_VEL, lambda command: forward(command) > 0.3, "motion")
    assert max(forward(command) for _, command in commands) <= 0.5


def test_arming_is_refused_with_the_reason_while_the_operator_is_absent(probe, start_node):
    start_node("gate")
    probe.play_camera()
    probe.play_base()
    probe.play_policy()
    missing = "no operator heartbeat has come yet"
    probe.newest(*STATUS, lambda s: s.reason == missing, "only the operator missing")
    answer = probe.call(topics.ARM)
    assert not answer.success
    assert missing in answer.message


def test_the_operator_stops_at_once(probe, start_node):
    start_node("gate", **PATIENT)
    drive(probe)
    answer = probe.call(topics.STOP)
    assert answer.success
    assert answer.message == "stopped: stopped by the operator"
    assert probe.newest(*STATUS).state == GateStatus.STOPPED
    assert probe.newest(TwistStamped, topics.CMD_VEL).twist == Twist()


def test_sigint_ends_the_gate_with_zeros_and_status_0(probe, start_node):
    gate = start_node("gate", **PATIENT)
    drive(probe)
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    gate.send_signal(signal.SIGINT)
    probe.until(lambda: gate.poll() is not None, "end of the gate")
    assert gate.returncode == 0
    probe.until(lambda: commands[-1][1].twist == Twist(), "a last zero")
    assert probe.listen(*STATUS)[-1][1].reason == "the gate is shutting down"


def test_a_base_that_expects_twist_gets_twist(probe, start_node):
    start_node("gate", stamped_cmd_vel="false")
    assert probe.newest(Twist, topics.CMD_VEL) == Twist()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_velocity": "[1.0, 2.0]"}, "max_velocity: expected 3 finite numbers"),
        ({"max_velocity": "fast"}, "parameter max_velocity: expected list like"),
        ({"picture_timeout": "-1.0"}, "parameter picture_timeout: expected 0.01 to 10, got -1.0"),
        ({"obstacle_source": "radar"}, "parameter obstacle_source: expected none, scan or cloud"),
        ({"action_mapping": "robot.yaml"}, "action mapping: expected fields of"),
        ({"stamped_cmd_vel": "7"}, "parameter stamped_cmd_vel: expected bool"),
    ],
)
def test_senseless_parameters_end_the_gate_with_a_reason(start_node, parameters, message):
    gate = start_node("gate", **parameters)
    _, errors = gate.communicate(timeout=90)
    assert gate.returncode == 2
    assert message in errors
    assert "Traceback" not in errors


def set_parameters(probe, **values) -> SetParametersResult:
    parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
    request = SetParametersAtomically.Request(parameters=parameters)
    return probe.call("gate/set_parameters_atomically", SetParametersAtomically, request).result


def test_limits_change_while_it_drives_all_or_none(probe, start_node):
    start_node("gate", **PATIENT)
    drive(probe)
    refused = set_parameters(probe, max_velocity=[0.1, 0.1, 0.1], picture_timeout=-1.0)
    assert not refused.successful
    assert "picture_timeout" in refused.reason
    assert not set_parameters(probe, max_accel=[1.0, -1.0, 1.0]).successful
    assert not set_parameters(probe, enable_button=3).successful
    assert forward(probe.newest(TwistStamped, topics.CMD_VEL)) > 0.3
    assert set_parameters(probe, max_velocity=[0.1, 0.1, 0.1]).successful
    probe.newest(TwistStamped, topics.CMD_VEL, lambda command: 0 < forward(command) <= 0.1, "a slower robot")


def test_the_robot_car_drives_a_step_tilts_its_camera_and_beeps_once_a_press(probe, start_node):
    start_node("gate", **PATIENT, velocity_timeout=2.0, action_mapping="robot_car.yaml")
    beeps = []

    def beep(request, response):
        beeps.append(time.time())
        response.success = True
        return response

    probe.node.create_service(Trigger, "beeper", beep)
    targets = probe.listen(JointTrajectory, topics.CAMERA_TRAJECTORY)
    keys = ["attack"]

    def step() -> None:
        command = PolicyCommand(goal_id=probe.goal_id, goal_stamp=probe.goal_stamp, presses=keys, hold_s=0.25)
        command.header.stamp = command.decided = probe.stamp()
        command.velocity.linear.x, command.camera_pitch = 0.4, 0.5
        probe.command_publisher.publish(command)

    probe.play_camera()
    probe.play_base()
    probe.play_operator()
    probe.command_publisher = probe.node.create_publisher(PolicyCommand, topics.COMMAND, topics.NEWEST_QOS)
    probe.every("policy", 0.5, step)
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    assert targets == []
    assert probe.call(topics.ARM).success
    probe.until(lambda: beeps and len(targets) > 10, "a beep and a camera that tilts")
    target = targets[-1][1]
    assert target.joint_names == ["camera_pitch_joint"]
    assert 0.0 < target.points[0].positions[0] <= 0.5
    probe.until(lambda: any(forward(c) > 0.2 for _, c in commands), "a step")
    moving = next(i for i, (_, c) in enumerate(commands) if forward(c) > 0.2)
    probe.until(lambda: any(c.twist == Twist() for _, c in commands[moving:]), "its end")
    assert probe.newest(*STATUS).armed
    assert len(beeps) == 1
    keys = []
    probe.newest(JointTrajectory, topics.CAMERA_TRAJECTORY)
    probe.until(lambda: time.time() - beeps[0] > 2.5, "a while without the key")
    keys = ["attack"]
    probe.until(lambda: len(beeps) == 2, "a second beep")
