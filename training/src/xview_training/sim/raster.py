"""Renders merged quads on the CPU: colour, object id and depth of one picture.

Each quad is z-buffered by a ray/plane test inside its screen box, small blocks and creatures by a ray/box test inside
theirs (raster_boxes.py); colours are computed once at the end, for what stayed in front. Faces with holes come after
the solid ones, so that few of their texels are looked at in vain. It agrees with a ray a pixel (see.py), its oracle.
"""

import numpy as np

from xview_training.sim.air import VIEW_DISTANCE
from xview_training.sim.blocks import FORM, Form
from xview_training.sim.boxes import FAR, KIND, NEAR, POSE_FLASH, hit_box, hit_part, inverse
from xview_training.sim.compiled import compiled, compiled_fast
from xview_training.sim.figures import FIRST_PART, MOST_PARTS
from xview_training.sim.mesh import CHUNK, CUTOUT_FACE, SOLID_FACE, WATER_FACE
from xview_training.sim.models import BOXES, FIRST_BOX, MAX_BOXES
from xview_training.sim.raster_boxes import FIRST_MODEL, draw_creatures, draw_models
from xview_training.sim.screen import box_hidden, pixels, rectangle_box
from xview_training.sim.see import ray_of
from xview_training.sim.shade import HOLE
from xview_training.sim.surfaces import face_texel, hide_texel, length_of, tint

f4 = np.float32
i4 = np.int32
FLUID = int(Form.FLUID)


def scratch(width: int, height: int) -> tuple[np.ndarray, ...]:
    """Buffers reused between pictures, n = H * W.

    rays and their inverses float32 (6, n); depth float32 (n,); winner int32 (n,), what is in front; water float32
    (n,), where the ray meets its surface.
    """
    n = width * height
    return np.empty((6, n), f4), np.empty(n, f4), np.empty(n, i4), np.empty(n, f4)


@compiled_fast()
def _prepare(grid, camera, width, height, rays, depth, winner, water):
    """Rays of all pixels; nothing in front of any; the eye in water or not."""
    x, y, z = i4(np.floor(camera[0])), i4(np.floor(camera[1])), i4(np.floor(camera[2]))
    inside = 0 <= x < grid.shape[0] and 0 <= z < grid.shape[1] and 0 <= y < grid.shape[2]
    surface = f4(0) if inside and FORM[grid[x, z, y]] == FLUID else FAR
    for py in range(height):
        for px in range(width):
            k = py * width + px
            dx, dy, dz = ray_of(camera, px, py, width, height)
            rays[0, k], rays[1, k], rays[2, k] = dx, dy, dz
            rays[3, k], rays[4, k], rays[5, k] = inverse(dx), inverse(dy), inverse(dz)
            depth[k], winner[k], water[k] = FAR, i4(-1), surface


@compiled()
def _voxel(axis, a, b, c):
    """Block (x, y, z) from its place along a quad's axis and in its plane (mesh.py)."""
    if axis == 0:
        return a, c, b
    if axis == 1:
        return b, a, c
    return b, c, a


@compiled_fast()
def _block_at(quad, hx, hy, hz):
    """The block (x, y, z) of a quad at a point on it, kept inside where rounding would step over the rim."""
    axis = i4(quad[0])
    first = min(max(i4(hz if axis == 0 else hx), i4(quad[3])), i4(quad[4]) - 1)
    second = min(max(i4(hz if axis == 1 else hy), i4(quad[5])), i4(quad[6]) - 1)
    return _voxel(axis, i4(quad[2]) - i4(quad[1]), first, second)


@compiled_fast()
def _window(camera, quad, width, height, rr, uu, box):
    """(x0, x1, y0, y1) of the pixels that a quad may cover; x1 < x0 where it is out of sight or seen from behind."""
    axis = i4(quad[0])
    pa = f4(quad[2]) - camera[axis]
    if (quad[1] == 1 and pa >= f4(0)) or (quad[1] == 0 and pa <= f4(0)):
        return 0, -1, 0, -1
    ib = 2 if axis == 0 else 0
    ic = 2 if axis == 1 else 1
    b0, b1 = f4(quad[3]) - camera[ib], f4(quad[4]) - camera[ib]
    c0, c1 = f4(quad[5]) - camera[ic], f4(quad[6]) - camera[ic]
    if not rectangle_box(camera, axis, pa, ib, ic, b0, b1, c0, c1, rr, uu, box):
        return 0, -1, 0, -1
    return pixels(box, width, height)


