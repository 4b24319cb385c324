"""What a picture shows of a target: how many pixels, their centre and their box."""

import numpy as np

from xview_training.sim.compiled import compiled
from xview_training.tasks.task import Task

SEEN_PIXELS = 2  # of a 64 x 64 picture: fewer cannot be told from noise
PIXELS, POINT_X, POINT_Y, X0, Y0, X1, Y1, VIEW_SIZE = range(8)


@compiled()
def target_view(ids, target, out):
    """Fills out float32 (VIEW_SIZE,): pixels, then centre and box in 0..1 from the top left; zeros if unseen."""
    height, width = ids.shape
    out[:] = 0
    count, sx, sy = 0, 0.0, 0.0
    x0, y0, x1, y1 = width, height, -1, -1
    for y in range(height):
        here = np.int32(0)
        for x in range(width):  # counts, for processors compare many at once; few rows show the target
            here += np.int32(ids[y, x] == target)
        for x in range(width if here > 0 else 0):
            if ids[y, x] == target:
                count += 1
                sx += x + 0.5
                sy += y + 0.5
                x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x), max(y1, y)
    if count == 0:
        return
    out[PIXELS] = count
    out[POINT_X], out[POINT_Y] = sx / count / width, sy / count / height
    out[X0], out[Y0] = x0 / width, y0 / height
    out[X1], out[Y1] = (x1 + 1) / width, (y1 + 1) / height


def block_id(shape: tuple[int, ...], target: tuple[int, int, int] | np.ndarray) -> int:
    """The id that renderers give block (x, y, z) in a grid of shape (X, Z, Y)."""
    x, y, z = (int(v) for v in target)
    return 1 + (x * shape[1] + z) * shape[2] + y


def creature_id(shape: tuple[int, ...], number: int) -> int:
    """The id that renderers give a creature in a world with a grid of that shape."""
    return 1 + shape[0] * shape[1] * shape[2] + number


def target_id(shape: tuple[int, ...], task: Task) -> int:
    """The id of a task's target in pictures."""
    return creature_id(shape, task.creature) if task.event.hunts else block_id(shape, task.target)
