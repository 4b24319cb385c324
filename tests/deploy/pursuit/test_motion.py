import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.pursuit.motion import MotionSettings, MotionWatch, Pose, thumb
from xview_deploy.spec import ContractError

PERIOD_S = 0.15
AHEAD = Velocity(0.5, 0.0, 0.0)
TURNING = Velocity(0.0, 0.0, 1.0)
GREY = np.full((48, 64, 3), 120, np.uint8)


def drive(watch, velocity, seconds, *, moved_share=None, start_s=0.0, picture=lambda t: GREY):
    """Commands a velocity and lets odometry say that a share of it happened, None: no odometry. The last answer."""
    steps = round(seconds / PERIOD_S)
    for step in range(steps + 1):
        now_s = start_s + step * PERIOD_S
        if moved_share is not None:
            travelled = moved_share * step * PERIOD_S
            watch.on_odometry(Pose(velocity.x * travelled, velocity.y * travelled, velocity.theta * travelled), now_s)
        watch.on_decision(velocity, picture(now_s), now_s)
    return watch.stuck(start_s + steps * PERIOD_S)


def moving_picture(t):
    return np.roll(np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1)), int(t * 10), axis=1)[:, :, None].repeat(3, 2)


@pytest.mark.parametrize("velocity", [AHEAD, TURNING, Velocity(0.0, -0.4, 0.0)])
def test_a_base_that_moves_as_told_is_not_stuck(velocity):
    assert drive(MotionWatch(MotionSettings()), velocity, 10.0, moved_share=1.0) == ""


def test_a_slow_base_is_not_stuck():
    assert drive(MotionWatch(MotionSettings()), AHEAD, 10.0, moved_share=0.3) == ""


@pytest.mark.parametrize(("velocity", "word"), [(AHEAD, "drive"), (TURNING, "turn")])
def test_a_base_that_stands_although_told_to_move_is_stuck_with_the_figures(velocity, word):
    reason = drive(MotionWatch(MotionSettings()), velocity, 6.0, moved_share=0.0)
    assert reason.startswith(f"told to {word} ")
    assert "odometry says 0.00" in reason


def test_it_takes_the_whole_timeout():
    watch = MotionWatch(MotionSettings(stuck_timeout=4.0))
    assert drive(watch, AHEAD, 3.7, moved_share=0.0) == ""
    assert drive(watch, AHEAD, 0.6, moved_share=0.0, start_s=3.75) != ""


def test_a_base_that_is_told_to_stand_is_not_stuck():
    assert drive(MotionWatch(MotionSettings()), STILL, 20.0, moved_share=0.0) == ""


def test_pushing_against_a_wall_while_turning_is_stuck():
    watch = MotionWatch(MotionSettings())
    for step in range(60):
        now_s = step * PERIOD_S
        watch.on_odometry(Pose(0.0, 0.0, 0.3 * math.sin(step)), now_s)
        watch.on_decision(Velocity(0.5, 0.0, math.cos(step)), GREY, now_s)
    assert watch.stuck(now_s).startswith("told to drive")


def test_without_odometry_a_picture_that_stays_the_same_says_stuck():
    reason = drive(MotionWatch(MotionSettings()), AHEAD, 6.0)
    assert "the picture changed by 0.0 grey levels" in reason


def test_without_odometry_a_changing_picture_says_motion():
    assert drive(MotionWatch(MotionSettings()), AHEAD, 6.0, picture=moving_picture) == ""


def test_sensor_noise_is_no_motion():
    noise = np.random.default_rng(0)

    def noisy(t):
        return np.clip(120 + noise.normal(0, 8, (480, 640, 3)), 0, 255).astype(np.uint8)

    assert drive(MotionWatch(MotionSettings()), AHEAD, 6.0, picture=noisy) != ""


def test_odometry_that_has_ended_is_not_believed():
    watch = MotionWatch(MotionSettings())
    drive(watch, AHEAD, 6.0, moved_share=0.0)
    assert drive(watch, AHEAD, 8.0, start_s=6.0, picture=moving_picture) == ""


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.7e308])
def test_odometry_that_cannot_be_is_none(value):
    watch = MotionWatch(MotionSettings())
    watch.on_odometry(Pose(value, 0.0, value), 0.0)
    assert "picture" in drive(watch, AHEAD, 6.0)


def test_after_a_restart_it_counts_anew():
    watch = MotionWatch(MotionSettings())
    assert drive(watch, AHEAD, 6.0, moved_share=0.0) != ""
    watch.restart()
    assert drive(watch, AHEAD, 3.0, moved_share=0.0, start_s=6.0) == ""


def test_a_timeout_of_0_never_says_stuck():
    assert drive(MotionWatch(MotionSettings(stuck_timeout=0.0)), AHEAD, 30.0, moved_share=0.0) == ""


@pytest.mark.parametrize(
    ("velocity", "moved_share", "rests"),
    [(AHEAD, 1.0, False), (AHEAD, 0.0, True), (TURNING, 1.0, True), (STILL, None, True), (AHEAD, None, True)],
    ids=["drives", "pushes", "turns", "stands", "pushes, by the picture"],
)
def test_a_base_rests_that_covers_no_ground(velocity, moved_share, rests):
    watch = MotionWatch(MotionSettings(), memory_s=0.5)
    drive(watch, velocity, 6.0, moved_share=moved_share)
    assert watch.rests(0.5, 0.1, 6.0) is rests


def test_a_base_without_odometry_that_sees_its_picture_change_does_not_rest():
    watch = MotionWatch(MotionSettings())
    drive(watch, AHEAD, 6.0, picture=moving_picture)
    assert not watch.rests(0.5, 0.1, 6.0)


def test_whoever_remembers_too_little_does_not_say_rest():
    watch = MotionWatch(MotionSettings())
    drive(watch, STILL, 0.3, moved_share=1.0)
    assert not watch.rests(0.5, 0.1, 0.3)
    assert watch.rests(0.0, 0.1, 0.3)


def test_what_is_remembered_does_not_grow():
    watch = MotionWatch(MotionSettings(stuck_timeout=4.0))
    drive(watch, AHEAD, 60.0, moved_share=1.0)
    assert len(watch._samples) <= 4.0 / PERIOD_S + 3


@pytest.mark.parametrize(
    "fields", [{"stuck_timeout": -1.0}, {"stuck_share": 0.0}, {"stuck_share": math.nan}, {"odometry_timeout": 0.0}]
)
def test_senseless_settings_are_refused(fields):
    with pytest.raises(ContractError, match="expected"):
        MotionSettings(**fields)


@given(st.lists(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 3), min_size=1, max_size=40))
def test_whatever_odometry_says_nothing_breaks(poses):
    watch = MotionWatch(MotionSettings(stuck_timeout=1.0))
    for step, pose in enumerate(poses):
        watch.on_odometry(Pose(*pose), step * 0.1)
        watch.on_decision(AHEAD, GREY, step * 0.1)
    assert isinstance(watch.stuck(step * 0.1), str)


def test_a_thumb_is_small_and_grey():
    assert thumb(GREY).shape == (24, 32)
    assert thumb(GREY).mean() == 120
