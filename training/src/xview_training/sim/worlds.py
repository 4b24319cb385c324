"""Worlds are seeds: (place, seed) names one world, the same on every machine."""

import dataclasses

import numpy as np

from xview_training.sim import landscape, rooms
from xview_training.sim.random import stream

GENERATION = 1  # raise it when a generator changes what a seed gives
SHAPE = (96, 96, 32)  # x, z, y in blocks
PLACES = {"landscape": landscape.generate, "rooms": rooms.generate}


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


def generate(world: WorldSeed, grid: np.ndarray, floor: np.ndarray, candidates: np.ndarray) -> int:
    """Fills the arrays (shapes as in landscape.generate) with the world; returns the number of candidates."""
    candidates[:] = 0
    return PLACES[world.place](stream(world.seed), grid, floor, candidates)
