"""Draws small blocks and creatures into a picture's buffers, as the faces of their boxes."""

import numpy as np

from xview_training.sim.boxes import (
    FAR,
    KIND,
    POSE_COS,
    POSE_SIN,
    POSE_SWING,
    POSE_X,
    POSE_Y,
    POSE_Z,
    inverse,
)
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import FIRST_PART, MOST_PARTS, PARTS, RADIUS, SWINGS
from xview_training.sim.models import BOXES, FIRST_BOX, MAX_BOXES
from xview_training.sim.raster_faces import NEAREST
from xview_training.sim.raster_patches import (
    COLUMN,
    FACE,
    FOUND,
    FRONT,
    LEAST,
    PATCH_FLOATS,
    PATCH_INTS,
    SPOT,
    X,
    Y,
    Z,
    any_found,
    gather,
    patch_size,
    rows_of_patch,
)
from xview_training.sim.screen import bounds_from_eye, box_bounds, covered, pick, pixels, up, view_in_pose
from xview_training.sim.shade import HOLE, PIERCED, texel
from xview_training.sim.surfaces import incidence
from xview_training.sim.textures import TEXELS

f4 = np.float32
i4 = np.int32
NOWHERE_NEAR = f4(1e9)  # nearness of a plane that rays have passed
SMALL = 64  # pixels of a small block's window, within which its boxes are not looked for one by one
assert SMALL <= LEAST
# Winners below zero: FIRST_MODEL - ((flat index of the block * MAX_BOXES + box) * 3 + axis of the face), and beyond
# those of all blocks FIRST_MODEL - first_creature - ((creature * MOST_PARTS + part) * 3 + axis).
FIRST_MODEL = i4(-2)


@compiled_fast()
def first_creature(cells):
    """What distinguishes creatures' winners in a grid of so many cells."""
    return i4(cells * MAX_BOXES * 3)


@compiled_fast()
def _slab(low, high):
    """A box's two planes across an axis, from the eye, as four factors of a ray along that axis.

    Nearness where rays enter is factor 0 times the ray plus factor 1; where they leave, the greater of factors 2 and 3
    times it.
    """
    if low > f4(0):
        return f4(1) / low, f4(0), f4(1) / high, f4(1) / high
    if high < f4(0):
        return f4(1) / high, f4(0), f4(1) / low, f4(1) / low
    return f4(0), NOWHERE_NEAR, -inverse(-low), inverse(high)


@compiled_fast()
def _front(low, high):
    """(plane, side) of a box that rays from the eye can enter it through, of its two across an axis; 1: the far one."""
    return (low, i4(0)) if low > f4(0) else (high, i4(1))


@compiled_fast()
def _enter(slab_x, slab_y, slab_z, dx, dy, dz):
    """(nearness, axis) where rays enter a box; below zero where they miss it."""
    wx, wy, wz = dx * slab_x[0] + slab_x[1], dy * slab_y[0] + slab_y[1], dz * slab_z[0] + slab_z[1]
    w = min(min(wx, wy), wz)
    leave = max(
        max(max(dx * slab_x[2], dx * slab_x[3]), max(dy * slab_y[2], dy * slab_y[3])),
        max(dz * slab_z[2], dz * slab_z[3]),
    )
    axis = i4(0) if wx <= w else (i4(1) if wy <= w else i4(2))
    return w if (w > leave) & (w < NEAREST) else f4(-1), axis


@compiled_fast()
def _fill_box(view, x0, y0, z0, x1, y1, z1, left, right, top, bottom, reference, width, near, winner):
    """Draws a box without holes, its corners seen from the eye."""
    slab_x, slab_y, slab_z = _slab(x0, x1), _slab(y0, y1), _slab(z0, z1)
    n = i4(right - left + 1)
    for py in range(top, bottom + 1):
        first, row = i4(py * width + left), f4(py)
        rx = view[12] + row * view[18] + f4(left) * view[15]
        ry = view[13] + row * view[19] + f4(left) * view[16]
        rz = view[14] + row * view[20] + f4(left) * view[17]
        for k in range(n):
            at, column = up(first + k), f4(i4(k))
            w, axis = _enter(
                slab_x, slab_y, slab_z, rx + column * view[15], ry + column * view[16], rz + column * view[17]
            )
            hit = w > near[at]
            near[at] = w if hit else near[at]
            winner[at] = i4(reference - axis) if hit else winner[at]


