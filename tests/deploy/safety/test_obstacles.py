import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.bases.velocity import STILL, Velocity, VelocityLimits
from xview_deploy.safety.obstacles import Footprint, in_the_way, stopping_s
from xview_deploy.safety.ranging import Mounting, cloud_points, scan_points
from xview_deploy.spec import ContractError

BASE = Footprint(front=0.3, back=0.2, left=0.2, right=0.2)
AHEAD = Velocity(0.5, 0.0, 0.0)
OFFSETS = {"x": 0, "y": 4, "z": 8}


def found(velocity: Velocity, *points, seconds: float = 0.5, margin_m: float = 0.1):
    return in_the_way(np.array(points, float).reshape(-1, 2), BASE, velocity, seconds, margin_m)


def test_what_lies_on_the_stopping_path_is_found_and_what_lies_beyond_is_not():
    assert found(AHEAD, (0.6, 0.0)) == (0.6, 0.0)
    assert found(AHEAD, (0.66, 0.0)) is None
    assert found(AHEAD, (0.6, 0.35)) is None
    assert found(AHEAD) is None


def test_only_the_direction_of_motion_counts():
    around = [(0.35, 0.0), (-0.25, 0.0), (0.0, 0.25), (0.0, -0.25)]
    assert found(STILL, *around) is None
    assert found(AHEAD, *around) == (0.35, 0.0)
    assert found(Velocity(-0.5, 0, 0), *around) == (-0.25, 0.0)
    assert found(Velocity(0, 0.5, 0), *around) == (0.0, 0.25)


def test_a_robot_may_leave_what_is_closer_than_the_margin():
    assert found(Velocity(-0.5, 0, 0), (0.35, 0.0)) is None
    assert found(AHEAD, (0.35, 0.0)) is not None


def test_a_turn_sweeps_with_the_corners():
    beside_front = (0.28, 0.31)
    assert found(Velocity(0, 0, 1.0), beside_front, seconds=1.0) is not None
    assert found(Velocity(0.05, 0, 0), beside_front, seconds=1.0) is None


def test_a_curve_goes_round_what_a_straight_way_would_hit():
    assert found(Velocity(0.5, 0, 0), (0.9, 0.0), seconds=1.5) is not None
    assert found(Velocity(0.5, 0, 1.4), (0.9, -0.1), seconds=1.5) is None


def test_the_base_does_not_stop_for_its_own_body():
    assert found(AHEAD, (0.25, 0.1)) is None


def test_the_nearest_is_named():
    assert found(AHEAD, (0.6, 0.0), (0.5, 0.05)) == (0.5, 0.05)


def test_a_faster_base_looks_farther():
    limits = VelocityLimits(max_decel=(-1.0, -1.0, -2.0))
    assert stopping_s(Velocity(0.5, 0, 0), limits, 0.2) == pytest.approx(0.45)
    assert stopping_s(Velocity(0.0, 0, 2.0), limits, 0.2) == pytest.approx(0.7)


@settings(max_examples=60)
@given(st.floats(0.05, 1.0), st.floats(-1.5, 1.5), st.floats(-1, 1), st.floats(0.1, 1.5))
def test_whatever_the_path_covers_is_found(x, theta, y, seconds):
    """A point put where the front of the base will be at the end of its path."""
    velocity = Velocity(x, y, theta)
    angle = theta * seconds
    steps = np.linspace(0, seconds, 400)
    dx = np.trapezoid(x * np.cos(theta * steps) - y * np.sin(theta * steps), steps)
    dy = np.trapezoid(x * np.sin(theta * steps) + y * np.cos(theta * steps), steps)
    point = (dx + 0.29 * math.cos(angle), dy + 0.29 * math.sin(angle))
    if BASE.distance_m(np.array([point[0]]), np.array([point[1]]))[0] > 0:
        assert found(velocity, point, seconds=seconds) is not None


