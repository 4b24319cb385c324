import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.bases.velocity import STILL, Velocity, VelocityLimits, VelocityRamp
from xview_deploy.safety.step_drive import StepDrive, longest_s

PERIOD_S = 1 / 30


def driven(asked: Velocity, hold_s: float, limits: VelocityLimits) -> tuple[Velocity, float]:
    """The path, and when it was over."""
    step, ramp, path = StepDrive(asked, hold_s), VelocityRamp(), STILL
    for tick in range(1, 600):
        velocity = ramp.step(step.wanted(ramp, limits, PERIOD_S), limits, PERIOD_S)
        step.drove(velocity, PERIOD_S)
        path = Velocity(*(axis + speed * PERIOD_S for axis, speed in zip(path, velocity, strict=True)))
        if max(map(abs, velocity)) < 1e-3:
            return path, tick * PERIOD_S
    return path, float("inf")


@settings(max_examples=40)
@given(st.floats(-0.5, 0.5), st.floats(-1, 1), st.floats(0.1, 1.0), st.floats(0.3, 5.0), st.sampled_from([0, 5, 30]))
def test_a_step_ends_at_its_length_in_its_time(x, theta, hold_s, accel, jerk):
    limits = VelocityLimits(
        max_velocity=(0.5, 0.5, 1.0),
        min_velocity=(-0.5, -0.5, -1.0),
        max_accel=(accel,) * 3,
        max_decel=(-1.0,) * 3,
        max_jerk=(jerk,) * 3,
    )
    asked = Velocity(x, 0.0, theta)
    path, over_s = driven(asked, hold_s, limits)
    assert path == pytest.approx(Velocity(x * hold_s, 0.0, theta * hold_s), rel=0.02, abs=2e-3)
    assert over_s <= longest_s(asked, hold_s, limits) + 3 * PERIOD_S


def test_a_step_of_no_length_is_over_at_once():
    assert driven(STILL, 0.5, VelocityLimits()) == (STILL, PERIOD_S)


def test_a_base_that_may_not_go_so_fast_drives_the_whole_step_all_the_same():
    asked, limits = Velocity(0.4, 0.3, 0.0), VelocityLimits(max_velocity=(0.1, 0.0, 0.1), min_velocity=(0.0, 0.0, 0.0))
    path, over_s = driven(asked, 0.5, limits)
    assert path == pytest.approx((0.2, 0.0, 0.0), rel=0.02)
    assert 2.0 < over_s <= longest_s(asked, 0.5, limits) + PERIOD_S
