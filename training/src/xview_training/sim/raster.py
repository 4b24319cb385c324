"""Renders merged quads on the CPU: colour, object id and depth of one picture.

Every face is drawn into a buffer of what is nearest inside its screen box (raster_faces.py), small blocks and creatures
as the faces of their boxes (raster_boxes.py); colours are computed once at the end, for what stayed in front. Faces
with holes come after the solid ones, so that few of their texels are looked at in vain. It agrees with a ray a pixel
(see.py), its oracle.
"""

import numpy as np

from xview_training.sim.air import LIGHT
from xview_training.sim.blocks import FORM, Form
from xview_training.sim.boxes import FAR
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.holding import draw_held, held_pixels
from xview_training.sim.mesh import CHUNK, WATER_FACE
from xview_training.sim.raster_boxes import draw_creatures, draw_models
from xview_training.sim.raster_colours import colour
from xview_training.sim.raster_cutouts import LIST_FLOATS, LIST_INTS, LISTED, draw_listed, list_hits, list_size
from xview_training.sim.raster_faces import fill, flood
from xview_training.sim.raster_patches import patch_size, rows_of_patch
from xview_training.sim.raster_windows import (
    BOTTOM,
    HIGH,
    LEFT,
    LOW,
    QUAD,
    RIGHT,
    TOP,
    edges,
    list_windows,
    window_lines,
)
from xview_training.sim.screen import box_bounds, covered, facing, pixels, view_of

f4 = np.float32
i4 = np.int32
FLUID = int(Form.FLUID)
IN_WATER = f4(1e9)  # nearness of its surface to an eye below it
NOTHING = f4(1e-6)  # nearness of what is in no picture


def scratch(width: int, height: int) -> tuple[np.ndarray, ...]:
    """Buffers reused between pictures, n = H * W.

    near float32 (n,), one over the distance of what is in front; winner int32 (n,), what that is; water float32 (n,),
    one over the distance at which the ray meets its surface; the two arrays of held_pixels.
    """
    n = width * height
    return np.empty(n, f4), np.empty(n, i4), np.empty(n, f4), *held_pixels(width, height)


@compiled_fast()
def _clear(grid, camera, near, winner, water):
    """Nothing in front of any pixel; the eye in water or not."""
    x, y, z = i4(np.floor(camera[0])), i4(np.floor(camera[1])), i4(np.floor(camera[2]))
    inside = 0 <= x < grid.shape[0] and 0 <= z < grid.shape[1] and 0 <= y < grid.shape[2]
    near[:] = NOTHING
    winner[:] = i4(-1)
    water[:] = IN_WATER if inside and FORM[grid[x, z, y]] == FLUID else f4(0)


@compiled_fast()
def _draw_solid(words, first, count, view, width, height, near, winner, lines):
    """Draws a chunk's faces without holes. words int32: the quads of all chunks, two numbers each."""
    following = i4(first)
    for axis in range(3):
        faced = facing(view, i4(axis))
        following, n = list_windows(words, following, first + count, i4(axis), True, faced, width, height, lines)
        for k in range(n):
            if (lines[RIGHT, k] >= lines[LEFT, k]) & (lines[BOTTOM, k] >= lines[TOP, k]):
                pa, b0, b1, c0, c1 = edges(lines[LOW, k], lines[HIGH, k], faced)
                fill(
                    faced, pa, b0, b1, c0, c1, lines[LEFT, k], lines[RIGHT, k], lines[TOP, k], lines[BOTTOM, k],
                    lines[QUAD, k], width, near, winner,
                )  # fmt: skip


