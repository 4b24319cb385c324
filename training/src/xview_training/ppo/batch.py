"""Fragments as one padded batch of tensors, cut into segments for the learner.

The longest come first, so that a later segment is the batch's upper rows: what has ended is not computed. Axis
letters: B fragments, T decisions, S side of a picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xview_training.imitation.labelling import cells_of
from xview_training.imitation.losses import Labels
from xview_training.policy.memory import State
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.losses import Steps
from xview_training.tasks.visibility import PIXELS, POINT_X, POINT_Y, SEEN_PIXELS, X0


@dataclasses.dataclass(frozen=True)
class Lesson:
    """A fragment, and what its decisions turned out to be worth."""

    fragment: Fragment
    advantage: np.ndarray  # float32 (T,), normalised: what the policy learns from
    target: np.ndarray  # float32 (T,): what the value shall become


class Segment(NamedTuple):
    """Some consecutive decisions of the batch's first rows."""

    seen: Tensor  # pictures uint8 (B, T, S, S, 3), or percepts float32 (B, T, P) where those were kept
    previous_action: Tensor  # int64 (B, T, 3)
    steps: Steps


@dataclasses.dataclass(frozen=True)
class Batch:
    """Fragments side by side, the longest first, padded to its length."""

    lengths: list[int]
    goal_image: Tensor  # uint8 (B, S, S, 3)
    goal_mask: Tensor  # uint8 (B, S, S)
    event: Tensor  # int64 (B,)
    state: State  # before the first decisions
    whole: Segment

    @property
    def decisions(self) -> int:
        """How many there are, padding apart."""
        return sum(self.lengths)

    def segments(self, size: int) -> Iterator[Segment]:
        """`size` decisions after the other, of the fragments that are still going on."""
        for start in range(0, self.lengths[0], size):
            rows = sum(length > start for length in self.lengths)
            stop = min(start + size, self.lengths[0])
            steps = self.whole.steps
            yield Segment(
                self.whole.seen[:rows, start:stop],
                self.whole.previous_action[:rows, start:stop],
                Steps(
                    steps.action[:rows, start:stop],
                    steps.log_prob[:rows, start:stop],
                    steps.value[:rows, start:stop],
                    steps.advantage[:rows, start:stop],
                    steps.target[:rows, start:stop],
                    steps.reference_logits[:rows, start:stop],
                    Labels(*(part[:rows, start:stop] for part in steps.labels)),
                ),
            )


def batch_of(lessons: Sequence[Lesson], side: int, device: torch.device) -> Batch:
    """A batch on that device; side: cells a side of the policy's heat-map."""
    lessons = sorted(lessons, key=lambda lesson: -len(lesson.fragment))
    fragments = [lesson.fragment for lesson in lessons]

    def rows(name: str) -> Tensor:
        return _padded([getattr(fragment, name) for fragment in fragments]).to(device)

    def one_each(name: str, dtype: Any = None) -> Tensor:
        return torch.from_numpy(np.stack([np.asarray(getattr(f, name), dtype) for f in fragments])).to(device)

    advantage, target = (_padded([getattr(lesson, name) for lesson in lessons]) for name in ("advantage", "target"))
    labels = zip(*(_labels(lesson, side) for lesson in lessons), strict=True)
    steps = Steps(
        action=rows("action"),
        log_prob=rows("log_prob"),
        value=rows("value"),
        advantage=advantage.to(device),
        target=target.to(device),
        reference_logits=rows("reference_logits"),
        labels=Labels(*(_padded(list(parts)).to(device) for parts in labels)),
    )
    return Batch(
        lengths=[len(fragment) for fragment in fragments],
        goal_image=one_each("goal_image"),
        goal_mask=one_each("goal_mask"),
        event=one_each("event", np.int64),
        state=State(*(one_each(name, np.float32) for name in State._fields)),
        whole=Segment(rows("seen"), rows("previous_action"), steps),
    )


def _padded(parts: list[np.ndarray]) -> Tensor:
    """Arrays (t, ...) as one tensor (B, T, ...), zeros behind the shorter ones."""
    whole = np.zeros((len(parts), max(len(part) for part in parts), *parts[0].shape[1:]), parts[0].dtype)
    for row, part in zip(whole, parts, strict=True):
        row[: len(part)] = part
    return torch.from_numpy(whole)


def _labels(lesson: Lesson, side: int) -> tuple[np.ndarray, ...]:
    """What is so of the target at each decision, in the order of `Labels`; padding is not alive."""
    fragment, view = lesson.fragment, lesson.fragment.view
    point = view[:, POINT_X : POINT_Y + 1]
    return (
        fragment.expert_action,
        cells_of(view[:, PIXELS] >= SEEN_PIXELS, point, side),
        point,
        view[:, X0:],
        fragment.bearing,
        np.abs(fragment.bearing).sum(-1) > 0,
        lesson.target,
        np.ones(len(fragment), bool),
    )