@compiled_fast()
def _meet_box(x0, y0, z0, x1, y1, z1, padded, reals, whole):
    """Where a patch meets a box before what stands there; its corners seen from the eye."""
    slab_x, slab_y, slab_z = _slab(x0, x1), _slab(y0, y1), _slab(z0, z1)
    dx, dy, dz, front, found, faces = reals[X], reals[Y], reals[Z], reals[FRONT], reals[FOUND], whole[FACE]
    for k in range(padded):
        w, axis = _enter(slab_x, slab_y, slab_z, dx[up(k)], dy[up(k)], dz[up(k)])
        found[up(k)] = w if w > front[up(k)] else f4(0)
        faces[up(k)] = axis


@compiled_fast()
def _pierce(texels, first_row, x0, y0, z0, x1, y1, z1, x, y, z, pixel, n, padded, reals, whole):
    """Leaves out what a patch meets in a box's holes.

    x, y, z: the block from the eye; texels: the atlas, flat; first_row: of its textures.
    """
    plane_x, side_x = _front(x0, x1)
    plane_y, side_y = _front(y0, y1)
    plane_z, side_z = _front(z0, z1)
    rx, ry, rz, found, faces, columns = reals[X], reals[Y], reals[Z], reals[FOUND], whole[FACE], whole[COLUMN]
    for k in range(padded):
        dx, dy, dz, axis = rx[up(k)], ry[up(k)], rz[up(k)], faces[up(k)]
        t = pick(axis, plane_x, plane_y, plane_z) * inverse(pick(axis, dx, dy, dz)) if found[up(k)] > f4(0) else f4(0)
        column = texel(axis, t * dx - x, t * dy - y, t * dz - z, t, incidence(axis, dx, dy, dz), pixel)
        row = i4(i4(2 * axis) + pick(axis, side_x, side_y, side_z))
        columns[up(k)] = i4(i4(row * i4(TEXELS)) + column)
    first_texel = i4(first_row * TEXELS)
    for k in range(n):
        if found[up(k)] > f4(0) and i4(texels[up(first_texel + columns[up(k)])]) & HOLE != 0:
            found[up(k)] = f4(0)


@compiled_fast()
def _keep(reference, n, reals, whole, near, winner):
    """Books what a patch has met of a box."""
    front, found, faces, spots = reals[FRONT], reals[FOUND], whole[FACE], whole[SPOT]
    for k in range(n):
        if found[up(k)] > f4(0):
            front[up(k)] = near[up(spots[up(k)])] = found[up(k)]
            winner[up(spots[up(k)])] = i4(reference - faces[up(k)])


@compiled_fast()
def _draw_patch(
    texels, view, block, pierced, first, last, fx, fy, fz, pixel, left, right, top, bottom, reference,
    width, height, near, winner, reals, whole,
):  # fmt: skip
    """Draws boxes first to last of a block at (fx, fy, fz) from the eye into a window that fits a patch."""
    n, padded = gather(view, left, right, top, bottom, width, height, near, reals, whole)
    for k in range(first, last):
        x0, y0, z0 = fx + BOXES[k, 0], fy + BOXES[k, 1], fz + BOXES[k, 2]
        x1, y1, z1 = fx + BOXES[k, 3], fy + BOXES[k, 4], fz + BOXES[k, 5]
        _meet_box(x0, y0, z0, x1, y1, z1, padded, reals, whole)
        if any_found(reals, padded):
            if pierced:
                _pierce(texels, 6 * block, x0, y0, z0, x1, y1, z1, fx, fy, fz, pixel, n, padded, reals, whole)
            _keep(i4(reference - 3 * (k - FIRST_BOX[block])), n, reals, whole, near, winner)


@compiled_fast()
def has_holes(atlas, block):
    """Whether any texture of a block has."""
    last, packed = TEXELS - 1, i4(0)
    for row in range(6 * block, 6 * block + 6):
        packed |= i4(atlas[up(row), up(last)])
    return packed & PIERCED != 0


@compiled_fast()
def out_of_sight(view, slack_u, slack_v, x, y, z):
    """Whether a unit cube around a point lies beyond one of the picture's sides."""
    depth = view[3] * x + view[4] * y + view[5] * z
    u = view[6] * x + view[7] * y + view[8] * z
    v = view[9] * x + view[10] * y + view[11] * z
    return (depth < f4(-0.87)) | (abs(u) > depth + slack_u) | (abs(v) > depth + slack_v)


@compiled_fast()
def _slack(x, y, z):
    """How far beyond the picture's side, in its own measure, the middle of a unit cube may be that reaches into it."""
    return f4(0.87) * f4(np.sqrt(f4(1) + x * x + y * y + z * z))


