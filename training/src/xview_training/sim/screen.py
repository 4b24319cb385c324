"""Where things lie in a picture: screen boxes of rectangles and boxes, and what is out of sight altogether.

u and v run from -1 to 1, to the right and upwards. Functions take numbers rather than arrays: see shade.py.
"""

import numpy as np

from xview_training.sim.air import VIEW_DISTANCE
from xview_training.sim.boxes import FAR, NEAR
from xview_training.sim.compiled import compiled_fast

f4 = np.float32
i4 = np.int32
NOWHERE = (f4(FAR), f4(-FAR), f4(FAR), f4(-FAR))  # u0, u1, v0, v1 of what is out of sight


@compiled_fast()
def lens_of(camera):
    """A packed camera as twelve numbers: position, forward, and right and up over their squared lengths."""
    rr = camera[6] ** 2 + camera[7] ** 2 + camera[8] ** 2
    uu = camera[9] ** 2 + camera[10] ** 2 + camera[11] ** 2
    return (
        camera[0], camera[1], camera[2], camera[3], camera[4], camera[5], camera[6] / rr, camera[7] / rr,
        camera[8] / rr, camera[9] / uu, camera[10] / uu, camera[11] / uu,
    )  # fmt: skip


@compiled_fast()
def pick(axis, x, y, z):
    """One of three numbers."""
    return x if axis == 0 else (y if axis == 1 else z)


@compiled_fast()
def rectangle_bounds(lens, axis, pa, b0, b1, c0, c1):
    """(u0, u1, v0, v1) of a rectangle in the picture, NOWHERE if it is out of sight.

    Seen from the camera it lies at pa along `axis` and spans b0..b1 and c0..c1 along the two others (mesh.py: z, y for
    axis x; x, z for y; x, y for z).
    """
    za, zb, zc = pick(axis, lens[3], lens[4], lens[5]) * pa, lens[3], lens[4]
    ua, ub, uc = pick(axis, lens[6], lens[7], lens[8]) * pa, lens[6], lens[7]
    va, vb, vc = pick(axis, lens[9], lens[10], lens[11]) * pa, lens[9], lens[10]
    if axis == 0:
        zb, ub, vb = lens[5], lens[8], lens[11]
    elif axis == 1:
        zc, uc, vc = lens[5], lens[8], lens[11]
    z00, z10, z01, z11 = za + zb * b0 + zc * c0, za + zb * b1 + zc * c0, za + zb * b0 + zc * c1, za + zb * b1 + zc * c1
    u00, u10, u01, u11 = ua + ub * b0 + uc * c0, ua + ub * b1 + uc * c0, ua + ub * b0 + uc * c1, ua + ub * b1 + uc * c1
    v00, v10, v01, v11 = va + vb * b0 + vc * c0, va + vb * b1 + vc * c0, va + vb * b0 + vc * c1, va + vb * b1 + vc * c1
    nearest, farthest = min(min(z00, z10), min(z01, z11)), max(max(z00, z10), max(z01, z11))
    if farthest < NEAR or nearest > VIEW_DISTANCE:
        return NOWHERE
    if nearest >= NEAR:
        w00, w10, w01, w11 = f4(1) / z00, f4(1) / z10, f4(1) / z01, f4(1) / z11
        bounds = _around(u00 * w00, u10 * w10, u01 * w01, u11 * w11, v00 * w00, v10 * w10, v01 * w01, v11 * w11)
    else:  # the four edges, cut where they go behind the near plane
        bounds = _with_edge(NOWHERE, z00, u00, v00, z10, u10, v10)
        bounds = _with_edge(bounds, z10, u10, v10, z11, u11, v11)
        bounds = _with_edge(bounds, z11, u11, v11, z01, u01, v01)
        bounds = _with_edge(bounds, z01, u01, v01, z00, u00, v00)
    outside = (bounds[1] < f4(-1)) | (bounds[0] > f4(1)) | (bounds[3] < f4(-1)) | (bounds[2] > f4(1))
    return NOWHERE if outside else bounds


