"""Where things lie in a picture: screen boxes of rectangles and boxes, and what is out of sight altogether.

u and v run from -1 to 1, to the right and upwards. Functions take numbers rather than arrays: see shade.py.
"""

import numpy as np

from xview_training.sim.air import VIEW_DISTANCE
from xview_training.sim.boxes import FAR, NEAR
from xview_training.sim.compiled import compiled_fast

f4 = np.float32
i4 = np.int32
up = np.uintp  # an index that is never below zero: loops over it run eight pixels at once
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
def view_of(camera, width, height):
    """A packed camera and its pixels as 27 numbers, in which rays are linear.

    lens_of; then of a ray: that of pixel (0, 0), steps to the next column and to the next row; then the camera's right
    and up as packed.
    """
    across, down = f4(2) / f4(width), f4(2) / f4(height)
    half = f4(0.5)
    u, v = half * across - f4(1), f4(1) - half * down
    return lens_of(camera) + (
        camera[3] + camera[6] * u + camera[9] * v, camera[4] + camera[7] * u + camera[10] * v,
        camera[5] + camera[8] * u + camera[11] * v,
        camera[6] * across, camera[7] * across, camera[8] * across,
        -camera[9] * down, -camera[10] * down, -camera[11] * down,
        camera[6], camera[7], camera[8], camera[9], camera[10], camera[11],
    )  # fmt: skip


@compiled_fast()
def _turned(c, s, x, z):
    return c * x + s * z, c * z - s * x


@compiled_fast()
def view_in_pose(view, c, s, x, y, z):
    """A view (its first 21 numbers) from the frame of a creature at (x, y, z) that is turned by cosine c and sine s."""
    px, pz = _turned(c, s, view[0] - x, view[2] - z)
    fx, fz = _turned(c, s, view[3], view[5])
    rx, rz = _turned(c, s, view[6], view[8])
    ux, uz = _turned(c, s, view[9], view[11])
    ax, az = _turned(c, s, view[12], view[14])
    bx, bz = _turned(c, s, view[15], view[17])
    cx, cz = _turned(c, s, view[18], view[20])
    return (
        px, view[1] - y, pz, fx, view[4], fz, rx, view[7], rz, ux, view[10], uz, ax, view[13], az, bx, view[16], bz,
        cx, view[19], cz,
    )  # fmt: skip


@compiled_fast()
def ray_at(view, px, py, width, height):
    """As see.ray_of, from a view's numbers."""
    v = f4(1) - (f4(2) * f4(py) + f4(1)) / f4(height)
    u = (f4(2) * f4(px) + f4(1)) / f4(width) - f4(1)
    return (
        view[3] + view[21] * u + view[24] * v,
        view[4] + view[22] * u + view[25] * v,
        view[5] + view[23] * u + view[26] * v,
    )


@compiled_fast()
def pick(axis, x, y, z):
    """One of three numbers."""
    return x if axis == 0 else (y if axis == 1 else z)


@compiled_fast()
def facing(view, axis):
    """A view's first 21 numbers, of each three first that along `axis`, then those along b and c (mesh.py)."""
    b, c = i4(2) if axis == 0 else i4(0), i4(2) if axis == 1 else i4(1)
    return (
        view[axis], view[b], view[c],
        view[3 + axis], view[3 + b], view[3 + c],
        view[6 + axis], view[6 + b], view[6 + c],
        view[9 + axis], view[9 + b], view[9 + c],
        view[12 + axis], view[12 + b], view[12 + c],
        view[15 + axis], view[15 + b], view[15 + c],
        view[18 + axis], view[18 + b], view[18 + c],
    )  # fmt: skip


@compiled_fast()
def _rectangle(faced, pa, b0, b1, c0, c1):
    """Of a rectangle's four corners: depth, u times depth, v times depth.

    Seen from the camera it lies at pa along an axis and spans b0..b1 and c0..c1 along the two others; faced: the view,
    facing that axis.
    """
    za, zb, zc = faced[3] * pa, faced[4], faced[5]
    ua, ub, uc = faced[6] * pa, faced[7], faced[8]
    va, vb, vc = faced[9] * pa, faced[10], faced[11]
    return (
        za + zb * b0 + zc * c0, za + zb * b1 + zc * c0, za + zb * b0 + zc * c1, za + zb * b1 + zc * c1,
        ua + ub * b0 + uc * c0, ua + ub * b1 + uc * c0, ua + ub * b0 + uc * c1, ua + ub * b1 + uc * c1,
        va + vb * b0 + vc * c0, va + vb * b1 + vc * c0, va + vb * b0 + vc * c1, va + vb * b1 + vc * c1,
    )  # fmt: skip


