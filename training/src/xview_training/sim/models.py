"""Blocks that are no cubes: the boxes that they are made of, for drawing, and the one box that stops bodies.

Coordinates are sixteenths of a block from the cell's lowest corner, (x0, y0, z0, x1, y1, z1). A crossed plant is four
upright sheets as Minecraft's crops are; their textures have holes.
"""

import numpy as np

from xview_training.sim.blocks import BLOCKS, Form

SHEET = 0.1  # thickness of what is drawn as a plane
MODELS: dict[str, tuple[tuple[float, float, float, float, float, float], ...]] = {
    "plant": (
        (4, 0, 0, 4 + SHEET, 16, 16),
        (12 - SHEET, 0, 0, 12, 16, 16),
        (0, 0, 4, 16, 16, 4 + SHEET),
        (0, 0, 12 - SHEET, 16, 16, 12),
    ),
    "cactus": ((1, 0, 1, 15, 16, 15),),
    "fence": (
        (6, 0, 6, 10, 16, 10),
        (0, 6, 7, 16, 9, 9),
        (0, 12, 7, 16, 15, 9),
        (7, 6, 0, 9, 9, 16),
        (7, 12, 0, 9, 15, 16),
    ),
    "lantern": ((5, 0, 5, 11, 10, 11), (7, 10, 7, 9, 16, 9)),
    "table": ((0, 13, 0, 16, 16, 16), (6, 0, 6, 10, 13, 10)),
    "stool": (
        (3, 7, 3, 13, 9, 13),
        (4, 0, 4, 6, 7, 6),
        (10, 0, 10, 12, 7, 12),
        (4, 0, 10, 6, 7, 12),
        (10, 0, 4, 12, 7, 6),
    ),
    "chest": ((1, 0, 1, 15, 14, 15),),
    "open_chest": ((1, 0, 1, 15, 9, 15), (1, 9, 12, 15, 16, 15)),
    "bed": (
        (0, 3, 0, 16, 9, 16),
        (0, 0, 0, 3, 3, 3),
        (13, 0, 13, 16, 3, 16),
        (0, 0, 13, 3, 3, 16),
        (13, 0, 0, 16, 3, 3),
    ),
    "barrier": (),
    "door_x": ((0, 0, 0, 16, 16, 3),),  # lies along x
    "door_z": ((0, 0, 0, 3, 16, 16),),  # lies along z
}
# Where bodies meet something else than what is drawn.
STOPS: dict[str, tuple[float, float, float, float, float, float]] = {
    "fence": (0, 0, 0, 16, 24, 16),  # nobody jumps over a fence (1.5 blocks, Minecraft Wiki)
    "lantern": (5, 0, 5, 11, 16, 11),
    "table": (0, 0, 0, 16, 16, 16),
    "stool": (3, 0, 3, 13, 9, 13),
    "bed": (0, 0, 0, 16, 9, 16),
    "open_chest": (1, 0, 1, 15, 9, 15),
}
FULL = (0.0, 0.0, 0.0, 16.0, 16.0, 16.0)


def _boxes() -> tuple[np.ndarray, np.ndarray]:
    rows: list[tuple[float, ...]] = []
    first = np.zeros(len(BLOCKS) + 1, np.int32)
    for number, block in enumerate(BLOCKS):
        first[number] = len(rows)
        if block.form == Form.MODEL:
            rows += MODELS[block.model]
    first[-1] = len(rows)
    return np.array(rows, np.float32) / np.float32(16), first


def _stop(model: str) -> tuple[float, ...]:
    boxes = MODELS[model]
    return STOPS.get(model, boxes[0] if boxes else FULL)


def _stops() -> np.ndarray:
    rows = [_stop(b.model) if b.form == Form.MODEL else FULL for b in BLOCKS]
    return np.array(rows) / 16


BOXES, FIRST_BOX = _boxes()  # float32 (boxes, 6) in blocks; boxes of block b are FIRST_BOX[b] to FIRST_BOX[b + 1]
STOP = _stops()  # float64 (blocks, 6) in blocks: what stops a body, unless the block is passable
MAX_BOXES = int(np.diff(FIRST_BOX).max())  # of one block
