"""The gate without ROS: arming, limits, stops that last, settings; and any sequence of what may happen."""

import math

import pytest
from driven_gate import AHEAD, AT_REST, LIMITS, PERIOD_S, SETTINGS, command, drive, driving_gate, fed_gate, feed
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.bases.velocity import STILL, Velocity, VelocityLimits
from xview_deploy.safety.gate import GateState, SafetyGate
from xview_deploy.safety.gate_settings import GateSettings
from xview_deploy.spec import ContractError


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


def test_other_settings_hold_from_now_on():
    gate, now_s = driving_gate()
    gate.use(GateSettings(limits=VelocityLimits(max_velocity=(0.1, 0.1, 0.1)), picture_timeout=1.0))
    now_s = drive(gate, now_s, 1.0)
    assert gate.output(now_s) == pytest.approx((0.1, 0.0, 0.1))
    gate.on_heartbeat(0.0, now_s + 0.4)
    assert gate.output(now_s + 0.4) != STILL
