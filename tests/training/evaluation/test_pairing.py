"""Paired statistics against references: the binomial by hand, bootstrap, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from xview_training.evaluation.pairing import Pairs, holm

COUNTS = st.integers(0, 40)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_mcnemar_s_p_value_is_the_binomial_s_two_tails(both, first, second, neither):
    split, fewer = first + second, min(first, second)
    tail = sum(math.comb(split, k) for k in range(fewer + 1)) / 2**split
    assert Pairs(both, first, second, neither).p_value() == pytest.approx(min(1.0, 2 * tail))


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_interval_holds_the_difference_and_turns_round_with_it(both, first, second, neither):
    pairs, turned = Pairs(both, first, second, neither), Pairs(both, second, first, neither)
    low, high = pairs.interval()
    assert -1 - 1e-9 <= low <= pairs.difference + 1e-9
    assert pairs.difference - 1e-9 <= high <= 1 + 1e-9
    assert turned.interval() == pytest.approx((-high, -low))


def test_the_interval_is_the_bootstrap_s_where_there_is_much():
    pairs = Pairs(300, 60, 120, 120)
    rng = np.random.default_rng(0)
    shares = np.array([pairs.both, pairs.first, pairs.second, pairs.neither]) / pairs.tasks
    drawn = rng.multinomial(pairs.tasks, shares, 20_000)
    reference = np.percentile((drawn[:, 2] - drawn[:, 1]) / pairs.tasks, [2.5, 97.5])
    assert pairs.interval() == pytest.approx(reference, abs=0.004)


def test_the_interval_covers_the_true_difference_as_often_as_it_says():
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(60, [0.3, 0.1, 0.2, 0.4], 1500)
    covered = [low <= 0.1 <= high for low, high in (Pairs(*row).interval() for row in drawn.tolist())]
    assert 0.935 <= np.mean(covered) <= 0.98


def test_as_many_tasks_as_are_recommended_show_the_difference_four_times_in_five():
    seen = Pairs(60, 20, 28, 92)
    needed = seen.tasks_needed()
    rng = np.random.default_rng(2)
    shares = np.array([seen.both, seen.first, seen.second, seen.neither]) / seen.tasks
    drawn = rng.multinomial(needed, shares, 600)
    power = np.mean([binomtest(int(b), int(b + c), 0.5).pvalue < 0.05 for _, b, c, _ in drawn])
    assert 0.74 <= power <= 0.86


def test_where_nothing_differs_a_number_is_recommended_all_the_same():
    pairs = Pairs(50, 0, 0, 50)
    assert pairs.p_value() == 1
    assert pairs.interval()[0] < 0 < pairs.interval()[1]
    assert 100 < pairs.tasks_needed() < 10_000
    assert Pairs(0, 0, 0, 0).interval() == (0, 0)


def test_outcomes_are_paired_in_their_order():
    assert Pairs.of([True, True, False, False, False], [True, False, True, False, False]) == Pairs(1, 1, 1, 2)
    with pytest.raises(ValueError, match="shorter"):
        Pairs.of([True], [])


def test_holm_raises_each_by_the_tests_that_are_left():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
