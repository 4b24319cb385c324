"""Where things lie in a picture: screen boxes of rectangles and boxes, and what is out of sight altogether."""

import numpy as np

from xview_training.sim.air import VIEW_DISTANCE
from xview_training.sim.boxes import FAR, NEAR
from xview_training.sim.compiled import compiled_fast

f4 = np.float32
i4 = np.int32


@compiled_fast()
def box_hidden(camera, x0, y0, z0, x1, y1, z1, rr, uu):
    """Whether a box of the world lies outside the view: all eight corners beyond one of its planes.

    rr, uu: squared lengths of the camera's right and up vectors.
    """
    left, right, above, below, behind, far = 0, 0, 0, 0, 0, 0
    for corner in range(8):
        dx = (x1 if corner & 1 else x0) - camera[0]
        dy = (y1 if corner & 2 else y0) - camera[1]
        dz = (z1 if corner & 4 else z0) - camera[2]
        depth = camera[3] * dx + camera[4] * dy + camera[5] * dz
        u = (camera[6] * dx + camera[7] * dy + camera[8] * dz) / rr
        v = (camera[9] * dx + camera[10] * dy + camera[11] * dz) / uu
        left += u < -depth
        right += u > depth
        below += v < -depth
        above += v > depth
        behind += depth < NEAR
        far += depth > VIEW_DISTANCE
    return left == 8 or right == 8 or below == 8 or above == 8 or behind == 8 or far == 8


@compiled_fast()
def rectangle_box(camera, axis, pa, ib, ic, b0, b1, c0, c1, rr, uu, box):
    """Bounds of a rectangle in the picture, u and v in -1..1, into box (4,); False where it is out of sight.

    The rectangle lies at pa along `axis` and spans b0..b1, c0..c1 along the axes ib and ic, seen from the camera.
    """
    box[0], box[1], box[2], box[3] = FAR, -FAR, FAR, -FAR
    behind = 0
    for s in range(4):
        pb, pc = (b1 if s & 1 else b0), (c1 if s & 2 else c0)
        dz = camera[3 + axis] * pa + camera[3 + ib] * pb + camera[3 + ic] * pc
        if dz < NEAR:
            behind += 1
            for edge in range(2):  # clip this corner's edges at the near plane
                s2 = s ^ (1 << edge)
                qb, qc = (b1 if s2 & 1 else b0), (c1 if s2 & 2 else c0)
                z2 = camera[3 + axis] * pa + camera[3 + ib] * qb + camera[3 + ic] * qc
                if z2 >= NEAR:
                    w = (NEAR - dz) / (z2 - dz)
                    _extend(camera, axis, pa, ib, pb + w * (qb - pb), ic, pc + w * (qc - pc), NEAR, rr, uu, box)
        else:
            _extend(camera, axis, pa, ib, pb, ic, pc, dz, rr, uu, box)
    return behind < 4 and box[1] >= f4(-1) and box[0] <= f4(1) and box[3] >= f4(-1) and box[2] <= f4(1)


@compiled_fast()
def _extend(camera, axis, pa, ib, pb, ic, pc, dz, rr, uu, box):
    u = (camera[6 + axis] * pa + camera[6 + ib] * pb + camera[6 + ic] * pc) / (dz * rr)
    v = (camera[9 + axis] * pa + camera[9 + ib] * pb + camera[9 + ic] * pc) / (dz * uu)
    box[0], box[1] = min(box[0], u), max(box[1], u)
    box[2], box[3] = min(box[2], v), max(box[3], v)


@compiled_fast()
def corners_box(camera, x0, y0, z0, x1, y1, z1, rr, uu, box):
    """As rectangle_box, for a box of the world; the whole picture where it reaches behind the near plane."""
    box[0], box[1], box[2], box[3] = FAR, -FAR, FAR, -FAR
    for corner in range(8):
        dx = (x1 if corner & 1 else x0) - camera[0]
        dy = (y1 if corner & 2 else y0) - camera[1]
        dz = (z1 if corner & 4 else z0) - camera[2]
        depth = camera[3] * dx + camera[4] * dy + camera[5] * dz
        if depth < NEAR:
            box[0], box[1], box[2], box[3] = f4(-1), f4(1), f4(-1), f4(1)
            return
        u = (camera[6] * dx + camera[7] * dy + camera[8] * dz) / (depth * rr)
        v = (camera[9] * dx + camera[10] * dy + camera[11] * dz) / (depth * uu)
        box[0], box[1] = min(box[0], u), max(box[1], u)
        box[2], box[3] = min(box[2], v), max(box[3], v)


@compiled_fast()
def pixels(box, width, height):
    """(x0, x1, y0, y1): first and last pixels of a screen box, one more on each side against rounding."""
    x0 = i4(max(f4(0), (max(box[0], f4(-1)) + f4(1)) * f4(0.5) * f4(width) - f4(0.5)))
    x1 = i4(min(f4(width - 1), (min(box[1], f4(1)) + f4(1)) * f4(0.5) * f4(width) + f4(0.5)))
    y0 = i4(max(f4(0), (f4(1) - min(box[3], f4(1))) * f4(0.5) * f4(height) - f4(0.5)))
    y1 = i4(min(f4(height - 1), (f4(1) - max(box[2], f4(-1))) * f4(0.5) * f4(height) + f4(0.5)))
    return x0, x1, y0, y1
