"""Colours, ids and depths of what stayed in front in a picture's buffers, a row of pixels at a time.

The arithmetic has no branches, so that processors compute eight pixels at once; what small blocks and creatures show is
put right pixel by pixel. Arrays are not handed to the functions of a single pixel: each would cost an atomic count (see
shade.py).
"""

import numpy as np

from xview_training.sim.air import LIGHT, VIEW_DISTANCE
from xview_training.sim.boxes import KIND, POSE_COS, POSE_FLASH, POSE_SIN, POSE_SWING, POSE_X, POSE_Y, POSE_Z, inverse
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import FIRST_PART, MOST_PARTS, PARTS, SWINGS
from xview_training.sim.models import BOXES, FIRST_BOX, MAX_BOXES
from xview_training.sim.raster_boxes import FIRST_MODEL, first_creature
from xview_training.sim.raster_windows import unpacked
from xview_training.sim.screen import pick, ray_at, up
from xview_training.sim.shade import texel, under_water
from xview_training.sim.surfaces import dry_tint, hide_point, hide_row, incidence, length_of
from xview_training.sim.textures import TEXELS

f4 = np.float32
i4 = np.int32
# Rows of a line's numbers, float32: the ray's length and height, distance, flash, colour; and int32: both halves of a
# quad, what is seen, row in the atlas, face (two times the axis, and one for the positive side), texel.
LENGTH, RISE, AT, FLASHES, RED, GREEN, BLUE, LINE_FLOATS = range(8)
LOW, HIGH, SEEN, ROW, FACE, TEXEL, LINE_INTS = range(7)


@compiled_fast()
def block_at(axis, positive, plane, first_b, last_b, first_c, last_c, hx, hy, hz):
    """The block (x, y, z) of a quad at a point on it, kept inside where rounding would step over the rim."""
    a = i4(plane - positive)
    b = min(max(i4(hz if axis == 0 else hx), i4(first_b)), i4(last_b - 1))
    c = min(max(i4(hz if axis == 1 else hy), i4(first_c)), i4(last_c - 1))
    return a if axis == 0 else b, a if axis == 1 else c, a if axis == 2 else (b if axis == 0 else c)


@compiled_fast()
def colour(grid, quads, atlas, poses, air, view, pixel, near, winner, water, rgb, ids, out_depth):
    """Fills a picture; arguments as in raster.render, view from screen.view_of."""
    height, width = i4(ids.shape[0]), i4(ids.shape[1])
    line, whole = np.zeros((LINE_FLOATS, width), f4), np.zeros((LINE_INTS, width), i4)
    light = air[LIGHT]
    tones = (air[0], air[1], air[2], air[3], air[4], air[5], air[6], air[7], air[8])
    nz, ny, cells, texels = i4(grid.shape[1]), i4(grid.shape[2]), grid.reshape(-1), atlas.reshape(-1)
    words = quads.view(i4).reshape(-1)
    for py in range(height):
        first = py * width
        row = winner[first : first + width]
        if _is_sky(row):
            _meet_sky(view, py, height, line, whole)
        else:
            lowest = _fetch_quads(words, row, whole)
            _meet(nz, ny, view, pixel, py, height, row, line, whole)
            line[FLASHES] = f4(0)
            if lowest < -1:
                _meet_boxes(grid, poses, view, pixel, py, height, row, line, whole)
            _fetch_texels(cells, texels, line, whole, width)
        _tint(tones, line, whole, width)
        _sink(water[first : first + width], light, line, width)
        _store(line, whole, rgb[py].reshape(-1), ids[py], out_depth[py])


@compiled_fast()
def _fetch_texels(cells, texels, line, whole, width):
    """Looks up the packed texels of a line. cells, texels: grid and atlas, flat."""
    row, face, texel_of = whole[ROW], whole[FACE], whole[TEXEL]
    for p in range(width):
        hide = row[p]  # of the first face of what is no cube; below zero: minus one minus a cube's flat index
        first = hide if hide >= 0 else i4(cells[up(-1 - hide)]) * i4(6)
        texel_of[p] = i4(texels[up((first + face[p]) * i4(TEXELS) + texel_of[p])])


