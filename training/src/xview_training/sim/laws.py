"""What holds in every world after every tick: finite numbers, bodies outside blocks and inside the world, no one lost.

For fuzzing and tests; the simulator itself does not look.
"""

import math

from xview_training.sim import physics
from xview_training.sim.blocks import OPAQUE
from xview_training.sim.collision import ON_GROUND, X, Y, Z, block_at
from xview_training.sim.compiled import compiled
from xview_training.sim.creatures import HEIGHTS, SPECIES, WIDTHS
from xview_training.sim.physics import FULL_HEALTH, HEALTH, stands_free

LAWS = (
    "all holds",
    "the player's state is finite",
    "the player is outside blocks",
    "the player is inside the world",
    "the player's health is between nothing and full",
    "creatures' states are finite",
    "creatures are outside blocks",
    "creatures are inside the world",
    "no creature turns into another or is lost",
    "arrows' states are finite",
    "arrows fly outside blocks",
)
HOLDS, FINITE, FREE, INSIDE, HEALTHY, FINITE_C, FREE_C, INSIDE_C, SAME_C, FINITE_A, FREE_A = range(len(LAWS))


@compiled()
def _finite(row):
    finite = True
    for value in row:
        finite = finite and math.isfinite(value)
    return finite


@compiled()
def _inside(grid, row, width):
    half = width / 2 - 1e-6
    beside = half <= row[X] <= grid.shape[0] - half and half <= row[Z] <= grid.shape[1] - half
    return beside and -1e-6 <= row[Y] <= 4 * grid.shape[2]


@compiled()
def broken_law(grid, body, hands, creatures, arrows, species):
    """Number of the first law that a world breaks, HOLDS if none. species (M,): what the creatures were at first."""
    if not (_finite(body) and _finite(hands)):
        return FINITE
    if not _inside(grid, body, physics.WIDTH):
        return INSIDE
    if not stands_free(grid, body, physics.WIDTH, physics.HEIGHT):
        return FREE
    if not 0 <= body[HEALTH] <= FULL_HEALTH:
        return HEALTHY
    for m in range(creatures.shape[0]):
        row = creatures[m]
        if row[SPECIES] != species[m]:
            return SAME_C
        if row[SPECIES] < 0 or row[HEALTH] <= 0:
            continue
        kind = int(row[SPECIES])
        if not _finite(row):
            return FINITE_C
        if not _inside(grid, row, WIDTHS[kind]):
            return INSIDE_C
        if not stands_free(grid, row, WIDTHS[kind], HEIGHTS[kind]):
            return FREE_C
    for a in range(arrows.shape[0]):
        row = arrows[a]
        if not _finite(row):
            return FINITE_A
        if row[ON_GROUND] > 0:
            block = block_at(grid, int(math.floor(row[X])), int(math.floor(row[Y])), int(math.floor(row[Z])))
            if block > 0 and OPAQUE[block]:
                return FREE_A
    return HOLDS
