"""Intervals are Wilson's, as published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from xview_deploy.trials.intervals import wilson


# Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_bounds_are_the_published_ones(count, total, low, high):
    rate = wilson(count, total)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=5e-5)
    assert rate.rate == count / total


@pytest.mark.parametrize(("count", "total"), [(0, 1), (7, 20), (20, 20), (431, 600)])
def test_bounds_are_where_the_score_test_just_rejects(count, total):
    z = norm.ppf(0.975)
    rate = wilson(count, total)
    for bound in (rate.low, rate.high):
        assert abs(rate.rate - bound) == pytest.approx(z * (bound * (1 - bound) / total) ** 0.5, abs=1e-9)


def test_no_trials_have_no_rate():
    assert tuple(wilson(0, 0)) == (0, 0, 0.0, 0.0, 0.0)
    assert str(wilson(0, 0)) == "-"
    assert str(wilson(81, 263)) == "31 % [26, 37]"


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_rate(counts: tuple[int, int]) -> None:
    rate = wilson(*counts)
    assert -1e-12 <= rate.low <= rate.rate <= rate.high <= 1 + 1e-12


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials, got 3 of 2"):
        wilson(3, 2)
