"""How the expert aims: at blocks, at creatures, and over the sag of an arrow's flight."""

import math

import numpy as np

from xview_training.sim import physics
from xview_training.sim.blocks import PASSABLE
from xview_training.sim.compiled import compiled
from xview_training.sim.raycast import cast
from xview_training.tasks import rules

THROUGH = 0.5  # of the way to a point that is looked on beyond it, for what stands on the far side of its block
BEHIND = 2.0  # radians off
ARROW_SPEED, ARROW_DRAG, ARROW_FALL = 3.0, 0.99, 0.05  # blocks a tick, of a full draw (sim/hands.py)


@compiled()
def nearest_bin(steps_rad, wanted):
    """Which camera step turns by about that angle in radians."""
    return int(np.argmin(np.abs(steps_rad - wanted)))


@compiled()
def turn_bin(steps_rad, angle, rate):
    """Which camera step turns towards an angle in radians; what lies behind is turned to as one turns already.

    rate: of turning, positive to the right. An agent that acts late and may change its mind would turn to and fro.
    """
    if abs(angle) > BEHIND:
        return len(steps_rad) - 1 if rate >= 0 else 0
    return nearest_bin(steps_rad, angle)


@compiled()
def pitch_to(body, eye_height, x, y, z):
    """Pitch in radians that looks at a point."""
    distance = math.hypot(x - body[physics.X], z - body[physics.Z])
    return -math.atan2(y - body[physics.Y] - eye_height, distance)


@compiled()
def flight(distance):
    """(ticks, sag): how long a full draw's arrow flies over that many blocks, and how far it falls meanwhile."""
    gone, speed, falling, sag = 0.0, ARROW_SPEED, 0.0, 0.0
    for tick in range(60):
        if gone >= distance:
            return float(tick), sag
        gone += speed
        sag += falling
        speed *= ARROW_DRAG
        falling = falling * ARROW_DRAG + ARROW_FALL
    return 60.0, sag


@compiled()
def line_is_free(grid, body, eye_height, x, y, z):
    """Whether no block lies between the eye and a point."""
    eye = body[physics.Y] + eye_height
    dx, dy, dz = x - body[physics.X], y - eye, z - body[physics.Z]
    _, _, _, axis, _, _ = cast(grid, body[physics.X], eye, body[physics.Z], dx, dy, dz, 1.0)
    return axis < 0


@compiled()
def aim_point(grid, body, eye_height, target, point):
    """Fills point float64 (3,) with a place on the target (x, y, z) with nothing but plants in between; else False.

    The middle is tried first, then the middles of the sides: one who stands close below an object does not see its
    middle.
    """
    eye = body[physics.Y] + eye_height
    for side in range(7):
        for axis in range(3):
            point[axis] = target[axis] + 0.5
        if side > 0:
            point[(side - 1) // 2] += 0.45 if side % 2 else -0.45
        dx, dy, dz = point[0] - body[physics.X], point[1] - eye, point[2] - body[physics.Z]
        x, y, z, axis, _, _ = cast(grid, body[physics.X], eye, body[physics.Z], dx, dy, dz, 1.0 + THROUGH)
        if axis >= 0 and (PASSABLE[grid[x, z, y]] or rules.belongs(grid, x, y, z, target[0], target[1], target[2])):
            return True
    return False
