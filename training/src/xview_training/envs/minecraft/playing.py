"""Cross-view tasks played in real Minecraft, with the observations and actions of our own world's environments.

A game that hangs or crashes ends its episode as truncated, with the reason, and is started anew for the next task; it
is never a failure of the agent. Nor is a task that cannot be built: its first step ends it likewise. What a task says
of the body beyond its latency (eye height, lens, speed, light) does not hold here: the body is Minecraft's own.
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
from xview_training.envs.minecraft.books import Books
from xview_training.envs.minecraft.building import (
    DEFAULT_BUILDING,
    Builder,
    BuildSettings,
    Stage,
    UnplayableError,
    spot_of,
)
from xview_training.envs.minecraft.commands import Dialect
from xview_training.envs.minecraft.judge import Judge
from xview_training.envs.minecraft.keys import check_table, pressed
from xview_training.envs.minecraft.masks import Segmenter
from xview_training.envs.minecraft.scene import Scene, scene_of
from xview_training.envs.minecraft.sight import Sight
from xview_training.envs.minecraft.supervisor import GameDownError, GameProcess, ResetTimeoutError
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.tasks.sources import Request
from xview_training.tasks.synthesis import Synthesiser
from xview_training.tasks.task import Task

SYNTHESIS_SIDE = 64  # pixels of the pictures by which tasks are made


class MinecraftEnvs:
    """One game a slot; a slot is refilled by `assign` when its episode is done.

    episode float64 (N, rules.EPISODE_SIZE), reward float32 (N,), 1 in the step that succeeds, and reasons object (N,),
    why an episode is over ("" where it is not): see Books.
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
        self._books = Books(n)
        self.episode, self.reward, self.reasons = self._books.episode, self._books.reward, self._books.reasons
        self.own_facts = {"reason": self.reasons}
        self._games, self._dialect, self._building = games, dialect, building
        self._builders = [Builder(game, dialect, building, segment) for game in games]
        self._judges: list[Judge | None] = [None] * n
        self._sights: list[Sight | None] = [None] * n
        self._unbuilt = [""] * n  # why the slot's task could not be built
        self._threads = ThreadPoolExecutor(max(1, n))
        self._maker: Synthesiser | None = None

    def __len__(self) -> int:
        return len(self._games)

    @property
    def done(self) -> np.ndarray:
        """bool (N,): which slots wait for a task."""
        return self._books.done

    @property
    def terminated(self) -> np.ndarray:
        """bool (N,): which episodes the game ended: success, death, or another object in a strict task."""
        return self._books.terminated

    @property
    def truncated(self) -> np.ndarray:
        """bool (N,): which episodes ended otherwise: the time limit, a game that went down, a task not to be built."""
        return self.done & ~self.terminated

    def assign(self, slots: np.ndarray, requests: Iterator[Request]) -> None:
        """Gives each slot the next request: a Task, or arguments (suite, index, event, difficulty) to make one.

        None of them is done then. Where no spot will do for a task, or its game cannot be had in Deadlines.reset_s, all
        pictures are black and the first step is the last one, truncated. Raises MissingBackendError without the
        back-end's package, GameDownError where a game has never come up at all, and ValueError for a task that cannot
        be made or had in Minecraft: that slot stays done, all others have got theirs.
        """
        wanted: list[tuple[int, Task]] = []
        errors: list[BaseException] = []
        for slot, request in zip(slots, requests, strict=False):
            try:
                wanted.append((int(slot), self._task(request)))
            except ValueError as error:
                errors.append(error)
        errors += self._each(lambda pair: self._enter(*pair), wanted)
        if errors:
            raise errors[0]

    def step(self, actions: np.ndarray) -> None:
        """Plays one decision int64 (N, 3) in every slot that is not done."""
        alive = [int(slot) for slot in np.flatnonzero(~self.done)]
        self.reward[:] = 0
        errors = self._each(lambda slot: self._play(slot, actions[slot]), alive)
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Ends every game."""
        errors = self._each(lambda game: game.close(), self._games)
        self._threads.shutdown()
        if self._maker is not None:
            self._maker.sim.close()
        if errors:
            raise errors[0]

    def _each(self, work: Callable, items: list) -> list[BaseException]:
        """Does the work for all items at once; what was raised, once all are through."""
        results = [self._threads.submit(work, item) for item in items]
        return [error for result in results if (error := result.exception()) is not None]

    def _task(self, request: Request) -> Task:
        if isinstance(request, Task):
            return request
        if self._maker is None:
            self._maker = Synthesiser(VoxelSim(SimConfig(1, SYNTHESIS_SIDE, SYNTHESIS_SIDE, 1)))
        return self._maker.make(0, *request)

    def _enter(self, slot: int, task: Task) -> None:
        """Puts the task into the slot, and its scene into the game."""
        scene = scene_of(task)
        self._open_episode(slot, task)
        try:
            with self._games[slot].resetting():
                stage = self._stage(slot, scene)
        except UnplayableError as error:
            self._unbuilt[slot] = f"unplayable: {error}"
            return
        except GameDownError as error:
            self._unbuilt[slot] = f"{error.kind}: {error}"
            if not self._games[slot].has_come_up:
                self._books.close(slot, self._unbuilt[slot])
                raise  # no retry will mend a broken installation
            return
        except BaseException as error:
            self._books.close(slot, str(error))
            raise
        self._judges[slot] = Judge(task.event, stage.things, self._dialect, stage.first)
        goal = squeeze_goal(stage.goal_picture, stage.goal_mask, self.image_size)
        self.observation.goal_image[slot], self.observation.goal_mask[slot] = goal
        self._see(slot, stage.first)

    def _stage(self, slot: int, scene: Scene) -> Stage:
        """Builds the scene: at another spot where one does not do, in a new game where one goes down."""
        failure: Exception = UnplayableError("no spot to try")
        for attempt in range(self._building.spots):
            try:
                self._ready(slot)
                return self._builders[slot].build(scene, spot_of(scene, attempt, self._building))
            except ResetTimeoutError:
                raise
            except (UnplayableError, GameDownError) as error:
                failure = error
                if not self._games[slot].has_come_up:
                    break
        raise failure

    def _ready(self, slot: int) -> None:
        """A running game with a living player."""
        game = self._games[slot]
        if not game.running:
            game.start()
        elif game.is_dead:
            game.revive()

    def _open_episode(self, slot: int, task: Task) -> None:
        self.tasks[slot], self._unbuilt[slot] = task, ""
        seen = self.observation
        for array in (seen.image, seen.goal_image, seen.goal_mask):
            array[slot] = 0
        seen.event[slot] = task.event.interaction_index
        seen.previous_action[slot] = self.actions.noop
        self._books.open(slot, task, task.action_ticks(self.actions))

    def _see(self, slot: int, sight: Sight) -> None:
        self._sights[slot] = sight
        self.observation.image[slot] = squeeze_picture(np.ascontiguousarray(sight.picture), self.image_size)

    def _play(self, slot: int, action: np.ndarray) -> None:
        if self._unbuilt[slot]:
            self._books.close(slot, self._unbuilt[slot])
            return
        task, judge, sight = self.tasks[slot], self._judges[slot], self._sights[slot]
        assert task is not None
        assert judge is not None
        assert sight is not None
        try:
            for tick in range(task.action_ticks(self.actions)):
                late = tick < task.body.latency_ticks
                keys, pitch_deg, yaw_deg = pressed(
                    self.actions, self.observation.previous_action[slot] if late else action
                )
                before, sight = sight, self._games[slot].tick(keys, pitch_deg, yaw_deg)
                walked = math.hypot(sight.view.x - before.view.x, sight.view.z - before.view.z)
                self._books.tick(slot, walked, judge.touched(sight, keys), sight.dead)
                if self.done[slot]:
                    break
        except GameDownError as error:
            self._books.close(slot, f"{error.kind}: {error}")
            return
        self.observation.previous_action[slot] = action
        self._see(slot, sight)
