"""Paints a robot into a picture of the voxel world: an upright box with a bright front, hidden where blocks are nearer.

The world's own renderer draws blocks only; third-person pictures need the robot in them for the operator.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class RobotBox:
    """The robot's hull, in blocks."""

    length: float = 0.8
    width: float = 0.7
    height: float = 0.5
    rgb: tuple[int, int, int] = (238, 238, 232)
    front_rgb: tuple[int, int, int] = (255, 120, 20)


def _rays(camera: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Directions (R, C, 3) of pixels; one unit is one block of depth along the optical axis."""
    u = (2 * columns + 1) / shape[1] - 1
    v = 1 - (2 * rows + 1) / shape[0]
    return camera[3:6] + u[None, :, None] * camera[6:9] + v[:, None, None] * camera[9:12]


def paint(
    rgb: np.ndarray, depth: np.ndarray, camera: np.ndarray, x: float, y: float, z: float, yaw: float, box: RobotBox
) -> None:
    """Draws the box standing at (x, y, z), facing `yaw` (radians, Minecraft's), into rgb uint8 (H, W, 3), in place.

    depth float32 (H, W) and camera float32 (13,) are the world renderer's.
    """
    window = _window(depth.shape, camera, x, y, z, box)
    if window is None:
        return
    rows, columns = window
    ahead = np.array([-math.sin(yaw), 0.0, math.cos(yaw)])
    side = np.array([-math.cos(yaw), 0.0, -math.sin(yaw)])
    axes = np.stack([ahead, side, [0.0, 1.0, 0.0]])
    half = np.array([box.length / 2, box.width / 2, box.height / 2])
    origin = axes @ (camera[:3] - (x, y + box.height / 2, z))
    directions = _rays(camera, rows, columns, depth.shape) @ axes.T
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = (-half - origin) / directions, (half - origin) / directions
    entry = np.minimum(near, far)
    t, leave = entry.max(-1), np.maximum(near, far).min(-1)
    shown = (t < leave) & (t > 0) & (t < depth[np.ix_(rows, columns)])
    face = entry.argmax(-1)
    front = (face == 0) & (directions[..., 0] < 0)
    shade = np.choose(face, (0.85, 0.65, 1.0))[..., None]
    color = np.where(front[..., None], box.front_rgb, box.rgb) * shade
    patch = rgb[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    patch[shown] = color[shown].astype(np.uint8)


def _window(
    shape: tuple[int, ...], camera: np.ndarray, x: float, y: float, z: float, box: RobotBox
) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows and columns that the box can touch, None where it is behind the camera or outside the picture."""
    reach = math.hypot(box.length, box.width) / 2
    corners = np.array(
        [[x + a, y + b, z + c] for a in (-reach, reach) for b in (0, box.height) for c in (-reach, reach)]
    )
    offset = corners - camera[:3]
    depth = offset @ camera[3:6]
    if (depth < 0.05).any():
        return None
    u = offset @ camera[6:9] / (camera[6:9] @ camera[6:9]) / depth
    v = offset @ camera[9:12] / (camera[9:12] @ camera[9:12]) / depth
    height, width = shape
    first = int(max(0, (u.min() + 1) / 2 * width)), int(max(0, (1 - v.max()) / 2 * height))
    last = int(min(width, (u.max() + 1) / 2 * width + 1)), int(min(height, (1 - v.min()) / 2 * height + 1))
    if first[0] >= last[0] or first[1] >= last[1]:
        return None
    return np.arange(first[1], last[1]), np.arange(first[0], last[0])
