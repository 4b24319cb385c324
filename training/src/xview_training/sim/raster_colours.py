"""Colours, ids and depths of what stayed in front in a z-buffer, a row of pixels at a time.

Finding what a pixel shows has branches; the arithmetic after it has none, so that processors compute eight pixels at
once. Arrays are not handed to the functions of a single pixel: each would cost an atomic count (see shade.py).
"""

import numpy as np

from xview_training.sim.air import LIGHT, VIEW_DISTANCE
from xview_training.sim.boxes import KIND, POSE_FLASH, hit_box, hit_part
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import FIRST_PART, MOST_PARTS
from xview_training.sim.models import BOXES, FIRST_BOX, MAX_BOXES
from xview_training.sim.raster_boxes import FIRST_MODEL
from xview_training.sim.shade import texel, under_water
from xview_training.sim.surfaces import dry_tint, hide_point, hide_row, incidence, length_of

f4 = np.float32
i4 = np.int32
# Rows of a line's numbers, float32: hit point and direction in the frame of the texture, the ray's length and height,
# distance, flash, colour; and int32: what is seen, row in the atlas, axis, side, texel.
PX, PY, PZ, STEEP, LENGTH, RISE, AT, FLASHES, RED, GREEN, BLUE, LINE_FLOATS = range(12)
SEEN, ROW, AXIS, POSITIVE, TEXEL, LINE_INTS = range(6)


@compiled_fast()
def block_at(axis, positive, plane, first_b, last_b, first_c, last_c, hx, hy, hz):
    """The block (x, y, z) of a quad at a point on it, kept inside where rounding would step over the rim."""
    a = i4(plane) - i4(positive)
    b = min(max(i4(hz if axis == 0 else hx), i4(first_b)), i4(last_b) - 1)
    c = min(max(i4(hz if axis == 1 else hy), i4(first_c)), i4(last_c) - 1)
    return a if axis == 0 else b, a if axis == 1 else c, a if axis == 2 else (b if axis == 0 else c)


@compiled_fast()
def colour(grid, faces, atlas, poses, air, camera, rays, depth, winner, water, rgb, ids, out_depth):
    """Fills a picture; arguments as in raster.render, faces uint8 (quads, 8) of all chunks."""
    height, width = ids.shape
    line, whole = np.empty((LINE_FLOATS, width), f4), np.empty((LINE_INTS, width), i4)
    pixel, light = camera[12], air[LIGHT]
    tones = (air[0], air[1], air[2], air[3], air[4], air[5], air[6], air[7], air[8])
    for py in range(height):
        first = py * width
        _meet(grid, faces, poses, camera, rays, depth, winner, first, width, line, whole)
        _find_texels(line, whole, pixel, width)
        for p in range(width):
            whole[TEXEL, p] = i4(atlas[whole[ROW, p], whole[TEXEL, p]])
        _tint(tones, line, whole, width)
        for p in range(width):
            r, g, b, t = line[RED, p], line[GREEN, p], line[BLUE, p], line[AT, p]
            if water[first + p] < t:
                r, g, b = under_water(r, g, b, (t - water[first + p]) * line[LENGTH, p], light)
            rgb[py, p, 0] = np.uint8(min(r, f4(255)))
            rgb[py, p, 1] = np.uint8(min(g, f4(255)))
            rgb[py, p, 2] = np.uint8(min(b, f4(255)))
            seen = whole[SEEN, p]
            ids[py, p], out_depth[py, p] = seen, t if seen > 0 else VIEW_DISTANCE


@compiled_fast()
def _find_texels(line, whole, pixel, width):
    px, py, pz, at, steep = line[PX], line[PY], line[PZ], line[AT], line[STEEP]
    axis, out = whole[AXIS], whole[TEXEL]
    for p in range(width):
        out[p] = texel(axis[p], px[p], py[p], pz[p], at[p], steep[p], pixel)


@compiled_fast()
def _tint(tones, line, whole, width):
    """Colours of a line where there is no water. tones: of the air, nine numbers."""
    at, length, rise, flash = line[AT], line[LENGTH], line[RISE], line[FLASHES]
    red, green, blue = line[RED], line[GREEN], line[BLUE]
    seen, packed, axis, positive = whole[SEEN], whole[TEXEL], whole[AXIS], whole[POSITIVE]
    for p in range(width):
        red[p], green[p], blue[p] = dry_tint(
            seen[p], packed[p], axis[p], positive[p], at[p], length[p], rise[p], flash[p], tones
        )


@compiled_fast()
def _meet(grid, faces, poses, camera, rays, depth, winner, first, width, line, whole):
    """What each pixel of a line shows, and where: all but texel and colour."""
    ox, oy, oz = camera[0], camera[1], camera[2]
    nz, ny = grid.shape[1], grid.shape[2]
    first_creature = grid.size * MAX_BOXES
    for p in range(width):
        k = first + p
        dx, dy, dz = rays[0, k], rays[1, k], rays[2, k]
        length = length_of(dx, dy, dz)
        t, reference = depth[k], winner[k]
        seen, row, axis, positive, flash = i4(0), i4(0), i4(0), i4(0), f4(0)
        px, py, pz, lx, lz = ox + t * dx, oy + t * dy, oz + t * dz, dx, dz
        if reference == -1 or t * length >= VIEW_DISTANCE:
            t = VIEW_DISTANCE / length
            px, py, pz = f4(0), f4(0), f4(0)
        elif reference >= 0:
            axis, positive = i4(faces[reference, 0]), i4(faces[reference, 1])
            x, y, z = block_at(
                axis, positive, faces[reference, 2], faces[reference, 3], faces[reference, 4], faces[reference, 5],
                faces[reference, 6], px, py, pz,
            )  # fmt: skip
            row, seen = i4(grid[x, z, y]) * 6, i4(1 + (x * nz + z) * ny + y)
        elif FIRST_MODEL - reference < first_creature:
            flat, part = (FIRST_MODEL - reference) // MAX_BOXES, (FIRST_MODEL - reference) % MAX_BOXES
            x, y, z = flat // (ny * nz), flat % ny, flat // ny % nz
            block = i4(grid[x, z, y])
            b = FIRST_BOX[block] + part
            px, py, pz = px - f4(x), py - f4(y), pz - f4(z)
            _, axis, positive = hit_box(
                ox - f4(x), oy - f4(y), oz - f4(z), dx, dy, dz,
                BOXES[b, 0], BOXES[b, 1], BOXES[b, 2], BOXES[b, 3], BOXES[b, 4], BOXES[b, 5],
            )  # fmt: skip
            row, seen = block * 6, i4(flat + 1)
        else:
            code = FIRST_MODEL - reference - first_creature
            creature = code // MOST_PARTS
            part = FIRST_PART[i4(poses[creature, KIND])] + code % MOST_PARTS
            _, axis, positive = hit_part(poses[creature], part, ox, oy, oz, dx, dy, dz)
            px, py, pz, lx, _, lz = hide_point(poses[creature], part, t, ox, oy, oz, dx, dy, dz)
            row, seen, flash = hide_row(part), i4(grid.size + 1 + creature), poses[creature, POSE_FLASH]
        line[PX, p], line[PY, p], line[PZ, p], line[STEEP, p] = px, py, pz, incidence(axis, lx, dy, lz)
        line[LENGTH, p], line[RISE, p], line[AT, p], line[FLASHES, p] = length, dy, t, flash
        whole[SEEN, p], whole[ROW, p] = seen, i4(row + 2 * axis + positive)
        whole[AXIS, p], whole[POSITIVE, p] = axis, positive
