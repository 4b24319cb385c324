"""Whatever is done to it, a world keeps its laws: nothing tunnels or ends inside a block, higher falls hurt more."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.bench import fuzz
from xview_training.bench.fuzz import FuzzSettings
from xview_training.sim.blocks import ID, PASSABLE
from xview_training.sim.collision import ON_GROUND, PITCH, VX, VY, VZ, YAW, X, Y, Z
from xview_training.sim.creatures import CREATURE_SIZE, HEALTHS, MAX_CREATURES, SPECIES
from xview_training.sim.hands import ARROW_SIZE, HANDS_SIZE, MAX_ARROWS, fly
from xview_training.sim.laws import (
    FINITE,
    FREE,
    FREE_A,
    FREE_C,
    HEALTHY,
    HOLDS,
    INSIDE,
    INSIDE_C,
    LAWS,
    SAME_C,
    broken_law,
)  # fmt: skip
from xview_training.sim.physics import BODY_SIZE, FULL_HEALTH, HEALTH, KEYS, knock_back, player_tick, stands_free
from xview_training.sim.physics import HEIGHT as TALL
from xview_training.sim.physics import WIDTH as WIDE
from xview_training.sim.random import stream
from xview_training.sim.simulator import Embodiment, tick

KINDS = [
    ID[name]
    for name in (
        "stone", "fence", "stool", "door_x", "open_door_z", "cactus", "tall_grass", "water", "chest", "bed", "table",
        "lantern", "glass", "foliage",
    )
]  # fmt: skip
SIDE = 14


def rough(seed: int) -> np.ndarray:
    """A small world of loose blocks of all forms over a floor, with room in its middle."""
    rng = np.random.default_rng(seed)
    grid = np.where(rng.random((SIDE, SIDE, 20)) < rng.uniform(0.02, 0.25), rng.choice(KINDS, (SIDE, SIDE, 20)), 0)
    grid[:, :, 0] = 1
    grid[5:9, 5:9, 1:] = 0
    return grid.astype(np.uint8)


def living(columns: int, x: float, y: float, z: float) -> np.ndarray:
    row = np.zeros(columns)
    row[[X, Y, Z, ON_GROUND]] = x, y, z, 0
    return row


class World:
    """All that a tick needs, in a rough world."""

    def __init__(self, seed: int):
        self.grid, self.state = rough(seed), stream(seed)
        self.floor = np.full((SIDE, SIDE), 1, np.int16)
        self.body = living(BODY_SIZE, 7.0, 1.0, 7.0)
        self.body[HEALTH] = FULL_HEALTH
        self.hands, self.slots = np.zeros(HANDS_SIZE), np.zeros((36, 2), np.int16)
        self.slots[:4] = (5, 1), (1, 1), (2, 1), (6, 64)  # bow, sword, pickaxe, arrows
        self.arrows = np.zeros((MAX_ARROWS, ARROW_SIZE))
        self.herd = np.full((MAX_CREATURES, CREATURE_SIZE), -1.0)
        for m, kind in enumerate((seed % 8, (seed // 8) % 8)):
            self.herd[m] = living(CREATURE_SIZE, 6.0 + 2 * m, 8.0, 8.0)
            self.herd[m, [SPECIES, HEALTH]] = kind, HEALTHS[kind]
        self.embodiment = Embodiment(eye_height=(0.15, 1.62, 1.8)[seed % 3]).row()

    def tick(self, keys: np.ndarray, turn: tuple[float, float]) -> None:
        tick(
            self.grid, self.floor, self.body, self.hands, self.slots, self.herd, self.arrows, self.state, keys,
            np.array(turn), self.embodiment,
        )  # fmt: skip

    def law(self) -> int:
        return broken_law(self.grid, self.body, self.hands, self.herd, self.arrows, self.species)

    @property
    def species(self) -> np.ndarray:
        return np.where(np.arange(MAX_CREATURES) < 2, self.herd[:, SPECIES], -1.0)


PRESSED = st.tuples(
    st.lists(st.booleans(), min_size=KEYS - 1, max_size=KEYS - 1),
    st.integers(0, 4),
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.integers(1, 25),
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(PRESSED, min_size=2, max_size=10))
def test_every_law_holds_after_every_tick_whatever_is_pressed(seed, script):
    world = World(seed)
    for pressed, slot, pitch, yaw, ticks in script:
        for _ in range(ticks):
            world.tick(np.array([*pressed, slot], float), (pitch, yaw))
            assert LAWS[world.law()] == LAWS[HOLDS]


# The fastest that the rules let anything be: a fall's end speed is 3.92 blocks a tick, a full bow's arrow 3, and blows
# come on top.
SPEED = st.floats(-4.5, 4.5)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), SPEED, SPEED, SPEED)
def test_no_body_tunnels_or_sticks_however_it_is_thrown(seed, vx, vy, vz):
    """A wall of any block that stops bodies, one block thick, around the room: nobody is ever beyond it."""
    grid = rough(seed)
    wall = ID[("stone", "glass", "table")[seed % 3]]
    grid[4], grid[9], grid[:, 4], grid[:, 9] = wall, wall, wall, wall
    grid[:, :, 0] = grid[:, :, 12] = wall
    body = living(BODY_SIZE, 7.0, 4.0, 7.0)
    body[[VX, VY, VZ, HEALTH]] = vx, vy, vz, FULL_HEALTH
    for step in range(12):
        if step == 6:
            knock_back(body, -vx, -vz)
            body[VY] += abs(vy)
        player_tick(grid, body, np.zeros(KEYS), 1.0)
        assert stands_free(grid, body, WIDE, TALL)
        assert 5 <= body[X] <= 9
        assert 5 <= body[Z] <= 9
        assert 1 - 1e-6 <= body[Y] <= 12 - TALL + 1e-6


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-math.pi, math.pi), st.floats(-1.5, 1.5), st.floats(0.3, 3.0))
def test_no_arrow_passes_a_wall_of_one_block(seed, yaw, pitch, speed):
    grid = np.zeros((SIDE, SIDE, 20), np.uint8)
    grid[4], grid[9], grid[:, 4], grid[:, 9] = (ID[n] for n in ("stone", "glass", "foliage", "brick"))
    grid[:, :, 0], grid[:, :, 12] = ID["stone"], ID["planks"]
    arrows = np.zeros((MAX_ARROWS, ARROW_SIZE))
    arrow = arrows[0]
    arrow[[X, Y, Z]] = np.random.default_rng(seed).uniform((5.1, 1.1, 5.1), (8.9, 11.9, 8.9))
    arrow[[VX, VY, VZ]] = speed * np.array(
        [-math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)]
    )
    arrow[ON_GROUND] = 1
    for _ in range(70):
        fly(grid, np.zeros(HANDS_SIZE), np.full((1, CREATURE_SIZE), -1.0), arrows)
        assert np.isfinite(arrow).all()
        low, high = (5, 1, 5), (9, 12, 9)
        assert all(a - 1e-9 <= v <= b + 1e-9 for a, v, b in zip(low, arrow[[X, Y, Z]], high, strict=True))
    assert arrow[ON_GROUND] == 0


def damage_of_a_fall(height: float, block: int = 0) -> float:
    grid = np.zeros((5, 5, 128), np.uint8)
    grid[:, :, 0], grid[:, :, 1] = 1, block
    body = living(BODY_SIZE, 2.5, 1.0 + height, 2.5)
    body[HEALTH] = FULL_HEALTH
    for _ in range(400):
        player_tick(grid, body, np.zeros(KEYS), 1.0)
    assert body[ON_GROUND] == 1 or block == ID["water"]
    return FULL_HEALTH - body[HEALTH]


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 100), st.floats(0, 100))
def test_a_higher_fall_never_hurts_less(one, other):
    low, high = sorted((one, other))
    assert damage_of_a_fall(low) <= damage_of_a_fall(high)
    assert damage_of_a_fall(low) == min(FULL_HEALTH, max(0, math.ceil(low - 3 - 1e-6)))


@settings(max_examples=10, deadline=None)
@given(st.floats(3, 100))
def test_no_fall_into_water_hurts(height):
    assert damage_of_a_fall(height + 1, ID["water"]) == 0


@pytest.mark.parametrize(
    ("column", "value", "law"),
    [(X, math.nan, FINITE), (PITCH, math.inf, FINITE), (Y, 0.4, FREE), (X, -3.0, INSIDE), (Y, -8.0, INSIDE),
     (HEALTH, 21.0, HEALTHY), (HEALTH, -1.0, HEALTHY), (YAW, 2.0, HOLDS)],
)  # fmt: skip
def test_a_player_s_broken_law_is_found(column, value, law):
    world = World(3)
    assert world.law() == HOLDS
    world.body[column] = value
    assert LAWS[world.law()] == LAWS[law]


@pytest.mark.parametrize(("column", "value", "law"), [(Y, 0.5, FREE_C), (X, 90.0, INSIDE_C), (Z, 90.0, INSIDE_C)])
def test_a_creature_s_broken_law_is_found(column, value, law):
    world = World(3)
    world.herd[1, column] = value
    assert LAWS[world.law()] == LAWS[law]
    world.herd[1, HEALTH] = 0  # the dead lie where they fell
    assert world.law() == HOLDS


def test_a_lost_creature_and_an_arrow_in_a_block_are_found():
    world = World(3)
    species = world.species
    world.arrows[2, [X, Y, Z, ON_GROUND]] = 7.0, 0.5, 7.0, 1
    assert world.law() == FREE_A
    world.herd[0, SPECIES] = -1
    assert broken_law(world.grid, world.body, world.hands, world.herd, world.arrows, species) == SAME_C
    assert not PASSABLE[1]


def test_random_policies_break_no_law():
    report = fuzz.fuzz(FuzzSettings(policies=8, steps=200, seed=3))
    assert report.breaches == ()
    assert report.ticks == 8 * 200
    assert report.tasks >= 8
    assert report.edits > 0


def test_a_breach_is_reported_with_what_is_needed_to_see_it_again(monkeypatch):
    monkeypatch.setattr(fuzz, "broken_law", lambda *_: FREE)
    report = fuzz.fuzz(FuzzSettings(policies=1, steps=2))
    assert [(b.policy, b.step, b.law) for b in report.breaches] == [(0, 0, LAWS[FREE]), (0, 1, LAWS[FREE])]
    assert '"world":' in report.breaches[0].task
    assert len(report.breaches[0].body) == BODY_SIZE


def test_settings_of_nothing_are_refused():
    for name in ("policies", "steps", "size", "processes"):
        with pytest.raises(ValueError, match=f"{name}: expected at least [0-9]+, got 0"):
            dataclasses.replace(FuzzSettings(), **{name: 0})
