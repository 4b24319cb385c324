"""What open-air places share: smooth ground from seeded noise, ponds, and objects scattered over free columns."""

import numpy as np

from xview_training.sim.blocks import ID
from xview_training.sim.compiled import compiled
from xview_training.sim.random import integer, uniform

WATER = ID["water"]
MARGIN = 8  # blocks kept free of objects along the world's sides


@compiled()
def add_noise(state, cell, height, out):
    """Adds smooth noise of -height to height to out float64 (X, Z); cell: blocks from one hill to the next."""
    size_x, size_z = out.shape
    nx, nz = int(size_x / cell) + 2, int(size_z / cell) + 2
    knots = np.empty((nx, nz))
    for i in range(nx):
        for j in range(nz):
            knots[i, j] = uniform(state, -height, height)
    for x in range(size_x):
        i, u = int(x / cell), x / cell - int(x / cell)
        u = u * u * (3 - 2 * u)
        for z in range(size_z):
            j, v = int(z / cell), z / cell - int(z / cell)
            v = v * v * (3 - 2 * v)
            low = knots[i, j] * (1 - u) + knots[i + 1, j] * u
            high = knots[i, j + 1] * (1 - u) + knots[i + 1, j + 1] * u
            out[x, z] += low * (1 - v) + high * v


@compiled()
def fill_columns(grid, floor, heights, surface, soil, deep, bedrock):
    """Builds ground up to heights float64 (X, Z): bedrock, deep stone, four blocks of soil, one of surface."""
    for x in range(floor.shape[0]):
        for z in range(floor.shape[1]):
            top = min(max(int(heights[x, z]), 6), grid.shape[2] - 20)
            grid[x, z, 0] = bedrock
            grid[x, z, 1 : top - 4] = deep
            grid[x, z, top - 4 : top] = soil
            grid[x, z, top] = surface
            floor[x, z] = top + 1


@compiled()
def flood(state, grid, floor, taken, ponds, bed):
    """Digs shallow ponds, one to two blocks deep, that are level with the lowest column around them."""
    size_x, size_z = floor.shape
    for _ in range(ponds):
        x0, z0 = integer(state, 14, size_x - 14), integer(state, 14, size_z - 14)
        wide, long = uniform(state, 2.5, 6.5), uniform(state, 2.5, 6.5)
        level, free = 1000, True
        for x in range(x0 - 8, x0 + 9):
            for z in range(z0 - 8, z0 + 9):
                if ((x - x0) / wide) ** 2 + ((z - z0) / long) ** 2 <= 1.6:
                    level = min(level, floor[x, z])
                    free = free and taken[x, z] == 0
        if not free:
            continue
        for x in range(x0 - 8, x0 + 9):
            for z in range(z0 - 8, z0 + 9):
                inside = ((x - x0) / wide) ** 2 + ((z - z0) / long) ** 2
                if inside > 1:
                    continue
                depth = 2 if inside < 0.4 else 1
                grid[x, z, level - 1 :] = 0
                grid[x, z, level - 1 - depth] = bed
                grid[x, z, level - depth : level] = WATER
                floor[x, z] = level - depth
                taken[x, z] = 1


@compiled()
def scatter(state, grid, floor, taken, low, high, count, spacing, kinds, candidates, placed):
    """Puts up to `count` more objects on free ground of [low, high) in x and z; returns how many there are then.

    In half of the worlds two or three kinds recur, so that a kind alone does not tell which object is meant. kinds
    uint8: blocks to choose from. candidates int16 (MAX_CANDIDATES, 4): x, y, z, block; `placed` of them stand already.
    spacing: a Manhattan distance in blocks.
    """
    different = 2 + integer(state, 0, 2) if uniform(state, 0.0, 1.0) < 0.5 else len(kinds)
    chosen = np.empty(different, np.int64)
    for i in range(different):
        chosen[i] = kinds[integer(state, 0, len(kinds))]
    end = min(placed + count, candidates.shape[0])
    for _ in range(4000):
        if placed == end:
            break
        x, z = integer(state, low[0], high[0]), integer(state, low[1], high[1])
        free = not taken[x - 1 : x + 2, z - 1 : z + 2].any()
        level = abs(floor[x + 1, z] - floor[x, z]) <= 1 and abs(floor[x, z + 1] - floor[x, z]) <= 1
        for other in range(placed):
            if abs(candidates[other, 0] - x) + abs(candidates[other, 2] - z) < spacing:
                free = False
        if free and level:
            stand(grid, floor, taken, x, z, chosen[integer(state, 0, different)], candidates, placed)
            placed += 1
    return placed


@compiled()
def stand(grid, floor, taken, x, z, block, candidates, number):
    """Puts candidate `number` on column (x, z)."""
    y = floor[x, z]
    grid[x, z, y] = block
    candidates[number, 0], candidates[number, 1], candidates[number, 2], candidates[number, 3] = x, y, z, block
    floor[x, z] = y + 1
    taken[x - 1 : x + 2, z - 1 : z + 2] = 1


@compiled()
def sprinkle(state, grid, floor, taken, surface, density, kinds):
    """Plants on that share of the free columns with that surface; bodies walk through them."""
    if density <= 0:
        return
    for x in range(1, floor.shape[0] - 1):
        for z in range(1, floor.shape[1] - 1):
            y = floor[x, z]
            free = taken[x, z] == 0 and grid[x, z, y - 1] == surface and grid[x, z, y] == 0
            if free and uniform(state, 0.0, 1.0) < density:
                grid[x, z, y] = kinds[integer(state, 0, len(kinds))]
