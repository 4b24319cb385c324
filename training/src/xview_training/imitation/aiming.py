"""How the expert aims: at blocks, at creatures, and over the sag of an arrow's flight."""

import math

import numpy as np

from xview_training.sim import physics
from xview_training.sim.compiled import compiled
from xview_training.sim.raycast import cast

ARROW_SPEED, ARROW_DRAG, ARROW_FALL = 3.0, 0.99, 0.05  # blocks a tick, of a full draw (sim/hands.py)


@compiled()
def nearest_bin(steps_rad, wanted):
    """Which camera step turns by about that angle in radians."""
    return int(np.argmin(np.abs(steps_rad - wanted)))


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
