"""What the gate makes of commands: their numbers, the picture and the goal that they answer, steps, the camera."""

import dataclasses
import math

import pytest
from driven_gate import AHEAD, LIMITS, PERIOD_S, command, drive, driving_gate, fed_gate
from xview_deploy.bases.robot_command import HELD, MAX_HOLD_S, CameraRate, RobotCommand
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.safety.gate import Answered, GateState, SafetyGate
from xview_deploy.safety.gate_settings import GateSettings


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_command_that_is_not_finite_stops(axis, value):
    gate, now_s = driving_gate()
    command(gate, AHEAD._replace(**{Velocity._fields[axis]: value}), 0.05, now_s)
    assert gate.output(now_s) == STILL
    assert gate.state is GateState.STOPPED
    assert "not finite" in gate.reason(now_s)


def test_a_command_that_answers_an_old_picture_is_refused_and_the_robot_slows_down():
    gate, now_s = driving_gate()
    for _ in range(5):
        now_s += PERIOD_S
        gate.on_picture(0.02, now_s)
        command(gate, AHEAD, 0.31, now_s)
        velocity = gate.output(now_s)
    assert velocity.x < AHEAD.x
    assert gate.state is GateState.ARMED
    for _ in range(15):
        now_s += PERIOD_S
        gate.on_picture(0.02, now_s)
        command(gate, AHEAD, 0.31, now_s)
        gate.output(now_s)
    assert gate.state is GateState.STOPPED
    assert "answers a picture 0.31 s old, allowed 0.30 s" in gate.reason(now_s)


def test_a_command_that_answers_a_picture_from_the_future_stops():
    gate, now_s = driving_gate()
    command(gate, AHEAD, -1.0, now_s)
    assert gate.state is GateState.STOPPED


def test_a_goal_that_is_replaced_in_motion_stops_and_its_commands_move_nothing_any_more():
    gate, now_s = driving_gate()
    gate.on_goal("b", 1.0, now_s)
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s) == "goal was replaced by 'b' while the robot drove"
    later_s = drive(gate, now_s, 1.0)
    assert "command pursues goal '', which 'b' replaced" in gate.arm(later_s)
    assert command(gate, AHEAD, 0.05, later_s, goal_id="b") is False
    assert gate.arm(later_s) == ""
    assert command(gate, AHEAD, 0.05, later_s, goal_id="b") is True


def test_the_same_goal_sent_again_stops_nothing():
    gate, now_s = driving_gate()
    gate.on_goal("", 1.0, now_s)
    assert gate.output(now_s) != STILL


def test_a_goal_that_the_policy_was_given_by_itself_becomes_the_present_one():
    gate, now_s = driving_gate()
    assert command(gate, AHEAD, 0.05, now_s, goal_id="action") is False
    assert gate.state is GateState.STOPPED
    assert gate.goal.id == "action"
    assert gate.arm(now_s) == ""


@pytest.mark.parametrize(
    ("age_s", "message"), [(700.0, "700.0 s old, allowed 600 s"), (-1.0, "in the future"), (math.nan, "nan s old")]
)
def test_a_goal_of_another_time_stops_and_cannot_be_armed_for(age_s, message):
    gate, now_s = driving_gate()
    gate.on_goal("old", age_s, now_s)
    assert gate.output(now_s) == STILL
    command(gate, AHEAD, 0.05, now_s, goal_id="old")
    assert message in gate.arm(now_s)
    gate.on_goal("new", 1.0, now_s)
    command(gate, AHEAD, 0.05, now_s, goal_id="new")
    assert gate.arm(now_s) == ""


def test_a_step_ends_by_itself_and_its_length_does_not_count_as_silence():
    gate = fed_gate()
    gate.arm(0.0)
    step = RobotCommand(Velocity(0.3, 0.0, 0.0), CameraRate(0.2, 0.0), hold_s=0.6)
    assert gate.on_command(step, Answered(0.05), 0.0)

    def others(gate: SafetyGate, now_s: float) -> None:
        gate.on_picture(0.02, now_s)
        gate.on_heartbeat(0.01, now_s)

    middle_s = drive(gate, 0.0, 0.5, others)
    assert gate.output(middle_s).x == pytest.approx(0.3)
    assert gate.camera_rate(middle_s) == (0.2, 0.0)
    over_s = drive(gate, middle_s, 0.6, others)
    assert gate.output(over_s).x == pytest.approx(0.0, abs=1e-3)
    assert gate.camera_rate(over_s) == HELD
    assert gate.state is GateState.ARMED
    silent_s = drive(gate, over_s, 0.6, others)
    assert gate.reason(silent_s).startswith("command is dead: none has come for 1.")


@pytest.mark.parametrize("decel", [-1.0, -2.0])
@pytest.mark.parametrize("jerk", [0.0, 10.0, 40.0])
@pytest.mark.parametrize("axis", range(3))
def test_a_step_is_as_long_as_it_was_asked_for_whatever_the_limits(decel, jerk, axis):
    limits = dataclasses.replace(LIMITS, max_decel=(decel,) * 3, max_jerk=(jerk,) * 3)
    gate = fed_gate(settings=GateSettings(limits=limits))
    gate.arm(0.0)
    asked = STILL._replace(**{Velocity._fields[axis]: -0.2})
    gate.on_command(RobotCommand(asked, hold_s=0.5), Answered(0.05), 0.0)
    path, now_s = 0.0, 0.0
    for tick in range(60):
        now_s = 0.99 * tick * PERIOD_S  # not quite the period that it reckons with
        gate.on_picture(0.02, now_s)
        gate.on_heartbeat(0.01, now_s)
        path += gate.output(now_s)[axis] * 0.99 * PERIOD_S
    assert path == pytest.approx(-0.1, rel=0.03)
    assert gate.output(now_s)[axis] == pytest.approx(0.0, abs=1e-3)


def test_a_step_that_is_stopped_half_way_is_not_driven_to_its_end_later():
    gate = fed_gate()
    gate.arm(0.0)
    gate.on_command(RobotCommand(Velocity(0.3, 0.0, 0.0), hold_s=1.0), Answered(0.05), 0.0)
    assert gate.output(PERIOD_S) != STILL
    gate.stop("enough", PERIOD_S)
    gate.arm(PERIOD_S)
    assert gate.output(2 * PERIOD_S) == STILL


@pytest.mark.parametrize("hold_s", [-0.1, MAX_HOLD_S + 0.1, math.nan, math.inf])
def test_a_step_of_senseless_length_stops(hold_s):
    gate, now_s = driving_gate()
    gate.on_command(RobotCommand(AHEAD, hold_s=hold_s), Answered(0.05), now_s)
    assert gate.output(now_s) == STILL
    assert gate.state is GateState.STOPPED


def test_the_camera_turns_only_while_the_robot_may_drive():
    gate = fed_gate()
    gate.on_command(RobotCommand(camera=CameraRate(0.1, 0.2)), Answered(0.05), 0.0)
    assert gate.camera_rate(0.0) == HELD
    gate.arm(0.0)
    assert gate.camera_rate(0.0) == (0.1, 0.2)
    gate.stop("enough", 0.0)
    assert gate.camera_rate(0.0) == HELD
