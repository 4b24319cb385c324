import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.pursuit.motion import MotionSettings, Pose
from xview_deploy.pursuit.outcome import Ending, PursuitLimits, StopCondition, StopSettings
from xview_deploy.runtime.policy import NO_BELIEF
from xview_deploy.spec import Belief, ContractError

PERIOD_S = 0.15
PICTURE = np.full((48, 64, 3), 120, np.uint8)
AHEAD = Velocity(0.5, 0.0, 0.0)


def belief(visible=0.95, width=0.5, bottom=0.95) -> Belief:
    return Belief(visible, (0.5, 0.5), (0.5 - width / 2, 0.3, 0.5 + width / 2, bottom), (0.0, 1.0))


NEAR, FAR, HIDDEN = belief(), belief(width=0.1, bottom=0.6), belief(visible=0.05)


class Clock:
    """Feeds a condition at the policy's rate."""

    def __init__(self, stop: StopCondition):
        self.stop, self.now_s = stop, 0.0
        stop.begin(0.0)

    def feed(self, what: Belief, decisions: int = 1, velocity: Velocity = STILL):
        """The first verdict of so many equal decisions, or None."""
        for _ in range(decisions):
            self.now_s += PERIOD_S
            if verdict := self.stop.on_decision(what, velocity, PICTURE, self.now_s):
                return verdict
        return None

    def seconds(self, what: Belief, seconds: float, velocity: Velocity = STILL):
        return self.feed(what, math.ceil(seconds / PERIOD_S) + 1, velocity)


@pytest.fixture
def clock():
    return Clock(StopCondition())


def test_a_target_that_stays_near_is_reached_with_the_figures(clock):
    assert clock.feed(FAR, 20) is None
    verdict = clock.feed(NEAR, 20)
    assert verdict.ending is Ending.REACHED
    assert "visible 0.95, box 0.50 wide and down to 0.95; at rest" in verdict.reason


def test_a_moment_of_nearness_is_not_enough(clock):
    for _ in range(20):
        assert clock.feed(NEAR, StopSettings().reached_decisions - 1) is None
        assert clock.feed(FAR, StopSettings().reached_window) is None


def test_an_agent_that_looks_around_at_the_target_has_reached_it():
    clock = Clock(StopCondition(StopSettings(reached_decisions=3, reached_window=9)))
    for _ in range(2):
        assert clock.feed(NEAR) is None
        assert clock.feed(HIDDEN, 3) is None
    assert "near in 3 of 9 decisions" in clock.feed(NEAR).reason


@pytest.mark.parametrize("weak", [belief(visible=0.3), belief(width=0.1), belief(bottom=0.5)])
def test_nearness_needs_sight_width_and_a_low_edge(clock, weak):
    assert clock.feed(weak, 50) is None


def test_once_near_slightly_weaker_evidence_keeps_it_so():
    settings = StopSettings(reached_release=0.8)
    weaker = belief(
        visible=settings.reached_visible * 0.85,
        width=settings.reached_width * 0.85,
        bottom=settings.reached_bottom * 0.85,
    )
    assert Clock(StopCondition(settings)).feed(weaker, 50) is None
    clock = Clock(StopCondition(settings))
    clock.feed(NEAR)
    assert clock.seconds(weaker, settings.reached_rest).ending is Ending.REACHED


def test_a_target_that_is_passed_is_not_reached_until_the_base_rests(clock):
    def drive(decisions: int, velocity: Velocity, what: Belief):
        for _ in range(decisions):
            clock.stop.on_odometry(Pose(velocity.x * clock.now_s, 0.0, 0.0), clock.now_s)
            if verdict := clock.feed(what, velocity=velocity):
                return verdict
        return None

    assert drive(30, AHEAD, NEAR) is None
    assert drive(10, Velocity(0.0, 0.0, 2.0), NEAR).ending is Ending.REACHED


def test_a_target_out_of_sight_for_long_is_lost(clock):
    assert clock.seconds(FAR, 5.0) is None
    assert clock.seconds(HIDDEN, 19.5) is None
    verdict = clock.seconds(HIDDEN, 1.0)
    assert verdict.ending is Ending.LOST
    assert "not seen for 20" in verdict.reason


def test_a_target_that_was_never_seen_is_lost_as_well(clock):
    assert clock.seconds(HIDDEN, 21.0).ending is Ending.LOST


