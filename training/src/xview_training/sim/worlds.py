"""Worlds are seeds: (place, seed) names one world, the same on every machine."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from xview_training.sim import landscape, rooms
from xview_training.sim.air import DAY_TICKS, NOON, WEATHERS, Air
from xview_training.sim.blocks import BARRIER
from xview_training.sim.creatures import SPECIES
from xview_training.sim.herd import HERDS, settle_herd
from xview_training.sim.places import cave, halls, village
from xview_training.sim.places.open_air import OpenAir
from xview_training.sim.random import integer, stream, uniform

GENERATION = 1  # raise it when a generator changes what a seed gives
SHAPE = (128, 128, 64)  # x, z, y in blocks, of the arrays


@dataclasses.dataclass(frozen=True)
class Place:
    """One kind of world. generate(state, grid, floor, candidates) fills the lowest corner of the arrays.

    shape: how much of the arrays it fills. climb, drop: how many blocks a step on foot may rise or fall there (a
    wheeled robot's rooms are level). weathers: what it may have, the hours with it; none: always a clear noon.
    """

    generate: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], int]
    shape: tuple[int, int, int] = SHAPE
    climb: int = 1
    drop: int = 4
    weathers: tuple[str, ...] = ("clear", "clear", "clear", "rain", "mist")


PLACES = {
    "landscape": Place(landscape.generate, (96, 96, 32), weathers=()),
    "rooms": Place(rooms.generate, (96, 96, 32), climb=0, drop=0, weathers=()),
    "plains": Place(OpenAir("plains")),
    "forest": Place(OpenAir("forest")),
    "desert": Place(OpenAir("desert"), weathers=("clear", "clear", "mist")),
    "snow": Place(OpenAir("snow"), weathers=("clear", "snowfall", "snowfall")),
    "hills": Place(OpenAir("hills")),
    "village": Place(village.generate),
    "cave": Place(cave.generate, weathers=("dark",)),
    "halls": Place(halls.generate, climb=0, drop=0, weathers=("indoors",)),
}


class Made(NamedTuple):
    """What a world holds beside its blocks."""

    candidates: int
    air: Air


@dataclasses.dataclass(frozen=True)
class WorldSeed:
    """Names a world. `place` is one of PLACES."""

    place: str
    seed: int
    generation: int = GENERATION

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise ValueError(f"unknown place {self.place!r}: expected one of {', '.join(PLACES)}")
        if self.generation != GENERATION:
            raise ValueError(
                f"world of generation {self.generation}, but this simulator makes generation {GENERATION}: "
                "make the task again"
            )


def generate(
    world: WorldSeed, grid: np.ndarray, floor: np.ndarray, candidates: np.ndarray, creatures: np.ndarray
) -> Made:
    """Fills the arrays (shapes as in sim/simulator.py, without the environment) with the world."""
    place = PLACES[world.place]
    x, z, y = place.shape
    grid[:], floor[:], candidates[:] = 0, 0, 0
    creatures[:] = 0  # what lived in this slot before must not show in anybody's hash of it
    creatures[:, SPECIES] = -1
    count = place.generate(stream(world.seed), grid[:x, :z, :y], floor[:x, :z], candidates)
    if place.shape != SHAPE:
        grid[x, : z + 1], grid[:x, z] = BARRIER, BARRIER
    later = stream(world.seed + 2**32)  # what was added to worlds later leaves the blocks of a seed as they were
    if world.place in HERDS:
        settle_herd(later, HERDS[world.place], grid, floor, creatures)
    return Made(count, _draw_air(later, place.weathers))


def _draw_air(state: np.ndarray, weathers: tuple[str, ...]) -> Air:
    """A weather of the place; by day in half of the worlds, at any hour in the others."""
    if not weathers:
        return Air()
    weather = weathers[integer(state, 0, len(weathers))]
    assert weather in WEATHERS
    by_day = uniform(state, 0.0, 1.0) < 0.5
    hour = NOON + uniform(state, -4500.0, 4500.0) if by_day else uniform(state, 0.0, float(DAY_TICKS))
    return Air(int(hour) % DAY_TICKS, weather)
