"""Rays against boxes: small blocks (sim/models.py) and the parts of creatures (sim/figures.py).

Every renderer asks the same functions, so that all of them see the same box at the same distance; what hands and
arrows meet is a rule, so `hit_box` comes out alike on every processor. Functions take numbers where they can: see
sim/shade.py.
"""

import numpy as np

from xview_training.sim.compiled import compiled, compiled_fast
from xview_training.sim.figures import FIRST_PART, PARTS, SWINGS

f4 = np.float32
i4 = np.int32
NEAR = f4(0.02)  # blocks; what is closer to an eye is not drawn
FAR = f4(1e9)

# Columns of what is drawn of a creature or an arrow, float32; KIND below zero: nothing is.
KIND, POSE_X, POSE_Y, POSE_Z, POSE_COS, POSE_SIN, POSE_SWING, POSE_FLASH, POSE_SIZE = range(9)


@compiled(error_model="numpy")
def inverse(d):
    """1 / d, finite also where the ray runs along a plane."""
    return f4(1) / (d if abs(d) > f4(1e-9) else f4(1e-9))


@compiled(error_model="numpy")
def enter_box(px, py, pz, dx, dy, dz, ix, iy, iz, x0, y0, z0, x1, y1, z1):
    """(t, axis, positive): where the ray from p along d enters the box, FAR where it does not.

    i: the inverses of d. positive: 1 for the face on the axis' far side. A ray that starts inside does not enter.
    """
    ax, bx = (x0 - px) * ix, (x1 - px) * ix
    ay, by = (y0 - py) * iy, (y1 - py) * iy
    az, bz = (z0 - pz) * iz, (z1 - pz) * iz
    nx, ny, nz = min(ax, bx), min(ay, by), min(az, bz)
    leave = min(min(max(ax, bx), max(ay, by)), max(az, bz))
    t, axis, d = nx, i4(0), dx
    if ny > t:
        t, axis, d = ny, i4(1), dy
    if nz > t:
        t, axis, d = nz, i4(2), dz
    if t >= leave or t <= NEAR:
        return FAR, axis, i4(0)
    return t, axis, i4(1) if d < f4(0) else i4(0)


@compiled(error_model="numpy")
def hit_box(px, py, pz, dx, dy, dz, x0, y0, z0, x1, y1, z1):
    """As enter_box, for who has no inverses."""
    return enter_box(px, py, pz, dx, dy, dz, inverse(dx), inverse(dy), inverse(dz), x0, y0, z0, x1, y1, z1)


@compiled_fast()
def hit_part(pose, part, ox, oy, oz, dx, dy, dz):
    """(t, axis, positive) of a ray and one part of a creature; axis in the creature's own frame.

    pose float32 (POSE_SIZE,). The creature's frame: x to its left, y up, z ahead.
    """
    c, s = pose[POSE_COS], pose[POSE_SIN]
    wx, wz = ox - pose[POSE_X], oz - pose[POSE_Z]
    shift = SWINGS[part] * pose[POSE_SWING]
    return hit_box(
        c * wx + s * wz,
        oy - pose[POSE_Y],
        c * wz - s * wx,
        c * dx + s * dz,
        dy,
        c * dz - s * dx,
        PARTS[part, 0],
        PARTS[part, 1],
        PARTS[part, 2] + shift,
        PARTS[part, 3],
        PARTS[part, 4],
        PARTS[part, 5] + shift,
    )


@compiled_fast()
def hit_creature(pose, ox, oy, oz, dx, dy, dz):
    """(t, part, axis, positive) of the first part of a creature that the ray meets; FAR where it meets none."""
    best, best_part, best_axis, best_positive = FAR, i4(-1), i4(0), i4(0)
    kind = i4(pose[KIND])
    for part in range(FIRST_PART[kind], FIRST_PART[kind + 1]):
        t, axis, positive = hit_part(pose, part, ox, oy, oz, dx, dy, dz)
        if t < best:
            best, best_part, best_axis, best_positive = t, i4(part), axis, positive
    return best, best_part, best_axis, best_positive
