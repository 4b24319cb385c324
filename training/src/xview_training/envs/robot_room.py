"""A mecanum robot in a voxel room: what the simulated twin of a real robot senses and does. It knows no ROS.

Frames and units are the robot's (REP-103: metres, x forward, y left, yaw counter-clockwise); the voxel world's stay
inside. Rooms come from the suite "twin", whose worlds are in no other suite.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from xview_training.envs.robot_body import RobotBox, paint
from xview_training.sim import physics, raster
from xview_training.sim.camera import CAMERA_SIZE, half_tangents, look_at, pack
from xview_training.sim.simulator import Embodiment, SimConfig, VoxelSim
from xview_training.tasks import rules
from xview_training.tasks.suites import suite_named
from xview_training.tasks.synthesis import Synthesiser
from xview_training.tasks.task import GoalCamera, Task
from xview_training.tasks.visibility import PIXELS, VIEW_SIZE, X0, block_id, target_view

WIDTH_PX, HEIGHT_PX = 640, 480
ROBOT_WIDTH = 0.7  # blocks, of the square that collides
ROBOT_HEIGHT = 0.9
EYE = Embodiment(eye_height=0.9)  # of the onboard camera; field of view 70 x 86 degrees
ONBOARD, THIRD_PERSON, CORNER = "onboard", "third_person", "corner"
MIN_TARGET_PIXELS = 60  # in the third-person picture, for an operator to hit


class Pose(NamedTuple):
    """In the room's frame: metres, radians counter-clockwise from x."""

    x_m: float
    y_m: float
    yaw_rad: float


