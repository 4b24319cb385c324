"""Plays tasks with the present policy and hands out fragments, each decision in exactly one.

An episode's end and a full fragment close it; what goes on waits for the value of the next picture, which is its
bootstrap. Policy and reference are in evaluation mode, as they are where ratios are computed. Knows nothing of
learning. Axis letters: N environments, T decisions, S side of a picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xview_training import ranges
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.task_batch import assign_playable
from xview_training.imitation.goal_noise import roughen
from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.ppo.binder import Binder
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.losses import heads, log_prob_of
from xview_training.ppo.recorder import Recorder
from xview_training.ppo.reference import Reference
from xview_training.ppo.sampling import TaskSampler
from xview_training.ppo.stopwatch import Stopwatch
from xview_training.ppo.truth import KNOWN, Truth
from xview_training.tasks import rules
from xview_training.tasks.sources import Request
from xview_training.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class RolloutConfig:
    """How tasks are played."""

    environments: int = 96  # N
    fragment: int = 64  # T, decisions
    threads: int = 2  # of the simulator
    wrong_arrival_reward: float = 0.0  # for arriving at a wrong object first, where success is 1; below zero
    mask_noise: float = 0.3  # share of goal masks grown or shrunk by a pixel, as in imitation
    ask_expert: bool = False  # what it would do at each decision is kept, for losses.expert
    bf16: bool = True  # the learner must do likewise: ratios compare the two

    def __post_init__(self) -> None:
        ranges.at_least(1, self, "environments", "fragment", "threads")
        ranges.shares(self, "mask_noise")


class Rollout:
    """N environments, the policy's and the reference's memories, and the fragments that are open."""

    def __init__(
        self,
        config: RolloutConfig,
        envs: CrossViewEnvs,
        policy: CrossViewPolicy,
        reference: CrossViewPolicy,
        sampler: TaskSampler,
        seed: int,
        keeps_percepts: bool = False,
    ):
        """keeps_percepts: perception does not learn, so percepts are handed out instead of pictures, seen but once."""
        n = len(envs)
        self.config, self.envs, self.policy, self.sampler = config, envs, policy.eval(), sampler
        self.reference = Reference(reference, n, config.bf16, keeps_percepts)
        self._keeps_percepts = keeps_percepts
        self.stopwatch = Stopwatch("simulate", "infer", "store", "reference")
        self.version = 0
        self.decisions = 0
        self._state = policy.initial_state(n)
        self._device = self._state.valid.device
        self._goal: Goal | None = None
        self.generator = torch.Generator(self._device).manual_seed(seed)
        self._rng = np.random.default_rng(seed)
        shape = self._state.keys.shape[1:]
        sizes = config.fragment, envs.image_size, KNOWN, policy.percept_width if keeps_percepts else 0
        self._recorder = Recorder(n, *sizes, (shape[0], shape[1], shape[2]))
        self._binder = Binder(envs, self._recorder, self.reference, self.stopwatch, sampler.book)
        self._truth = Truth(envs, config.ask_expert)
        self._value = np.zeros(n, np.float32)  # of the present pictures, by the policy
        self._known = np.zeros((n, KNOWN), np.float32)  # and what a critic is told of them

    def refresh(self, version: int) -> None:
        """The policy has new weights: goals are encoded anew, so that all of a decision comes from one policy."""
        self.version = version
        if self._goal is not None and not self._keeps_percepts:
            with self.stopwatch("infer"):
                self._encode(np.arange(len(self.envs)))

    def step(self) -> list[Fragment]:
        """One decision in every environment; the fragments that it completes."""
        self._refill()
        self._open()
        with self.stopwatch("infer"):
            output, self._state = self._forward()
            action, log_prob = self._choose(output)
        finished = self._settle(output)
        alive = np.flatnonzero(~self.envs.done)
        self._write(alive, output, action, log_prob)
        with self.stopwatch("simulate"):
            before = self.envs.episode[:, rules.FIRST].copy()
            self.envs.step(action)
        self._reward(alive, before)
        self.decisions += len(alive)
        full = self._recorder.length[alive] == self.config.fragment
        return finished + self._binder.close(alive[full | self.envs.done[alive]], self.version)

    def cut(self) -> list[Fragment]:
        """Closes every open fragment where it is, so that all that was played is handed out."""
        finished = self._binder.close(np.flatnonzero(self._recorder.length > 0), self.version)
        if self._binder.waits:
            with self.stopwatch("infer"):
                output, _ = self._forward()
            finished += self._settle(output)
        return finished

    def give_up(self) -> list[Fragment]:
        """Hands out what was played in worlds that answer no more; they must not be stepped again.

        The decision under way never came back: it does not count.
        """
        return self._binder.give_up(self.version)

    def under_way(self) -> list[Task]:
        """The tasks that are being played."""
        return [task for task, done in zip(self.envs.tasks, self.envs.done, strict=True) if task and not done]

    def record(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the tasks under way and the generator's state, as JSON."""
        return {"episodes": self._binder.episodes, "rng": self._rng.bit_generator.state}

    def restore(self, record: dict[str, Any]) -> None:
        """Goes on from such a record."""
        self._binder.episodes = record["episodes"]
        self._rng.bit_generator.state = record["rng"]

    def close(self) -> None:
        """Ends the worlds."""
        self.envs.close()

    def _refill(self) -> None:
        """New tasks where an episode is over and its last fragment waits for nothing."""
        free = self._binder.free()
        if len(free) == 0:
            return
        with self.stopwatch("simulate"):
            assign_playable(self.envs, free, self._requests())
        for slot in free[self._rng.random(len(free)) < self.config.mask_noise]:
            roughen(self.envs.observation.goal_mask[slot], self._rng)
        self._truth.begin(free)
        self._binder.begin(free)
        index = torch.from_numpy(free).to(self._device)
        with torch.inference_mode():
            for part in self._state:
                part[index] = 0
        with self.stopwatch("reference"):
            self.reference.begin(index, *self._goal_pictures(free))
        with self.stopwatch("infer"):
            self._encode(free)

    def _requests(self) -> Iterator[Request]:
        while True:
            yield self.sampler.next()

    def _goal_pictures(self, slots: np.ndarray) -> tuple[Tensor, Tensor]:
        seen = self.envs.observation
        return self._tensor(seen.goal_image[slots]), self._tensor(seen.goal_mask[slots])

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    @torch.inference_mode()
    def _encode(self, slots: np.ndarray) -> None:
        """The goals of these slots, by the present weights."""
        with bfloat16(self._device, self.config.bf16):
            fresh = self.policy.encode_goal(*self._goal_pictures(slots))
        if self._goal is None:
            self._goal = Goal(*(part.new_zeros(len(self.envs), *part.shape[1:]) for part in fresh))
        for held, new in zip(self._goal, fresh, strict=True):
            held[self._tensor(slots)] = new

    @torch.inference_mode()
    def _open(self) -> None:
        """Where a fragment begins, its memory is rounded as it is stored: the learner starts from the same numbers."""
        slots = np.flatnonzero((self._recorder.length == 0) & ~self.envs.done)
        if len(slots) == 0:
            return
        index = self._tensor(slots)
        start = [part[index].half() for part in self._state]
        for held, rounded in zip(self._state, start, strict=True):
            held[index] = rounded.float()
        self._recorder.begin(slots, *(part.cpu().numpy() for part in start))

    @torch.inference_mode()
    def _forward(self) -> tuple[PolicyOutput, State]:
        """The policy's answer to the present pictures, and the memory after it."""
        seen = self.envs.observation
        assert self._goal is not None
        image, event, previous = (self._tensor(a) for a in (seen.image, seen.event, seen.previous_action))
        with bfloat16(self._device, self.config.bf16):
            output, state = self.policy(image.unsqueeze(1), self._goal, event, previous.unsqueeze(1), self._state)
        return output, state

    @torch.inference_mode()
    def _choose(self, output: PolicyOutput) -> tuple[np.ndarray, np.ndarray]:
        """Sampled actions int64 (N, 3) and their log-probabilities float32 (N,)."""
        logits = tuple(head[:, 0] for head in heads(output))
        sampled = [torch.multinomial(head.softmax(-1), 1, generator=self.generator) for head in logits]
        action = torch.cat(sampled, 1)
        return action.cpu().numpy(), log_prob_of(logits, action).cpu().numpy()

    def _settle(self, output: PolicyOutput) -> list[Fragment]:
        """What waited for the present pictures; what is known of them is kept for the decisions to come."""
        with self.stopwatch("store"):
            self._value = output.value[:, 0].float().cpu().numpy()
            self._known = self._truth.insight(output)
            return self._binder.settle(self._value, self._known)

    def _write(self, alive: np.ndarray, output: PolicyOutput, action: np.ndarray, log_prob: np.ndarray) -> None:
        seen = self.envs.observation
        with self.stopwatch("store"):
            columns = {
                "seen": self._percept(output) if self._keeps_percepts else seen.image,
                "previous_action": seen.previous_action,
                "action": action,
                "log_prob": log_prob,
                "value": self._value,
                "insight": self._known,
            }
            self._recorder.write(alive, columns | self._truth.columns(alive))

    def _percept(self, output: PolicyOutput) -> np.ndarray:
        assert output.percept is not None, "only a policy that has them is asked to keep them (ppo/learner.py)"
        return output.percept[:, 0].cpu().numpy()

    def _reward(self, alive: np.ndarray, first_before: np.ndarray) -> None:
        """One for success; less than nothing for a wrong object first, where that is wished."""
        episode = self.envs.episode
        wrong = (first_before == rules.NOTHING_YET) & (episode[:, rules.FIRST] == rules.DISTRACTOR_FIRST)
        reward = episode[:, rules.SUCCESS] + self.config.wrong_arrival_reward * wrong
        self._recorder.reward(alive, reward.astype(np.float32))