def test_a_glimpse_starts_the_time_anew(clock):
    for _ in range(3):
        assert clock.seconds(HIDDEN, 15.0) is None
        assert clock.feed(FAR) is None


def test_seen_and_out_of_sight_have_thresholds_of_their_own(clock):
    doubtful = belief(visible=0.4, width=0.1)
    assert clock.seconds(doubtful, 21.0).ending is Ending.LOST
    clock.stop.begin(clock.now_s)
    clock.feed(FAR)
    assert clock.seconds(doubtful, 40.0) is None


def test_a_base_that_does_not_move_as_told_is_stuck():
    clock = Clock(StopCondition(motion=MotionSettings(stuck_timeout=2.0)))
    clock.stop.on_odometry(Pose(1.0, 2.0, 0.5), 0.0)
    verdict = clock.seconds(FAR, 4.0, AHEAD)
    assert verdict.ending is Ending.STUCK
    assert "told to drive" in verdict.reason


def test_pushing_against_the_target_is_reached_not_stuck():
    clock = Clock(StopCondition(motion=MotionSettings(stuck_timeout=0.5)))
    assert clock.seconds(NEAR, 4.0, AHEAD).ending is Ending.REACHED


def test_a_policy_that_believes_nothing_neither_reaches_nor_loses_but_may_be_stuck():
    clock = Clock(StopCondition())
    assert clock.seconds(NO_BELIEF, 60.0) is None
    assert clock.seconds(NO_BELIEF, 6.0, AHEAD).ending is Ending.STUCK


def test_a_goals_own_time_ends_it_also_while_the_robot_is_held(clock):
    clock.stop.begin(0.0, PursuitLimits(timeout_s=5.0))
    clock.stop.hold()
    assert clock.stop.timed_out(4.9) is None
    assert clock.stop.timed_out(5.0).ending is Ending.TIMEOUT
    assert clock.seconds(FAR, 5.0).ending is Ending.TIMEOUT


def test_a_goal_without_a_time_of_its_own_has_no_end(clock):
    assert clock.stop.timed_out(1e9) is None


def test_a_goals_limits_hold_for_that_goal_only(clock):
    clock.stop.begin(0.0, PursuitLimits(lost_timeout_s=2.0))
    assert clock.seconds(HIDDEN, 3.0).ending is Ending.LOST
    clock.stop.begin(clock.now_s)
    assert clock.seconds(HIDDEN, 15.0) is None


def test_nothing_counts_while_the_robot_is_held(clock):
    for _ in range(20):
        assert clock.seconds(HIDDEN, 3.0, AHEAD) is None
        assert clock.feed(NEAR) is None
        clock.stop.hold()


def test_new_thresholds_hold_for_the_running_goal_and_keep_its_time(clock):
    clock.stop.begin(0.0, PursuitLimits(timeout_s=30.0))
    clock.stop.use(StopSettings(lost_timeout=1.0), MotionSettings())
    assert clock.seconds(HIDDEN, 2.0).ending is Ending.LOST
    assert clock.stop.timed_out(30.0).ending is Ending.TIMEOUT


def test_each_ending_can_be_switched_off():
    clock = Clock(StopCondition(StopSettings(reached_decisions=0, lost_timeout=0.0), MotionSettings(stuck_timeout=0.0)))
    for what in (NEAR, HIDDEN):
        assert clock.seconds(what, 60.0, AHEAD) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"reached_visible": 1.1},
        {"lost_timeout": -1.0},
        {"lost_visible": 0.6},
        {"reached_decisions": 7, "reached_window": 6},
        {"reached_bottom": math.nan},
    ],
)
def test_senseless_thresholds_are_refused(fields):
    with pytest.raises(ContractError, match="expected"):
        StopSettings(**fields)


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_senseless_limits_are_refused(seconds):
    with pytest.raises(ContractError, match="timeout_s: expected a number, 0 or more"):
        PursuitLimits(timeout_s=seconds)


NUMBER = st.floats(allow_nan=True, allow_infinity=True)


@given(NUMBER, NUMBER, NUMBER)
def test_a_belief_without_sense_never_reaches(visible, width, bottom):
    settings = StopSettings()
    near = visible >= settings.reached_visible and width >= settings.reached_width and bottom >= settings.reached_bottom
    if not near:
        verdict = Clock(StopCondition()).feed(belief(visible, width, bottom), 50)
        assert verdict is None or verdict.ending is not Ending.REACHED
