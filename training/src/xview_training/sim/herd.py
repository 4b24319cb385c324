"""Which creatures live in a place, and where a world's own stand when it begins."""

import math

import numpy as np

from xview_training.sim.blocks import PASSABLE
from xview_training.sim.collision import ON_GROUND, YAW, X, Y, Z
from xview_training.sim.compiled import compiled
from xview_training.sim.creatures import (
    CREATURE_SIZE,
    HEALTHS,
    HEIGHTS,
    MAX_CREATURES,
    SPECIES,
    WIDTHS,
    WISH_YAW,
)
from xview_training.sim.figures import KIND_ID
from xview_training.sim.physics import HEALTH
from xview_training.sim.random import integer, uniform

MARGIN = 10
APART = 5  # blocks between two creatures at the start


def _kinds(*names: str) -> np.ndarray:
    return np.array([KIND_ID[name] for name in names], np.int64)


HERDS = {
    "plains": _kinds("cow", "sheep", "pig", "hen", "horse", "ghoul"),
    "forest": _kinds("cow", "sheep", "pig", "hen", "spider", "archer"),
    "desert": _kinds("hen", "horse", "ghoul", "archer", "spider"),
    "snow": _kinds("sheep", "cow", "archer", "ghoul"),
    "hills": _kinds("sheep", "horse", "cow", "spider"),
    "village": _kinds("cow", "sheep", "pig", "hen", "horse", "ghoul"),
    "cave": _kinds("ghoul", "archer", "spider"),
}


@compiled()
def fits(grid, kind, x, y, z):
    """Whether a creature can stand with its feet in the middle of column (x, z) at height y."""
    reach = int(math.ceil(WIDTHS[kind] / 2 - 0.5)) if WIDTHS[kind] > 1 else 0
    for dx in range(-reach, reach + 1):
        for dz in range(-reach, reach + 1):
            for dy in range(int(math.ceil(HEIGHTS[kind]))):
                if not PASSABLE[grid[x + dx, z + dz, min(y + dy, grid.shape[2] - 1)]]:
                    return False
    return y > 0 and not PASSABLE[grid[x, z, y - 1]]


@compiled()
def settle_herd(state, kinds, grid, floor, creatures):
    """Puts six to all of MAX_CREATURES on free ground; in half of the worlds of only two or three species."""
    different = 2 + integer(state, 0, 2) if uniform(state, 0.0, 1.0) < 0.5 else len(kinds)
    chosen = np.empty(different, np.int64)
    for i in range(different):
        chosen[i] = kinds[integer(state, 0, len(kinds))]
    wanted, settled = integer(state, 6, MAX_CREATURES + 1), 0
    for _ in range(2000):
        if settled == wanted:
            return
        x, z = integer(state, MARGIN, floor.shape[0] - MARGIN), integer(state, MARGIN, floor.shape[1] - MARGIN)
        kind, y = chosen[integer(state, 0, different)], int(floor[x, z])
        if y > grid.shape[2] - 4 or not fits(grid, kind, x, y, z):
            continue
        apart = True
        for other in range(settled):
            apart = apart and abs(creatures[other, X] - x) + abs(creatures[other, Z] - z) > APART
        if apart:
            yaw = uniform(state, -math.pi, math.pi)
            row = creatures[settled]
            row[:CREATURE_SIZE] = 0
            row[X], row[Y], row[Z], row[YAW], row[WISH_YAW] = x + 0.5, y, z + 0.5, yaw, yaw
            row[ON_GROUND], row[SPECIES], row[HEALTH] = 1, kind, HEALTHS[kind]
            settled += 1
