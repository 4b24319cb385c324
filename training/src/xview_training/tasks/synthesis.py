"""Makes tasks: world, target, goal camera, start (ROCKET-3, task synthesis), each proved visible and reachable.

A task comes from (suite, index) alone. Making one leaves its world loaded in the simulator's slot; `load` does the same
from a record, and both end in the same state.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from xview_deploy.spec import CameraModel, Event

from xview_training.sim import raster
from xview_training.sim.camera import CAMERA_SIZE, half_tangents, look_at, pack
from xview_training.sim.compiled import compiled
from xview_training.sim.simulator import Embodiment, VoxelSim
from xview_training.sim.worlds import PLACES, WorldSeed
from xview_training.tasks.paths import UNREACHABLE, distance_field, distractor_toll
from xview_training.tasks.suites import BodyRange, Scene, Suite
from xview_training.tasks.task import DIFFICULTIES, GoalCamera, Start, Task
from xview_training.tasks.visibility import PIXELS, SEEN_PIXELS, VIEW_SIZE, block_id, target_view

GOAL_SIDE = 64  # pixels of the picture that visibility is judged on
TOLERANCE = 0.2  # of a difficulty's distance
GOAL_DISTANCE = (4.0, 18.0)  # blocks from goal camera to target
ATTEMPTS = 64  # worlds tried for one task before giving up


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


def _draw_body(rng: np.random.Generator, bodies: BodyRange) -> Embodiment:
    return Embodiment(
        eye_height=round(float(rng.uniform(*bodies.eye_height)), 3),
        vertical_fov_deg=round(float(rng.uniform(*bodies.vertical_fov_deg)), 2),
        aspect=CameraModel().aspect,
        speed=round(float(rng.uniform(*bodies.speed)), 3),
        turn=round(float(rng.uniform(*bodies.turn)), 3),
        turn_lag=round(float(rng.uniform(*bodies.turn_lag)), 3),
        latency_ticks=int(rng.integers(bodies.latency_ticks[0], bodies.latency_ticks[1] + 1)),
        light=round(float(rng.uniform(*bodies.light)), 3),
        textures=int(rng.integers(bodies.texture_sets)),
    )


def _draw_goal_camera(
    rng: np.random.Generator, sim: VoxelSim, index: int, target: np.ndarray, shape: tuple[int, int, int]
) -> GoalCamera | None:
    """A camera from eye level to top-down around the target, or None where a block or the place's end is."""
    centre = target + 0.5
    azimuth = rng.uniform(-math.pi, math.pi)
    elevation = rng.uniform(0.02, 0.25) if rng.random() < 0.35 else rng.uniform(0.1, 1.45)
    distance = rng.uniform(*GOAL_DISTANCE)
    flat = distance * math.cos(elevation)
    eye = centre + (flat * math.cos(azimuth), distance * math.sin(elevation), flat * math.sin(azimuth))
    grid = sim.grid[index]
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


@compiled()
def _starts(floor, size_x, size_z, field, target, low, high, grid, ground, out):
    """Columns whose Manhattan distance to the target lies in [low, high] and from which it can be walked."""
    count = 0
    for x in range(2, size_x - 2):
        for z in range(2, size_z - 2):
            manhattan = abs(x - target[0]) + abs(z - target[2])
            if manhattan < low or manhattan > high or field[x, z] >= UNREACHABLE:
                continue
            if field[x, z] > 1.6 * manhattan + 20 or grid[x, z, floor[x, z] - 1] != ground[x, z]:
                continue
            out[count, 0], out[count, 1] = x, z
            count += 1
    return count


