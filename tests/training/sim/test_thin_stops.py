"""Thin things stop whatever is thrown at them or falls on them: doors of 3/16, fences, furniture, at any speed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.sim import creatures
from xview_training.sim.blocks import ID
from xview_training.sim.collision import ON_GROUND, VX, VY, VZ, X, Y, Z
from xview_training.sim.creatures import CREATURE_SIZE, HEALTHS, HEIGHTS, SPECIES, SPECIES_TABLE, WIDTHS
from xview_training.sim.hands import ARROW_SIZE, HANDS_SIZE, MAX_ARROWS, fly
from xview_training.sim.models import STOP
from xview_training.sim.physics import (
    BODY_SIZE,
    FULL_HEALTH,
    HEALTH,
    HURT,
    HURT_TICKS,
    KEYS,
    knock_back,
    player_tick,
    stands_free,
)
from xview_training.sim.physics import HEIGHT as TALL
from xview_training.sim.physics import WIDTH as WIDE
from xview_training.sim.random import stream

SIDE, LOW, HIGH, FLOOR, CEILING = 14, 4, 9, 2, 12  # blocks; the walls' and plates' cells
# Blocks whose gaps are narrower than the narrowest body, 0.4 blocks. "door" is the leaf that lies along its wall.
WALLS = ("door", "fence", "cactus", "chest", "open_chest", "bed", "stool", "glass")
PLATES = ("bed", "stool", "chest", "open_chest", "fence", "cactus", "table", "glass")
INSIDE = ("door_x", "open_door_x", "fence", "stool", "bed", "lantern", "cactus", "chest")
SLACK = 1e-6
# The fastest that the rules let anything be: a fall's end speed is 3.92 blocks a tick, and blows come on top.
SPEED = st.floats(-4.5, 4.5)
NOBODY = np.zeros(BODY_SIZE)  # dead, so that no creature comes for it


def wall_ids(wall: str) -> tuple[int, int]:
    """The blocks of walls across x and across z."""
    return (ID["door_z"], ID["door_x"]) if wall == "door" else (ID[wall], ID[wall])


def room(wall: str, plate: str, seed: int) -> np.ndarray:
    """A room of one block's walls with another's floor and ceiling, nothing but air around it, and things along it."""
    rng = np.random.default_rng(seed)
    grid = np.zeros((SIDE, SIDE, 20), np.uint8)
    across_x, across_z = wall_ids(wall)
    grid[[LOW, HIGH], LOW : HIGH + 1], grid[LOW : HIGH + 1, [LOW, HIGH]] = across_x, across_z
    grid[np.ix_([LOW, HIGH], [LOW, HIGH])] = ID["stone"]
    inner = slice(LOW + 1, HIGH)
    things = np.where(rng.random((4, 4, 20)) < 0.15, rng.choice([ID[name] for name in INSIDE], (4, 4, 20)), 0)
    things[1:3, 1:3] = 0  # where the thrown one begins
    grid[inner, inner] = things
    whole = slice(LOW, HIGH + 1)  # a door's leaf leaves most of its cell free
    grid[whole, whole, FLOOR] = grid[whole, whole, CEILING] = ID[plate]
    return grid


def assert_is_in(grid, row, wall: str, plate: str, width: float, height: float) -> None:
    across_x, across_z = wall_ids(wall)
    assert stands_free(grid, row, width, height)
    half = width / 2 - SLACK
    assert LOW + STOP[across_x, 3] + half <= row[X] <= HIGH + STOP[across_x, 0] - half
    assert LOW + STOP[across_z, 5] + half <= row[Z] <= HIGH + STOP[across_z, 2] - half
    assert FLOOR + STOP[ID[plate], 4] - SLACK <= row[Y] <= CEILING + STOP[ID[plate], 1] - height + SLACK


ROOM = st.tuples(st.sampled_from(WALLS), st.sampled_from(PLATES), st.integers(0, 2**32 - 1))


@settings(max_examples=150, deadline=None)
@given(ROOM, st.tuples(SPEED, SPEED, SPEED), st.tuples(SPEED, SPEED))
def test_no_player_gets_through_thin_walls_floors_or_ceilings(place, thrown, struck):
    wall, plate, _ = place
    grid, body = room(*place), np.zeros(BODY_SIZE)
    body[[X, Y, Z, VX, VY, VZ, HEALTH]] = 7.0, 6.0, 7.0, *thrown, FULL_HEALTH
    for step in range(16):
        if step in (4, 9):
            knock_back(body, *struck)
            body[[VX, VZ]] += struck
            body[VY] -= thrown[1]
        player_tick(grid, body, np.zeros(KEYS), 1.0)
        assert_is_in(grid, body, wall, plate, WIDE, TALL)


@settings(max_examples=150, deadline=None)
@given(ROOM, st.integers(0, len(SPECIES_TABLE) - 1), st.tuples(SPEED, SPEED, SPEED), st.tuples(SPEED, SPEED))
def test_no_creature_gets_through_when_it_is_thrown_struck_or_walks(place, kind, thrown, struck):
    wall, plate, seed = place
    grid, herd, state = room(*place), np.zeros((1, CREATURE_SIZE)), stream(seed)
    row = herd[0]
    row[[X, Y, Z, VX, VY, VZ, SPECIES, HEALTH, HURT]] = 7.0, 6.0, 7.0, *thrown, kind, 1000.0, HURT_TICKS
    for step in range(24):
        if step in (5, 10):
            row[HURT] = HURT_TICKS
            knock_back(row, *struck)
            row[[VX, VZ]] += struck
        creatures.tick(grid, herd, NOBODY, state)
        assert_is_in(grid, row, wall, plate, WIDTHS[kind], HEIGHTS[kind])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SPECIES_TABLE) - 1), st.sampled_from(PLATES), st.floats(0, 100))
def test_a_creature_that_falls_lands_on_what_is_thin_and_is_hurt_by_the_height(kind, plate, height):
    grid, herd, state = np.zeros((5, 5, 128), np.uint8), np.zeros((1, CREATURE_SIZE)), stream(1)
    grid[:, :, 1] = ID[plate]
    row, top = herd[0], 1 + STOP[ID[plate], 4]
    row[[X, Y, Z, SPECIES, HEALTH]] = 2.5, top + height, 2.5, kind, HEALTHS[kind]
    for _ in range(400):
        creatures.tick(grid, herd, NOBODY, state)
        if row[ON_GROUND] > 0:
            break
    assert row[Y] == pytest.approx(top, abs=SLACK)
    assert HEALTHS[kind] - row[HEALTH] == min(HEALTHS[kind], max(0, math.ceil(height - 3 - 1e-6)))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-math.pi, math.pi), st.floats(-1.5, 1.5), st.floats(0.3, 3.0))
def test_no_arrow_passes_a_door_s_leaf_a_bed_or_a_table_top(seed, yaw, pitch, speed):
    grid, inner = room("door", "bed", seed), slice(LOW + 1, HIGH)
    for level, plate in ((FLOOR, "bed"), (CEILING, "table")):
        grid[:, :, level], grid[inner, inner, level] = ID["glass"], ID[plate]
    grid[inner, inner, FLOOR + 1 : CEILING] = 0
    low, high = (LOW + 3 / 16, FLOOR + 9 / 16, LOW + 3 / 16), (HIGH, CEILING + 13 / 16, HIGH)
    arrows = np.zeros((MAX_ARROWS, ARROW_SIZE))
    arrow = arrows[0]
    arrow[[X, Y, Z]] = np.random.default_rng(seed).uniform(np.add(low, 0.01), np.subtract(high, (0.01, 0.9, 0.01)))
    arrow[[VX, VY, VZ]] = speed * np.array(
        [-math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)]
    )
    arrow[ON_GROUND] = 1
    for _ in range(70):
        fly(grid, np.zeros(HANDS_SIZE), np.full((1, CREATURE_SIZE), -1.0), arrows)
        assert all(a - SLACK <= v <= b + SLACK for a, v, b in zip(low, arrow[[X, Y, Z]], high, strict=True))
    assert arrow[ON_GROUND] == 0


def test_a_body_in_the_upper_half_of_a_fence_is_found():
    grid, body = np.zeros((5, 5, 20), np.uint8), np.zeros(BODY_SIZE)
    grid[2, 2, 1] = ID["fence"]
    body[[X, Y, Z]] = 2.5, 2.25, 2.5
    assert not stands_free(grid, body, WIDE, TALL)
    body[Y] = 2.5
    assert stands_free(grid, body, WIDE, TALL)