@compiled_fast()
def _tint(tones, line, whole, width):
    """Colours of a line where there is no water. tones: of the air, nine numbers."""
    at, length, rise, flash = line[AT], line[LENGTH], line[RISE], line[FLASHES]
    red, green, blue = line[RED], line[GREEN], line[BLUE]
    seen, packed, face = whole[SEEN], whole[TEXEL], whole[FACE]
    for p in range(width):
        red[p], green[p], blue[p] = dry_tint(
            seen[p], packed[p], face[p] >> i4(1), face[p] & i4(1), at[p], length[p], rise[p], flash[p], tones
        )


@compiled_fast()
def _sink(water, light, line, width):
    """Colours what is seen through water. water float32 (W,): nearness of its surface."""
    wet = i4(0)
    for p in range(width):
        wet += i4(water[p] > f4(0))
    if wet == 0:
        return
    for p in range(width):
        if water[p] * line[AT, p] > f4(1):
            depth = (line[AT, p] - f4(1) / water[p]) * line[LENGTH, p]
            line[RED, p], line[GREEN, p], line[BLUE, p] = under_water(
                line[RED, p], line[GREEN, p], line[BLUE, p], depth, light
            )


@compiled_fast()
def _store(line, whole, rgb, ids, depth):
    red, green, blue, at, seen = line[RED], line[GREEN], line[BLUE], line[AT], whole[SEEN]
    for p in range(len(ids)):
        rgb[3 * p] = np.uint8(i4(min(red[p], f4(255))))
        rgb[3 * p + 1] = np.uint8(i4(min(green[p], f4(255))))
        rgb[3 * p + 2] = np.uint8(i4(min(blue[p], f4(255))))
    for p in range(len(ids)):
        ids[p] = seen[p]
        depth[p] = at[p] if seen[p] > 0 else VIEW_DISTANCE


@compiled_fast()
def _is_sky(winner):
    """Whether a row shows nothing else."""
    most = i4(-1)
    for p in range(len(winner)):
        most = max(most, abs(winner[p] + 1))
    return most <= 0


@compiled_fast()
def _meet_sky(view, py, height, line, whole):
    """As _meet, for a row of sky; its texels do not count."""
    length, rise, at, seen = line[LENGTH], line[RISE], line[AT], whole[SEEN]
    width = i4(len(seen))
    for p in range(width):
        dx, dy, dz = ray_at(view, i4(p), py, width, height)
        length[p], rise[p], seen[p] = length_of(dx, dy, dz), dy, i4(0)
        at[p] = VIEW_DISTANCE / length[p]


@compiled_fast()
def _fetch_quads(words, winner, whole):
    """Looks up the quads of a row; the lowest winner. words int32: the quads of all chunks, two numbers each."""
    low, high, lowest = whole[LOW], whole[HIGH], i4(0)
    for p in range(len(winner)):
        reference = winner[p]
        lowest = min(lowest, reference)
        at = up(max(reference, i4(0))) * up(2)
        low[p], high[p] = words[at], words[at + up(1)]
    return lowest


