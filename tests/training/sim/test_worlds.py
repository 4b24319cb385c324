"""A world is its seed: here, again, in another process, and in the next version."""

import hashlib
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from xview_training.sim.air import Air
from xview_training.sim.blocks import AIR, BARRIER, CANDIDATE_KINDS, FIRST_CANDIDATE, ID, PASSABLE
from xview_training.sim.creatures import CREATURE_SIZE, MAX_CREATURES, SPECIES, X, Z
from xview_training.sim.herd import HERDS, fits
from xview_training.sim.landscape import MAX_CANDIDATES
from xview_training.sim.worlds import PLACES, SHAPE, WorldSeed, generate

# What generation 1 makes of seed 7: blocks, floor and candidates of the first version's places. A change here needs a
# new GENERATION: every task and every measured success rate is bound to its worlds.
GENERATION_1 = {"landscape": "a631616c9682ed47", "rooms": "9df20caf7786e018"}
# The same of the full world's places, with creatures and air: of all that a seed gives.
FULL_WORLD = {
    "plains": "ef0f4e251ff2407f",
    "forest": "e7c505d4a467211d",
    "desert": "e861706414af6f8e",
    "snow": "095b25211861095d",
    "hills": "cb902d1d00bfcae7",
    "village": "8f24e55fb33a05ca",
    "cave": "bc489efa996c6c12",
    "halls": "0229b7509c78a76e",
}


class Grown(NamedTuple):
    grid: np.ndarray
    floor: np.ndarray
    candidates: np.ndarray
    creatures: np.ndarray
    air: Air


def grown(place: str, seed: int) -> Grown:
    """A world in arrays that were full of something else before."""
    grid, floor = np.full(SHAPE, 255, np.uint8), np.full(SHAPE[:2], -1, np.int16)
    candidates = np.full((MAX_CANDIDATES, 4), -1, np.int16)
    creatures = np.full((MAX_CREATURES, CREATURE_SIZE), 7.0)
    made = generate(WorldSeed(place, seed), grid, floor, candidates, creatures)
    return Grown(grid, floor, candidates[: made.candidates], creatures[creatures[:, SPECIES] >= 0], made.air)


def digest(place: str, seed: int) -> str:
    """Of all that a seed gives."""
    whole, world = hashlib.sha256(), grown(place, seed)
    for array in (*world[:4], world.air.row()):
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()[:16]


@pytest.mark.parametrize("place", PLACES)
def test_a_seed_gives_the_same_world_again_and_another_seed_another(place):
    assert digest(place, 11) == digest(place, 11)
    assert len({digest(place, seed) for seed in range(6)}) == 6


@pytest.mark.parametrize("place", GENERATION_1)
def test_the_first_version_s_worlds_never_change(place):
    world, (x, z, y) = grown(place, 7), PLACES[place].shape
    parts = world.grid[:x, :z, :y], world.floor[:x, :z], world.candidates
    whole = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))
    assert whole.hexdigest()[:16] == GENERATION_1[place]


@pytest.mark.parametrize("place", FULL_WORLD)
def test_the_full_world_s_places_never_change(place):
    assert digest(place, 7) == FULL_WORLD[place]


def test_every_place_is_held_to_what_it_was():
    assert {*GENERATION_1, *FULL_WORLD} == set(PLACES)


@pytest.mark.parametrize("place", GENERATION_1)
def test_beyond_the_first_version_s_worlds_is_a_border_that_is_not_seen(place):
    world, (x, z, y) = grown(place, 7), PLACES[place].shape
    assert (world.grid[x, : z + 1] == BARRIER).all()
    assert (world.grid[: x + 1, z] == BARRIER).all()
    assert not world.grid[x + 1 :].any()
    assert not world.grid[:x, :z, y:].any()
    assert len(world.creatures) == 0
    assert world.air == Air()