class Intrinsics(NamedTuple):
    """A pinhole camera without distortion, in pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


class RobotRoom:
    """One trial: a room, a robot at its start, cameras, a target; the truth about it included."""

    cameras = (ONBOARD, THIRD_PERSON, CORNER)
    source_camera = THIRD_PERSON

    def __init__(self, seed: int, difficulty: str = "near", meters_per_block: float = 0.25):
        self.sim = VoxelSim(SimConfig(1, WIDTH_PX, HEIGHT_PX, threads=1))
        self.meters_per_block = meters_per_block
        self._camera = np.zeros(CAMERA_SIZE, np.float32)
        self._scratch = raster.scratch(WIDTH_PX, HEIGHT_PX)
        self._maker = Synthesiser(self.sim)
        self.load(seed, difficulty)

    def load(self, seed: int, difficulty: str = "near") -> None:
        """Another trial in the same buffers. Equal seeds give equal trials."""
        suite = suite_named("twin")
        for attempt in range(16):
            task = self._maker.make(0, suite, (seed + 1009 * attempt) % suite.size, difficulty=difficulty)
            self._enter(task)
            if self._target_view(THIRD_PERSON)[PIXELS] >= MIN_TARGET_PIXELS:
                return
        raise ValueError(f"no trial of seed {seed} shows its target to the operator: take another seed")

    def _enter(self, task: Task) -> None:
        self.task = task
        start = task.start
        self.sim.place(0, start.x, start.y, start.z, start.yaw, 0.0, EYE)
        self.velocity = (0.0, 0.0, 0.0)
        self.first_arrival: str | None = None
        self.goal_reached = False
        self.elapsed_s = 0.0
        self.limit_s = task.limit_ticks / 20
        self._views = {THIRD_PERSON: task.goal_camera, CORNER: self._corner_camera()}

    def _corner_camera(self) -> GoalCamera:
        """High in the corner of the house that is farthest from the robot, looking at its middle."""
        floor = self.sim.floor[0]
        ground = floor.min()
        xs, zs = np.nonzero(floor > ground)
        corners = [(x, z) for x in (xs.min() + 1.5, xs.max() - 0.5) for z in (zs.min() + 1.5, zs.max() - 0.5)]
        body = self.sim.body[0]
        x, z = max(corners, key=lambda c: math.hypot(c[0] - body[physics.X], c[1] - body[physics.Z]))
        eye = np.array([x, ground + 7.0, z])
        middle = np.array([(xs.min() + xs.max()) / 2, ground, (zs.min() + zs.max()) / 2])
        yaw, pitch = look_at(eye, middle)
        return GoalCamera(float(x), float(eye[1]), float(z), yaw, pitch, 75.0, WIDTH_PX / HEIGHT_PX)

    @property
    def pose(self) -> Pose:
        """Where the robot stands."""
        body = self.sim.body[0]
        yaw = -body[physics.YAW] - math.pi / 2
        scale = self.meters_per_block
        return Pose(
            float(body[physics.X]) * scale, -float(body[physics.Z]) * scale, math.atan2(math.sin(yaw), math.cos(yaw))
        )

    @property
    def distance_m(self) -> float:
        """On the ground, from the robot's axis to the target's middle."""
        body, target = self.sim.body[0], self.task.target
        blocks = math.hypot(target[0] + 0.5 - body[physics.X], target[2] + 0.5 - body[physics.Z])
        return blocks * self.meters_per_block

    def drive(self, vx: float, vy: float, wz: float, dt_s: float) -> None:
        """Moves by a velocity (m/s forward and left, rad/s counter-clockwise) for dt_s; walls stop it."""
        body = self.sim.body[0]
        body[physics.YAW] -= wz * dt_s
        yaw = body[physics.YAW]
        scale = dt_s / self.meters_per_block
        dx = (-math.sin(yaw) * vx + math.cos(yaw) * vy) * scale
        dz = (math.cos(yaw) * vx + math.sin(yaw) * vy) * scale
        before = body[physics.X], body[physics.Z]
        physics.move(self.sim.grid[0], body, dx, 0.0, dz, ROBOT_WIDTH, ROBOT_HEIGHT)
        moved = (body[physics.X] - before[0]) / scale, (body[physics.Z] - before[1]) / scale
        self.velocity = (
            -math.sin(yaw) * moved[0] + math.cos(yaw) * moved[1],
            math.cos(yaw) * moved[0] + math.sin(yaw) * moved[1],
            wz,
        )
        self.elapsed_s += dt_s
        self._book_arrival()

    def arrival(self) -> str | None:
        """The object the robot is at now, by the tasks' rule of arrival: "target", "distractor" or None."""
        sim = self.sim
        for candidate in sim.candidates[0, : sim.candidate_count[0]]:
            if rules.at_candidate(sim.grid[0], sim.body[0], EYE.eye_height, candidate):
                return "target" if tuple(candidate[:3]) == self.task.target else "distractor"
        return None

    def _book_arrival(self) -> None:
        arrived = self.arrival()
        self.first_arrival = self.first_arrival or arrived
        self.goal_reached = self.goal_reached or arrived == "target"

    def render(self, camera: str) -> np.ndarray:
        """What a camera sees: RGB uint8 (480, 640, 3). A new array each time."""
        self._draw(camera)
        rgb = self.sim.rgb[0].copy()
        if camera != ONBOARD:
            body = self.sim.body[0]
            place = (body[physics.X], body[physics.Y], body[physics.Z], body[physics.YAW])
            paint(rgb, self.sim.depth[0], self._camera, *place, RobotBox())
        return rgb

    def target_mask(self, camera: str) -> np.ndarray:
        """The exact mask of the target in a camera's picture: bool (480, 640)."""
        self._draw(camera)
        return self.sim.ids[0] == block_id(self.sim.grid.shape[1:], self.task.target)

    def target_box(self, camera: str) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) of the target in pixels, the far ends excluded; zeros where it is out of sight."""
        view = self._target_view(camera)
        x0, y0, x1, y1 = (float(v) for v in view[X0:])
        return round(x0 * WIDTH_PX), round(y0 * HEIGHT_PX), round(x1 * WIDTH_PX), round(y1 * HEIGHT_PX)

    def _target_view(self, camera: str) -> np.ndarray:
        self._draw(camera)
        view = np.zeros(VIEW_SIZE, np.float32)
        target_view(self.sim.ids[0], block_id(self.sim.grid.shape[1:], self.task.target), view)
        return view

    def camera_info(self, camera: str) -> Intrinsics:
        """Intrinsics of a camera."""
        lens = self._lens(camera)
        tan_x, tan_y = half_tangents(lens.vertical_fov_deg, WIDTH_PX / HEIGHT_PX)
        return Intrinsics(WIDTH_PX, HEIGHT_PX, WIDTH_PX / 2 / tan_x, HEIGHT_PX / 2 / tan_y, WIDTH_PX / 2, HEIGHT_PX / 2)

    def _lens(self, camera: str) -> GoalCamera:
        """Pose and lens of a camera; ValueError names the known ones."""
        if camera == ONBOARD:
            b = self.sim.body[0]
            eye = float(b[physics.Y]) + EYE.eye_height
            x, z, yaw, pitch = (float(b[k]) for k in (physics.X, physics.Z, physics.YAW, physics.PITCH))
            return GoalCamera(x, eye, z, yaw, pitch, EYE.vertical_fov_deg, EYE.aspect)
        if camera not in self._views:
            raise ValueError(f"unknown camera {camera!r}: expected one of {', '.join(self.cameras)}")
        return self._views[camera]

    def _draw(self, camera: str) -> None:
        lens = self._lens(camera)
        tan_x, tan_y = half_tangents(lens.vertical_fov_deg, WIDTH_PX / HEIGHT_PX)
        pack(self._camera, lens.x, lens.y, lens.z, lens.yaw, lens.pitch, tan_x, tan_y, HEIGHT_PX)
        sim, body = self.sim, self.task.body
        sim.picture(0, self._camera, body, self._scratch, sim.rgb[0], sim.ids[0], sim.depth[0])
