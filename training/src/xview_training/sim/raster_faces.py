"""Draws rectangles into a picture's buffers: which is in front, pixel by pixel.

The buffers hold nearness, one over the distance, since that is linear across the picture: a pixel costs a few
multiplications and no division, and processors draw eight at once. They come as seen
from the camera, in the order of the axes that `screen.facing` gives a view.
"""

import numpy as np

from xview_training.sim.boxes import NEAR
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.screen import up

f4 = np.float32
i4 = np.int32
NEAREST = f4(1) / NEAR


@compiled_fast()
def along(faced, pa):
    """Nearness and the ray along the two other axes as nine numbers: each at pixel (0, 0), a column and a row on."""
    w = f4(1) / pa
    return (
        faced[12] * w, faced[15] * w, faced[18] * w,
        faced[13], faced[16], faced[19],
        faced[14], faced[17], faced[20],
    )  # fmt: skip


@compiled_fast()
def fill(faced, pa, b0, b1, c0, c1, x0, x1, y0, y1, reference, width, near, winner):
    """Draws a rectangle without holes."""
    w0, wx, wy, b, bx, by, c, cx, cy = along(faced, pa)
    n = i4(x1 - x0 + 1)
    for py in range(y0, y1 + 1):
        first, row = i4(py * width + x0), f4(py)
        rw = w0 + row * wy + f4(x0) * wx
        rb = b + row * by + f4(x0) * bx
        rc = c + row * cy + f4(x0) * cx
        for k in range(n):
            at, column = up(first + k), f4(i4(k))
            w, hb, hc = rw + column * wx, rb + column * bx, rc + column * cx
            hit = (w > near[at]) & (w < NEAREST) & (hb >= b0 * w) & (hb <= b1 * w) & (hc >= c0 * w) & (hc <= c1 * w)
            near[at] = w if hit else near[at]
            winner[at] = reference if hit else winner[at]


@compiled_fast()
def flood(faced, pa, b0, b1, c0, c1, x0, x1, y0, y1, width, near, water):
    """Books where rays meet a rectangle of water before anything else."""
    w0, wx, wy, b, bx, by, c, cx, cy = along(faced, pa)
    n = i4(x1 - x0 + 1)
    for py in range(y0, y1 + 1):
        first, row = i4(py * width + x0), f4(py)
        rw = w0 + row * wy + f4(x0) * wx
        rb = b + row * by + f4(x0) * bx
        rc = c + row * cy + f4(x0) * cx
        for k in range(n):
            at, column = up(first + k), f4(i4(k))
            w, hb, hc = rw + column * wx, rb + column * bx, rc + column * cx
            hit = (w > near[at]) & (w < NEAREST) & (hb >= b0 * w) & (hb <= b1 * w) & (hc >= c0 * w) & (hc <= c1 * w)
            water[at] = max(water[at], w) if hit else water[at]