@compiled_fast()
def _draw_holed(
    grid, atlas, words, first, count, view, pixel, width, height, near, winner, water, lines, reals, whole
):  # fmt: skip
    """Draws a chunk's other faces: where rays meet water, seen from above it, and textures with holes."""
    nz, ny, following, listed = i4(grid.shape[1]), i4(grid.shape[2]), i4(first), i4(0)
    cells, texels = grid.reshape(-1), atlas.reshape(-1)
    for axis in range(3):
        faced = facing(view, i4(axis))
        following, n = list_windows(words, following, first + count, i4(axis), False, faced, width, height, lines)
        for k in range(n):
            x0, x1, y0, y1 = lines[LEFT, k], lines[RIGHT, k], lines[TOP, k], lines[BOTTOM, k]
            if (x1 < x0) | (y1 < y0):
                continue
            pa, b0, b1, c0, c1 = edges(lines[LOW, k], lines[HIGH, k], faced)
            if lines[HIGH, k] >> 24 == WATER_FACE:
                flood(faced, pa, b0, b1, c0, c1, x0, x1, y0, y1, width, near, water)
                continue
            rows = rows_of_patch(x0, x1, patch_size(width))
            for py in range(y0, y1 + 1, rows):
                if listed >= LISTED:
                    draw_listed(
                        cells, texels, words, nz, ny, view, pixel, width, height, listed, near, winner, reals, whole
                    )
                    listed = i4(0)
                listed = list_hits(
                    faced, pa, b0, b1, c0, c1, x0, x1, py, min(i4(py + rows - 1), y1), lines[QUAD, k], width, near,
                    listed, reals, whole,
                )  # fmt: skip
    if listed > 0:
        draw_listed(cells, texels, words, nz, ny, view, pixel, width, height, listed, near, winner, reals, whole)


@compiled_fast()
def _in_sight(tops, nz, view, width, height, seen, near, windows):
    """Lists the chunks in sight, the nearest first, with their nearest corners and windows; how many there are."""
    visible, edge = 0, f4(CHUNK)
    for chunk in range(len(tops)):
        x, z = f4(chunk // nz * CHUNK), f4(chunk % nz * CHUNK)
        if tops[chunk] == 0:
            continue
        nearest, u0, u1, v0, v1 = box_bounds(view, x, f4(0), z, x + edge, f4(tops[chunk]), z + edge)
        if nearest == FAR:
            continue
        away = abs(x + edge / f4(2) - view[0]) + abs(z + edge / f4(2) - view[2])
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
    near, winner, water, held, first_held, rgb, ids, out_depth,
):  # fmt: skip
    """Draws one picture.

    grid uint8 (X, Z, Y); quads, counts, tops, models, model_counts from mesh.py; atlas uint32 (rows, 341); poses
    float32 (M, POSE_SIZE); air float32 (AIR_SIZE,); camera float32 (13,); item: what is seen in the agent's hand, 0 for
    nothing (holding.py); near, winner, water, held, first_held from `scratch`. Writes rgb uint8 (H, W, 3); ids int32
    (H, W), 0 for sky and item, one plus a block's flat index in the grid, or the grid's size plus one plus a creature's
    number; out_depth float32 (H, W) along the optical axis in blocks.
    """
    height, width = i4(ids.shape[0]), i4(ids.shape[1])
    view, pixel = view_of(camera, width, height), camera[12]
    _clear(grid, camera, near, winner, water)
    seen, first, windows = np.empty(len(counts), i4), np.empty((len(counts), 2), f4), np.empty((len(counts), 4), i4)
    visible = _in_sight(tops, grid.shape[1] // CHUNK, view, width, height, seen, first, windows)
    words, most, room, lines = quads.view(i4).reshape(-1), quads.shape[1], list_size(width), window_lines()
    listed = np.empty((LIST_FLOATS, room), f4), np.empty((LIST_INTS, room), i4)
    for k in range(visible):
        if not covered(near, width, windows[k, 0], windows[k, 1], windows[k, 2], windows[k, 3], first[k, 1]):
            _draw_solid(words, seen[k] * most, counts[seen[k]], view, width, height, near, winner, lines)
    draw_creatures(grid, poses, view, width, height, near, winner)
    for k in range(visible):
        if covered(near, width, windows[k, 0], windows[k, 1], windows[k, 2], windows[k, 3], first[k, 1]):
            continue
        chunk = seen[k]
        _draw_holed(
            grid,
            atlas,
            words,
            chunk * most,
            counts[chunk],
            view,
            pixel,
            width,
            height,
            near,
            winner,
            water,
            lines,
            *listed,
        )
        if model_counts[chunk]:
            draw_models(grid, models[chunk], model_counts[chunk], atlas, view, pixel, width, height, near, winner)
    colour(grid, quads, atlas, poses, air, view, pixel, near, winner, water, rgb, ids, out_depth)
    draw_held(atlas, item, air[LIGHT], held, first_held, rgb, ids, out_depth)
