"""The target's mask in a picture: exact where the game gives depth, else cut out by a segmenter around its box.

Knows a pose, a box in the world and a picture; neither tasks nor games.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from xview_deploy.segmentation.grabcut import propose
from xview_deploy.segmentation.prompt import MIN_BOX_SIDE_PX, Prompt

from xview_training.envs.minecraft.sight import VERTICAL_FOV_DEG, Sight, View
from xview_training.sim.camera import CAMERA_SIZE, half_tangents, pack, project

Segmenter = Callable[[np.ndarray, Prompt], Sequence[np.ndarray]]  # masks bool (H, W), the best first

BEHIND_SURFACE = 0.004  # blocks that a pixel's point is moved on, into the thing whose surface it is
ROUNDING = 0.003  # blocks that a pixel's point may lie beside a box: a depth buffer's error at 40 blocks
NEAREST = 0.1  # blocks before the eye: what is nearer cannot be projected


class Box(NamedTuple):
    """A box in the world, blocks."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @property
    def centre(self) -> tuple[float, float, float]:
        """Its middle."""
        a, b = self.low, self.high
        return ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2)


def block_box(cell: tuple[int, int, int]) -> Box:
    """The cell of a block."""
    x, y, z = cell
    return Box((x, y, z), (x + 1, y + 1, z + 1))


def creature_box(feet: tuple[float, float, float], width: float, height: float) -> Box:
    """What a creature fills, whichever way it looks: its head sticks out of its own box."""
    x, y, z = feet
    reach = width / 2 + 0.35
    return Box((x - reach, y, z - reach), (x + reach, y + height + 0.15, z + reach))


def target_mask(sight: Sight, box: Box, segment: Segmenter = propose) -> np.ndarray:
    """bool (H, W): the target in a sight; all False where it is out of sight.

    Without depth, whether something stands in between is not known: what the segmenter finds is taken for it.
    """
    if sight.depth is not None:
        return _by_depth(sight.view, sight.depth, box)
    prompt = box_prompt(sight.view, sight.picture.shape[:2], box)
    if prompt is None:
        return np.zeros(sight.picture.shape[:2], bool)
    return np.asarray(segment(sight.picture, prompt)[0], bool)


def box_prompt(view: View, size: tuple[int, int], box: Box) -> Prompt | None:
    """The rectangle of a picture (height, width) around a box in the world; None where it is out of view."""
    height, width = size
    camera = _camera(view, size)
    corners = [(x, y, z) for x in _ends(box, 0) for y in _ends(box, 1) for z in _ends(box, 2)]
    seen = [project(camera, *corner) for corner in corners]
    if min(depth for _, _, depth in seen) < NEAREST:
        return None
    x0, x1 = _span([u * width for u, _, _ in seen], width)
    y0, y1 = _span([v * height for _, v, _ in seen], height)
    return Prompt(box=(x0, y0, x1, y1)) if x0 < x1 and y0 < y1 else None


def _span(points: list[float], end: int) -> tuple[float, float]:
    """From the least to the largest point, inside 0..end, as long as a prompt's side must be; (0, 0) where outside."""
    low, high = min(points), max(points)
    if high <= 0 or low >= end:
        return 0.0, 0.0
    lacking = max(0.0, MIN_BOX_SIDE_PX - (high - low)) / 2
    low, high = max(low - lacking, 0.0), min(high + lacking, float(end))
    return min(low, end - float(MIN_BOX_SIDE_PX)), max(high, float(MIN_BOX_SIDE_PX))


def _by_depth(view: View, depth: np.ndarray, box: Box) -> np.ndarray:
    """Each pixel's point in the world, a hair behind its surface, lies in the box or not."""
    height, width = depth.shape
    camera = _camera(view, (height, width)).astype(np.float64)
    right = (2 * np.arange(width) + 1) / width - 1
    up = 1 - (2 * np.arange(height) + 1) / height
    ray = camera[3:6] + camera[6:9] * right[None, :, None] + camera[9:12] * up[:, None, None]  # (H, W, 3)
    points = camera[:3] + ray * (depth[..., None] + BEHIND_SURFACE)
    inside = (points >= np.array(box.low) - ROUNDING) & (points <= np.array(box.high) + ROUNDING)
    return np.asarray(inside.all(2))


def _camera(view: View, size: tuple[int, int]) -> np.ndarray:
    tan_x, tan_y = half_tangents(VERTICAL_FOV_DEG, size[1] / size[0])
    camera = np.zeros(CAMERA_SIZE)
    pack(camera, *view.eye, np.radians(view.yaw_deg), np.radians(view.pitch_deg), tan_x, tan_y, size[0])
    return camera


def _ends(box: Box, axis: int) -> tuple[float, float]:
    return box.low[axis], box.high[axis]
