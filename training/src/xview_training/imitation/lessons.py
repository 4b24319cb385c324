"""What a learner imitates from: sequences to learn, made as it plays or read from disk. The trainer knows no more.

Knows tensors only. Axis letters: B batch, N environments or streams, T time, S image side.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from xview_training.imitation.losses import Labels
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.memory import State


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

    def to(self, device: torch.device) -> Chunk:
        """The same on a device."""
        return Chunk(
            self.images.to(device),
            self.goal_image.to(device),
            self.goal_mask.to(device),
            self.event.to(device),
            self.previous_action.to(device),
            State(*(part.to(device) for part in self.state)),
            Labels(*(part.to(device) for part in self.labels)),
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


class Lessons(Protocol):
    """Where sequences come from."""

    def prepare(self, policy: CrossViewPolicy, progress: float) -> None:
        """Before some updates: may play the policy, which is in evaluation mode. progress: share of the run, 0..1."""

    def batches(self) -> Iterator[Chunk]:
        """What to learn in these updates, in full precision."""

    def remember(self, state: State) -> None:
        """The memory after the batch that was given last, as the learner left it; without gradients."""

    def statistics(self) -> dict[str, float]:
        """Figures to log, of what has happened since they were last asked for."""

    def record(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""

    def restore(self, record: dict[str, Any]) -> None:
        """Goes on from such a record."""

    def close(self) -> None:
        """Ends what runs."""
