"""What an agent sees of the item in its hand: a small box model at the lower right of its own picture, as the game has.

The item looks the same through every lens, as if seen by the player's own (70 degrees, 4:3), and moves with nothing. It
hides what is behind it and belongs to no object: its id is 0 and its depth VIEW_DISTANCE, as the sky's. An empty hand
shows nothing. Every renderer asks `_meet`, so that all draw the same. Shapes are this project's own.
"""

import functools
import math

import numpy as np

from xview_training.sim.air import VIEW_DISTANCE
from xview_training.sim.blocks import BLOCKS, ID
from xview_training.sim.boxes import FAR, hit_box
from xview_training.sim.compiled import compiled_fast
from xview_training.sim.figures import HIDE_ID
from xview_training.sim.items import FIRST_BLOCK_ITEM, ITEMS
from xview_training.sim.shade import HOLE, lit, texel
from xview_training.sim.surfaces import FIRST_HIDE, incidence

f4 = np.float32
i4 = np.int32
TAN_Y = math.tan(math.radians(70) / 2)
TAN_X = TAN_Y * 4 / 3

STICK, METAL, STRING, FEATHER = FIRST_HIDE + 6 * HIDE_ID["shaft"], 6 * ID["polished"], 6 * ID["snow"], 6 * ID["plaster"]
HANDLE = ((-0.03, 0.0, -0.03, 0.03, 0.62, 0.03), STICK)
# Boxes (x0, y0, z0, x1, y1, z1) in blocks with the first row of their texture in the atlas. y runs along the handle.
SHAPES: dict[str, tuple[tuple[tuple[float, ...], int], ...]] = {
    "nothing": (),
    "sword": (
        ((-0.03, 0.0, -0.03, 0.03, 0.16, 0.03), STICK),
        ((-0.13, 0.16, -0.04, 0.13, 0.21, 0.04), STICK),
        ((-0.055, 0.21, -0.015, 0.055, 0.78, 0.015), METAL),
    ),
    "pickaxe": (
        HANDLE,
        ((-0.3, 0.55, -0.035, 0.3, 0.64, 0.035), METAL),
        ((-0.36, 0.47, -0.03, -0.26, 0.58, 0.03), METAL),
    ),
    "axe": (HANDLE, ((-0.22, 0.4, -0.035, 0.03, 0.62, 0.035), METAL)),
    "shovel": (HANDLE, ((-0.1, 0.56, -0.03, 0.1, 0.84, 0.03), METAL)),
    "bow": (
        ((-0.03, 0.2, -0.03, 0.03, 0.5, 0.03), STICK),
        ((0.0, 0.48, -0.03, 0.07, 0.66, 0.03), STICK),
        ((0.0, 0.04, -0.03, 0.07, 0.22, 0.03), STICK),
        ((0.1, 0.06, -0.006, 0.112, 0.64, 0.006), STRING),
    ),
    "arrows": (
        ((-0.015, 0.05, -0.015, 0.015, 0.6, 0.015), STICK),
        ((-0.05, 0.05, -0.015, 0.05, 0.17, 0.015), FEATHER),
        ((-0.03, 0.58, -0.02, 0.03, 0.66, 0.02), METAL),
    ),
}
BLOCK_SHAPE = (-0.17, -0.17, -0.17, 0.17, 0.17, 0.17)
A_BLOCK = len(ITEMS)  # the number of that shape
assert tuple(SHAPES) == tuple(item.name for item in ITEMS)


def _turned(roll: float, yaw: float, pitch: float) -> np.ndarray:
    """Axes of an item's frame in the camera's (right, up, ahead), as columns: tilted ahead, turned, rolled; radians."""
    cp, sp, cy, sy, cr, sr = (f(a) for a in (pitch, yaw, roll) for f in (math.cos, math.sin))
    ahead = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    aside = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    over = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return over @ aside @ ahead


