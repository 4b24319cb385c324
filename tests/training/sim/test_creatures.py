"""Creatures flee, chase, strike and die by their rules, and no block takes them in."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.sim import creatures
from xview_training.sim.blocks import ID
from xview_training.sim.creatures import CREATURE_SIZE, HEALTHS, HEIGHTS, SPECIES, SPECIES_TABLE, WIDTHS
from xview_training.sim.figures import KIND_ID
from xview_training.sim.hands import STRUCK_DEAD
from xview_training.sim.physics import HEALTH, ON_GROUND, PITCH, X, Y, Z, key_rows, stands_free
from xview_training.sim.random import stream
from xview_training.sim.simulator import Embodiment, VoxelSim, tick


def animal(kind: int, x: float, y: float, z: float) -> np.ndarray:
    row = np.zeros(CREATURE_SIZE)
    row[[X, Y, Z, ON_GROUND, SPECIES, HEALTH]] = x, y, z, 1, kind, HEALTHS[kind]
    return row


def play(sim: VoxelSim, *names: str) -> None:
    tick(
        sim.grid[0], sim.floor[0], sim.body[0], sim.hands[0], sim.slots[0], sim.creatures[0], sim.arrows[0],
        sim.random[0], key_rows((names,))[0], np.zeros(2), sim.embodiment[0],
    )  # fmt: skip


def distance(sim: VoxelSim) -> float:
    return float(np.hypot(*(sim.creatures[0, 0, [X, Z]] - sim.body[0, [X, Z]])))


@pytest.fixture
def swordsman(meadow):
    """A player with a sword and a full heart, in the middle of a meadow."""
    meadow.place(0, 48.5, 4.0, 48.5, 0.0, 0.25, Embodiment(), (("sword", 1),))
    return meadow


def test_a_peaceful_creature_that_is_struck_flees_and_hurts_nobody(swordsman):
    swordsman.creatures[0, 0] = animal(KIND_ID["cow"], 48.5, 4.0, 50.5)
    play(swordsman, "attack")
    assert swordsman.creatures[0, 0, HEALTH] == HEALTHS[KIND_ID["cow"]] - 6
    for _ in range(80):
        play(swordsman)
    assert distance(swordsman) > 8
    assert swordsman.body[0, HEALTH] == 20


def test_a_hostile_creature_chases_and_hurts_and_kills(meadow):
    meadow.creatures[0, 0] = animal(KIND_ID["ghoul"], 48.5, 4.0, 60.5)
    meadow.place(0, 48.5, 4.0, 48.5, math.pi, 0.0, Embodiment())
    for _ in range(200):
        play(meadow)
    assert distance(meadow) < 4
    assert 0 < meadow.body[0, HEALTH] < 20
    for _ in range(1200):
        play(meadow)
    assert meadow.body[0, HEALTH] == 0


def test_a_kill_is_booked_once_and_the_dead_are_gone_from_the_picture(swordsman):
    swordsman.creatures[0, 3] = animal(KIND_ID["hen"], 48.5, 4.0, 49.9)
    swordsman.body[0, PITCH] = 0.9  # looks down at it
    swordsman.draw(np.array([0]))
    seen = swordsman.grid[0].size + 1 + 3
    assert (swordsman.ids == seen).any()
    booked = []
    for _ in range(30):
        play(swordsman, "attack")
        booked.append(swordsman.hands[0, STRUCK_DEAD])
    assert [who for who in booked if who] == [4]
    swordsman.draw(np.array([0]))
    assert not (swordsman.ids == seen).any()


def rough(seed: int) -> np.ndarray:
    """A small world of loose blocks, fences, tables, plants and water."""
    rng = np.random.default_rng(seed)
    kinds = [ID[name] for name in ("stone", "fence", "stool", "door_x", "cactus", "tall_grass", "water", "chest")]
    grid = np.where(rng.random((16, 16, 12)) < rng.uniform(0.02, 0.2), rng.choice(kinds, (16, 16, 12)), 0)
    grid[:, :, 0] = 1
    grid[6:10, 6:10, 1:] = 0
    return grid.astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, len(SPECIES_TABLE) - 1), st.integers(0, 1))
def test_no_creature_ends_inside_a_block(seed, kind, alarmed):
    grid, herd = rough(seed), animal(kind, 8.0, 1.0, 8.0)[None].copy()
    player = np.zeros(creatures.SPECIES)
    player[[X, Y, Z, HEALTH]] = 13.5, 1.0, 12.5, 20
    if alarmed:
        creatures.alarm(herd[0])
    state = stream(seed)
    for _ in range(150):
        creatures.tick(grid, herd, player, state)
        assert stands_free(grid, herd[0], WIDTHS[kind], HEIGHTS[kind])
        assert np.isfinite(herd).all()