class Synthesiser:
    """Makes and loads tasks in a simulator. Buffers are its own: use one a thread."""

    def __init__(self, sim: VoxelSim):
        self.sim = sim
        self.goal = GoalPicture(sim.config.height)
        self._judge = GoalPicture()
        self.field = np.zeros(sim.floor.shape[1:], np.float32)
        self.toll = np.zeros(sim.floor.shape[1:], np.float32)
        self._columns = np.zeros((sim.floor[0].size, 2), np.int16)
        self._view = np.zeros(VIEW_SIZE, np.float32)

    def make(
        self, slot: int, suite: Suite, index: int, event: Event | None = None, difficulty: str | None = None
    ) -> Task:
        """Task `index` of `suite`, its world loaded in `slot`; event and difficulty narrow the draw."""
        if not 0 <= index < suite.size:
            raise ValueError(f"suite {suite.name} has tasks 0 to {suite.size - 1}, got {index}")
        rng = np.random.default_rng([suite.first_seed, index])
        scene = suite.scenes[int(rng.choice(len(suite.scenes), p=[s.weight for s in suite.scenes]))]
        event = event or scene.events[int(rng.choice(len(scene.events), p=[w for _, w in scene.events]))][0]
        names, shares = zip(*scene.difficulties, strict=True)
        difficulty = difficulty or names[int(rng.choice(len(names), p=shares))]
        for attempt in range(ATTEMPTS):
            # A world's seed is the task's own for the first attempt; later ones stay inside the suite's range.
            seed = suite.first_seed + (index + attempt * 7919) % suite.size
            task = self._attempt(rng, slot, suite, scene, WorldSeed(scene.place, seed), index, event, difficulty)
            if task is not None:
                return task
        raise ValueError(f"no {difficulty} {event.value} task could be made from {ATTEMPTS} worlds of {scene.place}")

    def _attempt(
        self,
        rng: np.random.Generator,
        slot: int,
        suite: Suite,
        scene: Scene,
        world: WorldSeed,
        index: int,
        event: Event,
        difficulty: str,
    ) -> Task | None:
        sim = self.sim
        sim.load_world(slot, world)
        body = _draw_body(rng, scene.body)
        candidates = sim.candidates[slot, : sim.candidate_count[slot]]
        for chosen in rng.permutation(len(candidates))[:3]:
            target = candidates[chosen, :3].astype(np.int64)
            shape = PLACES[world.place].shape
            camera = self._goal_camera(rng, slot, target, body, suite.min_goal_pixels, shape)
            if camera is None:
                continue
            start = self._start(rng, slot, target, DIFFICULTIES[difficulty], scene)
            if start is None:
                continue
            x, y, z = (int(v) for v in target)
            kind = candidates[chosen, 3]
            return Task(
                task_id=f"{suite.name}-{index}",
                world=world,
                event=event,
                difficulty=difficulty,
                target=(x, y, z),
                start=start,
                body=body,
                goal_camera=camera,
                visible_at_start=self._visible_at(slot, start, body, (x, y, z)),
                same_kind=int((candidates[:, 3] == kind).sum()) - 1,
                strict=suite.strict,
            )
        return None

    def _goal_camera(
        self,
        rng: np.random.Generator,
        slot: int,
        target: np.ndarray,
        body: Embodiment,
        min_pixels: int,
        shape: tuple[int, int, int],
    ) -> GoalCamera | None:
        for _ in range(12):
            camera = _draw_goal_camera(rng, self.sim, slot, target, shape)
            if camera is None:
                continue
            self._judge.draw(self.sim, slot, camera, body)
            target_view(self._judge.ids, block_id(self.sim.grid.shape[1:], target), self._view)
            if self._view[PIXELS] >= min_pixels:
                return camera
        return None

    def _start(
        self, rng: np.random.Generator, slot: int, target: np.ndarray, distance: int, scene: Scene
    ) -> Start | None:
        """A reachable start at the difficulty's Manhattan distance, facing the target roughly or not at all."""
        floor = self.sim.floor[slot]
        self._survey(slot, target, scene.place)
        low, high = round(distance * (1 - TOLERANCE)), round(distance * (1 + TOLERANCE))
        ground = self._ground(slot, scene.place)
        size_x, size_z, _ = PLACES[scene.place].shape
        grid = self.sim.grid[slot]
        count = _starts(floor, size_x, size_z, self.field, target, low, high, grid, ground, self._columns)
        if count == 0:
            return None
        x, z = (int(v) for v in self._columns[rng.integers(count)])
        ahead = math.atan2(-(target[0] - x), target[2] - z)
        yaw = rng.uniform(-math.pi, math.pi) if rng.random() < 0.45 else ahead + rng.uniform(-0.5, 0.5)
        pitch = rng.uniform(*scene.body.pitch)
        return Start(x + 0.5, float(floor[x, z]), z + 0.5, round(float(yaw), 4), round(float(pitch), 4))

    def _ground(self, slot: int, place: str) -> np.ndarray:
        """What block one must stand on to start: the place's own ground, not the top of an object."""
        grid, floor = self.sim.grid[slot], self.sim.floor[slot]
        size_x, size_z, _ = PLACES[place].shape
        # Rooms: inside the house, whose floor is uniform.
        x, z = (size_x // 2, size_z // 2) if place == "rooms" else (1, 1)
        return np.full(floor.shape, grid[x, z, 3 if place == "rooms" else floor[x, z] - 1], np.uint8)

    def _visible_at(self, slot: int, start: Start, body: Embodiment, target: tuple[int, int, int]) -> bool:
        eye = GoalCamera(
            start.x, start.y + body.eye_height, start.z, start.yaw, start.pitch, body.vertical_fov_deg, body.aspect
        )
        self._judge.draw(self.sim, slot, eye, body)
        target_view(self._judge.ids, block_id(self.sim.grid.shape[1:], np.array(target)), self._view)
        return bool(self._view[PIXELS] >= SEEN_PIXELS)

    def load(self, slot: int, task: Task) -> None:
        """Loads a record: world, player at the start, goal picture in `goal`, path costs in `field` and `toll`."""
        self.sim.load_world(slot, task.world)
        self.enter(slot, task)

    def enter(self, slot: int, task: Task) -> None:
        """As `load`, for a task whose world is already loaded in `slot` and unedited."""
        start = task.start
        self.sim.place(slot, start.x, start.y, start.z, start.yaw, start.pitch, task.body)
        self.goal.draw(self.sim, slot, task.goal_camera, task.body)
        self._survey(slot, np.array(task.target, np.int64), task.world.place)

    def _survey(self, slot: int, target: np.ndarray, place: str) -> None:
        """Walking costs to the target into `field`, and what keeps paths off distractors into `toll`."""
        sim, ground = self.sim, PLACES[place]
        distractor_toll(sim.candidates[slot], sim.candidate_count[slot], target, self.toll)
        size_x, size_z, _ = ground.shape
        distance_field(sim.floor[slot], size_x, size_z, self.toll, target, ground.climb, ground.drop, self.field)


def goal_mask(ids: np.ndarray, grid_shape: tuple[int, ...], task: Task) -> np.ndarray:
    """The exact mask of the target in a goal picture: uint8 (S, S) of 0 and 1."""
    return (ids == block_id(grid_shape, np.array(task.target))).astype(np.uint8)
