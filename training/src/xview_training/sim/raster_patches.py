"""Patches of a picture: the pixels of a small window in one line, so that processors compute them all at once.

A patch is two arrays with room for `patch_size` pixels: float32 (PATCH_FLOATS, P), the ray of each pixel, the nearness
of what stands there and of what is met, 0 where it is hidden; int32 (PATCH_INTS, P), the pixel, the face and the column
in the atlas of what is met. A patch is made a multiple of 16 long by its last pixel over again.
"""

import numpy as np

from xview_training.sim.compiled import compiled_fast
from xview_training.sim.screen import ray_at, up

f4 = np.float32
i4 = np.int32
LEAST = 128  # pixels of a patch; more where a row of the picture is longer
X, Y, Z, FRONT, FOUND, PATCH_FLOATS = range(6)
SPOT, FACE, COLUMN, PATCH_INTS = range(4)


@compiled_fast()
def patch_size(width):
    """How many pixels fit a patch of a picture that is so wide."""
    return i4((max(i4(width), i4(LEAST)) + 15) // 16 * 16)


@compiled_fast()
def rows_of_patch(left, right, size):
    """How many rows of a window fit a patch."""
    return i4(size // i4(right - left + 1))


@compiled_fast()
def gather(view, left, right, top, bottom, width, height, near, reals, whole):
    """Fills a patch with a window's pixels; how many there are, and with those over again."""
    across = i4(right - left + 1)
    n = i4(across * i4(bottom - top + 1))
    padded, share = i4((n + 15) // 16 * 16), f4(1) / f4(across)
    x, y, z, front, spots = reals[X], reals[Y], reals[Z], reals[FRONT], whole[SPOT]
    for k in range(padded):
        j = min(i4(k), i4(n - 1))
        row = i4((f4(j) + f4(0.5)) * share)
        px, py = i4(left + j - row * across), i4(top + row)
        x[up(k)], y[up(k)], z[up(k)] = ray_at(view, px, py, width, height)
        spots[up(k)] = i4(py * width + px)
    for k in range(padded):  # apart, else none of it would be computed at once
        front[up(k)] = near[up(spots[up(k)])]
    return n, padded


@compiled_fast()
def any_found(reals, padded):
    """Whether anything is met in a patch."""
    count, found = i4(0), reals[FOUND]
    for k in range(padded):
        count += i4(found[up(k)] > f4(0))
    return count > 0
