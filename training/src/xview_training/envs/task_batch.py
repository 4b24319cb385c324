"""What a batch of tasks being played offers, whichever world it is played in: our own, or the real game.

Learners and Gymnasium's face need no more than this; what our own world knows beside it is in envs/crossview.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
from xview_deploy.spec import ActionTable

from xview_training.tasks import rules
from xview_training.tasks.sources import Request
from xview_training.tasks.task import Task

if TYPE_CHECKING:
    from xview_training.envs.crossview import Observation

LOG = logging.getLogger(__name__)
PASSED_OVER = 20  # times in a row that tasks may fail to be made


class TaskBatch(Protocol):
    """N slots that play tasks; a slot is refilled by `assign` when its episode is done.

    episode: float64 (N, rules.EPISODE_SIZE). own_facts: what else is known of each episode, by name, arrays (N,).
    """

    actions: ActionTable
    image_size: int
    observation: Observation
    tasks: list[Task | None]
    episode: np.ndarray
    own_facts: dict[str, np.ndarray]

    def __len__(self) -> int:
        """N."""

    @property
    def done(self) -> np.ndarray:
        """bool (N,): which slots wait for a task."""

    @property
    def terminated(self) -> np.ndarray:
        """bool (N,): which episodes the world itself ended: success, death, or the wrong object of a strict task."""

    @property
    def truncated(self) -> np.ndarray:
        """bool (N,): which episodes are done and were not ended by the world."""

    def assign(self, slots: np.ndarray, requests: Iterator[Request]) -> None:
        """Gives each slot the next request; none of them is done then.

        ValueError where a task cannot be made or played: its slot stays done, all others have got theirs.
        """

    def step(self, actions: np.ndarray) -> None:
        """Plays one decision int64 (N, 3) in every slot that is not done."""

    def close(self) -> None:
        """Ends what the batch is played in."""


def assign_or_tell(envs: TaskBatch, slots: np.ndarray, requests: Iterator[Request]) -> np.ndarray:
    """Gives each slot the next request; the slots whose task cannot be made or played, which is told."""
    try:
        envs.assign(slots, requests)
    except ValueError as error:
        LOG.warning("a task is passed over: %s", error)
        return slots[envs.done[slots]]
    return slots[:0]


def assign_playable(envs: TaskBatch, slots: np.ndarray, requests: Iterator[Request]) -> None:
    """Gives each slot the next request that can be made and played; the others are told and passed over.

    So that a long run does not end with one of them. RuntimeError where there seems to be no end of them.
    """
    for _ in range(PASSED_OVER):
        slots = assign_or_tell(envs, slots, requests)
        if len(slots) == 0:
            return
    raise RuntimeError(f"{PASSED_OVER} times in a row tasks could not be made: choose another suite or difficulties")


def is_done(episode: np.ndarray) -> np.ndarray:
    """bool (N,): which of the episodes (N, rules.EPISODE_SIZE) are over."""
    return np.asarray(episode[:, rules.DONE] > 0)


def is_terminated(episode: np.ndarray) -> np.ndarray:
    """bool (N,): which of the episodes (N, rules.EPISODE_SIZE) their world ended."""
    wrong = (episode[:, rules.STRICT] > 0) & (episode[:, rules.FIRST] == rules.DISTRACTOR_FIRST)
    return np.asarray((episode[:, rules.SUCCESS] > 0) | (episode[:, rules.DIED] > 0) | wrong)
