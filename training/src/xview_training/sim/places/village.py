"""A village: houses with doors, windows and furniture, fields behind fences, paths and lanterns."""

import numpy as np

from xview_training.sim.blocks import ID
from xview_training.sim.compiled import compiled
from xview_training.sim.places.ground import MARGIN, add_noise, fill_columns, scatter, sprinkle, stand
from xview_training.sim.places.open_air import BEDROCK, GRAVEL, MEADOW, OBJECTS, STONE
from xview_training.sim.places.plants import BROAD, plant
from xview_training.sim.random import integer, uniform

GRASS, DIRT, PATH, FARMLAND, GLASS = (ID[n] for n in ("grass", "dirt", "path", "farmland", "glass"))
FENCE, LANTERN, SHELF = (ID[n] for n in ("fence", "lantern", "shelf"))
INSIDES = np.array([ID["planks"], ID["carpet"], ID["cobble"]], np.uint8)
DOOR_X, OPEN_DOOR_X, WATER = ID["door_x"], ID["open_door_x"], ID["water"]
CROPS = np.array([ID["young_crop"], ID["ripe_crop"]], np.uint8)
WALLS = np.array([ID[n] for n in ("planks", "cobble", "brick", "plaster", "log", "sandstone")], np.uint8)
ROOFS = np.array([ID[n] for n in ("thatch", "planks", "slate", "brick")], np.uint8)
FURNITURE = np.array([ID[n] for n in ("bed", "chest", "furnace", "workbench")], np.uint8)
WALL_HEIGHT = 4
CLOSED_DOORS = 0.4  # share of the houses that one has to open


@compiled()
def _level(grid, floor, x0, x1, z0, z1, ground, surface):
    """Flattens a plot to feet height `ground`."""
    for x in range(x0, x1):
        for z in range(z0, z1):
            grid[x, z, ground:] = 0
            grid[x, z, ground - 4 : ground] = DIRT
            grid[x, z, ground - 1] = surface
            floor[x, z] = ground


