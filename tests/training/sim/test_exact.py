"""The world's own trigonometry is right to about a unit in the last place, and rounds in one way only."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xview_training.sim import exact

ANGLE = st.floats(-1e6, 1e6)
COORDINATE = st.floats(-1e3, 1e3)


@given(ANGLE)
def test_sine_and_cosine_are_the_library_s(x):
    assert exact.sin(x) == pytest.approx(math.sin(x), rel=0, abs=2.3e-16)
    assert exact.cos(x) == pytest.approx(math.cos(x), rel=0, abs=2.3e-16)


@given(COORDINATE, COORDINATE)
def test_angles_and_lengths_of_vectors_are_the_library_s(x, y):
    if max(abs(x), abs(y)) < 1e-100:
        x, y = 0.0, 1.0
    y += 0.0  # minus zero is zero here
    assert exact.atan2(y, x) == pytest.approx(math.atan2(y, x), rel=2e-15)
    assert exact.hypot(x, y) == pytest.approx(math.hypot(x, y), rel=4e-16)


def test_the_four_directions_and_the_origin():
    directions = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)]
    assert [exact.atan2(y, x) for y, x in directions] == [0.0, math.pi / 2, math.pi, -math.pi / 2]
    assert exact.atan2(0.0, 0.0) == 0.0
    assert [exact.sin(k * math.pi / 2) for k in range(-1, 2)] == [-1.0, 0.0, 1.0]
    assert [exact.cos(k * math.pi) for k in range(-1, 2)] == [-1.0, 1.0, -1.0]


def test_compiled_code_gives_every_bit_that_plain_arithmetic_gives():
    """Python's floats never fuse a product with a sum; a compiler that did would show here."""
    rng = np.random.default_rng(0)
    for x, y in rng.uniform(-40, 40, (400, 2)).tolist():
        n, r = plain_quarters(x)
        assert exact.sin(x) == plain_of_quarter(r, n)
        assert exact.hypot(x, y) == math.sqrt(x * x + y * y)


def plain_quarters(x: float) -> tuple[int, float]:
    return exact._quarters.py_func(x)


def plain_of_quarter(r: float, quarter: int) -> float:
    value = exact._cosine.py_func(r) if quarter & 1 else exact._sine.py_func(r)
    return -value if quarter & 2 else value
