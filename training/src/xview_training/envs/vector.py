"""xview/CrossView-v0: the batch of cross-view tasks as a Gymnasium vector environment.

    import gymnasium, xview_training
    envs = gymnasium.make_vec("xview/CrossView-v0", num_envs=16, suite="train-v1", event="approach")

Spaces are in envs/spaces.py. The reward is 1 in the step that succeeds, else 0. `terminated`: success, death, or the
wrong object of a strict task; `truncated`: the time limit. It knows no policy; what it plays is envs/crossview.py, or
with backend="craftground" and the like real Minecraft, where a game that hangs or crashes truncates too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import logger
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from xview_deploy.spec import ActionTable

from xview_training.envs import spaces
from xview_training.envs.crossview import SUPERSAMPLING
from xview_training.envs.episode_picture import episode_picture
from xview_training.envs.task_draws import DrawSettings, TaskDraws
from xview_training.envs.worlds import Backend, new_batch
from xview_training.naming import named
from xview_training.tasks import rules
from xview_training.tasks.goal_views import GOAL_SIDE
from xview_training.tasks.task import Task

Observations = dict[str, np.ndarray]
Infos = dict[str, Any]
Seeds = int | Sequence[int | None] | None

RENDERING: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": ActionTable().rate_hz}
LEAST_SIZE = GOAL_SIDE // SUPERSAMPLING  # pixels a side, below which a goal's mask may be empty
METADATA = {**RENDERING, "autoreset_mode": AutoresetMode.NEXT_STEP}


def _of_task(task: Task | None) -> Infos:
    assert task is not None
    return {
        "event": task.event.value,
        "difficulty": task.difficulty,
        "visible_at_start": task.visible_at_start,
        "task_id": task.task_id,
    }


class CrossViewVectorEnv(VectorEnv[Observations, np.ndarray, np.ndarray]):
    """N environments in one batch. `batch` is what they are played in, with its privileged arrays.

    Environment i of reset(seed=s) plays the episodes of a single one with reset(seed=s + i), also after it was reset
    by itself. Infos: success, first_right (the first object arrived at, broken, used or killed was the target), died,
    ticks (1/20 s), event, difficulty, visible_at_start, task_id; with a back-end also reason, why an episode is over;
    each with Gymnasium's mask under _NAME.
    """

    metadata: dict[str, Any] = METADATA

    def __init__(
        self,
        num_envs: int = 1,
        suite: str = "train-v1",
        event: str | None = None,
        difficulty: str | None = None,
        image_size: int = 64,
        actions: str | None = None,
        randomise: bool = True,
        max_episode_steps: int | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        threads: int = 2,
        copy: bool = True,
        texture_pack: str | Path | None = None,
        backend: Backend = None,
    ):
        """suite, event, difficulty, randomise: see DrawSettings; ValueError where they fit nothing.

        actions: "walk" or "full" (spec.ACTION_TABLES); by default the one that the tasks' events need.
        max_episode_steps: decisions, where that is less than the task's own limit. copy: False returns the batch's own
        arrays, which the next step overwrites. texture_pack: a Minecraft resource pack (zip) that the worlds wear;
        PackError, a ValueError, where it cannot be used. backend: real Minecraft instead of our own world
        (docs/minecraft.md): a back-end's name, or minecraft.backends.make with its settings; threads does nothing then.
        """
        if min(num_envs, threads, 1 if max_episode_steps is None else max_episode_steps) < 1:
            raise ValueError("num_envs, threads and max_episode_steps: expected 1 or more")
        if image_size < LEAST_SIZE:
            raise ValueError(f"image_size: expected {LEAST_SIZE} or more, got {image_size}")
        if render_mode is not None:
            named(dict.fromkeys(RENDERING["render_modes"]), render_mode, "render_mode")
        self.draws = TaskDraws(DrawSettings(suite, event, difficulty, randomise))
        table = self.draws.action_table(actions)
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode, "render_fps": table.rate_hz}
        self.num_envs, self.render_mode, self.copy = num_envs, render_mode, copy
        self.single_action_space = spaces.action_space(table)
        self.single_observation_space = spaces.observation_space(image_size, table)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        pack = None if texture_pack is None else Path(texture_pack)
        self.batch = new_batch(backend, num_envs, image_size, table, threads, pack)
        self.generators = [seeding.np_random()[0] for _ in range(num_envs)]  # each environment draws its own tasks
        self._of_tasks = {
            "event": np.full(num_envs, None, object),
            "difficulty": np.full(num_envs, None, object),
            "visible_at_start": np.zeros(num_envs, bool),
            "task_id": np.full(num_envs, None, object),
        }
        self._most_steps = np.inf if max_episode_steps is None else max_episode_steps

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        """Begins new episodes; options: {"reset_mask": bool (N,)} where only some environments shall.

        seed: s seeds the environments with s, s + 1, ...; a list gives each its own, or None to go on as it is.
        """
        wanted = self._reset_mask(options)
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seed = [int(seed) + i for i in range(self.num_envs)]
        seeds = [None] * self.num_envs if seed is None else seed
        if len(seeds) != self.num_envs:
            raise ValueError(f"seed: expected one for each of {self.num_envs} environments, got {len(seeds)}")
        for slot in np.flatnonzero(wanted).tolist():
            if seeds[slot] is not None:
                self.generators[slot] = seeding.np_random(seeds[slot])[0]
        self._begin(wanted)
        return self._observations(), self._infos(wanted)

    def step(self, actions: np.ndarray) -> tuple[Observations, np.ndarray, np.ndarray, np.ndarray, Infos]:
        """Plays int64 (N, 3); see the autoreset mode for what follows an episode's end."""
        actions = self._checked(actions)
        over = self.batch.done
        if None in self.batch.tasks:
            raise ResetNeeded("call reset() before step()")
        if over.any() and self.autoreset_mode is AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"environments {np.flatnonzero(over).tolist()} are done and reset by nobody in this mode: "
                "call reset(options={'reset_mask': done})"
            )
        self.batch.step(actions)
        if over.any():  # NEXT_STEP: the action was not played
            self._begin(over)
        reward = self.batch.episode[:, rules.SUCCESS].copy()  # an episode is done in the tick that succeeds
        terminated, truncated = self.batch.terminated, self.batch.truncated
        infos: Infos = {}
        over = self.batch.done
        if over.any() and self.autoreset_mode is AutoresetMode.SAME_STEP:
            for slot in np.flatnonzero(over).tolist():
                final = {"final_obs": self.seen(slot), "final_info": self.facts(slot)}
                infos = self._add_info(infos, final, slot)
            self._begin(over)
        return self._observations(), reward, terminated, truncated, infos | self._infos(np.ones(self.num_envs, bool))

    def render(self) -> tuple[np.ndarray, ...] | None:
        """A picture uint8 (H, 2 H, 3) of each environment: its view, and the goal with the target outlined."""
        if self.render_mode is None:
            logger.warn('nothing is drawn: make the environments with render_mode="rgb_array"')
            return None
        seen = self.batch.observation
        return tuple(map(episode_picture, seen.image, seen.goal_image, seen.goal_mask))

    def close_extras(self) -> None:
        """Ends the simulator's threads, or the games."""
        self.batch.close()

    def seen(self, slot: int) -> dict[str, Any]:
        """One environment's observation, a copy."""
        return {name: array[slot].copy() for name, array in spaces.as_dict(self.batch.observation).items()}

    def facts(self, slot: int) -> Infos:
        """One environment's info, before it is batched."""
        return {name: array[slot : slot + 1].tolist()[0] for name, array in self._facts().items()}

    def _facts(self) -> dict[str, np.ndarray]:
        books = self.batch.episode
        return {
            "success": books[:, rules.SUCCESS] > 0,
            "first_right": books[:, rules.FIRST] == rules.TARGET_FIRST,
            "died": books[:, rules.DIED] > 0,
            "ticks": books[:, rules.TICKS].astype(int),
            **self._of_tasks,
            **self.batch.own_facts,
        }

    def _begin(self, wanted: np.ndarray) -> None:
        slots = np.flatnonzero(wanted)
        self.batch.assign(slots, iter([self.draws.request(self.generators[slot]) for slot in slots]))
        books = self.batch.episode
        most_ticks = self._most_steps * books[slots, rules.ACTION_TICKS]
        books[slots, rules.LIMIT] = np.minimum(books[slots, rules.LIMIT], most_ticks)
        for slot in slots:
            for name, value in _of_task(self.batch.tasks[slot]).items():
                self._of_tasks[name][slot] = value

    def _observations(self) -> Observations:
        own = spaces.as_dict(self.batch.observation)
        return {name: array.copy() for name, array in own.items()} if self.copy else own

    def _infos(self, wanted: np.ndarray) -> Infos:
        """Batched as `_add_info` would, for all at once."""
        infos: Infos = {}
        for name, array in self._facts().items():
            infos[name] = np.full_like(array, None if array.dtype == object else 0)
            infos[name][wanted] = array[wanted]
            infos[f"_{name}"] = wanted.copy()
        return infos

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        """As int64 (N, 3); compiled rules would read beside their tables."""
        actions = np.asarray(actions)
        if actions.dtype.kind not in "iu" or not self.action_space.contains(actions.astype(np.int64)):
            sizes = self.batch.actions.sizes
            raise ValueError(
                f"actions: expected whole numbers ({self.num_envs}, 3) below {sizes}, got {actions.dtype} "
                f"{actions.shape}: {np.array2string(actions, threshold=12)}"
            )
        return actions.astype(np.int64)

    def _reset_mask(self, options: dict[str, Any] | None) -> np.ndarray:
        options = options or {}
        if unknown := options.keys() - {"reset_mask"}:
            raise ValueError(f"options: expected reset_mask, got {', '.join(sorted(unknown))}")
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs, bool)))
        if mask.dtype != bool or mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"reset_mask: expected bool ({self.num_envs},) with one or more True, got {mask.dtype} {mask.shape}"
            )
        return mask