@compiled_fast()
def draw_models(grid, models, count, atlas, view, pixel, width, height, near, winner):
    """Draws one chunk's small blocks. models int32 (MAX_MODELS,): flat indices, the first `count` of them."""
    ny, nz, one, half = i4(grid.shape[2]), i4(grid.shape[1]), f4(1), f4(0.5)
    size = patch_size(width)
    texels, reals, whole = atlas.reshape(-1), np.empty((PATCH_FLOATS, size), f4), np.empty((PATCH_INTS, size), i4)
    slack_u, slack_v = _slack(view[6], view[7], view[8]), _slack(view[9], view[10], view[11])
    for m in range(count):
        flat = models[m]
        x, y, z = flat // (ny * nz), flat % ny, flat // ny % nz
        fx, fy, fz = f4(x) - view[0], f4(y) - view[1], f4(z) - view[2]
        if out_of_sight(view, slack_u, slack_v, fx + half, fy + half, fz + half):
            continue
        nearest, u0, u1, v0, v1 = bounds_from_eye(view, fx, fy, fz, fx + one, fy + one, fz + one)
        if nearest == FAR:
            continue
        left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
        if covered(near, width, left, right, top, bottom, nearest):
            continue
        block = i4(grid[x, z, y])
        reference = i4(FIRST_MODEL - flat * MAX_BOXES * 3)
        pierced, first, last = has_holes(atlas, block), FIRST_BOX[block], FIRST_BOX[block + 1]
        if (right - left + 1) * (bottom - top + 1) <= SMALL:
            _draw_patch(
                texels, view, block, pierced, first, last, fx, fy, fz, pixel, left, right, top, bottom, reference,
                width, height, near, winner, reals, whole,
            )  # fmt: skip
            continue
        for k in range(first, last):
            x0, y0, z0 = fx + BOXES[k, 0], fy + BOXES[k, 1], fz + BOXES[k, 2]
            x1, y1, z1 = fx + BOXES[k, 3], fy + BOXES[k, 4], fz + BOXES[k, 5]
            nearest, u0, u1, v0, v1 = bounds_from_eye(view, x0, y0, z0, x1, y1, z1)
            if nearest == FAR:
                continue
            left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
            if not pierced:
                face = i4(reference - 3 * (k - first))
                _fill_box(view, x0, y0, z0, x1, y1, z1, left, right, top, bottom, face, width, near, winner)
                continue
            rows = rows_of_patch(left, right, size)
            for py in range(top, bottom + 1, rows):
                _draw_patch(
                    texels, view, block, True, k, k + 1, fx, fy, fz, pixel, left, right, py,
                    min(i4(py + rows - 1), bottom), reference, width, height, near, winner, reals, whole,
                )  # fmt: skip


@compiled_fast()
def draw_creatures(grid, poses, view, width, height, near, winner):
    """Draws creatures and arrows. poses float32 (M, POSE_SIZE)."""
    for m in range(poses.shape[0]):
        if poses[m, KIND] < f4(0):
            continue
        kind = i4(poses[m, KIND])
        x, y, z, r = poses[m, POSE_X], poses[m, POSE_Y], poses[m, POSE_Z], RADIUS[kind]
        nearest, u0, u1, v0, v1 = box_bounds(view, x - r, y - r, z - r, x + r, y + r, z + r)
        if nearest == FAR:
            continue
        left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
        if covered(near, width, left, right, top, bottom, nearest):
            continue
        own = view_in_pose(view, poses[m, POSE_COS], poses[m, POSE_SIN], x, y, z)
        reference = i4(FIRST_MODEL - first_creature(grid.size) - 3 * MOST_PARTS * m)
        for part in range(FIRST_PART[kind], FIRST_PART[kind + 1]):
            _draw_part(
                own, part, poses[m, POSE_SWING], reference - 3 * (part - FIRST_PART[kind]), width, height, near, winner
            )


@compiled_fast()
def _draw_part(own, part, swing, reference, width, height, near, winner):
    """Draws a part of a creature; own: the view from the creature's frame."""
    shift = SWINGS[part] * swing - own[2]
    x0, y0, z0 = PARTS[part, 0] - own[0], PARTS[part, 1] - own[1], PARTS[part, 2] + shift
    x1, y1, z1 = PARTS[part, 3] - own[0], PARTS[part, 4] - own[1], PARTS[part, 5] + shift
    nearest, u0, u1, v0, v1 = bounds_from_eye(own, x0, y0, z0, x1, y1, z1)
    if nearest != FAR:
        left, right, top, bottom = pixels(u0, u1, v0, v1, width, height)
        _fill_box(own, x0, y0, z0, x1, y1, z1, left, right, top, bottom, i4(reference), width, near, winner)