@compiled_fast()
def _draw_solid(camera, quad, reference, width, height, rr, uu, rays, depth, winner, box):
    x0, x1, y0, y1 = _window(camera, quad, width, height, rr, uu, box)
    axis = i4(quad[0])
    pa = f4(quad[2]) - camera[axis]
    ib = 2 if axis == 0 else 0
    ic = 2 if axis == 1 else 1
    b0, b1 = f4(quad[3]) - camera[ib], f4(quad[4]) - camera[ib]
    c0, c1 = f4(quad[5]) - camera[ic], f4(quad[6]) - camera[ic]
    across, db, dc = rays[3 + axis], rays[ib], rays[ic]
    for py in range(y0, y1 + 1):
        for k in range(py * width + x0, py * width + x1 + 1):
            t = pa * across[k]
            hb, hc = t * db[k], t * dc[k]
            inside = (t > NEAR) & (t < depth[k]) & (hb >= b0) & (hb <= b1) & (hc >= c0) & (hc <= c1)
            if inside:
                depth[k] = t
                winner[k] = reference


@compiled_fast()
def _draw_water(camera, quad, width, height, rr, uu, rays, water, box):
    """Where rays meet the surface of water, seen from above it."""
    x0, x1, y0, y1 = _window(camera, quad, width, height, rr, uu, box)
    axis = i4(quad[0])
    pa = f4(quad[2]) - camera[axis]
    ib = 2 if axis == 0 else 0
    ic = 2 if axis == 1 else 1
    b0, b1 = f4(quad[3]) - camera[ib], f4(quad[4]) - camera[ib]
    c0, c1 = f4(quad[5]) - camera[ic], f4(quad[6]) - camera[ic]
    for py in range(y0, y1 + 1):
        for k in range(py * width + x0, py * width + x1 + 1):
            t = pa * rays[3 + axis, k]
            hb, hc = t * rays[ib, k], t * rays[ic, k]
            if t > NEAR and t < water[k] and hb >= b0 and hb <= b1 and hc >= c0 and hc <= c1:
                water[k] = t


@compiled_fast()
def _draw_cutout(grid, atlas, camera, quad, reference, width, height, rr, uu, rays, depth, winner, box):
    """As solid faces, where the texture has no hole."""
    x0, x1, y0, y1 = _window(camera, quad, width, height, rr, uu, box)
    axis, positive = i4(quad[0]), i4(quad[1])
    pa = f4(quad[2]) - camera[axis]
    ib = 2 if axis == 0 else 0
    ic = 2 if axis == 1 else 1
    b0, b1 = f4(quad[3]) - camera[ib], f4(quad[4]) - camera[ib]
    c0, c1 = f4(quad[5]) - camera[ic], f4(quad[6]) - camera[ic]
    ox, oy, oz = camera[0], camera[1], camera[2]
    for py in range(y0, y1 + 1):
        for k in range(py * width + x0, py * width + x1 + 1):
            t = pa * rays[3 + axis, k]
            hb, hc = t * rays[ib, k], t * rays[ic, k]
            if t > NEAR and t < depth[k] and hb >= b0 and hb <= b1 and hc >= c0 and hc <= c1:
                dx, dy, dz = rays[0, k], rays[1, k], rays[2, k]
                x, y, z = _block_at(quad, ox + t * dx, oy + t * dy, oz + t * dz)
                row = i4(grid[x, z, y]) * 6
                packed = face_texel(atlas, row, axis, positive, ox, oy, oz, t, dx, dy, dz, camera[12])
                if packed & HOLE == 0:
                    depth[k] = t
                    winner[k] = reference