@compiled_fast()
def _around(u0, u1, u2, u3, v0, v1, v2, v3):
    """The bounds of four points."""
    return (
        min(min(u0, u1), min(u2, u3)), max(max(u0, u1), max(u2, u3)),
        min(min(v0, v1), min(v2, v3)), max(max(v0, v1), max(v2, v3)),
    )  # fmt: skip


@compiled_fast()
def _with_edge(bounds, z0, u0, v0, z1, u1, v1):
    """Bounds widened by what lies before the near plane of an edge; points as depth and u, v times depth."""
    if z0 < NEAR and z1 < NEAR:
        return bounds
    share0, share1 = f4(0), f4(1)  # of the edge, between which it is in front
    if z0 < NEAR:
        share0 = (NEAR - z0) / (z1 - z0)
    elif z1 < NEAR:
        share1 = (NEAR - z0) / (z1 - z0)
    wa = f4(1) / max(z0 + share0 * (z1 - z0), NEAR)
    wb = f4(1) / max(z0 + share1 * (z1 - z0), NEAR)
    ua, ub = (u0 + share0 * (u1 - u0)) * wa, (u0 + share1 * (u1 - u0)) * wb
    va, vb = (v0 + share0 * (v1 - v0)) * wa, (v0 + share1 * (v1 - v0)) * wb
    return (
        min(bounds[0], min(ua, ub)), max(bounds[1], max(ua, ub)),
        min(bounds[2], min(va, vb)), max(bounds[3], max(va, vb)),
    )  # fmt: skip


@compiled_fast()
def box_bounds(lens, x0, y0, z0, x1, y1, z1):
    """(nearest, u0, u1, v0, v1): how near a box's nearest corner lies along the optical axis, and its bounds.

    nearest is FAR where it is out of sight; 0, with the whole picture, where it reaches behind the near plane.
    """
    left, right, above, below, behind, nearest = i4(0), i4(0), i4(0), i4(0), i4(0), FAR
    u0, u1, v0, v1 = NOWHERE
    for corner in range(8):
        dx = (x1 if corner & 1 else x0) - lens[0]
        dy = (y1 if corner & 2 else y0) - lens[1]
        dz = (z1 if corner & 4 else z0) - lens[2]
        depth = lens[3] * dx + lens[4] * dy + lens[5] * dz
        u = lens[6] * dx + lens[7] * dy + lens[8] * dz
        v = lens[9] * dx + lens[10] * dy + lens[11] * dz
        left += u < -depth
        right += u > depth
        below += v < -depth
        above += v > depth
        behind += depth < NEAR
        nearest = min(nearest, depth)
        w = f4(1) / max(depth, NEAR)
        u0, u1, v0, v1 = min(u0, u * w), max(u1, u * w), min(v0, v * w), max(v1, v * w)
    if left == 8 or right == 8 or below == 8 or above == 8 or behind == 8 or nearest > VIEW_DISTANCE:
        return FAR, u0, u1, v0, v1
    if behind > 0:
        return f4(0), f4(-1), f4(1), f4(-1), f4(1)
    return nearest, u0, u1, v0, v1


@compiled_fast()
def pixels(u0, u1, v0, v1, width, height):
    """(x0, x1, y0, y1): first and last pixels of bounds, one more on each side against rounding."""
    half = f4(0.5)
    x0 = i4(max(f4(0), (max(u0, f4(-1)) + f4(1)) * half * f4(width) - half))
    x1 = i4(min(f4(width - 1), (min(u1, f4(1)) + f4(1)) * half * f4(width) + half))
    y0 = i4(max(f4(0), (f4(1) - min(v1, f4(1))) * half * f4(height) - half))
    y1 = i4(min(f4(height - 1), (f4(1) - max(v0, f4(-1))) * half * f4(height) + half))
    return x0, x1, y0, y1


@compiled_fast()
def covered(depth, width, x0, x1, y0, y1, nearest):
    """Whether all that is seen in a window of the picture stands before `nearest`. depth float32 (H * W,)."""
    limit = nearest - f4(1e-3)  # against rounding
    for py in range(y0, y1 + 1):
        for k in range(py * width + x0, py * width + x1 + 1):
            if depth[k] >= limit:
                return False
    return True