@compiled()
def _house(state, grid, floor, taken, x0, z0, wide, long, candidates, count):
    """Walls, roof, a door in the middle of the front, windows, furniture along the walls."""
    x1, z1 = x0 + wide, z0 + long
    ground = int(floor[x0 + wide // 2, z0])
    wall, roof = WALLS[integer(state, 0, len(WALLS))], ROOFS[integer(state, 0, len(ROOFS))]
    inside = INSIDES[integer(state, 0, len(INSIDES))]
    _level(grid, floor, x0 - 1, x1 + 1, z0 - 1, z1 + 1, ground, GRASS)
    taken[x0 - 1 : x1 + 1, z0 - 1 : z1 + 1] = 1
    for x in range(x0, x1):
        for z in range(z0, z1):
            grid[x, z, ground - 1] = inside
            grid[x, z, ground + WALL_HEIGHT] = roof
            if x in (x0, x1 - 1) or z in (z0, z1 - 1):
                grid[x, z, ground : ground + WALL_HEIGHT] = wall
                window = ((x - x0) % 3 == 2 and z == z1 - 1) or ((z - z0) % 3 == 2 and x in (x0, x1 - 1))
                if window:
                    grid[x, z, ground + 1 : ground + 3] = GLASS
                floor[x, z] = ground + WALL_HEIGHT + 1
    door = x0 + wide // 2
    closed = uniform(state, 0.0, 1.0) < CLOSED_DOORS
    grid[door, z0, ground : ground + 2] = DOOR_X if closed else OPEN_DOOR_X
    floor[door, z0] = ground + WALL_HEIGHT + 1 if closed else ground
    grid[door, z0 - 1, ground - 1] = PATH
    if closed and count < candidates.shape[0]:
        candidates[count, 0], candidates[count, 1], candidates[count, 2] = door, ground, z0
        candidates[count, 3] = DOOR_X
        count += 1
    grid[door + 1, z0 - 1, ground + 2] = LANTERN
    for _ in range(integer(state, 1, 4)):
        x, z = integer(state, x0 + 1, x1 - 1), integer(state, z0 + 2, z1 - 1)
        if grid[x, z, ground] == 0 and count < candidates.shape[0]:
            stand(grid, floor, taken, x, z, FURNITURE[integer(state, 0, len(FURNITURE))], candidates, count)
            count += 1
    if grid[x0 + 1, z1 - 2, ground] == 0:
        grid[x0 + 1, z1 - 2, ground : ground + 2] = SHELF
        floor[x0 + 1, z1 - 2] = ground + 2
    return count


@compiled()
def _field(state, grid, floor, taken, x0, z0, wide, long):
    """Rows of crops with a ditch in the middle, behind a fence with a gap."""
    ground = int(floor[x0 + wide // 2, z0 + long // 2])
    _level(grid, floor, x0 - 1, x0 + wide + 1, z0 - 1, z0 + long + 1, ground, GRASS)
    crop = CROPS[integer(state, 0, len(CROPS))]
    gap = integer(state, x0 + 1, x0 + wide - 2)
    for x in range(x0, x0 + wide):
        for z in range(z0, z0 + long):
            rim = x in (x0, x0 + wide - 1) or z in (z0, z0 + long - 1)
            if rim and not (z == z0 and gap <= x < gap + 2):
                grid[x, z, ground] = FENCE
                floor[x, z] = ground + 2
            elif not rim and x == x0 + wide // 2:
                grid[x, z, ground - 1] = WATER
                grid[x, z, ground - 2] = GRAVEL
                floor[x, z] = ground - 1
            elif not rim:
                grid[x, z, ground - 1] = FARMLAND
                grid[x, z, ground] = crop
    taken[x0 - 1 : x0 + wide + 1, z0 - 1 : z0 + long + 1] = 1


@compiled()
def _plot_is_free(floor, taken, x0, z0, wide, long):
    """Whether a plot with its rim is empty and nearly level."""
    if taken[x0 - 2 : x0 + wide + 2, z0 - 2 : z0 + long + 2].any():
        return False
    low, high = 1000, 0
    for x in range(x0 - 1, x0 + wide + 1):
        for z in range(z0 - 1, z0 + long + 1):
            low, high = min(low, floor[x, z]), max(high, floor[x, z])
    return high - low <= 3


@compiled()
def _pave(grid, floor, taken, x0, z0, x1, z1):
    """A path of two blocks' width, first along x, then along z."""
    x, z = x0, z0
    while x != x1 or z != z1:
        for a in range(2):
            for b in range(2):
                if taken[x + a, z + b] == 0:
                    grid[x + a, z + b, floor[x + a, z + b] - 1] = PATH
        if x != x1:
            x += 1 if x1 > x else -1
        else:
            z += 1 if z1 > z else -1


@compiled()
def generate(state, grid, floor, candidates):
    """Fills the arrays (sim/worlds.py); returns the number of candidates."""
    grid[:] = 0
    size_x, size_z = floor.shape
    heights = np.full((size_x, size_z), 18.0)
    add_noise(state, 45.0, 1.6, heights)
    fill_columns(grid, floor, heights, GRASS, DIRT, STONE, BEDROCK)
    taken = np.zeros((size_x, size_z), np.uint8)
    count, built = 0, 0
    middle_x, middle_z = size_x // 2, size_z // 2
    wanted = integer(state, 6, 11)
    for _ in range(300):
        if built == wanted:
            break
        wide, long = integer(state, 7, 12), integer(state, 7, 12)
        x0, z0 = integer(state, 16, size_x - 30), integer(state, 16, size_z - 30)
        if not _plot_is_free(floor, taken, x0, z0, wide, long):
            continue
        if uniform(state, 0.0, 1.0) < 0.7:
            count = _house(state, grid, floor, taken, x0, z0, wide, long, candidates, count)
            _pave(grid, floor, taken, x0 + wide // 2, z0 - 1, middle_x, middle_z)
        else:
            _field(state, grid, floor, taken, x0, z0, wide, long)
        built += 1
    low, high = (MARGIN, MARGIN), (size_x - MARGIN, size_z - MARGIN)
    count = scatter(state, grid, floor, taken, low, high, integer(state, 5, 10), 7, OBJECTS, candidates, count)
    plant(state, grid, floor, taken, integer(state, 5, 25), BROAD)
    sprinkle(state, grid, floor, taken, GRASS, 0.05, MEADOW)
    return count
