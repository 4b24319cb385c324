"""The player moves as Minecraft's does, and no key takes it into or through a block."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.sim import physics
from xview_training.sim.physics import KEYS, ON_GROUND, PITCH, VX, VY, VZ, YAW, X, Y, Z, key_rows

GROUND = 4  # height of the flat world's top


def flat(size: int = 64) -> np.ndarray:
    grid = np.zeros((size, size, 16), np.uint8)
    grid[:, :, :GROUND] = 1
    return grid


def player(x=32.5, y=float(GROUND), z=32.5, yaw=0.0) -> np.ndarray:
    body = np.zeros(physics.BODY_SIZE)
    body[[X, Y, Z, YAW, ON_GROUND]] = x, y, z, yaw, 1
    return body


def keys(*names: str) -> np.ndarray:
    return key_rows((names,))[0]


def speed_of(*names: str, ticks: int = 40) -> float:
    """Blocks a second over the second half of the ticks."""
    grid, body = flat(), player()
    for tick in range(ticks):
        if tick == ticks // 2:
            start = body[[X, Z]].copy()
        physics.player_tick(grid, body, keys(*names), 1.0)
    return math.hypot(*(body[[X, Z]] - start)) / (ticks // 2) * 20


@pytest.mark.parametrize(
    ("pressed", "published"), [(("forward",), 4.317), (("forward", "sprint"), 5.612), (("forward", "sneak"), 1.295)]
)
def test_paces_are_the_published_ones(pressed, published):
    assert speed_of(*pressed) == pytest.approx(published, abs=0.001)


def test_walking_aside_is_as_fast_as_ahead_and_both_are_hardly_faster():
    assert speed_of("left") == pytest.approx(4.317, abs=0.001)
    assert speed_of("back") == pytest.approx(4.317, abs=0.001)
    assert speed_of("forward", "right") == pytest.approx(4.317 / 0.98, abs=0.01)


@pytest.mark.parametrize(
    ("key", "yaw", "towards"),
    [("forward", 0.0, (0, 1)), ("right", 0.0, (-1, 0)), ("forward", math.pi / 2, (-1, 0)), ("left", math.pi, (-1, 0))],
)
def test_keys_move_in_the_view_s_directions(key, yaw, towards):
    grid, body = flat(), player(32.5, GROUND, 32.5, yaw)
    for _ in range(10):
        physics.player_tick(grid, body, keys(key), 1.0)
    moved = body[[X, Z]] - 32.5
    assert moved / np.hypot(*moved) == pytest.approx(towards, abs=1e-9)


def test_a_jump_rises_a_block_and_a_quarter_and_takes_twelve_ticks():
    grid, body = flat(), player()
    heights = []
    for tick in range(12):
        physics.player_tick(grid, body, keys("jump") if tick == 0 else keys(), 1.0)
        heights.append(body[Y] - GROUND)
    assert max(heights) == pytest.approx(1.2522, abs=1e-4)
    assert heights[10] > 0 == heights[11]
    assert body[ON_GROUND] == 1


def test_falling_is_gravity_and_drag_tick_by_tick():
    grid, body = flat(), player(y=15.0)
    body[ON_GROUND] = 0
    expected_y, expected_vy = 15.0, 0.0
    for _ in range(14):
        physics.player_tick(grid, body, keys(), 1.0)
        expected_y = max(expected_y + expected_vy, GROUND)
        expected_vy = (expected_vy - 0.08) * 0.98
        assert body[Y] == pytest.approx(expected_y, abs=1e-12)
        assert body[VY] == pytest.approx(expected_vy, abs=1e-12)


def test_a_jump_climbs_one_block_and_never_two():
    for height, climbed in ((1, True), (2, False)):
        grid, body = flat(), player()
        grid[:, 35:, : GROUND + height] = 1
        for _ in range(40):
            physics.player_tick(grid, body, keys("forward", "jump"), 1.0)
        assert (body[Z] > 36) == climbed
        if not climbed:
            assert body[Z] == pytest.approx(35 - physics.WIDTH / 2, abs=1e-6)


def test_the_world_s_sides_stop_a_player():
    for yaw in (0.0, math.pi / 2, math.pi, -math.pi / 2):
        grid, body = flat(16), player(8.5, GROUND, 8.5, yaw)
        for _ in range(80):
            physics.player_tick(grid, body, keys("forward", "jump"), 1.0)
        assert 0.3 - 1e-6 <= body[X] <= 15.7 + 1e-6
        assert 0.3 - 1e-6 <= body[Z] <= 15.7 + 1e-6


def overlapped(grid, body, width=physics.WIDTH, height=physics.HEIGHT) -> bool:
    """Whether the body's box cuts into a block or leaves the world's sides, by more than rounding."""
    low = np.array([body[X] - width / 2, body[Z] - width / 2, body[Y]]) + 1e-6
    high = np.array([body[X] + width / 2, body[Z] + width / 2, body[Y] + height]) - 1e-6
    if (low < 0).any() or (high[:2] > grid.shape[:2]).any():
        return True
    blocks = np.argwhere(grid)
    return bool(((blocks < high) & (blocks + 1 > low)).all(1).any())


def rubble(seed: int) -> np.ndarray:
    """A small world full of loose blocks over a floor, with a free column to start in."""
    rng = np.random.default_rng(seed)
    grid = (rng.random((10, 10, 12)) < rng.uniform(0.05, 0.35)).astype(np.uint8)
    grid[:, :, 0] = rng.random((10, 10)) < 0.97
    grid[4:6, 4:6, 1:] = 0
    grid[4:6, 4:6, 0] = 1
    return grid


PRESSED = st.tuples(*[st.booleans()] * KEYS, st.floats(-math.pi, math.pi), st.integers(1, 12))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 1.7), st.floats(0.3, 1.7), st.lists(PRESSED, min_size=3, max_size=12))
def test_no_keys_take_a_player_into_a_block_or_out_of_the_world(seed, x, z, script):
    grid, body = rubble(seed), player(4 + x, 9.5, 4 + z)
    body[ON_GROUND] = 0
    for *pressed, yaw, ticks in script:
        body[YAW] = yaw
        for _ in range(ticks):
            physics.player_tick(grid, body, np.array(pressed, np.float32), 1.0)
            assert not overlapped(grid, body)
            assert np.isfinite(body).all()
            assert body[PITCH] == 0


def reach(grid, low, high, axis, wanted) -> float:
    """How far a box can go along an axis before it meets a block, out of the distances to all blocks."""
    blocks = np.argwhere(np.pad(grid.transpose(0, 2, 1), ((8, 8), (8, 8), (8, 8)), constant_values=0)) - 8
    sides = np.argwhere(np.ones((26, 28, 26))) - 8
    outside = ((sides[:, [0, 2]] < 0) | (sides[:, [0, 2]] >= 10)).any(1) | (sides[:, 1] < 0)
    blocks = np.concatenate([blocks, sides[outside]])
    others = [k for k in range(3) if k != axis]
    beside = ((blocks[:, others] < high[others] - 1e-6) & (blocks[:, others] + 1 > low[others] + 1e-6)).all(1)
    along = blocks[beside, axis]
    if wanted > 0:
        gaps = along[along > high[axis] - 1e-6] - high[axis]
        return min([wanted, *np.maximum(gaps, 0)])
    gaps = along[along + 1 < low[axis] + 1e-6] + 1 - low[axis]
    return max([wanted, *np.minimum(gaps, 0)])


# Thousandths: sides may touch blocks exactly, but not to within the rounding that physics forgives.
STEP = st.integers(-6000, 6000).map(lambda n: n / 1000)
PLACE = st.integers(4400, 5600).map(lambda n: n / 1000)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), PLACE, PLACE, STEP, STEP, STEP)
def test_nothing_tunnels_however_fast_it_is(seed, x, z, dx, dy, dz):
    grid, body = rubble(seed), player(x, 5.0, z)
    width, height = 0.7, 0.9
    low = np.array([x - width / 2, 5.0, z - width / 2])
    high = low + (width, height, width)
    for axis, wanted in ((1, dy), (0, dx), (2, dz)):
        done = reach(grid, low, high, axis, wanted)
        low[axis] += done
        high[axis] += done
    physics.move(grid, body, dx, dy, dz, width, height)
    assert body[[X, Y, Z]] == pytest.approx([low[0] + width / 2, low[1], low[2] + width / 2], abs=1e-6)


def test_a_wall_takes_the_speed_towards_it_and_leaves_the_other():
    grid, body = flat(), player(8.5, GROUND, 10.6, -0.5)
    grid[:, 11:, :10] = 1
    for _ in range(8):
        physics.player_tick(grid, body, keys("forward"), 1.0)
    assert body[VZ] == 0
    assert body[VX] > 0.05
