"""Pinhole cameras of the voxel world.

World frame: x east, y up, z south, one unit a block. Yaw and pitch as Minecraft counts them, in radians: yaw 0 looks
along +z and grows to the right, pitch grows downwards. A camera is packed as float32 (13,): position, forward,
right * tan(half width), up * tan(half height), and the angle of one pixel's height (for mip levels).
"""

import math

import numpy as np

from xview_training.sim.compiled import compiled
from xview_training.sim.exact import cos, sin

CAMERA_SIZE = 13


@compiled()
def pack(out, x, y, z, yaw, pitch, tan_x, tan_y, height_px):
    """Fills `out` float32 (13,). tan_x, tan_y: tangents of half the field of view."""
    cy, sy, cp, sp = cos(yaw), sin(yaw), cos(pitch), sin(pitch)
    out[0], out[1], out[2] = x, y, z
    out[3], out[4], out[5] = -sy * cp, -sp, cy * cp
    out[6], out[7], out[8] = -cy * tan_x, 0.0, -sy * tan_x
    out[9], out[10], out[11] = -sy * sp * tan_y, cp * tan_y, cy * sp * tan_y
    out[12] = 2.0 * tan_y / height_px


@compiled()
def project(camera, x, y, z):
    """(u, v, depth) of a point: u, v in 0..1 from the top left, depth along the optical axis in blocks."""
    dx, dy, dz = x - camera[0], y - camera[1], z - camera[2]
    depth = camera[3] * dx + camera[4] * dy + camera[5] * dz
    right, up = 0.0, 0.0
    rr, uu = 0.0, 0.0
    for axis, d in enumerate((dx, dy, dz)):
        right += camera[6 + axis] * d
        up += camera[9 + axis] * d
        rr += camera[6 + axis] ** 2
        uu += camera[9 + axis] ** 2
    scale = 1.0 / max(depth, 1e-6)
    return 0.5 + 0.5 * right / rr * scale, 0.5 - 0.5 * up / uu * scale, depth


def half_tangents(vertical_fov_deg: float, aspect: float) -> tuple[float, float]:
    """(tan_x, tan_y) of half the field of view; aspect is width / height."""
    tan_y = math.tan(math.radians(vertical_fov_deg) / 2)
    return tan_y * aspect, tan_y


def look_at(eye: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """(yaw, pitch) in radians that points from `eye` to `target`, both (3,)."""
    dx, dy, dz = (float(t - e) for t, e in zip(target, eye, strict=True))
    return math.atan2(-dx, dz), math.atan2(-dy, math.hypot(dx, dz))
