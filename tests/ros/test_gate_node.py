import math
import signal

import pytest
from geometry_msgs.msg import Twist, TwistStamped
from xview_agent import topics
from xview_interfaces.msg import GateStatus

PATIENT = {"picture_timeout": 2.0, "heartbeat_timeout": 2.0}  # where a stall of the machine is not the subject
STATUS = (GateStatus, topics.GATE_STATUS)


def forward(command: TwistStamped) -> float:
    return command.twist.linear.x


def drive(probe) -> None:
    """Arms the gate and waits until the base is told to move; again where a busy machine made it stop."""
    probe.play_everything()
    probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    commands, statuses = probe.listen(TwistStamped, topics.CMD_VEL), probe.listen(*STATUS)

    def moves() -> bool:
        if statuses[-1][1].state != GateStatus.ARMED:
            probe.call(topics.ARM)
            statuses.append((0.0, probe.newest(*STATUS)))
        return forward(commands[-1][1]) > 0.3

    probe.until(lambda: commands, "velocities")
    probe.until(moves, "motion")


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


def test_a_dead_camera_gives_zeros_within_300_ms_and_driving_needs_a_new_arm(probe, start_node):
    start_node("gate")
    drive(probe)
    probe.silence("camera")
    died_s = probe.last_picture_s
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    start = len(commands)
    came_s, _ = probe.until(lambda: next((c for c in commands[start:] if c[1].twist == Twist()), None), "zero velocity")
    assert came_s - died_s < 0.3
    assert "picture is dead" in probe.gate(GateStatus.STOPPED).reason
    refusal = probe.call(topics.ARM)
    assert not refusal.success
    probe.play_camera()
    probe.newest(*STATUS, lambda s: 0 <= s.picture_age_ms < 100, "pictures again")
    assert probe.newest(TwistStamped, topics.CMD_VEL).twist == Twist()
    assert probe.call(topics.ARM).success
    probe.newest(TwistStamped, topics.CMD_VEL, lambda command: forward(command) > 0.3, "motion")


@pytest.mark.parametrize("source", ["policy", "operator"])
def test_silence_of_policy_or_operator_stops_with_the_reason(probe, start_node, source):
    start_node("gate", picture_timeout=2.0, heartbeat_timeout=1.0)
    drive(probe)
    probe.silence(source)
    reason = probe.gate(GateStatus.STOPPED).reason
    assert reason.startswith({"policy": "command is dead", "operator": "operator heartbeat is dead"}[source])


def test_a_command_that_is_not_a_number_stops(probe, start_node):
    start_node("gate", **PATIENT)
    drive(probe)
    probe.silence("policy")
    probe.command(math.nan)
    assert "not finite" in probe.gate(GateStatus.STOPPED).reason
    assert probe.newest(TwistStamped, topics.CMD_VEL).twist == Twist()


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
        ({"picture_timeout": "-1.0"}, "gate picture_timeout: expected a positive number"),
        ({"stamped_cmd_vel": "7"}, "parameter stamped_cmd_vel: expected bool"),
    ],
)
def test_senseless_parameters_end_the_gate_with_a_reason(start_node, parameters, message):
    gate = start_node("gate", **parameters)
    _, errors = gate.communicate(timeout=90)
    assert gate.returncode == 2
    assert message in errors
    assert "Traceback" not in errors