TOOL_POSE = _turned(roll=0.5, yaw=-0.7, pitch=-0.45), np.array([0.62, -0.72, 0.95])
BLOCK_POSE = _turned(roll=0.0, yaw=0.75, pitch=-0.3), np.array([0.68, -0.5, 1.0])
SHAPE_BOXES = [SHAPES[item.name] for item in ITEMS] + [((BLOCK_SHAPE, 0),)]
FIRST_HELD = np.cumsum([0, *(len(boxes) for boxes in SHAPE_BOXES)]).astype(np.int32)
HELD_BOXES = np.array([box for boxes in SHAPE_BOXES for box, _ in boxes], np.float32)
HELD_ROWS = np.array([row for boxes in SHAPE_BOXES for _, row in boxes], np.int32)
# Of the two poses: the frame's axes (nine numbers), and the eye in the frame.
POSES = np.array([[*axes.T.ravel(), *(-axes.T @ at)] for axes, at in (TOOL_POSE, BLOCK_POSE)], np.float32)
assert len(BLOCKS) + FIRST_BLOCK_ITEM < 2**15  # items fit a slot


def _window(shape: int) -> tuple[float, float, float, float]:
    """Bounds of a shape in the picture, (u0, u1, v0, v1) in -1..1 with v upwards; nowhere where it has no box."""
    axes, at = BLOCK_POSE if shape == A_BLOCK else TOOL_POSE
    corners = [
        axes @ np.array([box[i], box[1 + j], box[2 + k]]) + at
        for box, _ in SHAPE_BOXES[shape]
        for i in (0, 3)
        for j in (0, 3)
        for k in (0, 3)
    ]
    if not corners:
        return 2.0, -2.0, 2.0, -2.0
    right, up = [x / z / TAN_X for x, _, z in corners], [y / z / TAN_Y for _, y, z in corners]
    return min(right), max(right), min(up), max(up)


WINDOWS = np.array([_window(shape) for shape in range(len(SHAPE_BOXES))], np.float32)


@compiled_fast()
def shape_of(item):
    """The number of an item's shape."""
    return i4(A_BLOCK) if item >= FIRST_BLOCK_ITEM else i4(item)


@compiled_fast()
def _meet(shape, px, py, width, height):
    """(box, axis, positive, column): what a pixel sees of a shape's boxes; column in the atlas, box -1 for none."""
    u = (f4(2) * f4(px) + f4(1)) / f4(width) - f4(1)
    v = f4(1) - (f4(2) * f4(py) + f4(1)) / f4(height)
    best, box, best_axis, best_positive, column = FAR, i4(-1), i4(0), i4(0), i4(0)
    if u < WINDOWS[shape, 0] or u > WINDOWS[shape, 1] or v < WINDOWS[shape, 2] or v > WINDOWS[shape, 3]:
        return box, best_axis, best_positive, column
    pixel, half = f4(2 * TAN_Y) / f4(height), f4(0.5)
    n = i4(1) if shape == A_BLOCK else i4(0)
    x, y = u * f4(TAN_X), v * f4(TAN_Y)
    dx = POSES[n, 0] * x + POSES[n, 1] * y + POSES[n, 2]
    dy = POSES[n, 3] * x + POSES[n, 4] * y + POSES[n, 5]
    dz = POSES[n, 6] * x + POSES[n, 7] * y + POSES[n, 8]
    ox, oy, oz = POSES[n, 9], POSES[n, 10], POSES[n, 11]
    for k in range(FIRST_HELD[shape], FIRST_HELD[shape + 1]):
        t, axis, positive = hit_box(
            ox, oy, oz, dx, dy, dz, HELD_BOXES[k, 0], HELD_BOXES[k, 1], HELD_BOXES[k, 2], HELD_BOXES[k, 3],
            HELD_BOXES[k, 4], HELD_BOXES[k, 5],
        )  # fmt: skip
        if t < best:
            best, box, best_axis, best_positive = t, i4(k), axis, positive
    if box >= 0:
        steep = incidence(best_axis, dx, dy, dz)
        hx, hy, hz = ox + half + best * dx, oy + half + best * dy, oz + half + best * dz
        column = texel(best_axis, hx, hy, hz, best, steep, pixel)
    return box, best_axis, best_positive, column


