"""Indoors: rooms along corridors under a ceiling, with doorways, plain white or shiny walls and floors, and furniture.

Policies trained on landscapes alone fail in such places on robots (ROCKET-3, limitations).
"""

import numpy as np

from xview_training.sim.blocks import CANDIDATES, ID
from xview_training.sim.compiled import compiled
from xview_training.sim.places.ground import scatter
from xview_training.sim.random import integer, uniform

LEVEL = 4  # height of the floor
FLOORS = np.array(
    [ID[n] for n in ("polished", "marble", "polished", "concrete", "carpet", "planks", "slate")], np.uint8
)
WALLS = np.array(
    [ID[n] for n in ("plaster", "plaster", "plaster", "painted", "concrete", "brick", "polished")], np.uint8
)
FURNITURE = np.array([ID[n] for n in ("table", "stool", "shelf", "planks", "bed", "concrete")], np.uint8)
OBJECTS = np.array(
    [ID[b.name] for b in CANDIDATES] + [ID[n] for n in ("chest", "furnace", "workbench", "bed")], np.uint8
)
BEDROCK, GLASS, LAMP = ID["bedrock"], ID["glass"], ID["lamp"]
SOLID = 60  # floor height of what nobody walks on


@compiled()
def _open(grid, floor, x0, x1, z0, z1, height, surface):
    """Hollows out a box of air over a floor."""
    grid[x0:x1, z0:z1, LEVEL : LEVEL + height] = 0
    grid[x0:x1, z0:z1, LEVEL - 1] = surface
    floor[x0:x1, z0:z1] = LEVEL


@compiled()
def _furnish(state, grid, floor, taken, x0, x1, z0, z1):
    """A few pieces along the walls and in the middle."""
    for _ in range(integer(state, 0, 5)):
        x, z = integer(state, x0 + 1, x1 - 1), integer(state, z0 + 1, z1 - 1)
        if taken[x - 1 : x + 2, z - 1 : z + 2].any():
            continue
        block = FURNITURE[integer(state, 0, len(FURNITURE))]
        tall = integer(state, 1, 3) if block == FURNITURE[2] or block == FURNITURE[3] else 1
        grid[x, z, LEVEL : LEVEL + tall] = block
        floor[x, z] = LEVEL + 2
        taken[x, z] = 1


@compiled()
def _row_of_rooms(state, grid, floor, taken, start, end, z0, z1, corridor_z, height, surface):
    """Rooms side by side from x = start to end between z0 and z1, each with a doorway to the corridor."""
    x = start
    while x < end - 7:
        wide = min(integer(state, 8, 20), end - x)
        if end - x - wide < 8:
            wide = end - x
        floor_block = FLOORS[integer(state, 0, len(FLOORS))] if uniform(state, 0.0, 1.0) < 0.4 else surface
        _open(grid, floor, x, x + wide - 1, z0, z1, height, floor_block)
        taken[x : x + wide - 1, z0:z1] = 0
        _furnish(state, grid, floor, taken, x, x + wide - 1, z0, z1)
        door = integer(state, x + 1, x + wide - 4)
        _open(grid, floor, door, door + 2, min(corridor_z, z0), max(corridor_z, z0) + 1, 3, surface)
        if uniform(state, 0.0, 1.0) < 0.3:  # and one to the next room
            beside = integer(state, z0 + 1, z1 - 3)
            if x + wide < end - 7:
                _open(grid, floor, x + wide - 1, x + wide, beside, beside + 2, 3, surface)
        x += wide


@compiled()
def generate(state, grid, floor, candidates):
    """Fills the arrays (sim/worlds.py); returns the number of candidates."""
    size_x, size_z = floor.shape
    height = integer(state, 4, 6)
    wall, surface = WALLS[integer(state, 0, len(WALLS))], FLOORS[integer(state, 0, len(FLOORS))]
    grid[:], floor[:] = 0, SOLID
    grid[:, :, : LEVEL + height + 1] = wall
    grid[:, :, 0] = BEDROCK
    taken = np.ones((size_x, size_z), np.uint8)
    length = integer(state, 50, 100)
    x0 = (size_x - length) // 2
    middle = size_z // 2 + integer(state, -8, 8)
    wide = integer(state, 3, 6)
    _open(grid, floor, x0, x0 + length, middle, middle + wide, height, surface)
    taken[x0 : x0 + length, middle : middle + wide] = 0
    deep = integer(state, 9, 20)
    _row_of_rooms(state, grid, floor, taken, x0, x0 + length, middle - deep, middle - 1, middle - 1, height, surface)
    far = middle + wide + 1
    deep = integer(state, 9, 20)
    _row_of_rooms(state, grid, floor, taken, x0, x0 + length, far, far + deep, middle + wide, height, surface)
    for x in range(x0 + 4, x0 + length - 4, 8):
        grid[x, middle + wide // 2, LEVEL + height] = LAMP
    low, high = (x0 + 1, middle - 20), (x0 + length - 1, far + 19)
    return scatter(state, grid, floor, taken, low, high, integer(state, 8, 20), 6, OBJECTS, candidates, 0)