@compiled_fast()
def _meet(nz, ny, view, pixel, py, height, winner, line, whole):
    """What each pixel of a row shows, and where, were it all cubes. Whole numbers stay int32, else half as many fit."""
    width = i4(len(winner))
    ox, oy, oz = view[0], view[1], view[2]
    length, rise, at, lows, highs = line[LENGTH], line[RISE], line[AT], whole[LOW], whole[HIGH]
    seen, row, face, texel_of = whole[SEEN], whole[ROW], whole[FACE], whole[TEXEL]
    for p in range(width):
        dx, dy, dz = ray_at(view, i4(p), py, width, height)
        size, low, high = length_of(dx, dy, dz), lows[p], highs[p]
        axis, positive, plane, b0, b1, c0, c1 = unpacked(low, high)
        across = pick(axis, dx, dy, dz)
        t = (f4(plane) - pick(axis, ox, oy, oz)) * inverse(across)
        is_sky = (winner[p] < i4(0)) | (t * size >= VIEW_DISTANCE)
        t = VIEW_DISTANCE / size if is_sky else t
        hx, hy, hz = ox + t * dx, oy + t * dy, oz + t * dz
        x, y, z = block_at(axis, positive, plane, b0, b1, c0, c1, hx, hy, hz)
        flat = i4(0) if is_sky else i4(i4(i4(i4(x * nz) + z) * ny) + y)
        texel_of[p] = texel(axis, hx, hy, hz, t, abs(across) / size, pixel)
        length[p], rise[p], at[p] = size, dy, t
        seen[p], row[p], face[p] = i4(0) if is_sky else i4(flat + 1), i4(-flat - 1), i4(2 * axis + positive)


@compiled_fast()
def _meet_boxes(grid, poses, view, pixel, py, height, winner, line, whole):
    """Puts right what pixels show that see small blocks and creatures."""
    width, ny, nz = i4(len(winner)), i4(grid.shape[2]), i4(grid.shape[1])
    creatures = first_creature(grid.size)
    for p in range(width):
        code = FIRST_MODEL - winner[p]
        if code < 0:
            continue
        dx, dy, dz = ray_at(view, p, py, width, height)
        axis = code % 3
        if code < creatures:
            part, flat = code // 3 % MAX_BOXES, code // (3 * MAX_BOXES)
            x, y, z = flat // (ny * nz), flat % ny, flat // ny % nz
            block = i4(grid[x, z, y])
            b = FIRST_BOX[block] + part
            hx, hy, hz = view[0] - f4(x), view[1] - f4(y), view[2] - f4(z)
            positive = i4(1) if pick(axis, dx, dy, dz) < f4(0) else i4(0)
            plane = BOXES[b, axis + 3 * positive]
            t = (plane - pick(axis, hx, hy, hz)) * inverse(pick(axis, dx, dy, dz))
            hx, hy, hz, lx, lz = hx + t * dx, hy + t * dy, hz + t * dz, dx, dz
            row, seen, flash = block * 6, i4(flat + 1), f4(0)
        else:
            code = (code - creatures) // 3
            creature = code // MOST_PARTS
            pose = poses[creature]
            part = FIRST_PART[i4(pose[KIND])] + code % MOST_PARTS
            c, s = pose[POSE_COS], pose[POSE_SIN]
            wx, wz = view[0] - pose[POSE_X], view[2] - pose[POSE_Z]
            lx, lz = c * dx + s * dz, c * dz - s * dx
            positive = i4(1) if pick(axis, lx, dy, lz) < f4(0) else i4(0)
            shift = SWINGS[part] * pose[POSE_SWING] if axis == 2 else f4(0)
            eye = pick(axis, c * wx + s * wz, view[1] - pose[POSE_Y], c * wz - s * wx)
            t = (PARTS[part, axis + 3 * positive] + shift - eye) * inverse(pick(axis, lx, dy, lz))
            hx, hy, hz, lx, _, lz = hide_point(pose, part, t, view[0], view[1], view[2], dx, dy, dz)
            row, seen, flash = hide_row(part), i4(grid.size + 1 + creature), pose[POSE_FLASH]
        if t * line[LENGTH, p] < VIEW_DISTANCE:
            line[AT, p], line[FLASHES, p] = t, flash
            whole[SEEN, p], whole[ROW, p], whole[FACE, p] = seen, row, 2 * axis + positive
            whole[TEXEL, p] = texel(axis, hx, hy, hz, t, incidence(axis, lx, dy, lz), pixel)