@compiled_fast(inline="always")
def rectangle_window(faced, pa, b0, b1, c0, c1, width, height):
    """(x0, x1, y0, y1, behind) of a rectangle: as `pixels`, but x1 < x0 or y1 < y0 where it is beside the picture.

    behind: 1 where it reaches behind the near plane, for rectangle_bounds to tell; 2 where all of it does, or is too
    far away.
    Without branches: many are computed at once, but only where the call itself is compiled away.
    """
    z00, z10, z01, z11, u00, u10, u01, u11, v00, v10, v01, v11 = _rectangle(faced, pa, b0, b1, c0, c1)
    nearest, farthest = min(min(z00, z10), min(z01, z11)), max(max(z00, z10), max(z01, z11))
    w00, w10, w01, w11 = f4(1) / max(z00, NEAR), f4(1) / max(z10, NEAR), f4(1) / max(z01, NEAR), f4(1) / max(z11, NEAR)
    u0, u1, v0, v1 = _around(u00 * w00, u10 * w10, u01 * w01, u11 * w11, v00 * w00, v10 * w10, v01 * w01, v11 * w11)
    half = f4(0.5)
    x0, x1 = (u0 + f4(1)) * half * f4(width) - half, (u1 + f4(1)) * half * f4(width) + half
    y0, y1 = (f4(1) - v1) * half * f4(height) - half, (f4(1) - v0) * half * f4(height) + half
    behind = i4(nearest < NEAR) | i4(farthest < NEAR) << i4(1) | i4(nearest > VIEW_DISTANCE) << i4(1)
    return (
        i4(max(x0, f4(0))), i4(i4(min(max(x1, f4(-1)), f4(width - 1)) + f4(1)) - i4(1)),
        i4(max(y0, f4(0))), i4(i4(min(max(y1, f4(-1)), f4(height - 1)) + f4(1)) - i4(1)), behind,
    )  # fmt: skip


@compiled_fast()
def rectangle_bounds(faced, pa, b0, b1, c0, c1):
    """(u0, u1, v0, v1) of a rectangle that reaches behind the near plane, NOWHERE if it is out of sight."""
    z00, z10, z01, z11, u00, u10, u01, u11, v00, v10, v01, v11 = _rectangle(faced, pa, b0, b1, c0, c1)
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
def box_bounds(view, x0, y0, z0, x1, y1, z1):
    """As bounds_from_eye, of a box in the world."""
    return bounds_from_eye(view, x0 - view[0], y0 - view[1], z0 - view[2], x1 - view[0], y1 - view[1], z1 - view[2])


@compiled_fast()
def bounds_from_eye(view, x0, y0, z0, x1, y1, z1):
    """(nearest, u0, u1, v0, v1): how near a box's nearest corner lies along the optical axis, and its bounds.

    Its corners are seen from the eye. nearest is FAR where it is out of sight; 0, with the whole picture, where it
    reaches behind the near plane.
    """
    z_of, u_of, v_of = (
        _corners(view[3], view[4], view[5], x0, y0, z0, x1, y1, z1),
        _corners(view[6], view[7], view[8], x0, y0, z0, x1, y1, z1),
        _corners(view[9], view[10], view[11], x0, y0, z0, x1, y1, z1),
    )
    left, right, above, below, nearest, farthest = True, True, True, True, FAR, -FAR
    u0, u1, v0, v1 = NOWHERE
    for corner in range(8):
        depth, u, v = z_of[corner], u_of[corner], v_of[corner]
        left &= u < -depth
        right &= u > depth
        below &= v < -depth
        above &= v > depth
        nearest, farthest = min(nearest, depth), max(farthest, depth)
        w = f4(1) / max(depth, NEAR)
        u0, u1, v0, v1 = min(u0, u * w), max(u1, u * w), min(v0, v * w), max(v1, v * w)
    if left | right | below | above | (farthest < NEAR) | (nearest > VIEW_DISTANCE):
        return FAR, u0, u1, v0, v1
    if nearest < NEAR:
        return f4(0), f4(-1), f4(1), f4(-1), f4(1)
    return nearest, u0, u1, v0, v1


@compiled_fast()
def _corners(dx, dy, dz, x0, y0, z0, x1, y1, z1):
    """How far a box's corners lie along a direction."""
    x0, x1, y0, y1, z0, z1 = dx * x0, dx * x1, dy * y0, dy * y1, dz * z0, dz * z1
    a, b, c, d = x0 + y0, x1 + y0, x0 + y1, x1 + y1
    return a + z0, b + z0, c + z0, d + z0, a + z1, b + z1, c + z1, d + z1


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
def covered(near, width, x0, x1, y0, y1, nearest):
    """Whether all that is seen in a window of the picture stands before `nearest`. near float32 (H * W,): 1 / depth."""
    limit = f4(1) / max(nearest - f4(1e-3), f4(1e-6))  # against rounding
    n = i4(x1 - x0 + 1)
    for py in range(y0, y1 + 1):
        first, open_pixels = i4(py * width + x0), i4(0)
        for k in range(n):  # counts, for processors add eight at once; a least number they look for one by one
            open_pixels += i4(near[up(first + k)] < limit)
        if open_pixels > 0:
            return False
    return True