@pytest.mark.parametrize("sides", [(0, 0, 1, 1), (-1, 1, 1, 1), (1, 1, math.nan, 1), (math.inf, 1, 1, 1)])
def test_a_footprint_is_a_rectangle(sides):
    with pytest.raises(ContractError, match="footprint: expected metres"):
        Footprint(*sides)


def test_a_scan_becomes_points_by_the_rules_of_rep_117():
    ranges = np.array([1.0, np.inf, -np.inf, np.nan, 0.05, 20.0], np.float32)
    points = scan_points(ranges, 0.0, math.pi / 2, 0.1, 10.0)
    assert points == pytest.approx(np.array([[1, 0, 0], [-0.1, 0, 0]]), abs=1e-6)


def test_a_scan_without_any_measurement_is_refused():
    with pytest.raises(ContractError, match="got 4 without any"):
        scan_points(np.full(4, np.nan), 0.0, 0.1, 0.1, 10.0)
    with pytest.raises(ContractError, match="without any"):
        scan_points(np.zeros(0), 0.0, 0.1, 0.1, 10.0)
    with pytest.raises(ContractError, match="expected finite angles"):
        scan_points(np.ones(4), math.nan, 0.1, 0.1, 10.0)


def test_a_mounting_places_points_and_keeps_the_heights_that_matter():
    mounting = Mounting(x=0.2, z=0.5, yaw=math.pi / 2, lowest=0.1, highest=1.0)
    points = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, -0.45], [2.0, 0.0, 0.6]])
    assert mounting.placed(points) == pytest.approx(np.array([[0.2, 1.0]]))
    assert Mounting(pitch=math.pi / 2).placed(np.array([[0.0, 0.0, 1.0]])) == pytest.approx(np.array([[1.0, 0.0]]))


def cloud(points, step: int = 16, number: str = "<f4") -> bytes:
    records = np.zeros((len(points), step // 4), number)
    records[:, :3] = points
    return records.tobytes()


def test_a_cloud_becomes_its_finite_points():
    points = [[1, 2, 3], [math.nan, 0, 0], [4, 5, 6]]
    assert cloud_points(cloud(points), 3, 16, OFFSETS).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert cloud_points(cloud(points, number=">f4"), 3, 16, OFFSETS, big_endian=True).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert cloud_points(b"", 0, 0, OFFSETS).shape == (0, 3)


@pytest.mark.parametrize(
    ("data", "count", "step", "offsets", "message"),
    [
        (b"", 1, 16, OFFSETS, "got 0 bytes"),
        (bytes(16), 1, 16, {"x": 0}, r"none for \['y', 'z'\]"),
        (bytes(16), 1, 16, {"x": 0, "y": 4, "z": 13}, "offsets within 16 bytes"),
        (bytes(16), 2_000_000, 0, OFFSETS, "expected 2000000 points"),
        (bytes(16), -1, 16, OFFSETS, "expected -1 points"),
    ],
)
def test_a_cloud_that_does_not_hold_what_it_says_is_refused(data, count, step, offsets, message):
    with pytest.raises(ContractError, match=message):
        cloud_points(data, count, step, offsets)


floats = st.floats(allow_nan=True, allow_infinity=True, width=32)


@settings(max_examples=80)
@given(st.lists(floats, max_size=20), st.tuples(floats, floats, floats, floats))
def test_no_scan_brings_anything_but_finite_points_or_a_contract_error(ranges, fields):
    with contextlib.suppress(ContractError):
        points = scan_points(np.array(ranges, np.float32), *fields)
        assert np.isfinite(points).all()
        found(AHEAD, *points[:, :2])


@settings(max_examples=80)
@given(
    st.binary(max_size=100),
    st.integers(-1, 10),
    st.integers(0, 40),
    st.dictionaries(st.sampled_from("xyzw"), st.integers(-5, 50)),
    st.booleans(),
)
def test_no_cloud_brings_anything_but_finite_points_or_a_contract_error(data, count, step, offsets, big_endian):
    with contextlib.suppress(ContractError):
        assert np.isfinite(cloud_points(data, count, step, offsets, big_endian)).all()
