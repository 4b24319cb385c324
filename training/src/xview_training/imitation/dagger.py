"""Lessons made on the way: chunks are collected with the expert's labels, and replayed for a while (DAgger).

Half of each update is from the newest chunk, half from older ones. Knows no optimiser.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from xview_training import ranges
from xview_training.imitation.collector import Collector
from xview_training.imitation.lessons import Chunk
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.memory import State

COUNTED_EPISODES = 200  # over which the success of the collected episodes is told


@dataclasses.dataclass(frozen=True)
class DaggerConfig:
    """How collected chunks become updates."""

    expert_until: float = 0.4  # share of the run over which the expert's share of episodes falls from one to zero
    replay_chunks: int = 24
    sequences: int = 16  # of one update
    updates_per_chunk: int = 16

    def __post_init__(self) -> None:
        ranges.at_least(0, self, "expert_until")
        ranges.at_least(1, self, "replay_chunks", "updates_per_chunk")
        ranges.at_least(2, self, "sequences")


class Dagger:
    """See `Lessons`."""

    def __init__(self, config: DaggerConfig, collector: Collector, rng: np.random.Generator) -> None:
        self.config, self.collector, self._rng = config, collector, rng
        self._replay: list[Chunk] = []

    def prepare(self, policy: CrossViewPolicy, progress: float) -> None:
        """Collects the next chunk."""
        until = self.config.expert_until
        share = max(0.0, 1 - progress / until) if until > 0 else 0.0
        self._replay.append(self.collector.collect(policy, share))
        self._replay = self._replay[-self.config.replay_chunks :]

    def batches(self) -> Iterator[Chunk]:
        """See `Lessons.batches`."""
        order = torch.from_numpy(self._rng.permutation(len(self._replay[-1].event)))
        half = self.config.sequences // 2
        for k in range(self.config.updates_per_chunk):
            old = self._replay[self._rng.integers(len(self._replay))]
            picked = torch.from_numpy(self._rng.permutation(len(order))[:half])
            fresh = order[torch.arange(k * half, (k + 1) * half) % len(order)]
            yield Chunk.join([self._replay[-1].rows(fresh), old.rows(picked)])

    def remember(self, state: State) -> None:
        """The collector's own memory is that of the policy that acted: nothing to keep."""

    def statistics(self) -> dict[str, float]:
        """The success of the collected episodes, where there were enough of them."""
        collector = self.collector
        if collector.episodes < COUNTED_EPISODES:
            return {}
        rate = collector.successes / collector.episodes
        collector.episodes = collector.successes = 0
        return {"rollout_success": rate}

    def record(self) -> dict[str, Any]:
        """The next task. Replay and episodes under way are not kept: they are collected anew."""
        return {"tasks_given": self.collector.tasks_given}

    def restore(self, record: dict[str, Any]) -> None:
        """See `Lessons.restore`."""
        self.collector.tasks_given = record["tasks_given"]

    def close(self) -> None:
        """Ends the collector's worlds."""
        self.collector.envs.close()
