"""The figures of a goal's end on tracks that are written by hand, and on a real room."""

import numpy as np
from xview_deploy.bases.velocity import Velocity
from xview_deploy.pursuit.motion import MotionSettings, Pose
from xview_deploy.pursuit.outcome import StopSettings
from xview_deploy.runtime.policy import NO_BELIEF
from xview_deploy.runtime.random_policy import ForwardBiasedRandomPolicy
from xview_deploy.spec import Belief
from xview_training.bench.endings import Moment, judge, play

PERIOD_S = 0.15
NEAR = Belief(0.95, (0.5, 0.6), (0.1, 0.3, 0.9, 0.95), (0.0, 1.0))
FAR = Belief(0.95, (0.5, 0.6), (0.45, 0.4, 0.55, 0.5), (0.0, 1.0))
HIDDEN = Belief(0.02, (0.5, 0.5), (0.0, 0.0, 1.0, 1.0), (1.0, 0.0))


def track(*parts: tuple[Belief, int, bool], slips: bool = False) -> list[Moment]:
    """Parts of (belief, decisions, whether the target had been arrived at): drives, and stands where it is near."""
    moments: list[Moment] = []
    x_m = 0.0
    for belief, decisions, arrived in parts:
        speed = 0.0 if belief is NEAR else 0.4
        for _ in range(decisions):
            pose, at = Pose(0.0 if slips else x_m, 0.0, 0.0), "target" * arrived
            moments.append(Moment(len(moments) * PERIOD_S, belief, Velocity(speed, 0.0, 0.0), pose, 0.5, at, arrived))
            x_m += speed * PERIOD_S
    return moments


def test_verdicts_are_right_where_the_target_had_been_arrived_at():
    tracks = [
        track((FAR, 20, False), (NEAR, 20, True)),
        track((FAR, 20, False), (NEAR, 20, False)),
        track((FAR, 20, False), (FAR, 20, True)),
    ]
    figures = judge(tracks, StopSettings(), MotionSettings())
    assert (figures.trials, figures.arrivals, figures.reached, figures.reached_right) == (3, 2, 2, 1)
    assert (figures.precision, figures.recall) == (0.5, 0.5)
    assert figures.reached_object == 1
    assert 0.0 < figures.delay_s < StopSettings().reached_rest + 3 * PERIOD_S


def test_a_goal_that_was_given_up_before_its_arrival_counts_as_early():
    searching = track((HIDDEN, 200, False), (NEAR, 20, True))
    hopeless = track((HIDDEN, 200, False))
    figures = judge([searching, hopeless], StopSettings(), MotionSettings())
    assert (figures.lost, figures.lost_early, figures.reached) == (2, 1, 0)


def test_a_base_that_stands_is_stuck():
    figures = judge([track((FAR, 60, False), slips=True)], StopSettings(), MotionSettings())
    assert (figures.stuck, figures.stuck_early) == (1, 0)


def test_a_real_room_is_played_to_its_limit_with_its_truth():
    (moments,) = play(ForwardBiasedRandomPolicy(seed=0), 1, 0)
    times = np.array([moment.at_s for moment in moments])
    assert np.allclose(np.diff(times), 1 / ForwardBiasedRandomPolicy().actions.rate_hz)
    assert times[-1] > 20.0
    assert all(moment.belief is NO_BELIEF for moment in moments)
    assert all(moment.at in ("", "target", "distractor") for moment in moments)
    arrived = [moment.arrived for moment in moments]
    assert arrived == sorted(arrived)
