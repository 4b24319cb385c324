"""Renders merged quads on the CPU: colour, object id and depth of one picture.

Each quad is z-buffered by a ray/plane test inside its screen box, small blocks and creatures by a ray/box test inside
theirs (raster_boxes.py); colours are computed once at the end, for what stayed in front. Faces with holes come after
the solid ones, so that few of their texels are looked at in vain. It agrees with a ray a pixel (see.py), its oracle.
"""

import numpy as np

from xview_training.sim.air import LIGHT
from xview_training.sim.blocks import FORM, Form
from xview_training.sim.boxes import FAR, NEAR, inverse
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.holding import draw_in_hand
from xview_training.sim.mesh import CHUNK, SOLID_FACE, WATER_FACE
from xview_training.sim.raster_boxes import draw_creatures, draw_models
from xview_training.sim.raster_colours import block_at, colour
from xview_training.sim.screen import box_bounds, covered, lens_of, pick, pixels, rectangle_bounds
from xview_training.sim.see import ray_of
from xview_training.sim.shade import HOLE, texel
from xview_training.sim.surfaces import incidence

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


@compiled_fast()
def _window(lens, axis, positive, plane, first_b, last_b, first_c, last_c, width, height):
    """(pa, b0, b1, c0, c1, x0, x1, y0, y1): a quad's plane and edges from the camera, and the pixels that it may cover.

    x1 < x0 where it is out of sight or seen from behind.
    """
    pa = f4(plane) - pick(axis, lens[0], lens[1], lens[2])
    b, c = (lens[2] if axis == 0 else lens[0]), (lens[2] if axis == 1 else lens[1])
    b0, b1, c0, c1 = f4(first_b) - b, f4(last_b) - b, f4(first_c) - c, f4(last_c) - c
    if (positive == 1 and pa >= f4(0)) or (positive == 0 and pa <= f4(0)):
        return pa, b0, b1, c0, c1, i4(0), i4(-1), i4(0), i4(-1)
    u0, u1, v0, v1 = rectangle_bounds(lens, axis, pa, b0, b1, c0, c1)
    if u0 > u1:
        return pa, b0, b1, c0, c1, i4(0), i4(-1), i4(0), i4(-1)
    x0, x1, y0, y1 = pixels(u0, u1, v0, v1, width, height)
    return pa, b0, b1, c0, c1, x0, x1, y0, y1


@compiled_fast()
def _draw_solid(quads, first, count, lens, width, height, rays, depth, winner):
    """Draws a chunk's faces without holes. quads uint8 (quads, 8) of all chunks."""
    for reference in range(first, first + count):
        if quads[reference, 7] != SOLID_FACE:
            continue
        axis = i4(quads[reference, 0])
        pa, b0, b1, c0, c1, x0, x1, y0, y1 = _window(
            lens, axis, quads[reference, 1], quads[reference, 2], quads[reference, 3], quads[reference, 4],
            quads[reference, 5], quads[reference, 6], width, height,
        )  # fmt: skip
        if x1 < x0:
            continue
        ib, ic = (2 if axis == 0 else 0), (2 if axis == 1 else 1)
        for py in range(y0, y1 + 1):
            for k in range(py * width + x0, py * width + x1 + 1):
                t = pa * rays[3 + axis, k]
                hb, hc = t * rays[ib, k], t * rays[ic, k]
                inside = (t > NEAR) & (t < depth[k]) & (hb >= b0) & (hb <= b1) & (hc >= c0) & (hc <= c1)
                if inside:
                    depth[k] = t
                    winner[k] = i4(reference)