def test_another_process_grows_the_same_worlds():
    script = (
        "import hashlib, numpy as np\n"
        "from xview_training.sim.creatures import SPECIES\n"
        "from xview_training.sim.simulator import SimConfig, VoxelSim\n"
        "from xview_training.sim.worlds import PLACES, WorldSeed\n"
        "sim = VoxelSim(SimConfig(1, 8, 8, threads=1))\n"
        "for place in PLACES:\n"
        "    sim.load_world(0, WorldSeed(place, 7))\n"
        "    animals = sim.creatures[0][sim.creatures[0, :, SPECIES] >= 0]\n"
        "    candidates = sim.candidates[0, :sim.candidate_count[0]]\n"
        "    parts = sim.grid[0], sim.floor[0], candidates, animals, sim.world_air[0]\n"
        "    print(hashlib.sha256(b''.join(p.tobytes() for p in parts)).hexdigest()[:16])\n"
    )
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert there.stdout.split() == [digest(place, 7) for place in PLACES]


@pytest.mark.parametrize("place", GENERATION_1)
def test_the_floor_is_the_top_of_what_stands_in_a_column_leaves_aside(place):
    x, z, _ = PLACES[place].shape
    for seed in range(6):
        grid, floor = grown(place, seed)[:2]
        heights = np.arange(SHAPE[2])
        solid_top = np.where((grid != AIR) & (grid != ID["leaves"]), heights + 1, 0).max(-1)
        assert (solid_top == floor)[:x, :z].all()


@pytest.mark.parametrize("place", [place for place in PLACES if place not in GENERATION_1])
def test_feet_on_the_floor_stand_in_free_air_nearly_everywhere(place):
    for seed in range(6):
        grid, floor = grown(place, seed)[:2]
        xs, zs = np.nonzero((floor > 0) & (floor < SHAPE[2] - 2))
        assert len(xs) > 500
        assert PASSABLE[grid[xs, zs, floor[xs, zs]]].mean() > 0.98


@pytest.mark.parametrize("place", PLACES)
def test_candidates_are_what_the_list_says(place):
    for seed in range(6):
        grid, _, candidates, _, _ = grown(place, seed)
        assert len(candidates) > 0
        assert len({tuple(c[:3]) for c in candidates.tolist()}) == len(candidates)
        for x, y, z, block in candidates:
            assert grid[x, z, y] == block


@pytest.mark.parametrize("place", GENERATION_1)
def test_no_candidate_of_the_first_version_s_places_is_left_out_of_the_list(place):
    for seed in range(6):
        grid, floor, candidates, _, _ = grown(place, seed)
        assert (candidates[:, 3] >= FIRST_CANDIDATE).all()
        assert (floor[candidates[:, 0], candidates[:, 2]] == candidates[:, 1] + 1).all()
        listed = (grid >= FIRST_CANDIDATE) & (grid < FIRST_CANDIDATE + CANDIDATE_KINDS)
        assert np.count_nonzero(listed) == len(candidates)


@pytest.mark.parametrize("place", HERDS)
def test_a_herd_stands_on_free_ground_and_apart(place):
    for seed in range(6):
        grid, _, _, creatures, _ = grown(place, seed)
        assert 6 <= len(creatures) <= MAX_CREATURES
        assert set(creatures[:, SPECIES]) <= set(HERDS[place])
        for x, y, z, kind in creatures[:, [0, 1, 2, SPECIES]]:
            assert fits(grid, int(kind), int(x), round(y), int(z))
        apart = np.abs(creatures[:, None, [X, Z]] - creatures[None, :, [X, Z]]).sum(-1) + 1e9 * np.eye(len(creatures))
        assert apart.min() > 4


def test_in_many_worlds_a_kind_recurs_and_in_many_it_does_not():
    repeated = []
    for seed in range(24):
        kinds = grown("rooms", seed).candidates[:, 3]
        repeated.append(len(set(kinds)) < len(kinds))
    assert 6 <= sum(repeated) <= 18


def test_unknown_places_and_foreign_generations_are_refused():
    with pytest.raises(ValueError, match="unknown place 'moon': expected one of landscape, rooms, plains"):
        WorldSeed("moon", 1)
    with pytest.raises(ValueError, match="world of generation 0"):
        WorldSeed("rooms", 1, generation=0)
