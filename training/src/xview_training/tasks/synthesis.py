"""Makes tasks: world, target, goal camera, start (ROCKET-3, task synthesis), each proved visible and reachable.

A task comes from (suite, index) alone. Making one leaves its world loaded in the simulator's slot; `load` does the same
from a record, and both end in the same state. Why draws were given up is counted in `rejected`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np

from xview_training.sim.simulator import Embodiment, VoxelSim
from xview_training.sim.worlds import WorldSeed
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.goal_cameras import GoalCameras
from xview_training.tasks.goal_views import GoalPicture
from xview_training.tasks.moving import open_world
from xview_training.tasks.objects import WorldObject, objects_for, stands_apart
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.sources import Request
from xview_training.tasks.starts import Starts
from xview_training.tasks.suites import Scene, Suite
from xview_training.tasks.task import DIFFICULTIES, LIMIT_TICKS, GoalCamera, Start, Task
from xview_training.tasks.visibility import SEEN_PIXELS, target_id

ATTEMPTS = 64  # worlds tried for one task before giving up
TARGETS_A_WORLD = 3  # objects tried in one world
WALK_BLOCKS_A_TICK = 4.317 / 20  # of a body with speed 1 (sim/physics.py)


@dataclasses.dataclass(frozen=True)
class _Wish:
    """What a task shall be."""

    suite: Suite
    scene: Scene
    index: int
    event: TaskEvent
    difficulty: str


class Synthesiser:
    """Makes and loads tasks in a simulator. Buffers are its own: use one a thread.

    goal: the goal picture of the task entered last; field, toll float32 (X, Z): its walking costs (tasks/paths.py).
    """

    def __init__(self, sim: VoxelSim):
        self.sim = sim
        self.goal = GoalPicture(sim.config.height)
        self.rejected: Counter[Rejection] = Counter()
        self._cameras = GoalCameras(sim)
        self._starts = Starts(sim)
        self.field, self.toll = self._starts.field, self._starts.toll

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
        wish = _Wish(suite, scene, index, event, difficulty)
        for attempt in range(ATTEMPTS):
            # A world's seed is the task's own for the first attempt; later ones stay inside the suite's range.
            seed = suite.first_seed + (index + attempt * 7919) % suite.size
            task = self._attempt(rng, slot, wish, WorldSeed(scene.place, seed))
            if task is not None:
                return task
        raise ValueError(f"no {difficulty} {event.value} task could be made from {ATTEMPTS} worlds of {scene.place}")

    def _attempt(self, rng: np.random.Generator, slot: int, wish: _Wish, world: WorldSeed) -> Task | None:
        """A task in that world, or None; every reason is counted."""
        self.sim.load_world(slot, world)
        bodies = wish.suite.bodies_in(wish.scene)
        body, extra_ticks = bodies.draw(rng), bodies.draw_extra_ticks(rng)
        things = objects_for(self.sim, slot, wish.event)
        if not things:
            self.rejected[Rejection.NO_OBJECT] += 1
            return None
        share = wish.suite.at_goal_camera
        at_camera = share > 0 and rng.random() < share  # the first version's suites draw no number for it
        for chosen in rng.permutation(len(things))[:TARGETS_A_WORLD]:
            thing = things[chosen]
            moving = at_camera and self._cameras.can_be_moved(slot, thing)
            task = self._task(rng, slot, wish, world, body, things, thing, moving)
            if isinstance(task, Task):
                return dataclasses.replace(task, extra_ticks=extra_ticks)
            self.rejected[task] += 1
            if moving:
                return None  # its world is no longer the seed's
        return None

    def _task(
        self,
        rng: np.random.Generator,
        slot: int,
        wish: _Wish,
        world: WorldSeed,
        body: Embodiment,
        things: list[WorldObject],
        thing: WorldObject,
        moving: bool,
    ) -> Task | Rejection:
        """The task whose target is that one of the world's things, or why there is none."""
        same_kind = sum(other.kind == thing.kind for other in things) - 1
        camera: GoalCamera | Rejection
        if moving:
            found = self._cameras.move_into_view(rng, slot, thing, body, wish.suite, world.place)
            if isinstance(found, Rejection):
                return found
            camera, thing = found
        elif wish.event is TaskEvent.APPROACH and not stands_apart(thing, things):
            return Rejection.TWO_AT_ONCE
        else:
            camera = self._cameras.find(rng, slot, thing, body, wish.suite, world.place)
            if isinstance(camera, Rejection):
                return camera
        distance, pitch = DIFFICULTIES[wish.difficulty], wish.suite.bodies_in(wish.scene).pitch
        start = self._starts.draw(rng, slot, thing, distance, world.place, pitch)
        if start is None:
            return Rejection.NO_START
        way = float(self.field[int(start.x), int(start.z)])  # blocks
        if way > wish.suite.walk_share * LIMIT_TICKS * body.speed * WALK_BLOCKS_A_TICK:
            return Rejection.TOO_FAR
        visible = self._cameras.pixels(slot, _eye(start, body), body, thing) >= SEEN_PIXELS
        if visible and wish.suite.hidden:
            return Rejection.IN_SIGHT
        return Task(
            task_id=wish.suite.task_id(wish.index),
            world=world,
            event=wish.event,
            difficulty=wish.difficulty,
            target=thing.cell,
            start=start,
            body=body,
            goal_camera=camera,
            visible_at_start=visible,
            same_kind=same_kind,
            strict=wish.suite.strict,
            creature=thing.number if thing.creature else -1,
            moved=thing.number if moving else -1,
        )

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
        open_world(self.sim, slot, task)
        self.enter(slot, task)

    def enter(self, slot: int, task: Task) -> None:
        """As `load`, for a task whose world is open in `slot` and as it begins."""
        start = task.start
        carried = task.event.carried
        self.sim.place(slot, start.x, start.y, start.z, start.yaw, start.pitch, task.body, carried)
        self.goal.draw(self.sim, slot, task.goal_camera, task.body)
        self._starts.survey(slot, np.array(task.target, np.int64), task.world.place)


def _eye(start: Start, body: Embodiment) -> GoalCamera:
    """The agent's own eye at its start, as a camera."""
    return GoalCamera(
        start.x, start.y + body.eye_height, start.z, start.yaw, start.pitch, body.vertical_fov_deg, body.aspect
    )


def goal_mask(ids: np.ndarray, grid_shape: tuple[int, ...], task: Task) -> np.ndarray:
    """The exact mask of the target in a goal picture: uint8 (S, S) of 0 and 1."""
    return (ids == target_id(grid_shape, task)).astype(np.uint8)
