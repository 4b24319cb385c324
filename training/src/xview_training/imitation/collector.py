"""Collects sequences for imitation: who acts is mixed, what is learnt is always the expert's word (DAgger).

A chunk is T decisions of N environments, with one memory state at its start. An environment whose episode ends inside
a chunk rests until the next one, its frames marked dead, so that no sequence crosses two tasks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from xview_training import ranges
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.task_batch import assign_playable
from xview_training.imitation.bursts import Bursts
from xview_training.imitation.expert import Expert
from xview_training.imitation.goal_noise import roughen
from xview_training.imitation.labelling import cells_of, sight_of
from xview_training.imitation.lessons import Chunk
from xview_training.imitation.losses import Labels
from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.memory import State
from xview_training.tasks import rules
from xview_training.tasks.events import table_for
from xview_training.tasks.sources import Request, TaskSource


@dataclasses.dataclass(frozen=True)
class CollectorConfig:
    """How demonstrations are gathered."""

    environments: int = 128  # N
    chunk: int = 16  # T, decisions
    threads: int = 2
    burst_probability: float = 0.07  # a decision: the expert is pushed off its path for one to four decisions
    mask_noise: float = 0.3  # share of goal masks grown or shrunk by a pixel, as an operator's would be

    def __post_init__(self) -> None:
        ranges.at_least(1, self, "environments", "chunk", "threads")
        ranges.shares(self, "burst_probability", "mask_noise")


class Collector:
    """Environments, expert and the learner's running memory."""

    def __init__(self, config: CollectorConfig, suite: TaskSource, image_size: int, rng: np.random.Generator):
        self.config, self.suite, self.rng = config, suite, rng
        self.envs = CrossViewEnvs(config.environments, image_size, config.threads, table_for(suite.events))
        self.expert = Expert(self.envs)
        self.episodes, self.successes, self.tasks_given = 0, 0, 0
        n = config.environments
        self._expert_acts = np.ones(n, bool)
        self._bursts = Bursts(n, config.burst_probability, len(self.envs.actions.camera_deg), rng)
        self._state: State | None = None

    def collect(self, policy: CrossViewPolicy, expert_share: float) -> Chunk:
        """The next chunk; new episodes are acted by the expert with probability `expert_share`."""
        self._refill(policy, expert_share)
        assert self._state is not None
        n, steps = len(self.envs), self.config.chunk
        observation = self.envs.observation
        goal_image, goal_mask = (
            torch.from_numpy(observation.goal_image.copy()),
            torch.from_numpy(observation.goal_mask.copy()),
        )
        event = torch.from_numpy(observation.event.copy())
        start = State(*(part.half().cpu() for part in self._state))
        images = torch.empty(n, steps, *observation.image.shape[1:], dtype=torch.uint8)
        previous = torch.empty(n, steps, 3, dtype=torch.int64)
        labels: list[Labels] = []
        device = self._state.valid.device
        with torch.no_grad(), bfloat16(device):
            goal = policy.encode_goal(goal_image.to(device), goal_mask.to(device))
            for t in range(steps):
                images[:, t] = torch.from_numpy(observation.image)
                previous[:, t] = torch.from_numpy(observation.previous_action)
                self.expert.label(np.flatnonzero(~self.envs.done))
                labels.append(self._labels(policy.config.side))
                self._advance(policy, goal, event, images[:, t : t + 1], previous[:, t : t + 1])
        stacked = Labels(*(torch.stack(parts, 1) for parts in zip(*labels, strict=True)))
        return Chunk(images, goal_image, goal_mask, event, previous, start, stacked)

    def _advance(self, policy: CrossViewPolicy, goal: Goal, event: Tensor, image: Tensor, previous: Tensor) -> None:
        """One decision: the learner's sample, or the expert's action where it acts."""
        assert self._state is not None
        device = self._state.valid.device
        inputs = image.to(device), goal, event.to(device), previous.to(device)
        output, self._state = policy(*inputs, self._state)
        heads = (output.buttons, output.pitch, output.yaw)
        sampled = torch.stack([torch.multinomial(h[:, 0].float().softmax(-1), 1)[:, 0] for h in heads], 1)
        demonstrated = self._bursts.over(self.expert.actions)
        self.envs.step(np.where(self._expert_acts[:, None], demonstrated, sampled.cpu().numpy()))
        self._bursts.advance()

    def _labels(self, side: int) -> Labels:
        """What the expert says of the present frames, by the policy's `side` of cells."""
        sight = sight_of(self.envs, self.expert)
        arrays = (
            self.expert.actions,
            cells_of(sight.visible, sight.point, side),
            *(sight.point, sight.box, sight.bearing, sight.bearing_known),
            self.expert.values,
            ~self.envs.done,
        )
        return Labels(*(torch.from_numpy(np.array(a)) for a in arrays))

    def _refill(self, policy: CrossViewPolicy, expert_share: float) -> None:
        """New tasks for the environments whose episode is over."""
        envs = self.envs
        over = np.flatnonzero(envs.done)
        if self._state is None:
            self._state = policy.initial_state(len(envs))
        else:
            self.episodes += len(over)
            self.successes += int(envs.episode[over, rules.SUCCESS].sum())
        if len(over) == 0:
            return
        assign_playable(envs, over, self._requests())
        self.expert.forget(over)
        self._expert_acts[over] = self.rng.random(len(over)) < expert_share
        fresh = torch.zeros(len(envs), dtype=torch.bool)
        fresh[over] = True
        self._state = self._state.forget(fresh.to(self._state.valid.device))
        for slot in over[self.rng.random(len(over)) < self.config.mask_noise]:
            roughen(envs.observation.goal_mask[slot], self.rng)

    def _requests(self) -> Iterator[Request]:
        """Tasks of the suite in order: each world is met once."""
        while True:
            self.tasks_given += 1
            yield self.suite.request((self.tasks_given - 1) % self.suite.size)
