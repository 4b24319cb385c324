"""Grows an open-air world from a seed: rolling ground, walls, pillars, trees, and the candidate objects.

It fills plain arrays and knows neither tasks nor cameras.
"""

import math

import numpy as np

from xview_training.sim.blocks import CANDIDATE_KINDS, FIRST_CANDIDATE, ID
from xview_training.sim.compiled import compiled
from xview_training.sim.exact import cos, sin
from xview_training.sim.random import integer, uniform

STONE, DIRT, GRASS, SAND = ID["stone"], ID["dirt"], ID["grass"], ID["sand"]
SNOW, LOG, LEAVES, BRICK, PLANKS = ID["snow"], ID["log"], ID["leaves"], ID["brick"], ID["planks"]
MARGIN = 8  # blocks kept free of candidates along the world's sides
MAX_CANDIDATES = 16


@compiled()
def scatter_candidates(state, grid, floor, taken, low, high, count, spacing, candidates):
    """Puts up to `count` candidate blocks on free ground of [low, high) in x and z; returns how many.

    In half of the worlds two or three kinds recur, so that a kind alone does not tell which object is meant.
    candidates int16 (MAX_CANDIDATES, 4): x, y, z, block. `spacing` is a Manhattan distance in blocks.
    """
    repeated = uniform(state, 0.0, 1.0) < 0.5
    kinds = 2 + integer(state, 0, 2) if repeated else count
    first = integer(state, 0, CANDIDATE_KINDS)
    stride = (1, 5, 7, 11)[integer(state, 0, 4)]  # coprime to the number of kinds: no kind twice by accident
    placed = 0
    for _ in range(4000):
        if placed == count:
            break
        x, z = integer(state, low[0], high[0]), integer(state, low[1], high[1])
        near = taken[x - 1 : x + 2, z - 1 : z + 2].any()
        for other in range(placed):
            if abs(candidates[other, 0] - x) + abs(candidates[other, 2] - z) < spacing:
                near = True
        if near:
            continue
        block = FIRST_CANDIDATE + (first + stride * (placed % kinds)) % CANDIDATE_KINDS
        y = floor[x, z]
        grid[x, z, y] = block
        candidates[placed, 0], candidates[placed, 1], candidates[placed, 2], candidates[placed, 3] = x, y, z, block
        floor[x, z] = y + 1
        taken[x - 1 : x + 2, z - 1 : z + 2] = 1
        placed += 1
    return placed


@compiled()
def raise_column(grid, floor, taken, x, z, height, block):
    """Stacks `height` blocks on a free column."""
    if taken[x, z]:
        return
    for y in range(floor[x, z], floor[x, z] + height):
        grid[x, z, y] = block
    floor[x, z] += height
    taken[x, z] = 1


@compiled()
def _ground(state, grid, floor):
    size_x, size_z = floor.shape
    surface = (GRASS, GRASS, GRASS, SAND, SNOW)[integer(state, 0, 5)]
    phase = np.empty(10)
    for i in range(10):
        phase[i] = uniform(state, 0.0, 2 * math.pi)
    swing = uniform(state, 0.3, 1.3)
    tau = 2 * math.pi / 64
    for x in range(size_x):
        for z in range(size_z):
            height = 1.6 * sin(x * tau + phase[0]) * cos(z * tau + phase[1])
            height += 0.9 * sin(2 * x * tau + phase[2]) * cos(2 * z * tau + phase[3])
            height += 0.8 * sin((x + 2 * z) * tau + phase[4])
            height += 0.4 * sin(4 * x * tau + phase[5]) * cos(4 * z * tau + phase[6])
            top = int(9.0 + swing * height)
            grid[x, z, : top - 2] = STONE
            grid[x, z, top - 2 : top] = SAND if surface == SAND else DIRT
            grid[x, z, top] = surface
            floor[x, z] = top + 1


@compiled()
def _tree(state, grid, floor, taken, x, z):
    if taken[x, z]:
        return
    trunk = integer(state, 5, 8)
    base = floor[x, z]
    for dx in range(-2, 3):
        for dz in range(-2, 3):
            for dy in range(trunk - 2, trunk + 2):
                radius = 2 if dy < trunk else 1
                corner = abs(dx) == radius and abs(dz) == radius
                y = base + dy
                if abs(dx) > radius or abs(dz) > radius or y >= grid.shape[2] or grid[x + dx, z + dz, y] != 0:
                    continue
                if not (corner and uniform(state, 0.0, 1.0) < 0.5):
                    grid[x + dx, z + dz, y] = LEAVES
    grid[x, z, base : base + trunk] = LOG
    floor[x, z] = base + trunk
    taken[x, z] = 1


@compiled()
def generate(state, grid, floor, candidates):
    """Fills grid uint8 (X, Z, Y), floor int16 (X, Z) and candidates; returns the number of candidates.

    floor is the height at which feet stand in each column (the top of whatever stands there).
    """
    grid[:] = 0
    size_x, size_z = floor.shape
    _ground(state, grid, floor)
    taken = np.zeros(floor.shape, np.uint8)
    low, high = (MARGIN, MARGIN), (size_x - MARGIN, size_z - MARGIN)
    area = size_x * size_z / 4096.0
    count = scatter_candidates(
        state, grid, floor, taken, low, high, min(MAX_CANDIDATES, int(area * integer(state, 4, 9))), 7, candidates
    )
    for _ in range(int(area * integer(state, 5, 11))):
        length, height, along = integer(state, 4, 10), integer(state, 2, 5), integer(state, 0, 2)
        block = (STONE, BRICK, PLANKS)[integer(state, 0, 3)]
        x0, z0 = integer(state, 4, size_x - 14), integer(state, 4, size_z - 14)
        for i in range(length):
            raise_column(grid, floor, taken, x0 + i * (1 - along), z0 + i * along, height, block)
    for _ in range(int(area * integer(state, 4, 10))):
        x, z = integer(state, 3, size_x - 3), integer(state, 3, size_z - 3)
        raise_column(grid, floor, taken, x, z, integer(state, 3, 7), STONE)
    for _ in range(int(area * integer(state, 6, 18))):
        _tree(state, grid, floor, taken, integer(state, 4, size_x - 4), integer(state, 4, size_z - 4))
    return count
