"""Goal cameras: where they may stand around a target, and what they see."""

from __future__ import annotations

import math

import cv2
import numpy as np

from xview_training.sim import raster
from xview_training.sim.camera import CAMERA_SIZE, half_tangents, look_at, pack
from xview_training.sim.simulator import Embodiment, VoxelSim
from xview_training.tasks.task import GoalCamera

GOAL_SIDE = 64  # pixels of the picture that visibility is judged on
GOAL_DISTANCE = (4.0, 18.0)  # blocks from goal camera to target
AROUND = 2  # pixels around a target that it must stand out from
GREY = np.array([0.299, 0.587, 0.114])  # shares of red, green and blue in brightness (ITU-R BT.601)


class GoalPicture:
    """Buffers for drawing a goal camera's view of a world."""

    def __init__(self, side: int = GOAL_SIDE):
        self.rgb = np.zeros((side, side, 3), np.uint8)
        self.ids = np.zeros((side, side), np.int32)
        self._depth = np.zeros((side, side), np.float32)
        self._camera = np.zeros(CAMERA_SIZE, np.float32)
        self._scratch = raster.scratch(side, side)

    def draw(self, sim: VoxelSim, index: int, camera: GoalCamera, body: Embodiment) -> None:
        """Renders environment `index` from `camera` into rgb uint8 (S, S, 3) and ids int32 (S, S)."""
        tan_x, tan_y = half_tangents(camera.vertical_fov_deg, camera.aspect)
        pack(self._camera, camera.x, camera.y, camera.z, camera.yaw, camera.pitch, tan_x, tan_y, len(self.ids))
        sim.picture(index, self._camera, body, self._scratch, self.rgb, self.ids, self._depth)


def draw_goal_camera(
    rng: np.random.Generator, grid: np.ndarray, centre: np.ndarray, shape: tuple[int, int, int]
) -> GoalCamera | None:
    """A camera from eye level to top-down around a point, or None where a block or the place's end is in its way."""
    azimuth = rng.uniform(-math.pi, math.pi)
    elevation = rng.uniform(0.02, 0.25) if rng.random() < 0.35 else rng.uniform(0.1, 1.45)
    distance = rng.uniform(*GOAL_DISTANCE)
    flat = distance * math.cos(elevation)
    eye = centre + (flat * math.cos(azimuth), distance * math.sin(elevation), flat * math.sin(azimuth))
    if not (1 < eye[0] < shape[0] - 1 and 1 < eye[2] < shape[1] - 1):
        return None
    x, y, z = (int(v) for v in eye)
    if y < grid.shape[2] and grid[x, z, y] != 0:
        return None
    yaw, pitch = look_at(eye, centre)
    return GoalCamera(
        x=round(float(eye[0]), 3),
        y=round(float(eye[1]), 3),
        z=round(float(eye[2]), 3),
        yaw=round(yaw + float(rng.uniform(-0.3, 0.3)), 4),
        pitch=round(pitch + float(rng.uniform(-0.25, 0.25)), 4),
        vertical_fov_deg=round(float(rng.uniform(50, 80)), 2),
        aspect=float(rng.choice((1.0, 4 / 3, 4 / 3, 16 / 9))),
    )


def contrast(rgb: np.ndarray, mask: np.ndarray) -> float:
    """How plainly a target, bool (S, S), shows in a picture uint8 (S, S, 3): 0 to 255 and a little more.

    Its mean colour's distance from that of the pixels around it, and the spread of its own brightness: a pattern shows
    on ground of its mean colour. Both shrink with the light, so a target by night has to be darker or lighter than
    what it stands on. The whole picture without anything around it counts as plain.
    """
    around = (cv2.dilate(mask.astype(np.uint8), np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)) > 0) & ~mask
    if not around.any():
        return 255.0
    inside, outside = rgb[mask].astype(float), rgb[around].astype(float)
    apart = inside.mean(0) - outside.mean(0)
    return float(math.sqrt(apart @ apart + (inside @ GREY).var()))
