import math

import pytest
from xview_deploy.bases.velocity import Velocity
from xview_deploy.safety.freshness import FROZEN_COPIES, ClockWatch, FrozenLimits, FrozenWatch, Source

AHEAD = Velocity(0.5, 0.0, 0.0)
LIMITS = FrozenLimits(timeout_s=0.5, distance_m=0.1, turn_rad=0.1)


def steps(watch: ClockWatch, stamping, simulated: bool = False) -> list[float]:
    return [round(watch.step_s(s, 0.05 * i, 0.1, simulated), 3) for i, s in enumerate(stamping)]


def test_a_clock_that_runs_is_no_step_and_one_that_jumps_is_once():
    assert steps(ClockWatch(), [1e9 + 0.05 * i for i in range(4)]) == [0, 0, 0, 0]
    assert steps(ClockWatch(), [0.0, 0.05, 10.1, 10.15]) == [0, 0, 10.0, 0]
    assert steps(ClockWatch(), [0.0, 0.05, -9.9, -9.85]) == [0, 0, -10.0, 0]


def test_a_simulated_clock_may_stand_or_hurry_but_not_jump_or_go_back():
    assert steps(ClockWatch(), [5.0, 5.0, 5.0, 5.4, 5.9], simulated=True) == [0, 0, 0, 0, 0]
    assert steps(ClockWatch(), [5.0, 15.0], simulated=True)[1] == pytest.approx(8.5)
    assert steps(ClockWatch(), [5.0, 0.0], simulated=True) == [0, -5.0]


def test_a_source_that_never_came_says_so_with_what_was_wrong():
    source = Source("picture", 0.2)
    assert source.overdue(0.0) == "no picture has come yet"
    assert source.take(-1.0, 0.0) == "picture is stamped 1.00 s in the future, allowed 0.05 s: synchronise the clocks"
    assert source.overdue(0.0) == source.fault
    assert source.age_s(0.0) is None


def test_silence_is_death_and_old_stamps_are_lateness():
    source = Source("picture", 0.2)
    source.take(0.15, 0.0)
    assert (
        source.overdue(0.1) == "picture is dead: none has come for 0.10 s and the newest is 0.25 s old, allowed 0.20 s"
    )
    source.take(0.3, 0.2)
    assert source.overdue(0.2) == "picture is late: the newest good one is 0.30 s old, allowed 0.20 s"


def test_a_source_that_comes_out_of_order_within_the_tolerance_keeps_the_newest():
    source = Source("picture", 0.2)
    source.take(0.02, 0.0)
    assert source.take(0.05, 0.0) == ""
    assert source.age_s(0.0) == pytest.approx(0.02)


@pytest.mark.parametrize("age_s", [math.nan, math.inf, -math.inf])
def test_a_senseless_age_is_a_fault(age_s):
    source = Source("picture", 0.2)
    assert source.take(age_s, 0.0)
    assert source.take(0.0, 0.1) == ""


def test_after_a_jump_back_the_new_time_is_taken_as_it_comes():
    source = Source("picture", 0.2)
    source.take(0.0, 0.0)
    assert "jumped in time: stamped 9.90 s before its predecessor" in source.take(10.0, 0.1)
    assert source.take(10.0, 0.2) == ""
    assert source.overdue(0.3).startswith("picture is late")
    assert source.take(0.0, 0.4) == ""
    assert source.overdue(0.4) == ""


def watched(contents, moving: Velocity = AHEAD, limits: FrozenLimits = LIMITS) -> list[bool]:
    watch, period_s = FrozenWatch("picture", "the robot moved"), 0.1
    found = []
    for i, content in enumerate(contents):
        found.append(bool(watch.on_content(content, i * period_s, limits)))
        watch.on_motion(moving, period_s)
    return found


def test_the_same_content_is_frozen_once_time_path_and_copies_have_come_together():
    assert watched("aaaaaaaa").index(True) == 5
    assert not any(watched("aaaaabbbbb"))
    assert not any(watched("a" * 50, moving=Velocity(0, 0, 0)))
    assert watched("a" * 30, moving=Velocity(0.05, 0, 0)).index(True) == 20
    assert watched("a" * 30, moving=Velocity(0, 0, -0.1)).index(True) == 10
    assert not any(watched("a" * 50, limits=FrozenLimits(0.0, 0.1, 0.1)))


def test_few_copies_are_no_proof():
    watch = FrozenWatch("picture", "the robot moved")
    for number in range(FROZEN_COPIES):
        fault = watch.on_content("a", 10.0 * number, LIMITS)
        watch.on_motion(AHEAD, 1.0)
        assert bool(fault) == (number == FROZEN_COPIES - 1)
