"""Collects sequences for imitation: who acts is mixed, what is learnt is always the expert's word (DAgger).

A chunk is T decisions of N environments, with one memory state at its start. An environment whose episode ends inside
a chunk rests until the next one, its frames marked dead, so that no sequence crosses two tasks.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.imitation.expert import Expert
from xview_training.imitation.losses import Labels
from xview_training.policy.memory import State
from xview_training.policy.small import Goal, SmallPolicy
from xview_training.tasks import rules
from xview_training.tasks.suites import Suite
from xview_training.tasks.visibility import PIXELS, POINT_X, POINT_Y, X0


@dataclasses.dataclass(frozen=True)
class CollectorConfig:
    """How demonstrations are gathered."""

    environments: int = 128  # N
    chunk: int = 16  # T, decisions
    threads: int = 2
    burst_probability: float = 0.07  # a decision: the expert is pushed off its path for one to four decisions
    mask_noise: float = 0.3  # share of goal masks grown or shrunk by a pixel, as an operator's would be


@dataclasses.dataclass
class Chunk:
    """T decisions of N environments: inputs, labels and the state at the start (half precision, to save memory)."""

    images: Tensor  # uint8 (N, T, S, S, 3)
    goal_image: Tensor  # uint8 (N, S, S, 3)
    goal_mask: Tensor  # uint8 (N, S, S)
    event: Tensor  # int64 (N,)
    previous_action: Tensor  # int64 (N, T, 3)
    state: State
    labels: Labels

    def rows(self, index: Tensor) -> Chunk:
        """Some of its sequences."""
        return Chunk(
            self.images[index],
            self.goal_image[index],
            self.goal_mask[index],
            self.event[index],
            self.previous_action[index],
            State(*(part[index].float() for part in self.state)),
            Labels(*(part[index] for part in self.labels)),
        )

    @staticmethod
    def join(parts: list[Chunk]) -> Chunk:
        """Sequences of several chunks as one."""

        def joined(name: str) -> Tensor:
            return torch.cat([getattr(part, name) for part in parts])

        return Chunk(
            images=joined("images"),
            goal_image=joined("goal_image"),
            goal_mask=joined("goal_mask"),
            event=joined("event"),
            previous_action=joined("previous_action"),
            state=State(*(torch.cat(t) for t in zip(*(p.state for p in parts), strict=True))),
            labels=Labels(*(torch.cat(t) for t in zip(*(p.labels for p in parts), strict=True))),
        )


class Collector:
    """Environments, expert and the learner's running memory."""

    def __init__(self, config: CollectorConfig, suite: Suite, image_size: int, rng: np.random.Generator):
        self.config, self.suite, self.rng = config, suite, rng
        self.envs = CrossViewEnvs(config.environments, image_size, config.threads)
        self.expert = Expert(self.envs)
        self.episodes, self.successes, self.tasks_given = 0, 0, 0
        n = config.environments
        self._expert_acts = np.ones(n, bool)
        self._burst = np.zeros(n, np.int64)
        self._burst_action = np.zeros((n, 3), np.int64)
        self._state: State | None = None

    def collect(self, policy: SmallPolicy, expert_share: float) -> Chunk:
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
        start = State(*(part.half() for part in self._state))
        images = torch.empty(n, steps, *observation.image.shape[1:], dtype=torch.uint8)
        previous = torch.empty(n, steps, 3, dtype=torch.int64)
        labels: list[Labels] = []
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            goal = policy.encode_goal(goal_image, goal_mask)
            for t in range(steps):
                images[:, t] = torch.from_numpy(observation.image)
                previous[:, t] = torch.from_numpy(observation.previous_action)
                self.expert.label(np.flatnonzero(~self.envs.done))
                labels.append(self._labels(policy.config.side))
                self._advance(policy, goal, event, images[:, t : t + 1], previous[:, t : t + 1])
        stacked = Labels(*(torch.stack(parts, 1) for parts in zip(*labels, strict=True)))
        return Chunk(images, goal_image, goal_mask, event, previous, start, stacked)

    def _advance(self, policy: SmallPolicy, goal: Goal, event: Tensor, image: Tensor, previous: Tensor) -> None:
        """One decision: the learner's sample, or the expert's action where it acts."""
        output, self._state = policy(image, goal, event, previous, self._state)
        heads = (output.buttons, output.pitch, output.yaw)
        sampled = torch.stack([torch.multinomial(h[:, 0].float().softmax(-1), 1)[:, 0] for h in heads], 1)
        demonstrated = np.where((self._burst > 0)[:, None], self._burst_action, self.expert.actions)
        self.envs.step(np.where(self._expert_acts[:, None], demonstrated, sampled.numpy()))
        self._shake()

    def _shake(self) -> None:
        """Now and then pushes the expert off its path, so that it shows how to come back."""
        self._burst = np.maximum(self._burst - 1, 0)
        hit = np.flatnonzero((self._burst == 0) & (self.rng.random(len(self._burst)) < self.config.burst_probability))
        bins = len(self.envs.actions.camera_deg)
        self._burst[hit] = self.rng.integers(1, 5, len(hit))
        self._burst_action[hit, 0] = self.rng.choice((0, 1, 1, 2, 3, 4), len(hit))
        self._burst_action[hit, 1] = np.clip(self.rng.normal(bins // 2, 0.7, len(hit)).round(), 0, bins - 1)
        self._burst_action[hit, 2] = self.rng.integers(0, bins, len(hit))

    def _labels(self, side: int) -> Labels:
        """What the expert says of the present frames, by the policy's `side` of cells."""
        envs = self.envs
        alive, view = ~envs.done, envs.view
        seen = view[:, PIXELS] >= self.expert.seen_pixels
        column = np.minimum(view[:, POINT_X] * side, side - 1).astype(np.int64)
        row = np.minimum(view[:, POINT_Y] * side, side - 1).astype(np.int64)
        body, target = envs.sim.body, envs.target
        towards = np.arctan2(-(target[:, 0] + 0.5 - body[:, 0]), target[:, 2] + 0.5 - body[:, 2]) - body[:, 6]
        arrays = (
            self.expert.actions,
            np.where(seen, row * side + column, side * side),
            view[:, POINT_X : POINT_Y + 1],
            view[:, X0:],
            np.stack([np.sin(towards), np.cos(towards)], 1).astype(np.float32),
            self.expert.found,
            self.expert.values,
            alive,
        )
        return Labels(*(torch.from_numpy(np.array(a)) for a in arrays))

    def _refill(self, policy: SmallPolicy, expert_share: float) -> None:
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
        envs.assign(over, self._requests())
        self.tasks_given += len(over)
        self.expert.forget(over)
        self._expert_acts[over] = self.rng.random(len(over)) < expert_share
        fresh = torch.zeros(len(envs), dtype=torch.bool)
        fresh[over] = True
        self._state = self._state.forget(fresh)
        for slot in over[self.rng.random(len(over)) < self.config.mask_noise]:
            self._roughen(envs.observation.goal_mask[slot])

    def _requests(self) -> Iterator[tuple]:
        """Tasks of the suite in order: each world is met once."""
        return ((self.suite, k % self.suite.size, None, None) for k in itertools.count(self.tasks_given))

    def _roughen(self, mask: np.ndarray) -> None:
        """Grows or shrinks a goal mask uint8 (S, S) by about a pixel, in place; never to nothing."""
        kernel = np.ones((2, 2) if self.rng.random() < 0.5 else (3, 3), np.uint8)
        change = cv2.dilate if self.rng.random() < 0.7 else cv2.erode
        changed = change(mask, kernel)
        if changed.any():
            mask[:] = changed
