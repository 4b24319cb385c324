"""Which of a chunk's quads face the camera, and the windows of the picture that they may cover, computed at once.

The lines of `window_lines` hold, of each quad that faces the camera: its number, its two halves as in memory, and the
first and last column and row of its window; BEHIND: see rectangle_window.
"""

import numpy as np

from xview_training.sim.compiled import compiled_fast
from xview_training.sim.mesh import MAX_QUADS, SOLID_FACE
from xview_training.sim.screen import pixels, rectangle_bounds, rectangle_window, up

f4 = np.float32
i4 = np.int32
QUAD, LOW, HIGH, LEFT, RIGHT, TOP, BOTTOM, BEHIND, WINDOW_LINES = range(9)


@compiled_fast()
def window_lines():
    """Room for one chunk's, int32 (WINDOW_LINES, P)."""
    return np.empty((WINDOW_LINES, MAX_QUADS + 16), i4)


@compiled_fast()
def unpacked(low, high):
    """(axis, positive, plane, b0, b1, c0, c1) of a quad's two halves, int32."""
    return (
        i4(low & 255), i4(low >> 8 & 255), i4(low >> 16 & 255), i4(low >> 24 & 255),
        i4(high & 255), i4(high >> 8 & 255), i4(high >> 16 & 255),
    )  # fmt: skip


@compiled_fast()
def edges(low, high, faced):
    """(pa, b0, b1, c0, c1) of a quad, from the eye."""
    _, _, plane, b0, b1, c0, c1 = unpacked(low, high)
    return f4(plane) - faced[0], f4(b0) - faced[1], f4(b1) - faced[1], f4(c0) - faced[2], f4(c1) - faced[2]


@compiled_fast()
def list_windows(words, first, last, axis, solid, faced, width, height, lines):
    """(next, n): the first quad from `first` on that has not this axis, and how many face the camera.

    words int32: the quads of all chunks, two numbers each, sorted by axis in a chunk; solid: whether those without
    holes are wanted, or the others; faced: the view, facing the axis.
    """
    n, reference = i4(0), i4(first)
    quads, lows, highs = lines[QUAD], lines[LOW], lines[HIGH]
    while reference < last:
        low, high = words[up(reference) * up(2)], words[up(reference) * up(2) + up(1)]
        if low & 255 != axis:
            break
        quads[up(n)], lows[up(n)], highs[up(n)] = reference, low, high
        away = f4(low >> 16 & 255) - faced[0]
        seen = away < f4(0) if low >> 8 & 255 == 1 else away > f4(0)
        n += i4(seen & ((high >> 24 & 255 == SOLID_FACE) == solid))
        reference += i4(1)
    _find_windows(faced, n, width, height, lines)
    return reference, n


@compiled_fast()
def _find_windows(faced, n, width, height, lines):
    """The windows of n quads; RIGHT is below LEFT, or BOTTOM below TOP, where nothing is seen."""
    lows, highs, behind = lines[LOW], lines[HIGH], lines[BEHIND]
    left, right, top, bottom = lines[LEFT], lines[RIGHT], lines[TOP], lines[BOTTOM]
    for k in range(i4((n + 15) // 16 * 16)):
        pa, b0, b1, c0, c1 = edges(lows[up(k)], highs[up(k)], faced)
        left[up(k)], right[up(k)], top[up(k)], bottom[up(k)], behind[up(k)] = rectangle_window(
            faced, pa, b0, b1, c0, c1, width, height
        )
    for k in range(n):
        if behind[up(k)] >= 2:
            right[up(k)] = i4(-1)
        elif behind[up(k)] == 1:
            pa, b0, b1, c0, c1 = edges(lows[up(k)], highs[up(k)], faced)
            u0, u1, v0, v1 = rectangle_bounds(faced, pa, b0, b1, c0, c1)
            left[up(k)], right[up(k)], top[up(k)], bottom[up(k)] = pixels(u0, u1, v0, v1, width, height)
            right[up(k)] = right[up(k)] if u0 <= u1 else i4(-1)
