"""Bodies against blocks: how far a box may move before something stops it.

One rule for players, creatures, arrows and the robot: each axis in Minecraft's order (y, x, z), against the box by
which each block stops bodies (sim/models.py). Nothing tunnels, for every cell that the move sweeps is looked at. It
knows neither gravity nor keys.
"""

import math

from xview_training.sim.blocks import FORM, PASSABLE, Form
from xview_training.sim.compiled import compiled
from xview_training.sim.models import STOP

# First columns of everything that moves, float64: its feet, velocity in blocks a tick, view, ground contact.
X, Y, Z, VX, VY, VZ, YAW, PITCH, ON_GROUND = range(9)

FLUID = int(Form.FLUID)
TOUCH = 1e-7  # blocks: faces that close touch, they do not overlap


@compiled()
def block_at(grid, x, y, z):
    """The block of a cell, -1 outside the world's sides and floor, 0 above its top."""
    if x < 0 or z < 0 or y < 0 or x >= grid.shape[0] or z >= grid.shape[1]:
        return -1
    return int(grid[x, z, y]) if y < grid.shape[2] else 0


@compiled()
def _stop_of(block, side):
    """Side 0 to 5 (x0, y0, z0, x1, y1, z1) of what stops bodies in a cell, seen from its lowest corner."""
    if block < 0:
        return 0.0 if side < 3 else 1.0
    return STOP[block, side]


@compiled()
def solid(grid, x, y, z):
    """Whether the block of a cell stops bodies at all. Outside the world's sides and floor everything does."""
    block = block_at(grid, x, y, z)
    return block < 0 or not PASSABLE[block]


@compiled()
def _allowed(grid, x0, y0, z0, x1, y1, z1, axis, move):
    """How far of `move` the box can go along one axis (0 x, 1 y, 2 z) before it touches a block."""
    if move == 0.0:
        return 0.0
    back, ahead = min(move, 0.0), max(move, 0.0)
    ax0, ax1 = (x0 + back, x1 + ahead) if axis == 0 else (x0, x1)
    ay0, ay1 = (y0 + back, y1 + ahead) if axis == 1 else (y0, y1)
    az0, az1 = (z0 + back, z1 + ahead) if axis == 2 else (z0, z1)
    low, high = (x0, x1) if axis == 0 else ((y0, y1) if axis == 1 else (z0, z1))
    allowed = move
    # One cell lower than the box: fences reach up into the cell above them.
    for x in range(int(math.floor(ax0)), int(math.floor(ax1)) + 1):
        for z in range(int(math.floor(az0)), int(math.floor(az1)) + 1):
            for y in range(int(math.floor(ay0)) - 1, int(math.floor(ay1)) + 1):
                block = block_at(grid, x, y, z)
                if block >= 0 and PASSABLE[block]:
                    continue
                bx0, bx1 = x + _stop_of(block, 0), x + _stop_of(block, 3)
                by0, by1 = y + _stop_of(block, 1), y + _stop_of(block, 4)
                bz0, bz1 = z + _stop_of(block, 2), z + _stop_of(block, 5)
                beside_x = axis != 0 and (bx1 <= x0 + TOUCH or bx0 >= x1 - TOUCH)
                beside_y = axis != 1 and (by1 <= y0 + TOUCH or by0 >= y1 - TOUCH)
                beside_z = axis != 2 and (bz1 <= z0 + TOUCH or bz0 >= z1 - TOUCH)
                if beside_x or beside_y or beside_z:
                    continue
                near, far = (bx0, bx1) if axis == 0 else ((by0, by1) if axis == 1 else (bz0, bz1))
                if move > 0 and near >= high - TOUCH:
                    allowed = min(allowed, max(0.0, near - high))
                elif move < 0 and far <= low + TOUCH:
                    allowed = max(allowed, min(0.0, far - low))
    return allowed


@compiled()
def move(grid, body, dx, dy, dz, width, height):
    """Moves the body by (dx, dy, dz) as far as blocks allow: y first, then x, then z, as Minecraft does.

    What is stopped loses its velocity along that axis; ON_GROUND follows from y. True where x or z was stopped.
    """
    half = width / 2
    x, y, z = body[X], body[Y], body[Z]
    done = _allowed(grid, x - half, y, z - half, x + half, y + height, z + half, 1, dy)
    y += done
    if dy != 0.0:
        body[ON_GROUND] = 1.0 if done != dy and dy < 0 else 0.0
    if done != dy:
        body[VY] = 0.0
    bumped = False
    done = _allowed(grid, x - half, y, z - half, x + half, y + height, z + half, 0, dx)
    x += done
    if done != dx:
        body[VX] = 0.0
        bumped = True
    done = _allowed(grid, x - half, y, z - half, x + half, y + height, z + half, 2, dz)
    z += done
    if done != dz:
        body[VZ] = 0.0
        bumped = True
    body[X], body[Y], body[Z] = x, y, z
    return bumped


@compiled()
def in_water(grid, body):
    """Whether the body's feet are in water deep enough to float in."""
    return block_is_fluid(grid, body[X], body[Y] + 0.4, body[Z])


@compiled()
def block_is_fluid(grid, x, y, z):
    """Whether the point lies in water."""
    block = block_at(grid, int(math.floor(x)), int(math.floor(y)), int(math.floor(z)))
    return block > 0 and FORM[block] == FLUID


@compiled()
def overlaps(grid, body, width, height, x, y, z):
    """Whether what stops bodies in cell (x, y, z) cuts into the body's box by more than rounding."""
    block = block_at(grid, x, y, z)
    half, slack = width / 2, 1e-6
    return (
        x + _stop_of(block, 3) > body[X] - half + slack
        and x + _stop_of(block, 0) < body[X] + half - slack
        and y + _stop_of(block, 4) > body[Y] + slack
        and y + _stop_of(block, 1) < body[Y] + height - slack
        and z + _stop_of(block, 5) > body[Z] - half + slack
        and z + _stop_of(block, 2) < body[Z] + half - slack
    )