@compiled_fast()
def _draw_holed(grid, atlas, quads, first, count, lens, pixel, width, height, rays, depth, winner, water):
    """Draws a chunk's other faces: where rays meet water, seen from above it, and textures with holes."""
    for reference in range(first, first + count):
        kind = quads[reference, 7]
        if kind == SOLID_FACE:
            continue
        axis, positive = i4(quads[reference, 0]), i4(quads[reference, 1])
        pa, b0, b1, c0, c1, x0, x1, y0, y1 = _window(
            lens, axis, positive, quads[reference, 2], quads[reference, 3], quads[reference, 4], quads[reference, 5],
            quads[reference, 6], width, height,
        )  # fmt: skip
        if x1 < x0:
            continue
        ib, ic = (2 if axis == 0 else 0), (2 if axis == 1 else 1)
        for py in range(y0, y1 + 1):
            for k in range(py * width + x0, py * width + x1 + 1):
                t = pa * rays[3 + axis, k]
                hb, hc = t * rays[ib, k], t * rays[ic, k]
                if t <= NEAR or t >= depth[k] or hb < b0 or hb > b1 or hc < c0 or hc > c1:
                    continue
                if kind == WATER_FACE:
                    water[k] = min(water[k], t)
                    continue
                dx, dy, dz = rays[0, k], rays[1, k], rays[2, k]
                hx, hy, hz = lens[0] + t * dx, lens[1] + t * dy, lens[2] + t * dz
                x, y, z = block_at(
                    axis, positive, quads[reference, 2], quads[reference, 3], quads[reference, 4],
                    quads[reference, 5], quads[reference, 6], hx, hy, hz,
                )  # fmt: skip
                column = texel(axis, hx, hy, hz, t, incidence(axis, dx, dy, dz), pixel)
                if i4(atlas[i4(grid[x, z, y]) * 6 + axis * 2 + positive, column]) & HOLE == 0:
                    depth[k] = t
                    winner[k] = i4(reference)


@compiled_fast()
def _in_sight(tops, nz, lens, width, height, seen, near, windows):
    """Lists the chunks in sight, the nearest first, with their nearest corners and windows; how many there are."""
    visible, edge = 0, f4(CHUNK)
    for chunk in range(len(tops)):
        x, z = f4(chunk // nz * CHUNK), f4(chunk % nz * CHUNK)
        if tops[chunk] == 0:
            continue
        nearest, u0, u1, v0, v1 = box_bounds(lens, x, f4(0), z, x + edge, f4(tops[chunk]), z + edge)
        if nearest == FAR:
            continue
        away = abs(x + edge / f4(2) - lens[0]) + abs(z + edge / f4(2) - lens[2])
        at = visible
        while at > 0 and near[at - 1, 0] > away:
            seen[at], near[at], windows[at] = seen[at - 1], near[at - 1], windows[at - 1]
            at -= 1
        seen[at], near[at, 0], near[at, 1] = chunk, away, nearest
        windows[at, 0], windows[at, 1], windows[at, 2], windows[at, 3] = pixels(u0, u1, v0, v1, width, height)
        visible += 1
    return visible


@compiled_fast()
def render(
    grid, quads, counts, tops, models, model_counts, atlas, poses, air, camera, item,
    rays, depth, winner, water, rgb, ids, out_depth,
):  # fmt: skip
    """Draws one picture.

    grid uint8 (X, Z, Y); quads, counts, tops, models, model_counts from mesh.py; atlas uint32 (rows, 341); poses
    float32 (M, POSE_SIZE); air float32 (AIR_SIZE,); camera float32 (13,); item: what is seen in
    the agent's hand, 0 for nothing (holding.py); rays, depth, winner, water from `scratch`. Writes rgb uint8 (H, W,
    3); ids int32 (H, W), 0 for sky and item, one plus a block's flat index in the grid, or the grid's size plus one
    plus a creature's number; out_depth float32 (H, W) along the optical axis in blocks.
    """
    height, width = ids.shape
    lens, pixel = lens_of(camera), camera[12]
    _prepare(grid, camera, width, height, rays, depth, winner, water)
    seen, near, windows = np.empty(len(counts), i4), np.empty((len(counts), 2), f4), np.empty((len(counts), 4), i4)
    visible = _in_sight(tops, grid.shape[1] // CHUNK, lens, width, height, seen, near, windows)
    faces = quads.reshape(-1, 8)
    for k in range(visible):
        if not covered(depth, width, windows[k, 0], windows[k, 1], windows[k, 2], windows[k, 3], near[k, 1]):
            _draw_solid(faces, seen[k] * quads.shape[1], counts[seen[k]], lens, width, height, rays, depth, winner)
    draw_creatures(grid, poses, lens, width, height, rays, depth, winner)
    for k in range(visible):
        if covered(depth, width, windows[k, 0], windows[k, 1], windows[k, 2], windows[k, 3], near[k, 1]):
            continue
        chunk = seen[k]
        _draw_holed(
            grid, atlas, faces, chunk * quads.shape[1], counts[chunk], lens, pixel, width, height, rays, depth, winner,
            water,
        )  # fmt: skip
        if model_counts[chunk]:
            draw_models(
                grid, models[chunk], model_counts[chunk], atlas, lens, pixel, width, height, rays, depth, winner
            )
    colour(grid, faces, atlas, poses, air, camera, rays, depth, winner, water, rgb, ids, out_depth)
    draw_in_hand(atlas, item, air[LIGHT], rgb, ids, out_depth)
