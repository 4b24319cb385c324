"""How far it is on foot from every column to the target: a search over the height of the floor.

Used to prove a start reachable, to label values, and by the expert, which walks down the field.
"""

import numpy as np

from xview_training.sim.blocks import ID, PASSABLE
from xview_training.sim.compiled import compiled

UNREACHABLE = np.float32(1e9)
CROWDED = np.float32(0.3)  # extra cost for each blocked neighbour: paths keep off walls
CLEARANCE = 3  # blocks kept from distractors where the way allows it
TOLL = np.float32(3)
BODY = 2  # blocks of height that a body needs
OPEN = PASSABLE.copy()  # a body passes beside the leaf of an open door
OPEN[[ID["open_door_x"], ID["open_door_z"]]] = True
DIAGONAL = np.float32(2**0.5)


@compiled()
def can_step(floor, x, z, nx, nz, climb, drop):
    """Whether feet at column (x, z) can go on to the neighbour (nx, nz), corners not cut."""
    rise = floor[nx, nz] - floor[x, z]
    if rise > climb or rise < -drop:
        return False
    if nx != x and nz != z:
        corner = max(floor[x, nz], floor[nx, z])
        return corner - floor[x, z] <= climb and corner - floor[nx, nz] <= climb
    return True


@compiled()
def crowding(floor, x, z, climb):
    """Cost of standing beside what one cannot step on."""
    cost = np.float32(0)
    for a in range(-1, 2):
        for b in range(-1, 2):
            if floor[x + a, z + b] - floor[x, z] > climb:
                cost += CROWDED
    return cost


@compiled()
def distractor_toll(candidates, count, target, toll):
    """Fills toll float32 (X, Z): what it costs to pass close to an object that is not the target.

    Candidates int16 (MAX_CANDIDATES, 4): x, y, z, block. A path that keeps clear of them arrives at none by accident.
    """
    toll[:] = 0
    for j in range(count):
        cx, cz = candidates[j, 0], candidates[j, 2]
        if cx == target[0] and cz == target[2]:
            continue
        for x in range(max(cx - CLEARANCE, 0), min(cx + CLEARANCE + 1, toll.shape[0])):
            for z in range(max(cz - CLEARANCE, 0), min(cz + CLEARANCE + 1, toll.shape[1])):
                if (x - cx) ** 2 + (z - cz) ** 2 <= CLEARANCE**2:
                    toll[x, z] = TOLL


@compiled()
def distance_field(floor, size_x, size_z, toll, target, climb, drop, field):
    """Fills field float32 (X, Z) with walking costs in blocks to target (x, y, z); UNREACHABLE where none.

    size_x, size_z: of the place, in the lowest corner of the arrays. toll float32 (X, Z) is added to the cost of each
    column; climb, drop: how many blocks one step may rise or fall. Label-correcting search with a ring queue.
    """
    field[:] = UNREACHABLE
    capacity = size_x * size_z + 1
    queue = np.empty((capacity, 2), np.int32)
    queued = np.zeros(floor.shape, np.uint8)
    tx, ty, tz = target[0], target[1], target[2]
    field[tx, tz] = 0
    queue[0, 0], queue[0, 1] = tx, tz
    head, tail = 0, 1
    while head != tail:
        x, z = queue[head, 0], queue[head, 1]
        head = (head + 1) % capacity
        queued[x, z] = 0
        for dx in range(-1, 2):
            for dz in range(-1, 2):
                nx, nz = x + dx, z + dz
                if (dx == 0 and dz == 0) or nx < 1 or nz < 1 or nx > size_x - 2 or nz > size_z - 2:
                    continue
                if x == tx and z == tz:
                    if abs(floor[nx, nz] - ty) > max(climb, 1):
                        continue
                elif not can_step(floor, nx, nz, x, z, climb, drop):
                    continue
                step = DIAGONAL if dx != 0 and dz != 0 else np.float32(1)
                cost = field[x, z] + step + crowding(floor, nx, nz, climb) + toll[nx, nz]
                if cost < field[nx, nz] - np.float32(1e-4):
                    field[nx, nz] = cost
                    if queued[nx, nz] == 0:
                        queued[nx, nz] = 1
                        queue[tail, 0], queue[tail, 1] = nx, nz
                        tail = (tail + 1) % capacity


@compiled()
def walkable(floor, size_x, size_z, candidates, count, climb, drop, out):
    """Fills out uint8 (X, Z): 1 where one can walk to from beside any of the world's objects, else 0.

    That is the ground which a place means for walking: not the top of a mine's rock, nor the roofs of halls.
    """
    out[:] = 0
    stack = np.empty((size_x * size_z, 2), np.int32)
    waiting = 0
    for j in range(count):
        x, y, z = candidates[j, 0], candidates[j, 1], candidates[j, 2]
        for nx in range(max(x - 1, 1), min(x + 2, size_x - 1)):
            for nz in range(max(z - 1, 1), min(z + 2, size_z - 1)):
                if out[nx, nz] == 0 and (nx != x or nz != z) and abs(floor[nx, nz] - y) <= max(climb, 1):
                    out[nx, nz] = 1
                    stack[waiting, 0], stack[waiting, 1] = nx, nz
                    waiting += 1
    while waiting > 0:
        waiting -= 1
        x, z = stack[waiting, 0], stack[waiting, 1]
        for nx in range(max(x - 1, 1), min(x + 2, size_x - 1)):
            for nz in range(max(z - 1, 1), min(z + 2, size_z - 1)):
                if out[nx, nz] == 0 and can_step(floor, x, z, nx, nz, climb, drop):
                    out[nx, nz] = 1
                    stack[waiting, 0], stack[waiting, 1] = nx, nz
                    waiting += 1


@compiled()
def _has_room(grid, floor, x, z, top):
    """Whether a column is free from its floor up to height `top`."""
    y = floor[x, z]
    while y < top and (y >= grid.shape[2] or OPEN[grid[x, z, y]]):
        y += 1
    return y >= top


@compiled()
def leads_through_no_roof(grid, floor, field, x, z, climb, drop):
    """Whether a body has room on every step of the way down the field from column (x, z) to the target.

    The search knows floors alone: from the top of a wall it steps down onto what stands below the roof beside it.
    """
    while field[x, z] > 0:
        best, bx, bz = field[x, z], x, z
        for dx in range(-1, 2):
            for dz in range(-1, 2):
                nx, nz = x + dx, z + dz
                if field[nx, nz] < best and (field[nx, nz] == 0 or can_step(floor, x, z, nx, nz, climb, drop)):
                    best, bx, bz = field[nx, nz], nx, nz
        if bx == x and bz == z:
            return False
        top = max(floor[x, z], floor[bx, bz]) + BODY
        if best > 0 and not (_has_room(grid, floor, x, z, top) and _has_room(grid, floor, bx, bz, top)):
            return False
        x, z = bx, bz
    return True