@compiled_fast()
def render(
    grid, quads, counts, tops, models, model_counts, atlas, poses, air, camera,
    rays, depth, winner, water, rgb, ids, out_depth,
):  # fmt: skip
    """Draws one picture.

    grid uint8 (X, Z, Y); quads, counts, tops, models, model_counts from mesh.py; atlas uint32 (rows, 341); poses
    float32 (M, POSE_SIZE); air float32 (AIR_SIZE,); camera float32 (13,); rays, depth, winner, water from `scratch`.
    Writes rgb uint8 (H, W, 3); ids int32 (H, W), 0 for sky, one plus a block's flat index in the grid, or the grid's
    size plus one plus a creature's number; out_depth float32 (H, W) along the optical axis in blocks.
    """
    height, width = ids.shape
    rr = camera[6] ** 2 + camera[7] ** 2 + camera[8] ** 2
    uu = camera[9] ** 2 + camera[10] ** 2 + camera[11] ** 2
    _prepare(grid, camera, width, height, rays, depth, winner, water)
    box = np.empty(4, f4)
    seen = np.empty(len(counts), i4)
    visible = 0
    nz = grid.shape[1] // CHUNK
    for chunk in range(len(counts)):
        x, z = f4(chunk // nz * CHUNK), f4(chunk % nz * CHUNK)
        edge = f4(CHUNK)
        if tops[chunk] and not box_hidden(camera, x, f4(0), z, x + edge, f4(tops[chunk]), z + edge, rr, uu):
            seen[visible] = chunk
            visible += 1
    for chunk in seen[:visible]:
        for q in range(counts[chunk]):
            if quads[chunk, q, 7] == SOLID_FACE:
                reference = i4(chunk * quads.shape[1] + q)
                _draw_solid(camera, quads[chunk, q], reference, width, height, rr, uu, rays, depth, winner, box)
            elif quads[chunk, q, 7] == WATER_FACE:
                _draw_water(camera, quads[chunk, q], width, height, rr, uu, rays, water, box)
    draw_creatures(grid, poses, camera, width, height, rr, uu, rays, depth, winner, box)
    for chunk in seen[:visible]:
        for q in range(counts[chunk]):
            if quads[chunk, q, 7] == CUTOUT_FACE:
                reference = i4(chunk * quads.shape[1] + q)
                _draw_cutout(
                    grid, atlas, camera, quads[chunk, q], reference, width, height, rr, uu, rays, depth, winner, box
                )
        if model_counts[chunk]:
            draw_models(
                grid, models[chunk], model_counts[chunk], atlas, camera, width, height, rr, uu, rays, depth, winner, box
            )
    _shade(grid, quads, atlas, poses, air, camera, rays, depth, winner, water, rgb, ids, out_depth)


@compiled_fast()
def _shade(grid, quads, atlas, poses, air, camera, rays, depth, winner, water, rgb, ids, out_depth):
    """Colours what stayed in front. One function over all pixels: see shade.py on calls with arrays."""
    height, width = ids.shape
    ox, oy, oz, pixel = camera[0], camera[1], camera[2], camera[12]
    first_creature = grid.size * MAX_BOXES
    for k in range(height * width):
        py, px = k // width, k % width
        dx, dy, dz = rays[0, k], rays[1, k], rays[2, k]
        length = length_of(dx, dy, dz)
        t, reference = depth[k], winner[k]
        seen, packed, axis, positive, flash = i4(0), i4(0), i4(0), i4(0), f4(0)
        if reference == -1 or t * length >= VIEW_DISTANCE:
            t = VIEW_DISTANCE / length
        elif reference >= 0:
            quad = quads[reference // quads.shape[1], reference % quads.shape[1]]
            axis, positive = i4(quad[0]), i4(quad[1])
            x, y, z = _block_at(quad, ox + t * dx, oy + t * dy, oz + t * dz)
            packed = face_texel(atlas, i4(grid[x, z, y]) * 6, axis, positive, ox, oy, oz, t, dx, dy, dz, pixel)
            seen = i4(1 + (x * grid.shape[1] + z) * grid.shape[2] + y)
        elif FIRST_MODEL - reference < first_creature:
            flat, part = (FIRST_MODEL - reference) // MAX_BOXES, (FIRST_MODEL - reference) % MAX_BOXES
            y, z = flat % grid.shape[2], flat // grid.shape[2] % grid.shape[1]
            x = flat // (grid.shape[2] * grid.shape[1])
            block = i4(grid[x, z, y])
            b = FIRST_BOX[block] + part
            mx, my, mz = ox - f4(x), oy - f4(y), oz - f4(z)
            _, axis, positive = hit_box(
                mx, my, mz, dx, dy, dz, BOXES[b, 0], BOXES[b, 1], BOXES[b, 2], BOXES[b, 3], BOXES[b, 4], BOXES[b, 5]
            )
            packed = face_texel(atlas, block * 6, axis, positive, mx, my, mz, t, dx, dy, dz, pixel)
            seen = i4(flat + 1)
        else:
            code = FIRST_MODEL - reference - first_creature
            creature = code // MOST_PARTS
            pose = poses[creature]
            part = FIRST_PART[i4(pose[KIND])] + code % MOST_PARTS
            _, axis, positive = hit_part(pose, part, ox, oy, oz, dx, dy, dz)
            packed = hide_texel(atlas, pose, part, axis, positive, t, ox, oy, oz, dx, dy, dz, pixel)
            seen, flash = i4(grid.size + 1 + creature), pose[POSE_FLASH]
        r, g, b = tint(seen, packed, axis, positive, t, water[k], length, dy, flash, air)
        ids[py, px], out_depth[py, px] = seen, t if seen > 0 else VIEW_DISTANCE
        rgb[py, px, 0], rgb[py, px, 1], rgb[py, px, 2] = np.uint8(r), np.uint8(g), np.uint8(b)
