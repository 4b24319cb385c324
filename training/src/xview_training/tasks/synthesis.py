"""Makes tasks: world, target, goal camera, start (ROCKET-3, task synthesis), each proved visible and reachable.

A task comes from (suite, index) alone. Making one leaves its world loaded in the simulator's slot; `load` does the same
from a record, and both end in the same state. Why draws were given up is counted in `rejected`.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from xview_training.sim.compiled import compiled
from xview_training.sim.simulator import Embodiment, VoxelSim
from xview_training.sim.worlds import PLACES, WorldSeed
from xview_training.tasks.bodies import PLAYER
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.goal_views import GoalPicture, draw_goal_camera
from xview_training.tasks.objects import WorldObject, objects_for, stands_apart
from xview_training.tasks.paths import UNREACHABLE, distance_field, distractor_toll
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.sources import Request
from xview_training.tasks.suites import Scene, Suite
from xview_training.tasks.task import DIFFICULTIES, GoalCamera, Start, Task
from xview_training.tasks.visibility import PIXELS, SEEN_PIXELS, VIEW_SIZE, target_id, target_view

TOLERANCE = 0.2  # of a difficulty's distance
ATTEMPTS = 64  # worlds tried for one task before giving up
TARGETS_A_WORLD = 3  # objects tried in one world
CAMERAS_A_TARGET = 12
SET_PLACES = ("landscape", "rooms")  # the first version's, whose ground is known by one of its columns


@compiled()
def _starts(floor, size_x, size_z, field, target, low, high, grid, ground, out):
    """Columns whose Manhattan distance to the target lies in [low, high] and from which it can be walked."""
    count = 0
    for x in range(2, size_x - 2):
        for z in range(2, size_z - 2):
            manhattan = abs(x - target[0]) + abs(z - target[2])
            if manhattan < low or manhattan > high or field[x, z] >= UNREACHABLE:
                continue
            y = floor[x, z]
            if field[x, z] > 1.6 * manhattan + 20 or (ground[x, z] != 0 and grid[x, z, y - 1] != ground[x, z]):
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
        self.rejected: Counter[Rejection] = Counter()
        self._columns = np.zeros((sim.floor[0].size, 2), np.int16)
        self._view = np.zeros(VIEW_SIZE, np.float32)

    def make(
        self, slot: int, suite: Suite, index: int, event: TaskEvent | None = None, difficulty: str | None = None
    ) -> Task:
        """Task `index` of `suite`, its world loaded in `slot`; event and difficulty narrow the draw."""
        if not 0 <= index < suite.size:
            raise ValueError(f"suite {suite.name} has tasks 0 to {suite.size - 1}, got {index}")
        rng = np.random.default_rng([suite.first_seed, index])
        scenes = suite.scenes_for(event, difficulty)
        weights = np.array([s.weight for s in scenes])
        scene = scenes[int(rng.choice(len(scenes), p=weights / weights.sum()))]
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
        event: TaskEvent,
        difficulty: str,
    ) -> Task | None:
        self.sim.load_world(slot, world)
        body = (scene.body if suite.randomise else PLAYER).draw(rng)
        things = objects_for(self.sim, slot, event)
        if not things:
            self.rejected[Rejection.NO_OBJECT] += 1
        for chosen in rng.permutation(len(things))[:TARGETS_A_WORLD]:
            thing = things[chosen]
            if event is TaskEvent.APPROACH and not stands_apart(thing, things):
                self.rejected[Rejection.TWO_AT_ONCE] += 1
                continue
            camera = self._goal_camera(rng, slot, thing, body, suite.min_goal_pixels, scene.place)
            if camera is None:
                self.rejected[Rejection.NO_GOAL_VIEW] += 1
                continue
            start = self._start(rng, slot, thing, DIFFICULTIES[difficulty], scene)
            if start is None:
                self.rejected[Rejection.NO_START] += 1
                continue
            visible = self._visible_at(slot, start, body, thing)
            if visible and suite.hidden:
                self.rejected[Rejection.IN_SIGHT] += 1
                continue
            return Task(
                task_id=f"{suite.name}-{index}",
                world=world,
                event=event,
                difficulty=difficulty,
                target=thing.cell,
                start=start,
                body=body,
                goal_camera=camera,
                visible_at_start=visible,
                same_kind=sum(other.kind == thing.kind for other in things) - 1,
                strict=suite.strict,
                creature=thing.number if thing.creature else -1,
            )
        return None

    def _goal_camera(
        self, rng: np.random.Generator, slot: int, thing: WorldObject, body: Embodiment, min_pixels: int, place: str
    ) -> GoalCamera | None:
        for _ in range(CAMERAS_A_TARGET):
            camera = draw_goal_camera(rng, self.sim.grid[slot], np.array(thing.centre), PLACES[place].shape)
            if camera is None:
                continue
            self._judge.draw(self.sim, slot, camera, body)
            target_view(self._judge.ids, thing.seen_id, self._view)
            if self._view[PIXELS] >= min_pixels:
                return camera
        return None

    def _start(
        self, rng: np.random.Generator, slot: int, thing: WorldObject, distance: int, scene: Scene
    ) -> Start | None:
        """A reachable start at the difficulty's Manhattan distance, facing the target roughly or not at all."""
        floor, target = self.sim.floor[slot], np.array(thing.cell, np.int64)
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
        """What block one must stand on to start, 0 for any: the place's own ground, not the top of an object."""
        grid, floor = self.sim.grid[slot], self.sim.floor[slot]
        if place not in SET_PLACES:
            return np.zeros(floor.shape, np.uint8)  # what stands there is too high to be walked to
        size_x, size_z, _ = PLACES[place].shape
        # Rooms: inside the house, whose floor is uniform.
        x, z = (size_x // 2, size_z // 2) if place == "rooms" else (1, 1)
        return np.full(floor.shape, grid[x, z, 3 if place == "rooms" else floor[x, z] - 1], np.uint8)

    def _visible_at(self, slot: int, start: Start, body: Embodiment, thing: WorldObject) -> bool:
        eye = GoalCamera(
            start.x, start.y + body.eye_height, start.z, start.yaw, start.pitch, body.vertical_fov_deg, body.aspect
        )
        self._judge.draw(self.sim, slot, eye, body)
        target_view(self._judge.ids, thing.seen_id, self._view)
        return bool(self._view[PIXELS] >= SEEN_PIXELS)

    def take(self, slot: int, request: Request) -> Task:
        """The task that is asked for, entered in `slot`: a record is loaded, anything else is made first."""
        if isinstance(request, Task):
            self.load(slot, request)
            return request
        task = self.make(slot, *request)
        self.enter(slot, task)
        return task

    def load(self, slot: int, task: Task) -> None:
        """Loads a record: world, player at the start, goal picture in `goal`, path costs in `field` and `toll`."""
        self.sim.load_world(slot, task.world)
        self.enter(slot, task)

    def enter(self, slot: int, task: Task) -> None:
        """As `load`, for a task whose world is already loaded in `slot` and unedited."""
        start = task.start
        carried = task.event.carried
        self.sim.place(slot, start.x, start.y, start.z, start.yaw, start.pitch, task.body, carried)
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
    return (ids == target_id(grid_shape, task)).astype(np.uint8)
