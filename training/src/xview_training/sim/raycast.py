"""What is under the crosshair, and whether a line of sight is free: rays that stop at what a hand could touch.

Water does not stop them; small blocks (sim/models.py) do where their boxes are. Pictures are drawn elsewhere
(raster.py; see.py is its oracle).
"""

import numpy as np

from xview_training.sim.blocks import FORM, Form
from xview_training.sim.boxes import FAR, hit_box
from xview_training.sim.compiled import compiled
from xview_training.sim.exact import cos, sin
from xview_training.sim.models import BOXES, FIRST_BOX
from xview_training.sim.traversal import first_crossing, inside, leaving, next_axis

f4 = np.float32
FLUID, MODEL = int(Form.FLUID), int(Form.MODEL)


@compiled()
def touches(block, x, y, z, ox, oy, oz, dx, dy, dz):
    """(t, axis, positive) where the ray meets a small block in cell (x, y, z); FAR where it passes by."""
    best, best_axis, best_positive = FAR, np.int32(0), np.int32(0)
    px, py, pz = f4(ox - x), f4(oy - y), f4(oz - z)
    for k in range(FIRST_BOX[block], FIRST_BOX[block + 1]):
        b = BOXES[k]
        t, axis, positive = hit_box(px, py, pz, f4(dx), f4(dy), f4(dz), b[0], b[1], b[2], b[3], b[4], b[5])
        if t < best:
            best, best_axis, best_positive = t, axis, positive
    return best, best_axis, best_positive


@compiled(error_model="numpy")
def cast(grid, ox, oy, oz, dx, dy, dz, reach):
    """First touchable block on the ray: (x, y, z, axis, positive, t), axis -1 where none lies within t < reach.

    t counts in lengths of the direction given. The block the ray starts in is not looked at.
    """
    x, sx, tx, gx = first_crossing(ox, dx)
    y, sy, ty, gy = first_crossing(oy, dy)
    z, sz, tz, gz = first_crossing(oz, dz)
    while True:
        axis = next_axis(tx, ty, tz)
        if axis == 0:
            t, positive = tx, int(sx < 0)
            x += sx
            tx += gx
        elif axis == 1:
            t, positive = ty, int(sy < 0)
            y += sy
            ty += gy
        else:
            t, positive = tz, int(sz < 0)
            z += sz
            tz += gz
        if t >= reach:
            return x, y, z, -1, 0, t
        if inside(grid, x, y, z):
            block = grid[x, z, y]
            form = FORM[block]
            if form == MODEL:
                t, axis_, positive_ = touches(block, x, y, z, ox, oy, oz, dx, dy, dz)
                if t < reach:
                    return x, y, z, int(axis_), int(positive_), float(t)
            elif block != 0 and form != FLUID:
                return x, y, z, axis, positive, t
        elif leaving(grid.shape[0], grid.shape[1], grid.shape[2], x, y, z, sx, sy, sz):
            return x, y, z, -1, 0, t


@compiled()
def sees_block(grid, ox, oy, oz, x, y, z):
    """Whether block (x, y, z) is the first on the line from (ox, oy, oz) to its centre."""
    dx, dy, dz = x + 0.5 - ox, y + 0.5 - oy, z + 0.5 - oz
    hx, hy, hz, axis, _, _ = cast(grid, ox, oy, oz, dx, dy, dz, 1.0)
    return axis >= 0 and hx == x and hy == y and hz == z


@compiled()
def crosshair(grid, ox, oy, oz, yaw, pitch, reach):
    """One plus the flat index of the block under the crosshair, 0 where none is within reach (blocks)."""
    cp = cos(pitch)
    dx, dy, dz = -sin(yaw) * cp, -sin(pitch), cos(yaw) * cp
    x, y, z, axis, _, _ = cast(grid, ox, oy, oz, dx, dy, dz, reach)
    return 0 if axis < 0 else 1 + (x * grid.shape[1] + z) * grid.shape[2] + y
