"""A batch of cross-view tasks being played: observations in, actions out, rewards and truths beside.

It knows tasks and the simulator, neither policies nor how they learn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from xview_deploy.preprocessing import squeeze_mask, squeeze_picture
from xview_deploy.spec import ActionTable

from xview_training.envs.insight import insight
from xview_training.envs.task_batch import is_done, is_terminated
from xview_training.sim import physics
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.sim.worlds import PLACES
from xview_training.tasks import rules
from xview_training.tasks.objects import target_object
from xview_training.tasks.paths import distance_field
from xview_training.tasks.sources import Request
from xview_training.tasks.synthesis import Synthesiser, goal_mask
from xview_training.tasks.task import Task
from xview_training.tasks.visibility import VIEW_SIZE, target_id, target_view

FOLLOW_BLOCKS = 2  # that a creature may walk before the way to it is surveyed anew
SUPERSAMPLING = 2  # pictures are drawn this much larger and squeezed, as a camera's are


@dataclasses.dataclass(frozen=True)
class Observation:
    """What a policy may see, environment first. Pictures are squeezed to S x S."""

    image: np.ndarray  # uint8 (N, S, S, 3)
    goal_image: np.ndarray  # uint8 (N, S, S, 3)
    goal_mask: np.ndarray  # uint8 (N, S, S), 0 or 1
    event: np.ndarray  # int64 (N,), row of the interaction embedding
    previous_action: np.ndarray  # int64 (N, 3)


class CrossViewEnvs:
    """N environments that play tasks; a slot is refilled by `assign` when its episode is done.

    Privileged arrays, for experts and statistics: episode (N, rules.EPISODE_SIZE); field and toll float32 (N, X, Z),
    walking costs (tasks/paths.py); target int64 (N, 3); view float32 (N, VIEW_SIZE); climb and drop int64 (N,).
    """

    def __init__(
        self,
        environments: int,
        image_size: int = 64,
        threads: int = 2,
        actions: ActionTable | None = None,
        supersampling: int = SUPERSAMPLING,
        texture_pack: Path | None = None,
    ):
        """texture_pack: a Minecraft resource pack (zip) that the worlds wear; PackError where it cannot be used."""
        self.actions = actions or ActionTable()
        self.image_size = image_size
        side = image_size * supersampling
        self.sim = VoxelSim(SimConfig(environments, side, side, threads, texture_pack))
        self.observation = Observation(
            image=np.zeros((environments, image_size, image_size, 3), np.uint8),
            goal_image=np.zeros((environments, image_size, image_size, 3), np.uint8),
            goal_mask=np.zeros((environments, image_size, image_size), np.uint8),
            event=np.zeros(environments, np.int64),
            previous_action=np.tile(np.array(self.actions.noop, np.int64), (environments, 1)),
        )
        self.tasks: list[Task | None] = [None] * environments
        self.episode = np.zeros((environments, rules.EPISODE_SIZE))
        self.episode[:, rules.DONE] = 1
        self.own_facts: dict[str, np.ndarray] = {}
        self.field = np.zeros(self.sim.floor.shape, np.float32)
        self.toll = np.zeros(self.sim.floor.shape, np.float32)
        self.target = np.zeros((environments, 3), np.int64)
        self._surveyed = np.zeros((environments, 3), np.int64)  # where the target was when `field` was computed
        self.target_id = np.zeros(environments, np.int32)
        self.view = np.zeros((environments, VIEW_SIZE), np.float32)
        self.climb = np.zeros(environments, np.int64)
        self.drop = np.zeros(environments, np.int64)
        self._keys = physics.key_rows(self.actions.buttons)
        self._camera_rad = np.radians(np.array(self.actions.camera_deg))
        self._makers = [Synthesiser(self.sim) for _ in range(threads)]

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def done(self) -> np.ndarray:
        """bool (N,): which slots wait for a task."""
        return is_done(self.episode)

    @property
    def terminated(self) -> np.ndarray:
        """bool (N,): which episodes the world itself ended: success, death, or the wrong object of a strict task."""
        return is_terminated(self.episode)

    @property
    def truncated(self) -> np.ndarray:
        """bool (N,): which episodes were over by their time limit alone; what would have come next has a value."""
        return self.done & ~self.terminated

    def assign(self, slots: np.ndarray, requests: Iterator[Request]) -> None:
        """Gives each slot the next request: a Task, or arguments (suite, index, event, difficulty) to make one.

        ValueError where one cannot be made or played: its slot stays done, all others have got theirs.
        """
        wanted = dict(zip((int(s) for s in slots), requests, strict=False))
        failed: dict[int, ValueError] = {}
        self.sim.run_slices(self._assign_slice(wanted, failed), slots)
        self._look(np.array([slot for slot in slots if int(slot) not in failed], np.int64))
        for error in failed.values():
            raise error

    def _assign_slice(self, wanted: dict[int, Request], failed: dict[int, ValueError]):
        makers = list(self._makers)

        def assign(part: np.ndarray, _scratch: tuple) -> None:
            maker = makers.pop()
            for slot in part:
                try:
                    self._enter(int(slot), maker.take(int(slot), wanted[int(slot)]), maker)
                except ValueError as error:
                    failed[int(slot)] = error

        return assign

    def _enter(self, slot: int, task: Task, maker: Synthesiser) -> None:
        """Puts the task's records into the slot; ValueError where the world cannot play it."""
        number = target_object(self.sim, slot, task).number
        self.tasks[slot] = task
        mask = goal_mask(maker.goal.ids, self.sim.grid.shape[1:], task)
        self.observation.goal_image[slot] = squeeze_picture(maker.goal.rgb, self.image_size)
        self.observation.goal_mask[slot] = squeeze_mask(mask, self.image_size)
        self.observation.event[slot] = task.event.interaction_index
        self.observation.previous_action[slot] = self.actions.noop
        self.field[slot], self.toll[slot] = maker.field, maker.toll
        self.target[slot] = self._surveyed[slot] = task.target
        self.target_id[slot] = target_id(self.sim.grid.shape[1:], task)
        place = PLACES[task.world.place]
        self.climb[slot], self.drop[slot] = place.climb, place.drop
        episode = self.episode[slot]
        episode[:] = 0
        episode[rules.EVENT] = task.event.code
        episode[rules.LIMIT], episode[rules.STRICT] = task.limit_ticks, task.strict
        episode[rules.TARGET] = number
        episode[rules.ACTION_TICKS] = task.action_ticks(self.actions)

    def _look(self, slots: np.ndarray) -> None:
        self.sim.draw(slots)
        for slot in slots:
            target_view(self.sim.ids[slot], self.target_id[slot], self.view[slot])
            self.observation.image[slot] = squeeze_picture(self.sim.rgb[slot], self.image_size)

    def step(self, actions: np.ndarray) -> None:
        """Plays one decision int64 (N, 3) in every environment that is not done, and draws what it then sees."""
        alive = np.flatnonzero(~self.done)
        sim = self.sim
        sim.run_slices(
            lambda part, _: rules.advance(
                part, self._keys, self._camera_rad,
                actions, self.observation.previous_action,
                sim.grid, sim.floor, sim.quads, sim.quad_counts, sim.chunk_tops, sim.models, sim.model_counts,
                sim.body, sim.hands, sim.slots, sim.creatures, sim.arrows, sim.random, sim.embodiment,
                sim.candidates, sim.candidate_count, self.episode,
            ),
            alive,
        )  # fmt: skip
        self.observation.previous_action[alive] = actions[alive]
        self._look(alive)

    def follow(self, slots: np.ndarray) -> None:
        """Moves the targets that walk to where their creatures are, and surveys the way anew where they went far."""
        for slot in slots:
            task = self.tasks[slot]
            if task is None or not task.event.hunts:
                continue
            creature = self.sim.creatures[slot, task.creature]
            x, z = int(creature[physics.X]), int(creature[physics.Z])
            self.target[slot] = x, self.sim.floor[slot, x, z], z
            if np.abs(self.target[slot] - self._surveyed[slot])[[0, 2]].max() >= FOLLOW_BLOCKS:
                self._survey(slot, task)

    def _survey(self, slot: int, task: Task) -> None:
        self._surveyed[slot] = self.target[slot]
        place = PLACES[task.world.place]
        size_x, size_z, _ = place.shape
        distance_field(
            self.sim.floor[slot], size_x, size_z, self.toll[slot], self.target[slot], place.climb, place.drop,
            self.field[slot],
        )  # fmt: skip

    @property
    def pixel_scale(self) -> float:
        """What a pixel of the drawn pictures counts in a 64 x 64 one."""
        return 64 * 64 / (self.sim.config.width * self.sim.config.height)

    def targets_now(self) -> np.ndarray:
        """float64 (N, 2): x and z of the targets' middles, creatures where they are now."""
        place = self.target[:, [0, 2]] + 0.5
        for slot, task in enumerate(self.tasks):
            if task is not None and task.event.hunts:
                place[slot] = self.sim.creatures[slot, task.creature, [physics.X, physics.Z]]
        return place

    def towards(self, away: np.ndarray) -> np.ndarray:
        """float32 (N, 2): unit vectors right, forward of each agent along the vectors (x, z) away from it, (N, 2)."""
        angle = np.arctan2(-away[:, 0], away[:, 1]) - self.sim.body[:, physics.YAW]
        return np.stack([np.sin(angle), np.cos(angle)], -1).astype(np.float32)

    def bearings(self) -> np.ndarray:
        """float32 (N, 2): unit vectors right, forward from each agent to its target, creatures where they are now."""
        return self.towards(self.targets_now() - self.sim.body[:, [physics.X, physics.Z]])

    def insight(self) -> np.ndarray:
        """float32 (N, INSIGHT): what a critic may know (envs/insight.py)."""
        return insight(self)

    def close(self) -> None:
        """Ends the simulator's threads."""
        self.sim.close()
