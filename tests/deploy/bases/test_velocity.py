import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.bases.velocity import STILL, Velocity, VelocityLimits, VelocityRamp
from xview_deploy.spec import ContractError

PERIOD_S = 0.02
SMOOTH = VelocityLimits(
    max_velocity=(1.0, 0.5, 2.0),
    min_velocity=(-0.5, -0.5, -2.0),
    max_accel=(1.0, 1.0, 3.0),
    max_decel=(-2.0, -2.0, -6.0),
    max_jerk=(8.0, 8.0, 30.0),
)
within = st.tuples(st.floats(-2, 2), st.floats(-1, 1), st.floats(-4, 4)).map(lambda axes: Velocity(*axes))


def ramped(targets, limits: VelocityLimits = SMOOTH, ticks: int = 1) -> list[Velocity]:
    ramp = VelocityRamp()
    return [ramp.step(target, limits, PERIOD_S) for target in targets for _ in range(ticks)]


def derivative(values: list[float]) -> list[float]:
    return [(later - now) / PERIOD_S for now, later in zip([0.0, *values[:-1]], values, strict=True)]


@settings(max_examples=60)
@given(st.lists(within, min_size=1, max_size=8), st.integers(1, 40))
def test_no_targets_exceed_velocity_acceleration_or_jerk(targets, ticks):
    path = ramped(targets, ticks=ticks)
    for axis in range(3):
        speeds = [velocity[axis] for velocity in path]
        accelerations = derivative(speeds)
        assert all(SMOOTH.min_velocity[axis] - 1e-9 <= v <= SMOOTH.max_velocity[axis] + 1e-9 for v in speeds)
        assert all(abs(a) <= -SMOOTH.max_decel[axis] + 1e-6 for a in accelerations)
        assert all(abs(jerk) <= SMOOTH.max_jerk[axis] * (1 + 1e-6) + 1e-6 for jerk in derivative(accelerations))


def test_a_constant_target_is_reached_without_passing_it_and_kept():
    speeds = [velocity.x for velocity in ramped([Velocity(0.7, 0.0, 0.0)], ticks=100)]
    assert max(speeds) <= 0.7 + 1e-9
    assert speeds[-1] == pytest.approx(0.7)
    assert 0.7 < speeds.index(next(v for v in speeds if v > 0.69)) * PERIOD_S < 1.1


def test_braking_eases_off_before_zero_and_never_goes_beyond():
    speeds = [velocity.x for velocity in ramped([Velocity(0.7, 0, 0), STILL], ticks=100)]
    assert min(speeds) >= -1e-9
    assert speeds[-1] == pytest.approx(0.0, abs=1e-9)


def test_to_the_other_direction_it_goes_by_way_of_rest():
    speeds = [velocity.x for velocity in ramped([Velocity(0.4, 0, 0), Velocity(-0.4, 0, 0)], ticks=120)]
    assert speeds[-1] == pytest.approx(-0.4)
    turning = [abs(v) for v in speeds[120:]].index(min(abs(v) for v in speeds[120:]))
    assert abs(derivative(speeds)[120 + turning]) <= SMOOTH.max_jerk[0] * PERIOD_S + 2 * PERIOD_S * SMOOTH.max_jerk[0]


def test_without_a_limit_of_the_jerk_the_whole_acceleration_comes_at_once():
    first = VelocityRamp().step(Velocity(1.0, 0.0, 0.0), VelocityLimits(), PERIOD_S)
    assert first.x == pytest.approx(VelocityLimits().max_accel[0] * PERIOD_S)


@settings(max_examples=60)
@given(st.lists(within, min_size=1, max_size=8), st.integers(1, 30))
def test_a_car_keeps_its_curve_also_while_it_accelerates_and_brakes(targets, ticks):
    limits = VelocityLimits(minimum_turning_radius=0.8)
    for velocity in ramped(targets, limits, ticks):
        assert abs(velocity.theta) * 0.8 <= abs(velocity.x) + 1e-9


def test_a_stop_is_at_once():
    ramp = VelocityRamp()
    for _ in range(50):
        ramp.step(Velocity(1, 0, 0), SMOOTH, PERIOD_S)
    ramp.stop()
    assert ramp.velocity == STILL
    assert ramp.step(STILL, SMOOTH, PERIOD_S) == STILL


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_jerk", (-1.0, 0.0, 0.0), "max_jerk: expected positive numbers or 0"),
        ("minimum_turning_radius", -1.0, "expected 0 or more metres"),
        ("minimum_turning_radius", math.inf, "expected 0 or more metres"),
    ],
)
def test_senseless_limits_are_refused(field, value, message):
    with pytest.raises(ContractError, match=message):
        VelocityLimits(**{field: value})
