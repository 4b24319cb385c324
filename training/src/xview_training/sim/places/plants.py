"""Trees and cacti."""

from xview_training.sim.blocks import ID
from xview_training.sim.compiled import compiled
from xview_training.sim.random import integer, uniform

LOG, PINE_LOG, FOLIAGE, NEEDLES, CACTUS = (ID[n] for n in ("log", "pine_log", "foliage", "needles", "cactus"))
BROAD, PINE, NO_TREE = 0, 1, 2
REACH = 3  # blocks from the trunk to the farthest leaf
HEAD_ROOM = 3  # blocks under the lowest leaf: nobody walks through leaves


@compiled()
def _leaf(grid, x, z, y, leaf):
    if 0 <= y < grid.shape[2] and grid[x, z, y] == 0:
        grid[x, z, y] = leaf


@compiled()
def broad_tree(state, grid, floor, taken, x, z):
    """A round crown on a trunk."""
    base, trunk = floor[x, z], integer(state, 5, 8)
    for dx in range(-2, 3):
        for dz in range(-2, 3):
            for dy in range(max(trunk - 2, HEAD_ROOM), trunk + 2):
                radius = 2 if dy < trunk else 1
                corner = abs(dx) == radius and abs(dz) == radius
                if abs(dx) <= radius and abs(dz) <= radius and not (corner and uniform(state, 0.0, 1.0) < 0.5):
                    _leaf(grid, x + dx, z + dz, base + dy, FOLIAGE)
    grid[x, z, base : base + trunk] = LOG
    floor[x, z] = base + trunk
    taken[x, z] = 1


@compiled()
def pine(state, grid, floor, taken, x, z):
    """Rings of needles that narrow to a tip."""
    base, trunk = floor[x, z], integer(state, 7, 11)
    for dy in range(HEAD_ROOM, trunk + 2):
        left = trunk + 1 - dy
        radius = min(REACH, 1 + left // 3) if left % 2 else min(2, left // 3)
        for dx in range(-radius, radius + 1):
            for dz in range(-radius, radius + 1):
                if abs(dx) + abs(dz) <= radius:
                    _leaf(grid, x + dx, z + dz, base + dy, NEEDLES)
    grid[x, z, base : base + trunk] = PINE_LOG
    floor[x, z] = base + trunk
    taken[x, z] = 1


@compiled()
def plant(state, grid, floor, taken, count, kind):
    """Up to `count` trees on free columns, apart from what stands already."""
    for _ in range(count):
        x, z = integer(state, 4, floor.shape[0] - 4), integer(state, 4, floor.shape[1] - 4)
        if taken[x - 1 : x + 2, z - 1 : z + 2].any():
            continue
        if kind == PINE:
            pine(state, grid, floor, taken, x, z)
        else:
            broad_tree(state, grid, floor, taken, x, z)


@compiled()
def grow_cacti(state, grid, floor, taken, count):
    """Columns of one to three."""
    for _ in range(count):
        x, z = integer(state, 4, floor.shape[0] - 4), integer(state, 4, floor.shape[1] - 4)
        if taken[x - 1 : x + 2, z - 1 : z + 2].any():
            continue
        tall = integer(state, 1, 4)
        grid[x, z, floor[x, z] : floor[x, z] + tall] = CACTUS
        floor[x, z] += tall
        taken[x, z] = 1
