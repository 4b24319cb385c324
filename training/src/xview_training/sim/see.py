"""What one ray sees: the nearest face, small block or creature with its colour, through holes and water.

The whole of a picture is this, once a pixel. On the CPU that is the oracle that the merged quads are tested against;
on a GPU it is how pictures are made (sim/cuda.py), where float64 is slow: all numbers are float32 and int32. Distances
to faces are computed as the quads do it, from the plane and the inverse of the ray, so that both hit the same texel.
"""

import math

import numpy as np

from xview_training.sim.air import LIGHT, VIEW_DISTANCE
from xview_training.sim.blocks import FORM, Form
from xview_training.sim.boxes import (
    FAR,
    KIND,
    NEAR,
    POSE_FLASH,
    POSE_X,
    POSE_Y,
    POSE_Z,
    hit_box,
    hit_creature,
    inverse,
)
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import RADIUS
from xview_training.sim.holding import draw_in_hand
from xview_training.sim.mesh import NO_FACE, SOLID_FACE, WATER_FACE, face_kind
from xview_training.sim.models import BOXES, FIRST_BOX
from xview_training.sim.shade import HOLE
from xview_training.sim.surfaces import face_texel, hide_texel, length_of, tint
from xview_training.sim.traversal import leaving

f4 = np.float32
i4, u4 = np.int32, np.uint32
FLUID, MODEL = int(Form.FLUID), int(Form.MODEL)


@compiled_fast()
def _passes(pose, ox, oy, oz, dx, dy, dz):
    """Whether the ray passes by the ball around a creature."""
    px, py, pz = pose[POSE_X] - ox, pose[POSE_Y] - oy, pose[POSE_Z] - oz
    radius = RADIUS[i4(pose[KIND])]
    outside = px * px + py * py + pz * pz - radius * radius
    along = px * dx + py * dy + pz * dz
    return outside > f4(0) and (along < f4(0) or outside * (dx * dx + dy * dy + dz * dz) > along * along)


@compiled_fast()
def _nearest_creature(poses, ox, oy, oz, dx, dy, dz):
    """(t, creature, part, axis, positive); FAR where there is none on the ray."""
    best, who, which, best_axis, best_positive = FAR, i4(-1), i4(0), i4(0), i4(0)
    for m in range(poses.shape[0]):
        if poses[m, KIND] < f4(0) or _passes(poses[m], ox, oy, oz, dx, dy, dz):
            continue
        t, part, axis, positive = hit_creature(poses[m], ox, oy, oz, dx, dy, dz)
        if t < best:
            best, who, which, best_axis, best_positive = t, i4(m), part, axis, positive
    return best, who, which, best_axis, best_positive


@compiled_fast()
def _creature_seen(first_id, atlas, poses, reach, ox, oy, oz, dx, dy, dz, pixel):
    """(t, id, texel, axis, positive, flash) of the nearest creature on the ray; id 0 at t = reach where none is."""
    best, creature, part, axis, positive = _nearest_creature(poses, ox, oy, oz, dx, dy, dz)
    if best >= reach:
        return reach, i4(0), i4(0), axis, positive, f4(0)
    packed = hide_texel(atlas, poses[creature], part, axis, positive, best, ox, oy, oz, dx, dy, dz, pixel)
    return best, i4(first_id + creature), packed, axis, positive, poses[creature, POSE_FLASH]


@compiled_fast()
def _meet_model(atlas, block, px, py, pz, dx, dy, dz, nearest, pixel):
    """(t, axis, positive, texel) of a small block's first box before `nearest` that is no hole there; axis -1: none.

    p: the ray's origin in the block's cell.
    """
    best, best_axis, best_positive, best_texel = nearest, i4(-1), i4(0), i4(0)
    for k in range(FIRST_BOX[block], FIRST_BOX[block + 1]):
        t, axis, positive = hit_box(
            px, py, pz, dx, dy, dz, BOXES[k, 0], BOXES[k, 1], BOXES[k, 2], BOXES[k, 3], BOXES[k, 4], BOXES[k, 5]
        )
        if t < best:
            packed = face_texel(atlas, block * 6, axis, positive, px, py, pz, t, dx, dy, dz, pixel)
            if packed & HOLE == 0:
                best, best_axis, best_positive, best_texel = t, axis, positive, packed
    return best, best_axis, best_positive, best_texel


@compiled_fast()
def _border(cell, step, o, inv):
    """t at which a ray from o leaves a cell along one axis."""
    return (f4(i4(cell + i4(step > 0))) - o) * inv


@compiled_fast()
def _first_border(o, d, inv):
    """(cell, step, t of its border) along one axis; FAR for a ray that runs between two borders."""
    cell, step = i4(math.floor(o)), i4(1) if d > f4(0) else i4(-1)
    return cell, step, _border(cell, step, o, inv) if abs(d) > f4(1e-9) else FAR


@compiled_fast()
def _inside(nx, nz, ny, x, y, z):
    """Whether a grid of that shape has the cell; below zero is beyond it where there are no signs."""
    return u4(x) < u4(nx) and u4(z) < u4(nz) and u4(y) < u4(ny)


