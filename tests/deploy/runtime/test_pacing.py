"""Decisions fall on pictures and keep the policy's rate."""

import numpy as np
import pytest
from xview_deploy.runtime.pacing import Pacer

PERIOD_S = 0.15


def decisions(arrivals):
    pacer = Pacer(PERIOD_S)
    return np.array([now_s for now_s in arrivals if pacer.take(now_s)])


@pytest.mark.parametrize("camera_hz", [1 / PERIOD_S, 10, 15, 20, 25, 30, 60])
def test_the_rate_is_the_policys_whatever_the_cameras(camera_hz):
    arrivals = np.arange(0, 60, 1 / camera_hz)
    rate = np.diff(decisions(arrivals)).mean()
    assert rate == pytest.approx(PERIOD_S, rel=0.01)


@pytest.mark.parametrize("camera_hz", [1 / PERIOD_S, 20])
def test_jitter_of_the_camera_loses_no_decision(camera_hz):
    rng = np.random.default_rng(0)
    arrivals = np.arange(0, 60, 1 / camera_hz)
    taken = decisions(np.sort(arrivals + rng.normal(0, 0.008, len(arrivals))))
    assert len(taken) == pytest.approx(60 / PERIOD_S, rel=0.02)


def test_a_slow_camera_is_answered_picture_by_picture():
    arrivals = np.arange(0, 10, 0.5)
    assert len(decisions(arrivals)) == len(arrivals)


def test_nothing_is_caught_up_on_after_a_gap():
    arrivals = np.concatenate([np.arange(0, 1, 0.05), np.arange(5, 6, 0.05)])
    taken = decisions(arrivals)
    assert np.diff(taken[taken >= 5]).min() > 0.1


def test_the_first_picture_after_a_restart_is_answered_at_once():
    pacer = Pacer(PERIOD_S)
    assert pacer.take(0.0)
    assert not pacer.take(0.05)
    pacer.restart()
    assert pacer.take(0.06)


def test_a_missing_picture_is_noticed():
    pacer = Pacer(PERIOD_S)
    assert pacer.overdue(0.0)
    pacer.take(0.0)
    assert not pacer.overdue(0.2)
    assert pacer.overdue(0.31)
