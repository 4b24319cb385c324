"""A mine: chambers and winding tunnels on one level in solid stone, with ores in the walls and objects on the floor."""

import numpy as np

from xview_training.sim.blocks import CANDIDATES, ID
from xview_training.sim.compiled import compiled
from xview_training.sim.exact import atan2, cos, hypot, sin
from xview_training.sim.places.ground import MARGIN, scatter
from xview_training.sim.places.open_air import BEDROCK, STONE
from xview_training.sim.random import integer, uniform

LEVEL = 12  # height of the tunnels' floor
TOP = 24  # of the stone
DARK, GRAVEL, LANTERN, PLANKS, LOG = (ID[n] for n in ("dark_stone", "gravel", "lantern", "planks", "log"))
ORES = np.array([ID[n] for n in ("coal_ore", "iron_ore", "gold_ore", "gem_ore")], np.uint8)
OBJECTS = np.array([ID[b.name] for b in CANDIDATES] + [ID["chest"], ID["furnace"], ID["workbench"]], np.uint8)


@compiled()
def _carve(grid, floor, x0, z0, radius, height, surface):
    """A round piece of room, as high as that over the level's floor."""
    reach = int(radius) + 1
    for x in range(x0 - reach, x0 + reach + 1):
        for z in range(z0 - reach, z0 + reach + 1):
            inside = (x - x0) ** 2 + (z - z0) ** 2 <= radius * radius
            if inside and 3 < x < floor.shape[0] - 4 and 3 < z < floor.shape[1] - 4:
                grid[x, z, LEVEL : LEVEL + height] = 0
                grid[x, z, LEVEL - 1] = surface
                floor[x, z] = LEVEL


@compiled()
def _tunnel(state, grid, floor, x, z, to_x, to_z, surface):
    """Winds from one point to another, with a lantern on the ceiling now and then."""
    heading = atan2(to_z - z, to_x - x)
    for step in range(400):
        if hypot(to_x - x, to_z - z) < 3:
            return
        wanted = atan2(to_z - z, to_x - x)
        heading = wanted + uniform(state, -0.9, 0.9)
        x, z = x + 1.5 * cos(heading), z + 1.5 * sin(heading)
        _carve(grid, floor, int(x), int(z), uniform(state, 1.6, 2.4), 4, surface)
        if step % 9 == 4 and grid[int(x), int(z), LEVEL + 4] != 0:
            grid[int(x), int(z), LEVEL + 3] = LANTERN


@compiled()
def _vein(state, grid, floor, candidates, count):
    """An ore at the height of the eyes in a wall beside free floor; returns the number of candidates."""
    for _ in range(200):
        x, z = integer(state, MARGIN, floor.shape[0] - MARGIN), integer(state, MARGIN, floor.shape[1] - MARGIN)
        beside = (
            floor[x + 1, z] == LEVEL or floor[x - 1, z] == LEVEL or floor[x, z + 1] == LEVEL or floor[x, z - 1] == LEVEL
        )
        if floor[x, z] == LEVEL or not beside:
            continue
        far = True
        for other in range(count):
            far = far and abs(candidates[other, 0] - x) + abs(candidates[other, 2] - z) >= 7
        if far:
            block = ORES[integer(state, 0, len(ORES))]
            y = LEVEL + 1
            grid[x, z, y] = block
            candidates[count, 0], candidates[count, 1], candidates[count, 2], candidates[count, 3] = x, y, z, block
            return count + 1
    return count


@compiled()
def generate(state, grid, floor, candidates):
    """Fills the arrays (sim/worlds.py); returns the number of candidates."""
    size_x, size_z = floor.shape
    grid[:], floor[:] = 0, TOP
    grid[:, :, :TOP] = DARK if uniform(state, 0.0, 1.0) < 0.4 else STONE
    grid[:, :, 0] = BEDROCK
    surface = (STONE, GRAVEL, DARK)[integer(state, 0, 3)]
    chambers = integer(state, 6, 10)
    places = np.empty((chambers, 2), np.int64)
    for i in range(chambers):
        places[i, 0] = integer(state, 18, size_x - 18)
        places[i, 1] = integer(state, 18, size_z - 18)
        _carve(grid, floor, places[i, 0], places[i, 1], uniform(state, 5.0, 9.5), integer(state, 5, 8), surface)
        if i > 0:
            _tunnel(state, grid, floor, places[i - 1, 0], places[i - 1, 1], places[i, 0], places[i, 1], surface)
    _tunnel(state, grid, floor, places[-1, 0], places[-1, 1], places[0, 0], places[0, 1], surface)
    count = 0
    for _ in range(integer(state, 6, 11)):
        count = _vein(state, grid, floor, candidates, count)
    taken = (floor != LEVEL).astype(np.uint8)
    low, high = (MARGIN, MARGIN), (size_x - MARGIN, size_z - MARGIN)
    count = scatter(state, grid, floor, taken, low, high, integer(state, 5, 10), 7, OBJECTS, candidates, count)
    for _ in range(integer(state, 3, 9)):  # props
        x, z = integer(state, MARGIN, size_x - MARGIN), integer(state, MARGIN, size_z - MARGIN)
        if not taken[x - 1 : x + 2, z - 1 : z + 2].any():
            grid[x, z, LEVEL : LEVEL + 4] = LOG
            floor[x, z] = TOP
            taken[x, z] = 1
    return count