@compiled_fast()
def see(cells, nx, nz, ny, atlas, poses, air, ox, oy, oz, dx, dy, dz, pixel):
    """(r, g, b, id, depth) of a ray, all but the id float32.

    cells uint8 (nx * nz * ny,): the blocks of a grid of shape (nx, nz, ny), which are int32; atlas uint32 (rows, 341);
    poses float32 (M, POSE_SIZE); air float32 (AIR_SIZE,); pixel: its angle. id: 0 for sky, one plus a block's flat
    index, or the grid's size plus one plus a creature's number. depth in lengths of the direction, VIEW_DISTANCE for
    sky.
    """
    length = length_of(dx, dy, dz)
    best, seen, packed, axis, positive, flash = _creature_seen(
        i4(nx * nz * ny + 1), atlas, poses, VIEW_DISTANCE / length, ox, oy, oz, dx, dy, dz, pixel
    )
    ix, iy, iz = inverse(dx), inverse(dy), inverse(dz)
    x, sx, tx = _first_border(ox, dx, ix)
    y, sy, ty = _first_border(oy, dy, iy)
    z, sz, tz = _first_border(oz, dz, iz)
    cell, cell_x, cell_y, cell_z = i4((x * nz + z) * ny + y), i4(sx * nz * ny), sy, i4(sz * ny)
    block = i4(cells[u4(cell)]) if _inside(nx, nz, ny, x, y, z) else i4(0)
    water = f4(0) if FORM[block] == FLUID else FAR
    while True:
        if block != 0 and FORM[block] == MODEL:
            t, a, p, colour = _meet_model(atlas, block, ox - f4(x), oy - f4(y), oz - f4(z), dx, dy, dz, best, pixel)
            if a >= 0:
                best, axis, positive, packed, flash, seen = t, a, p, colour, f4(0), i4(1 + cell)
        if tx <= ty and tx <= tz:
            a, t = i4(0), tx
            x, cell = i4(x + sx), i4(cell + cell_x)
            tx = _border(x, sx, ox, ix)
        elif ty <= tz:
            a, t = i4(1), ty
            y, cell = i4(y + sy), i4(cell + cell_y)
            ty = _border(y, sy, oy, iy)
        else:
            a, t = i4(2), tz
            z, cell = i4(z + sz), i4(cell + cell_z)
            tz = _border(z, sz, oz, iz)
        if t >= best:
            break
        if not _inside(nx, nz, ny, x, y, z):
            if leaving(nx, nz, ny, x, y, z, sx, sy, sz):
                break
            block = i4(0)
            continue
        before, block = block, i4(cells[u4(cell)])
        if block == 0:
            continue
        face = face_kind(block, before)
        if face == NO_FACE or t <= NEAR:
            continue
        if face == WATER_FACE:
            water = min(water, t)
            continue
        p = i4((sx if a == 0 else (sy if a == 1 else sz)) < 0)
        colour = face_texel(atlas, block * 6, a, p, ox, oy, oz, t, dx, dy, dz, pixel)
        if face == SOLID_FACE or colour & HOLE == 0:
            best, axis, positive, packed, flash, seen = t, a, p, colour, f4(0), i4(1 + cell)
            break
    r, g, b = tint(seen, packed, axis, positive, best, water, length, dy, flash, air)
    return r, g, b, seen, best if seen > 0 else VIEW_DISTANCE


@compiled_fast()
def ray_of(camera, px, py, width, height):
    """Direction (dx, dy, dz) float32 of a pixel of a packed camera; one length is one block along the optical axis."""
    v = f4(1) - (f4(2) * f4(py) + f4(1)) / f4(height)
    u = (f4(2) * f4(px) + f4(1)) / f4(width) - f4(1)
    return (
        camera[3] + camera[6] * u + camera[9] * v,
        camera[4] + camera[7] * u + camera[10] * v,
        camera[5] + camera[8] * u + camera[11] * v,
    )


@compiled_fast()
def render(grid, atlas, poses, air, camera, item, rgb, ids, depth):
    """One picture by a ray a pixel; arguments and results as in raster.render."""
    height, width = ids.shape
    cells, nx, nz, ny = grid.reshape(-1), i4(grid.shape[0]), i4(grid.shape[1]), i4(grid.shape[2])
    ox, oy, oz, pixel = camera[0], camera[1], camera[2], camera[12]
    for py in range(height):
        for px in range(width):
            dx, dy, dz = ray_of(camera, px, py, width, height)
            r, g, b, seen, t = see(cells, nx, nz, ny, atlas, poses, air, ox, oy, oz, dx, dy, dz, pixel)
            rgb[py, px, 0], rgb[py, px, 1], rgb[py, px, 2] = np.uint8(r), np.uint8(g), np.uint8(b)
            ids[py, px], depth[py, px] = seen, t
    draw_in_hand(atlas, item, air[LIGHT], rgb, ids, depth)
