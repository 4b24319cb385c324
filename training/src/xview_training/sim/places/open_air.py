"""Plains, forest, desert, snow and hills: one generator with a row of settings for each."""

import dataclasses

import numpy as np

from xview_training.sim.blocks import CANDIDATES, ID
from xview_training.sim.compiled import compiled
from xview_training.sim.landscape import raise_column
from xview_training.sim.places.ground import MARGIN, add_noise, fill_columns, flood, scatter, sprinkle
from xview_training.sim.places.plants import BROAD, NO_TREE, PINE, grow_cacti, plant
from xview_training.sim.random import integer

OBJECTS = np.array(
    [ID[b.name] for b in CANDIDATES] + [ID[n] for n in ("chest", "furnace", "workbench", "bed", "gem_ore", "gold_ore")],
    np.uint8,
)
RUINS = np.array([ID[n] for n in ("cobble", "brick", "planks", "sandstone")], np.uint8)
MEADOW = np.array([ID[n] for n in ("tall_grass", "tall_grass", "red_flower", "yellow_flower")], np.uint8)
SCRUB = np.array([ID["dead_bush"]], np.uint8)
BEDROCK, STONE, GRAVEL = ID["bedrock"], ID["stone"], ID["gravel"]


@dataclasses.dataclass(frozen=True)
class Biome:
    """Blocks, relief and growth. Counts are ranges [low, high) for the whole world of 128 x 128."""

    surface: str
    soil: str
    relief: float  # height of the large hills, blocks
    roughness: float  # of the small ones
    trees: tuple[int, int]
    tree: int
    plants: float  # share of the free columns
    scrub: bool = False
    cacti: tuple[int, int] = (0, 1)
    ponds: tuple[int, int] = (0, 4)
    ruins: tuple[int, int] = (6, 16)  # walls and pillars, which hide things and mark places

    def row(self) -> np.ndarray:
        """As float64, for compiled code."""
        return np.array(
            [
                ID[self.surface],
                ID[self.soil],
                self.relief,
                self.roughness,
                *self.trees,
                self.tree,
                self.plants,
                self.scrub,
                *self.cacti,
                *self.ponds,
                *self.ruins,
            ],
            np.float64,
        )


BIOMES = {
    "plains": Biome("grass", "dirt", 2.5, 0.6, (8, 30), BROAD, 0.10),
    "forest": Biome("grass", "dirt", 3.0, 1.0, (110, 190), BROAD, 0.05, ponds=(0, 2)),
    "desert": Biome("sand", "sandstone", 3.5, 0.8, (0, 1), NO_TREE, 0.01, scrub=True, cacti=(12, 40), ponds=(0, 2)),
    "snow": Biome("snow", "dirt", 3.0, 0.8, (30, 90), PINE, 0.0),
    "hills": Biome("grass", "stone", 9.0, 1.2, (20, 70), PINE, 0.04, ponds=(0, 2)),
}


@compiled()
def _grow(state, biome, grid, floor, candidates):
    grid[:] = 0
    size_x, size_z = floor.shape
    heights = np.full((size_x, size_z), 18.0)
    add_noise(state, 38.0, biome[2], heights)
    add_noise(state, 17.0, biome[2] * 0.4, heights)
    add_noise(state, 7.0, biome[3], heights)
    surface = int(biome[0])
    fill_columns(grid, floor, heights, surface, int(biome[1]), STONE, BEDROCK)
    taken = np.zeros((size_x, size_z), np.uint8)
    flood(state, grid, floor, taken, integer(state, int(biome[11]), int(biome[12])), GRAVEL)
    low, high = (MARGIN, MARGIN), (size_x - MARGIN, size_z - MARGIN)
    count = scatter(state, grid, floor, taken, low, high, integer(state, 12, 24), 7, OBJECTS, candidates, 0)
    _build_ruins(state, grid, floor, taken, integer(state, int(biome[13]), int(biome[14])))
    grow_cacti(state, grid, floor, taken, integer(state, int(biome[9]), int(biome[10])))
    plant(state, grid, floor, taken, integer(state, int(biome[4]), int(biome[5])), int(biome[6]))
    sprinkle(state, grid, floor, taken, surface, biome[7], SCRUB if biome[8] > 0 else MEADOW)
    return count


@compiled()
def _build_ruins(state, grid, floor, taken, count):
    """Pieces of wall, and pillars."""
    for _ in range(count):
        block = RUINS[integer(state, 0, len(RUINS))]
        x, z = integer(state, 4, floor.shape[0] - 14), integer(state, 4, floor.shape[1] - 14)
        length, height, along = integer(state, 1, 10), integer(state, 2, 6), integer(state, 0, 2)
        for i in range(length):
            raise_column(grid, floor, taken, x + i * (1 - along), z + i * along, height, block)


class OpenAir:
    """The generator of one biome; see sim/worlds.py for its arguments."""

    def __init__(self, name: str) -> None:
        self._biome = BIOMES[name].row()

    def __call__(self, state: np.ndarray, grid: np.ndarray, floor: np.ndarray, candidates: np.ndarray) -> int:
        """Fills the arrays; returns the number of candidates."""
        return int(_grow(state, self._biome, grid, floor, candidates))
