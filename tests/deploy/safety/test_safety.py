"""The gate without ROS: time is an argument, so nothing here waits."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.bases.robot_command import HELD, MAX_HOLD_S, CameraRate, RobotCommand
from xview_deploy.bases.velocity import STILL, Velocity, VelocityLimits
from xview_deploy.safety.base_watch import BaseState
from xview_deploy.safety.gate import Answered, GateState, SafetyGate
from xview_deploy.safety.gate_settings import GateSettings
from xview_deploy.spec import ContractError

LIMITS = VelocityLimits(
    max_velocity=(0.5, 0.3, 1.0),
    min_velocity=(-0.2, -0.3, -1.0),
    max_accel=(1.0, 1.0, 3.0),
    max_decel=(-2.0, -2.0, -6.0),
)
SETTINGS = GateSettings(limits=LIMITS)
PERIOD_S = 1 / SETTINGS.smoothing_frequency
AHEAD = Velocity(0.4, 0.0, 0.5)
AT_REST = (0.0, 0.0, 0.0)


def command(gate: SafetyGate, velocity: Velocity, picture_age_s: float, now_s: float, **fields) -> bool:
    return gate.on_command(RobotCommand(velocity), Answered(picture_age_s, **fields), now_s)


def fed_gate(now_s: float = 0.0, settings: GateSettings = SETTINGS) -> SafetyGate:
    gate = SafetyGate(settings)
    feed(gate, now_s)
    return gate


def feed(gate: SafetyGate, now_s: float, velocity: Velocity = AHEAD) -> None:
    gate.on_picture(0.02, now_s)
    gate.on_heartbeat(0.01, now_s)
    command(gate, velocity, 0.05, now_s)


def drive(gate: SafetyGate, start_s: float, seconds: float, feeding=feed) -> float:
    """Feeds and ticks for so long; the time afterwards."""
    for tick in range(1, round(seconds / PERIOD_S) + 1):
        now_s = start_s + tick * PERIOD_S
        feeding(gate, now_s)
        gate.output(now_s)
    return now_s


def driving_gate(settings: GateSettings = SETTINGS, feeding=feed) -> tuple[SafetyGate, float]:
    """Armed and at its commanded velocity, and the time of that."""
    gate = SafetyGate(settings)
    feeding(gate, 0.0)
    assert gate.arm(0.0) == ""
    return gate, drive(gate, 0.0, 2.0, feeding)


def test_nothing_moves_before_arming():
    gate = fed_gate()
    assert gate.state is GateState.DISARMED
    assert gate.output(PERIOD_S) == STILL
    assert "waiting for the operator" in gate.reason(PERIOD_S)


def test_arming_needs_picture_command_and_heartbeat_and_names_what_is_missing():
    gate = SafetyGate(SETTINGS)
    refusal = gate.arm(0.0)
    assert all(name in refusal for name in ("picture", "command", "heartbeat"))
    gate.on_picture(0.0, 0.0)
    command(gate, AHEAD, 0.0, 0.0)
    assert gate.arm(0.0) == "no operator heartbeat has come yet"
    gate.on_heartbeat(0.0, 0.0)
    assert gate.arm(0.0) == ""
    assert gate.state is GateState.ARMED


def test_armed_gate_reaches_the_command_without_exceeding_the_acceleration():
    gate = fed_gate()
    gate.arm(0.0)
    first = gate.output(PERIOD_S)
    assert first.x == pytest.approx(PERIOD_S * 1.0)
    gate, now_s = driving_gate()
    assert gate.output(now_s) == pytest.approx(AHEAD)


@pytest.mark.parametrize(
    ("silent", "timeout_s"),
    [("picture", SETTINGS.picture_timeout), ("command", 0.5), ("operator heartbeat", 1.0)],
)
def test_silence_of_any_source_stops_the_robot_and_says_which(silent, timeout_s):
    gate, start_s = driving_gate()
    now_s = start_s
    while now_s < start_s + timeout_s + PERIOD_S:
        now_s += PERIOD_S
        if silent != "picture":
            gate.on_picture(0.02, now_s)
        if silent != "command":
            command(gate, AHEAD, 0.05, now_s)
        if silent != "operator heartbeat":
            gate.on_heartbeat(0.01, now_s)
        velocity = gate.output(now_s)
    assert velocity == STILL
    assert gate.state is GateState.STOPPED
    assert gate.reason(now_s).startswith(f"{silent} is dead: none has come for ")


def test_a_dead_camera_gives_zeros_within_300_ms_of_its_last_picture():
    gate, start_s = driving_gate()
    now_s = start_s
    while gate.output(now_s) != STILL:
        now_s += PERIOD_S
        gate.on_heartbeat(0.0, now_s)
        command(gate, AHEAD, 0.05, now_s)
    assert now_s - (start_s - 0.02) < 0.3


def test_a_stop_is_latched_and_driving_needs_a_new_arm():
    gate, now_s = driving_gate()
    gate.stop("stopped by the operator", now_s)
    feed(gate, now_s)
    assert gate.output(now_s) == STILL
    gate.stop("another reason", now_s)
    assert gate.reason(now_s) == "stopped by the operator"
    assert gate.arm(now_s) == ""
    feed(gate, now_s + PERIOD_S)
    assert gate.output(now_s + PERIOD_S).x > 0


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


@pytest.mark.parametrize("source", ["on_picture", "on_heartbeat"])
def test_stamps_from_the_future_stop_beyond_the_tolerance(source):
    gate, now_s = driving_gate()
    getattr(gate, source)(-0.04, now_s)
    assert gate.output(now_s) != STILL
    getattr(gate, source)(-0.06, now_s)
    assert gate.output(now_s) == STILL
    assert "in the future" in gate.reason(now_s)


def test_a_command_that_answers_a_picture_from_the_future_stops():
    gate, now_s = driving_gate()
    command(gate, AHEAD, -1.0, now_s)
    assert gate.state is GateState.STOPPED


def test_queued_heartbeats_do_not_count_as_a_present_operator():
    gate = SafetyGate(SETTINGS)
    gate.on_picture(0.0, 0.0)
    command(gate, AHEAD, 0.0, 0.0)
    gate.on_heartbeat(5.0, 0.0)
    assert "operator heartbeat is late: the newest good one is 5.00 s old" in gate.arm(0.0)


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("max_velocity", (0.5, 0.5), "3 finite numbers"),
        ("max_velocity", (0.5, -0.5, 1.0), "max_velocity: expected positive numbers or 0"),
        ("min_velocity", (0.5, 0.0, 0.0), "min_velocity: expected negative numbers or 0"),
        ("max_accel", (0.0, 1.0, 1.0), "max_accel: expected positive"),
        ("max_decel", (2.0, 2.0, 2.0), "max_decel: expected negative"),
        ("max_accel", (math.nan, 1.0, 1.0), "3 finite numbers"),
    ],
)
def test_senseless_limits_are_refused(field, values, message):
    with pytest.raises(ContractError, match=message):
        VelocityLimits(**{field: values})


def test_senseless_timeouts_are_refused():
    with pytest.raises(ContractError, match="picture_timeout: expected a positive number"):
        GateSettings(picture_timeout=0.0)


anything = st.floats(allow_nan=True, allow_infinity=True)
ages = st.one_of(st.floats(-0.1, 1.0), st.sampled_from([0.0, 0.05]), anything)
axes = st.one_of(st.floats(-2, 2), anything)
happenings = st.one_of(
    st.tuples(st.just("picture"), ages),
    st.tuples(st.just("heartbeat"), ages),
    st.tuples(st.just("command"), axes, axes, axes, ages, st.sampled_from(["", "a", "b"])),
    st.tuples(st.just("goal"), st.sampled_from(["", "a", "b"]), st.one_of(st.just(1.0), anything)),
    st.tuples(st.just("odometry"), axes, ages),
    st.tuples(st.just("clock"), st.floats(-10, 10)),
    st.tuples(st.just("good")),
    st.tuples(st.just("arm")),
    st.tuples(st.just("stop")),
    st.tuples(st.just("wait"), st.floats(0, 2)),
)


def apply(gate: SafetyGate, happening: tuple, now_s: float) -> float:
    kind, *values = happening
    if kind == "picture":
        gate.on_picture(values[0], now_s)
    elif kind == "heartbeat":
        gate.on_heartbeat(values[0], now_s)
    elif kind == "command":
        command(gate, Velocity(*values[:3]), values[3], now_s, goal_id=values[4])
    elif kind == "goal":
        gate.on_goal(values[0], values[1], now_s)
    elif kind == "odometry":
        gate.on_odometry(Velocity(values[0], 0.0, 0.0), AT_REST, values[1], now_s)
    elif kind == "clock":
        gate.on_clock(now_s + values[0], now_s)
    elif kind == "good":
        feed(gate, now_s)
    elif kind == "arm":
        gate.arm(now_s)
    elif kind == "stop":
        gate.stop("stopped by the operator", now_s)
    return now_s + (values[0] if kind == "wait" else 0.01)


@settings(max_examples=80, deadline=None)
@given(st.lists(happenings, max_size=60))
def test_no_sequence_of_inputs_exceeds_a_limit_or_moves_a_robot_that_is_not_armed(sequence):
    gate, now_s, before = SafetyGate(SETTINGS), 100.0, STILL
    for happening in sequence:
        now_s = apply(gate, happening, now_s)
        velocity = gate.output(now_s)
        assert velocity.is_finite
        if gate.state is not GateState.ARMED:
            assert velocity == STILL
            assert gate.reason(now_s)
        for axis in range(3):
            assert LIMITS.min_velocity[axis] <= velocity[axis] <= LIMITS.max_velocity[axis]
            greatest = max(LIMITS.max_accel[axis], -LIMITS.max_decel[axis]) * 2 * PERIOD_S
            assert velocity == STILL or abs(velocity[axis] - before[axis]) <= greatest + 1e-9
        before = velocity


@settings(max_examples=80, deadline=None)
@given(st.lists(happenings, max_size=40))
def test_only_the_operator_ends_a_stop(sequence):
    gate, now_s = fed_gate(), 0.0
    gate.stop("stopped by the operator", now_s)
    for happening in sequence:
        if happening[0] != "arm":
            now_s = apply(gate, happening, now_s)
            assert gate.output(now_s) == STILL
            assert gate.state is GateState.STOPPED


# Dead, late, frozen, from the future, of a clock that jumps: told apart.


def test_a_late_camera_is_not_called_dead():
    gate, now_s = driving_gate()
    gate.on_picture(0.15, now_s + 0.1)
    assert gate.output(now_s + 0.1) != STILL
    gate.on_picture(0.25, now_s + 0.3)
    assert gate.output(now_s + 0.3) == STILL
    assert gate.reason(now_s + 0.3).startswith("picture is late: the newest good one is 0.25 s old, allowed 0.20 s")


@pytest.mark.parametrize("source", ["on_picture", "on_heartbeat"])
def test_stamps_that_jump_back_stop(source):
    gate, now_s = driving_gate()
    getattr(gate, source)(0.12, now_s + 0.01)
    assert gate.output(now_s + 0.01) == STILL
    assert "jumped in time: stamped 0." in gate.reason(now_s)


@pytest.mark.parametrize("step_s", [10.0, -10.0])
def test_a_stepped_clock_stops_and_is_named_and_driving_goes_on_after_a_new_arm(step_s):
    gate = fed_gate()
    for tick in range(3):
        gate.on_clock(1e9 + tick * PERIOD_S, tick * PERIOD_S)
    now_s = 2 * PERIOD_S
    assert gate.arm(now_s) == ""
    gate.on_clock(1e9 + now_s + step_s, now_s)
    gate.on_picture(step_s, now_s)  # one that was under way
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s).startswith(f"clock was stepped by {step_s:+.2f} s")
    feed(gate, now_s + 0.1)
    feed(gate, now_s + 0.2)
    gate.on_clock(1e9 + now_s + 0.2 + step_s, now_s + 0.2)
    assert gate.arm(now_s + 0.2) == ""


def frozen_camera(gate: SafetyGate, now_s: float) -> None:
    feed(gate, now_s)
    gate.on_picture(0.02, now_s, digest="the same")


def test_a_frozen_camera_stops_the_robot_within_its_timeout_once_the_robot_moves():
    gate, now_s = driving_gate()
    start_s = now_s
    while gate.output(now_s) != STILL:
        now_s += PERIOD_S
        frozen_camera(gate, now_s)
    assert now_s - start_s <= SETTINGS.picture_frozen_timeout + 2 * PERIOD_S
    assert gate.reason(now_s).startswith("picture is frozen: the same for 0.5")
    frozen_camera(gate, now_s + PERIOD_S)
    assert gate.arm(now_s + PERIOD_S) == ""  # what stands still cannot tell: a person's word counts, until it moves
    drive(gate, now_s + PERIOD_S, 0.6, frozen_camera)
    assert gate.state is GateState.STOPPED


def test_a_robot_that_stands_may_see_the_same_for_ever():
    gate = fed_gate(settings=SETTINGS)
    gate.arm(0.0)

    def nothing_new(gate: SafetyGate, now_s: float) -> None:
        feed(gate, now_s, STILL)
        gate.on_picture(0.02, now_s, digest="the same")

    drive(gate, 0.0, 20.0, nothing_new)
    assert gate.state is GateState.ARMED


def test_a_robot_that_pushes_in_vain_may_see_the_same_where_odometry_says_that_it_stands():
    gate, now_s = driving_gate()

    def stuck(gate: SafetyGate, now_s: float) -> None:
        frozen_camera(gate, now_s)
        gate.on_odometry(STILL, AT_REST, 0.01, now_s)

    drive(gate, now_s, 5.0, stuck)
    assert gate.state is GateState.ARMED


WITH_ODOMETRY = GateSettings(limits=LIMITS, odometry_required=True)


def moving_odometry(gate: SafetyGate, now_s: float) -> None:
    feed(gate, now_s)
    speed = STILL if gate.state is not GateState.ARMED else AHEAD
    gate.on_odometry(speed, (now_s, 0.0, 0.0), 0.01, now_s)


def test_required_odometry_must_be_there():
    assert "no odometry has come yet" in fed_gate(settings=WITH_ODOMETRY).arm(0.0)
    gate, now_s = driving_gate(WITH_ODOMETRY, moving_odometry)
    drive(gate, now_s, 0.6)
    assert gate.reason(now_s + 0.6).startswith("odometry is dead")


def test_odometry_that_does_not_change_while_motion_goes_out_is_frozen():
    gate, now_s = driving_gate(WITH_ODOMETRY, moving_odometry)

    def stuck(gate: SafetyGate, now_s: float) -> None:
        feed(gate, now_s)
        gate.on_odometry(STILL, AT_REST, 0.01, now_s)

    ended_s = drive(gate, now_s, 1.2, stuck)
    assert gate.state is GateState.STOPPED
    assert gate.reason(ended_s).startswith("odometry is frozen: the same for 1.0")
    assert gate.arm(ended_s) == ""


def test_odometry_that_is_no_number_stops_where_it_is_required():
    gate, now_s = driving_gate(WITH_ODOMETRY, moving_odometry)
    gate.on_odometry(Velocity(math.nan, 0.0, 0.0), AT_REST, 0.0, now_s)
    assert gate.output(now_s) == STILL
    assert "odometry is not finite" in gate.reason(now_s)


def test_odometry_confirms_a_stop_only_with_what_it_measured_since():
    gate, now_s = driving_gate(feeding=moving_odometry)
    gate.stop("enough", now_s)
    gate.on_odometry(STILL, AT_REST, 0.1, now_s)
    assert not gate.base_confirms_stop(now_s)
    gate.on_odometry(STILL, AT_REST, 0.0, now_s + 0.1)
    assert gate.base_confirms_stop(now_s + 0.1)
    assert gate.base.state(now_s + 0.1, gate.settings) is BaseState.STILL
    assert not gate.base_confirms_stop(now_s + 2.0)


def test_a_base_that_moves_on_after_a_stop_is_named_and_not_armed():
    gate, now_s = driving_gate(feeding=moving_odometry)
    gate.stop("enough", now_s)
    for tick in range(1, 30):
        feed(gate, now_s + tick * PERIOD_S)
        gate.on_odometry(AHEAD, AT_REST, 0.0, now_s + tick * PERIOD_S)
    now_s += 29 * PERIOD_S
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s) == "enough; the base moves though it is told to stand: 0.40 m/s, 0.50 rad/s"
    assert "the base moves" in gate.arm(now_s)


# Goals.


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


# Steps, the camera on the base, the joystick, what stands around.


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


WITH_DEADMAN = GateSettings(limits=LIMITS, deadman_required=True)


def with_button(gate: SafetyGate, now_s: float) -> None:
    feed(gate, now_s)
    gate.on_joystick(True, 0.01, now_s)


def test_a_released_deadman_button_stops_and_arming_needs_it_held():
    gate, now_s = driving_gate(WITH_DEADMAN, with_button)
    gate.on_joystick(False, 0.01, now_s)
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s) == "deadman button is released"
    assert gate.arm(now_s) == "deadman button is released"
    gate.on_joystick(True, 0.01, now_s)
    assert gate.arm(now_s) == ""


def test_a_joystick_that_falls_silent_or_lacks_the_button_stops():
    gate, now_s = driving_gate(WITH_DEADMAN, with_button)
    silent_s = drive(gate, now_s, 0.6)
    assert gate.reason(silent_s).startswith("joystick is dead")
    gate, now_s = driving_gate(WITH_DEADMAN, with_button)
    gate.on_joystick(True, 0.01, now_s, fault="expected button 7, got 4 buttons")
    assert gate.reason(now_s) == "expected button 7, got 4 buttons"
    assert gate.arm(now_s) == "expected button 7, got 4 buttons"


WITH_SCAN = GateSettings(limits=LIMITS, obstacle_required=True, footprint=(0.2, 0.2, 0.2, 0.2))


def seeing(*points: tuple[float, float]):
    def feeding(gate: SafetyGate, now_s: float) -> None:
        feed(gate, now_s)
        gate.on_obstacles(np.array(points).reshape(-1, 2), 0.02, now_s)

    return feeding


def test_an_obstacle_ahead_stops_the_robot_before_it_gets_there():
    gate, now_s = driving_gate(WITH_SCAN, seeing((2.0, 0.0)))
    wall_m = 2.0
    while gate.output(now_s) != STILL:
        wall_m -= 0.4 * PERIOD_S
        now_s += PERIOD_S
        seeing((wall_m, 0.0))(gate, now_s)
    assert gate.reason(now_s).startswith("obstacle at x 0.4")
    braking_m = 0.4**2 / (2 * 2.0)
    assert wall_m - 0.2 > braking_m + WITH_SCAN.obstacle_margin


def test_what_stands_beside_or_behind_stops_nothing_and_a_stale_scan_does():
    gate, now_s = driving_gate(WITH_SCAN, seeing((-0.3, 0.0), (0.0, 0.35)))
    assert gate.state is GateState.ARMED
    stale_s = drive(gate, now_s, 0.4)
    assert gate.reason(stale_s).startswith("obstacle scan is dead")


def test_a_scan_that_cannot_be_used_stops():
    gate, now_s = driving_gate(WITH_SCAN, seeing())
    gate.on_obstacles(np.zeros((0, 2)), 0.02, now_s, fault="obstacle scan: expected measurements")
    assert gate.output(now_s) == STILL
    assert gate.arm(now_s) == "obstacle scan: expected measurements"


def test_other_settings_hold_from_now_on():
    gate, now_s = driving_gate()
    gate.use(GateSettings(limits=VelocityLimits(max_velocity=(0.1, 0.1, 0.1)), picture_timeout=1.0))
    now_s = drive(gate, now_s, 1.0)
    assert gate.output(now_s) == pytest.approx((0.1, 0.0, 0.1))
    gate.on_heartbeat(0.0, now_s + 0.4)
    assert gate.output(now_s + 0.4) != STILL


@pytest.mark.parametrize(("value", "age_s"), [(math.nan, 0.0), (0.4, -5.0)])
def test_odometry_that_is_not_required_and_makes_no_sense_only_tells_nothing(value, age_s):
    gate, now_s = driving_gate()
    gate.on_odometry(Velocity(value, 0, 0), AT_REST, age_s, now_s)
    assert gate.output(now_s) != STILL
    assert gate.base.state(now_s, gate.settings) is BaseState.UNKNOWN
