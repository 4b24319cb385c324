"""Builds an indoor world from a seed: a walled house of one to four rooms on flat ground, without a ceiling.

Plain white walls and shiny uniform floors are among its materials: that is where policies trained on landscapes
alone fail on robots (ROCKET-3, limitations).
"""

import numpy as np

from xview_training.sim.blocks import ID
from xview_training.sim.compiled import compiled
from xview_training.sim.landscape import raise_column, scatter_candidates
from xview_training.sim.random import integer, uniform

FLOOR_TOP = 4  # height of the floor in the grid
FLOORS = np.array([ID[n] for n in ("planks", "marble", "concrete", "carpet", "slate", "stone")], np.uint8)
WALLS = np.array([ID[n] for n in ("plaster", "plaster", "brick", "planks", "concrete", "painted")], np.uint8)
FURNITURE = np.array([ID[n] for n in ("planks", "brick", "log", "slate", "concrete", "painted")], np.uint8)
GROUNDS = np.array([ID[n] for n in ("grass", "sand", "concrete", "snow")], np.uint8)


@compiled()
def _wall(state, grid, floor, taken, along, fixed, start, end, height, block, door):
    """A wall from start to end along one axis, with a doorway of three blocks where `door`."""
    gap = integer(state, start + 2, max(start + 3, end - 5)) if door else -9
    for i in range(start, end):
        if gap <= i < gap + 3:
            continue
        x, z = (i, fixed) if along == 0 else (fixed, i)
        raise_column(grid, floor, taken, x, z, height, block)


@compiled()
def generate(state, grid, floor, candidates):
    """Fills grid uint8 (X, Z, Y), floor int16 (X, Z) and candidates; returns the number of candidates."""
    grid[:] = 0
    size_x, size_z = floor.shape
    width = integer(state, 20, 41)
    length = integer(state, 20, 41)
    x0, z0 = (size_x - width) // 2, (size_z - length) // 2
    x1, z1 = x0 + width, z0 + length
    grid[:, :, FLOOR_TOP - 1] = GROUNDS[integer(state, 0, len(GROUNDS))]
    grid[x0:x1, z0:z1, FLOOR_TOP - 1] = FLOORS[integer(state, 0, len(FLOORS))]
    floor[:] = FLOOR_TOP
    taken = np.zeros(floor.shape, np.uint8)
    wall, height = WALLS[integer(state, 0, len(WALLS))], integer(state, 3, 6)
    for z in (z0, z1 - 1):
        _wall(state, grid, floor, taken, 0, z, x0, x1, height, wall, False)
    for x in (x0, x1 - 1):
        _wall(state, grid, floor, taken, 1, x, z0, z1, height, wall, False)
    if uniform(state, 0.0, 1.0) < 0.35:
        wall = WALLS[integer(state, 0, len(WALLS))]
        _wall(state, grid, floor, taken, 1, x0 + integer(state, 8, width - 8), z0 + 1, z1 - 1, height, wall, True)
    if uniform(state, 0.0, 1.0) < 0.25:
        wall = WALLS[integer(state, 0, len(WALLS))]
        _wall(state, grid, floor, taken, 0, z0 + integer(state, 8, length - 8), x0 + 1, x1 - 1, height, wall, True)
    low, high = (x0 + 2, z0 + 2), (x1 - 2, z1 - 2)
    count = scatter_candidates(state, grid, floor, taken, low, high, integer(state, 3, 8), 6, candidates)
    for _ in range(integer(state, 2, 10)):
        x, z = integer(state, x0 + 2, x1 - 3), integer(state, z0 + 2, z1 - 3)
        tall, block = integer(state, 1, 5), FURNITURE[integer(state, 0, len(FURNITURE))]
        wide, deep = integer(state, 1, 4), integer(state, 1, 3)
        for dx in range(wide):
            for dz in range(deep):
                if x + dx < x1 - 2 and z + dz < z1 - 2:
                    raise_column(grid, floor, taken, x + dx, z + dz, tall, block)
    return count
