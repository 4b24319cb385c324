"""Draws faces whose textures have holes: pixels that meet one are listed, and the texels of many are looked up at once.

A window's pixels are met in one line, however short its rows. Which face comes first does not matter, for the nearest
wins. A list is two arrays with room for `list_size` pixels: float32 (LIST_FLOATS, P) and int32 (LIST_INTS, P).
"""

import numpy as np

from xview_training.sim.boxes import inverse
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.raster_colours import block_at
from xview_training.sim.raster_faces import NEAREST, along
from xview_training.sim.raster_patches import patch_size
from xview_training.sim.raster_windows import unpacked
from xview_training.sim.screen import pick, ray_at, up
from xview_training.sim.shade import HOLE, texel
from xview_training.sim.surfaces import incidence
from xview_training.sim.textures import TEXELS

f4 = np.float32
i4 = np.int32
LISTED = 128  # pixels whose texels are looked up together
# Nearness where a window's pixels meet a quad, 0 where they miss it, and of those listed; and int32: the same of the
# pixels' places in the picture, and of those listed the quads, their two halves, rows in the atlas, columns and cells.
MET, NEARNESS, LIST_FLOATS = range(3)
PLACE, SPOT, QUAD, LOW, HIGH, FACE, COLUMN, CELL, LIST_INTS = range(9)


@compiled_fast()
def list_size(width):
    """How many pixels a list has room for: those listed, and a patch more."""
    return i4(LISTED + patch_size(width))


@compiled_fast()
def list_hits(
    faced, pa, b0, b1, c0, c1, left, right, top, bottom, reference, width, near, listed, reals, whole
):  # fmt: skip
    """Lists the pixels of a window, which fits a patch, that meet a quad before anything else; how many there are."""
    w0, wx, wy, b, bx, by, c, cx, cy = along(faced, pa)
    met, places, nearness, spots, quads = reals[MET], whole[PLACE], reals[NEARNESS], whole[SPOT], whole[QUAD]
    across = i4(right - left + 1)
    n, share = i4(across * i4(bottom - top + 1)), f4(1) / f4(across)
    for k in range(i4((n + 15) // 16 * 16)):  # by sixteens, the last pixel over again
        j = min(i4(k), i4(n - 1))
        row = i4((f4(j) + f4(0.5)) * share)
        px, py = i4(left + j - row * across), i4(top + row)
        p, q = f4(px), f4(py)
        w, hb, hc = w0 + p * wx + q * wy, b + p * bx + q * by, c + p * cx + q * cy
        hit = (w < NEAREST) & (hb >= b0 * w) & (hb <= b1 * w) & (hc >= c0 * w) & (hc <= c1 * w)
        met[up(k)] = w if hit else f4(0)
        places[up(k)] = i4(py * width + px)
    for k in range(n):
        nearness[up(listed)], spots[up(listed)], quads[up(listed)] = met[up(k)], places[up(k)], reference
        listed += i4(met[up(k)] > near[up(places[up(k)])])
    return listed


@compiled_fast()
def draw_listed(
    cells, texels, words, nz, ny, view, pixel, width, height, listed, near, winner, reals, whole
):  # fmt: skip
    """Draws the pixels listed where there are no holes. cells, texels, words: grid, atlas and quads, flat."""
    nearness, spots, quads = reals[NEARNESS], whole[SPOT], whole[QUAD]
    lows, highs, faces, columns, cell = whole[LOW], whole[HIGH], whole[FACE], whole[COLUMN], whole[CELL]
    for k in range(listed):
        at = up(quads[up(k)]) * up(2)
        lows[up(k)], highs[up(k)] = words[at], words[at + up(1)]
    _find_texels(nz, ny, view, pixel, width, height, listed, spots, lows, highs, faces, columns, cell)
    for k in range(listed):
        row = i4(cells[up(cell[up(k)])]) * i4(6) + faces[up(k)]
        hole = i4(texels[up(row * i4(TEXELS) + columns[up(k)])]) & HOLE != 0
        if not hole and nearness[up(k)] > near[up(spots[up(k)])]:
            near[up(spots[up(k)])] = nearness[up(k)]
            winner[up(spots[up(k)])] = quads[up(k)]


@compiled_fast()
def _find_texels(nz, ny, view, pixel, width, height, listed, spots, lows, highs, faces, columns, cell):
    """The faces, columns in the atlas and blocks that listed pixels show."""
    ox, oy, oz, share = view[0], view[1], view[2], f4(1) / f4(width)
    for k in range(i4((listed + 15) // 16 * 16)):
        py = i4((f4(spots[up(k)]) + f4(0.5)) * share)
        dx, dy, dz = ray_at(view, i4(spots[up(k)] - py * width), py, width, height)
        axis, positive, plane, b0, b1, c0, c1 = unpacked(lows[up(k)], highs[up(k)])
        t = (f4(plane) - pick(axis, ox, oy, oz)) * inverse(pick(axis, dx, dy, dz))
        hx, hy, hz = ox + t * dx, oy + t * dy, oz + t * dz
        x, y, z = block_at(axis, positive, plane, b0, b1, c0, c1, hx, hy, hz)
        cell[up(k)] = i4(i4(i4(i4(x * nz) + z) * ny) + y)
        columns[up(k)] = texel(axis, hx, hy, hz, t, incidence(axis, dx, dy, dz), pixel)
        faces[up(k)] = i4(i4(2 * axis) + positive)
