"""The gate without ROS: time is an argument, so nothing here waits."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.safety import GateSettings, GateState, SafetyGate
from xview_deploy.spec import ContractError
from xview_deploy.velocity import STILL, Velocity, VelocityLimits

LIMITS = VelocityLimits(
    max_velocity=(0.5, 0.3, 1.0),
    min_velocity=(-0.2, -0.3, -1.0),
    max_accel=(1.0, 1.0, 3.0),
    max_decel=(-2.0, -2.0, -6.0),
)
SETTINGS = GateSettings(limits=LIMITS)
PERIOD_S = 1 / SETTINGS.smoothing_frequency
AHEAD = Velocity(0.4, 0.0, 0.5)


def fed_gate(now_s: float = 0.0) -> SafetyGate:
    gate = SafetyGate(SETTINGS)
    feed(gate, now_s)
    return gate


def feed(gate: SafetyGate, now_s: float, velocity: Velocity = AHEAD) -> None:
    gate.on_picture(0.02, now_s)
    gate.on_heartbeat(0.01, now_s)
    gate.on_command(velocity, 0.05, now_s)


def driving_gate() -> tuple[SafetyGate, float]:
    """Armed and at its commanded velocity, and the time of that."""
    gate = fed_gate()
    assert gate.arm(0.0) == ""
    now_s = 0.0
    for tick in range(1, 60):
        now_s = tick * PERIOD_S
        feed(gate, now_s)
        gate.output(now_s)
    return gate, now_s


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
    gate.on_command(AHEAD, 0.0, 0.0)
    assert gate.arm(0.0) == "no operator heartbeat has come yet"
    gate.on_heartbeat(0.0, 0.0)
    assert gate.arm(0.0) == ""
    assert gate.state is GateState.ARMED


def test_armed_gate_reaches_the_command_without_exceeding_the_acceleration():
    gate = fed_gate()
    gate.arm(0.0)
    first = gate.output(PERIOD_S)
    assert first.x == pytest.approx(PERIOD_S * 1.0)
    gate, _ = driving_gate()
    assert gate._velocity == pytest.approx(AHEAD)


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
            gate.on_command(AHEAD, 0.05, now_s)
        if silent != "operator heartbeat":
            gate.on_heartbeat(0.01, now_s)
        velocity = gate.output(now_s)
    assert velocity == STILL
    assert gate.state is GateState.STOPPED
    assert gate.reason(now_s).startswith(f"{silent} is ")


def test_a_dead_camera_gives_zeros_within_300_ms_of_its_last_picture():
    gate, start_s = driving_gate()
    now_s = start_s
    while gate.output(now_s) != STILL:
        now_s += PERIOD_S
        gate.on_heartbeat(0.0, now_s)
        gate.on_command(AHEAD, 0.05, now_s)
    assert now_s - (start_s - 0.02) < 0.3


def test_a_stop_is_latched_and_driving_needs_a_new_arm():
    gate, now_s = driving_gate()
    gate.stop("stopped by the operator")
    feed(gate, now_s)
    assert gate.output(now_s) == STILL
    gate.stop("another reason")
    assert gate.reason(now_s) == "stopped by the operator"
    assert gate.arm(now_s) == ""
    feed(gate, now_s + PERIOD_S)
    assert gate.output(now_s + PERIOD_S).x > 0


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_command_that_is_not_finite_stops(axis, value):
    gate, now_s = driving_gate()
    gate.on_command(AHEAD._replace(**{Velocity._fields[axis]: value}), 0.05, now_s)
    assert gate.output(now_s) == STILL
    assert gate.state is GateState.STOPPED
    assert "not finite" in gate.reason(now_s)


def test_a_command_that_answers_an_old_picture_is_refused_and_the_robot_slows_down():
    gate, now_s = driving_gate()
    for _ in range(5):
        now_s += PERIOD_S
        gate.on_picture(0.02, now_s)
        gate.on_command(AHEAD, 0.31, now_s)
        velocity = gate.output(now_s)
    assert velocity.x < AHEAD.x
    assert gate.state is GateState.ARMED
    for _ in range(15):
        now_s += PERIOD_S
        gate.on_picture(0.02, now_s)
        gate.on_command(AHEAD, 0.31, now_s)
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
    gate.on_command(AHEAD, -1.0, now_s)
    assert gate.state is GateState.STOPPED


def test_queued_heartbeats_do_not_count_as_a_present_operator():
    gate = SafetyGate(SETTINGS)
    gate.on_picture(0.0, 0.0)
    gate.on_command(AHEAD, 0.0, 0.0)
    gate.on_heartbeat(5.0, 0.0)
    assert "operator heartbeat is 5.00 s old" in gate.arm(0.0)


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
    st.tuples(st.just("command"), axes, axes, axes, ages),
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
        gate.on_command(Velocity(*values[:3]), values[3], now_s)
    elif kind == "good":
        feed(gate, now_s)
    elif kind == "arm":
        gate.arm(now_s)
    elif kind == "stop":
        gate.stop("stopped by the operator")
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
    gate = fed_gate()
    gate.stop("stopped by the operator")
    now_s = 0.0
    for happening in sequence:
        if happening[0] != "arm":
            now_s = apply(gate, happening, now_s)
            assert gate.output(now_s) == STILL
            assert gate.state is GateState.STOPPED
