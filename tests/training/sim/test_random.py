"""The random stream is SplitMix64, number for number."""

import numpy as np
from xview_training.sim.random import integer, stream, uniform

# First outputs for seed 1234567: the values that other implementations of SplitMix64 are checked with.
PUBLISHED = (
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
)


def test_uniform_numbers_are_the_published_ones():
    state = stream(1234567)
    assert [uniform(state, 0.0, 1.0) for _ in PUBLISHED] == [(z >> 11) / 2**53 for z in PUBLISHED]


def test_a_seed_may_be_any_whole_number():
    assert stream(-1)[0] == 2**64 - 1
    assert stream(2**64 + 5)[0] == stream(5)[0]


def test_numbers_stay_inside_their_bounds_and_reach_all_of_them():
    state = stream(0)
    drawn = np.array([integer(state, -3, 4) for _ in range(700)])
    assert set(drawn) == set(range(-3, 4))
    wide = np.array([uniform(state, 2.0, 5.0) for _ in range(700)])
    assert 2.0 <= wide.min() < 2.1
    assert 4.9 < wide.max() < 5.0
