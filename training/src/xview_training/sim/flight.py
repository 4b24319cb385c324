"""How far an arrow flies in a tick until what stops bodies stops it: cubes at their faces, small blocks at their boxes.

The cell that it starts in is looked at as well, and so is what it touches: an arrow whose tick ends in the free part of
a door's cell meets the door in the next one. (A hand's ray, sim/raycast.py, starts behind what its eye is in.)
"""

from xview_training.sim.blocks import FORM, PASSABLE, Form
from xview_training.sim.compiled import compiled
from xview_training.sim.models import BOXES, FIRST_BOX
from xview_training.sim.traversal import first_crossing, inside, next_axis

MODEL = int(Form.MODEL)
NEVER = 1e30


@compiled()
def _through(low, high, o, d):
    """(enter, leave) in lengths of the way: when a point from o by d lies strictly between two planes."""
    if d == 0.0:
        return (-NEVER, NEVER) if low < o < high else (NEVER, -NEVER)
    near, far = (low - o) / d, (high - o) / d
    return min(near, far), max(near, far)


@compiled()
def _meets(block, px, py, pz, dx, dy, dz):
    """When the way from p, as seen from the cell's lowest corner, first meets a box of a small block; NEVER: it passes.

    0 where it starts inside one.
    """
    first = NEVER
    for k in range(FIRST_BOX[block], FIRST_BOX[block + 1]):
        box = BOXES[k]
        ax, bx = _through(box[0], box[3], px, dx)
        ay, by = _through(box[1], box[4], py, dy)
        az, bz = _through(box[2], box[5], pz, dz)
        enter, leave = max(max(ax, ay), az), min(min(bx, by), bz)
        if leave > max(enter, 0.0):
            first = min(first, max(enter, 0.0))
    return first


@compiled()
def free_way(grid, x, y, z, dx, dy, dz):
    """Share of the way (dx, dy, dz) from (x, y, z), in blocks, that is free: 0..1. Plants and water stop nothing."""
    cx, sx, tx, gx = first_crossing(x, dx)
    cy, sy, ty, gy = first_crossing(y, dy)
    cz, sz, tz, gz = first_crossing(z, dz)
    entered = 0.0
    while entered < 1.0:
        if inside(grid, cx, cy, cz):
            block = grid[cx, cz, cy]
            if not PASSABLE[block]:
                met = _meets(block, x - cx, y - cy, z - cz, dx, dy, dz) if FORM[block] == MODEL else entered
                if met < 1.0:
                    return met
        axis = next_axis(tx, ty, tz)
        if axis == 0:
            entered = tx
            cx += sx
            tx += gx
        elif axis == 1:
            entered = ty
            cy += sy
            ty += gy
        else:
            entered = tz
            cz += sz
            tz += gz
    return 1.0