@compiled_fast()
def _first_row(item):
    """What an item that is a block adds to the rows of its shape's textures."""
    return i4(6 * (item - FIRST_BLOCK_ITEM)) if item >= FIRST_BLOCK_ITEM else i4(0)


@compiled_fast()
def _lit(packed, axis, positive, light):
    r, g, b = lit(packed, axis, positive, light, f4(0), f4(0), f4(0), f4(0))
    return min(r, f4(255)), min(g, f4(255)), min(b, f4(255))


@compiled_fast()
def in_hand(atlas, item, light, px, py, width, height):
    """(r, g, b) float32 of the item in the hand in a pixel; r below zero where it is not.

    atlas uint32 (rows, 341); light: of the air and the camera.
    """
    box, axis, positive, column = _meet(shape_of(item), px, py, width, height)
    if box < 0:
        return f4(-1), f4(0), f4(0)
    packed = i4(atlas[HELD_ROWS[box] + _first_row(item) + 2 * axis + positive, column])
    if packed & HOLE != 0:
        return f4(-1), f4(0), f4(0)
    return _lit(packed, axis, positive, light)


@compiled_fast()
def draw_in_hand(atlas, item, light, rgb, ids, depth):
    """Draws the item over a finished picture: rgb uint8 (H, W, 3), ids int32 (H, W), depth float32 (H, W)."""
    height, width = ids.shape
    if item == 0:
        return
    shape = shape_of(item)
    for py in range(i4(f4(height) * (f4(1) - WINDOWS[shape, 3]) / f4(2)), height):
        for px in range(i4(f4(width) * (f4(1) + WINDOWS[shape, 0]) / f4(2)), width):
            r, g, b = in_hand(atlas, item, light, px, py, width, height)
            if r >= f4(0):
                rgb[py, px, 0], rgb[py, px, 1], rgb[py, px, 2] = np.uint8(r), np.uint8(g), np.uint8(b)
                ids[py, px], depth[py, px] = 0, VIEW_DISTANCE


@compiled_fast()
def _trace(shape, width, height, rows):
    """Writes what draw_held needs of a shape: rows int32 (H * W, 4); how many there are."""
    count = 0
    for py in range(height):
        for px in range(width):
            box, axis, positive, column = _meet(shape, px, py, width, height)
            if box >= 0:
                rows[count, 0], rows[count, 1] = py, px
                rows[count, 2], rows[count, 3] = HELD_ROWS[box] + 2 * axis + positive, column
                count += 1
    return count


@functools.cache
def held_pixels(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """What pixels of a picture each shape covers, for it never moves: int32 (pixels, 4), and where each shape begins.

    Columns: row and column in the picture, row and column in the atlas.
    """
    of_shape, rows = [], np.empty((width * height, 4), np.int32)
    for shape in range(len(SHAPE_BOXES)):
        of_shape.append(rows[: _trace(shape, width, height, rows)].copy())
    return np.concatenate(of_shape), np.cumsum([0, *map(len, of_shape)]).astype(np.int32)


@compiled_fast()
def draw_held(atlas, item, light, pixels, first, rgb, ids, depth):
    """As draw_in_hand, from what held_pixels gives."""
    if item == 0:
        return
    shape, more = shape_of(item), _first_row(item)
    for k in range(first[shape], first[shape + 1]):
        py, px, row = pixels[k, 0], pixels[k, 1], pixels[k, 2]
        packed = i4(atlas[row + more, pixels[k, 3]])
        if packed & HOLE == 0:
            face = (row + more) % 6
            r, g, b = _lit(packed, face // 2, face % 2, light)
            rgb[py, px, 0], rgb[py, px, 1], rgb[py, px, 2] = np.uint8(r), np.uint8(g), np.uint8(b)
            ids[py, px], depth[py, px] = 0, VIEW_DISTANCE
