"""Cross-view tasks played in real Minecraft, with the observations and actions of our own world's environments.

A game that hangs or crashes ends its episode as truncated, with the reason, and is started anew for the next task; it
is never a failure of the agent. What a task says of the body beyond its latency (eye height, lens, speed, light) does
not hold here: the body is Minecraft's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from xview_deploy.preprocessing import squeeze_goal, squeeze_picture
from xview_deploy.segmentation.grabcut import propose
from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import Observation
from xview_training.envs.minecraft.building import (
    DEFAULT_BUILDING,
    Builder,
    BuildSettings,
    UnplayableError,
    spot_of,
)
from xview_training.envs.minecraft.commands import Dialect
from xview_training.envs.minecraft.judge import Judge
from xview_training.envs.minecraft.keys import check_table, pressed
from xview_training.envs.minecraft.masks import Segmenter
from xview_training.envs.minecraft.scene import scene_of
from xview_training.envs.minecraft.sight import Sight
from xview_training.envs.minecraft.supervisor import GameDownError, GameProcess
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.tasks import rules
from xview_training.tasks.synthesis import Synthesiser
from xview_training.tasks.task import Task

SYNTHESIS_SIDE = 64  # pixels of the pictures by which tasks are made


class MinecraftEnvs:
    """One game a slot; a slot is refilled by `assign` when its episode is done.

    After `assign` and `step`: episode float64 (N, rules.EPISODE_SIZE); reward float32 (N,), 1 in the step that
    succeeds; terminated and truncated bool (N,); infos, a dict a slot with "reason" where it ended. What rested has
    zeros there.
    """

    def __init__(
        self,
        games: list[GameProcess],
        dialect: Dialect,
        image_size: int = 64,
        actions: ActionTable | None = None,
        building: BuildSettings = DEFAULT_BUILDING,
        segment: Segmenter = propose,
    ):
        self.actions = actions or ActionTable()
        check_table(self.actions)
        n, side = len(games), image_size
        self.image_size = image_size
        self.observation = Observation(
            image=np.zeros((n, side, side, 3), np.uint8),
            goal_image=np.zeros((n, side, side, 3), np.uint8),
            goal_mask=np.zeros((n, side, side), np.uint8),
            event=np.zeros(n, np.int64),
            previous_action=np.tile(np.array(self.actions.noop, np.int64), (n, 1)),
        )
        self.tasks: list[Task | None] = [None] * n
        self.episode = np.zeros((n, rules.EPISODE_SIZE))
        self.episode[:, rules.DONE] = 1
        self.reward = np.zeros(n, np.float32)
        self.terminated, self.truncated = np.zeros(n, bool), np.zeros(n, bool)
        self.infos: list[dict[str, str]] = [{} for _ in games]
        self._games, self._dialect, self._building = games, dialect, building
        self._builders = [Builder(game, dialect, building, segment) for game in games]
        self._judges: list[Judge | None] = [None] * n
        self._sights: list[Sight | None] = [None] * n
        self._threads = ThreadPoolExecutor(max(1, n))
        self._maker: Synthesiser | None = None

    def __len__(self) -> int:
        return len(self._games)

    @property
    def done(self) -> np.ndarray:
        """bool (N,): which slots wait for a task."""
        return self.episode[:, rules.DONE] > 0

    def assign(self, slots: np.ndarray, requests: Iterator[Task | tuple]) -> None:
        """Gives each slot the next request: a Task, or arguments (suite, index, event, difficulty) to make one.

        A slot whose game cannot be had, or that finds no spot for its task, is done at once and truncated. Raises
        MissingBackendError without the back-end's package, GameDownError where a game has never come up at all, and
        ValueError for a task that Minecraft cannot have.
        """
        wanted = [(int(slot), self._task(request)) for slot, request in zip(slots, requests, strict=False)]
        self._forget_results()
        self._each(lambda pair: self._enter(*pair), wanted)

    def step(self, actions: np.ndarray) -> None:
        """Plays one decision int64 (N, 3) in every slot that is not done."""
        alive = [int(slot) for slot in np.flatnonzero(~self.done)]
        self._forget_results()
        self._each(lambda slot: self._play(slot, actions[slot]), alive)

    def close(self) -> None:
        """Ends every game."""
        self._each(lambda game: game.close(), self._games)
        self._threads.shutdown()
        if self._maker is not None:
            self._maker.sim.close()

    def _each(self, work: Callable, items: list) -> None:
        """Does the work for all items at once; the first exception comes through when all are through."""
        results = [self._threads.submit(work, item) for item in items]
        errors = [error for result in results if (error := result.exception()) is not None]
        if errors:
            raise errors[0]

    def _forget_results(self) -> None:
        self.reward[:], self.terminated[:], self.truncated[:] = 0, False, False
        self.infos = [{} for _ in self._games]

    def _task(self, request: Task | tuple) -> Task:
        if isinstance(request, Task):
            return request
        if self._maker is None:
            self._maker = Synthesiser(VoxelSim(SimConfig(1, SYNTHESIS_SIDE, SYNTHESIS_SIDE, 1)))
        return self._maker.make(0, *request)

    def _enter(self, slot: int, task: Task) -> None:
        """Builds the task's scene, at another spot where one does not do, in a new game where one goes down."""
        scene, reason = scene_of(task), ""
        self._open_episode(slot, task)
        for attempt in range(self._building.spots):
            try:
                self._ready(slot)
                stage = self._builders[slot].build(scene, spot_of(scene, attempt, self._building))
            except UnplayableError as error:
                reason = f"unplayable: {error}"
                continue
            except GameDownError as error:
                if self._sights[slot] is None and self._games[slot].started == 1:
                    raise  # it has never run: no retry will mend a broken installation
                reason = f"{error.kind}: {error}"
                continue
            self._judges[slot] = Judge(task.event, stage.things, self._dialect, stage.first)
            goal = squeeze_goal(stage.goal_picture, stage.goal_mask, self.image_size)
            self.observation.goal_image[slot], self.observation.goal_mask[slot] = goal
            self._see(slot, stage.first)
            return
        self._truncate(slot, reason)

    def _ready(self, slot: int) -> None:
        """A running game with a living player."""
        game, sight = self._games[slot], self._sights[slot]
        if not game.running:
            self._sights[slot] = game.start()
        elif sight is not None and sight.dead:
            self._sights[slot] = game.revive()

    def _open_episode(self, slot: int, task: Task) -> None:
        self.tasks[slot] = task
        seen = self.observation
        for array in (seen.image, seen.goal_image, seen.goal_mask):
            array[slot] = 0
        seen.event[slot] = task.event.interaction_index
        seen.previous_action[slot] = self.actions.noop
        episode = self.episode[slot]
        episode[:] = 0
        episode[rules.EVENT] = task.event.code
        episode[rules.LIMIT], episode[rules.STRICT] = task.limit_ticks, task.strict

    def _see(self, slot: int, sight: Sight) -> None:
        self._sights[slot] = sight
        self.observation.image[slot] = squeeze_picture(np.ascontiguousarray(sight.picture), self.image_size)

    def _play(self, slot: int, action: np.ndarray) -> None:
        task, judge = self.tasks[slot], self._judges[slot]
        assert task is not None
        assert judge is not None
        try:
            for tick in range(task.action_ticks(self.actions)):
                late = tick < task.body.latency_ticks
                keys, pitch_deg, yaw_deg = pressed(
                    self.actions, self.observation.previous_action[slot] if late else action
                )
                sight = self._games[slot].tick(keys, pitch_deg, yaw_deg)
                self._book(slot, sight, judge.touched(sight, keys))
                if self.episode[slot, rules.DONE]:
                    break
        except GameDownError as error:
            self._truncate(slot, f"{error.kind}: {error}")
            return
        self.observation.previous_action[slot] = action
        self._see(slot, sight)

    def _book(self, slot: int, sight: Sight, touched: int) -> None:
        """One tick into the episode, as rules.judge does it in our own world."""
        episode, before = self.episode[slot], self._sights[slot]
        assert before is not None
        episode[rules.TICKS] += 1
        episode[rules.PATH] += math.hypot(sight.view.x - before.view.x, sight.view.z - before.view.z)
        self._sights[slot] = sight
        if touched >= 0 and episode[rules.FIRST] == rules.NOTHING_YET:
            episode[rules.FIRST] = rules.TARGET_FIRST if touched == 0 else rules.DISTRACTOR_FIRST
        if touched == 0:
            episode[rules.SUCCESS] = self.reward[slot] = 1
            self._end(slot, "success")
        elif sight.dead:
            episode[rules.DIED] = 1
            self._end(slot, "died")
        elif touched > 0 and episode[rules.STRICT]:
            self._end(slot, "another object")
        elif episode[rules.TICKS] >= episode[rules.LIMIT]:
            self._truncate(slot, f"limit of {int(episode[rules.LIMIT])} ticks")

    def _end(self, slot: int, reason: str) -> None:
        self.terminated[slot] = True
        self._finish(slot, reason)

    def _truncate(self, slot: int, reason: str) -> None:
        self.truncated[slot] = True
        self._finish(slot, reason)

    def _finish(self, slot: int, reason: str) -> None:
        self.episode[slot, rules.DONE] = 1
        self.infos[slot] = {"reason": reason}
