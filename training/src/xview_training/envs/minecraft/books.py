"""The books of the episodes that are played in real Minecraft, kept as the rules of our own world keep theirs.

It knows neither games nor pictures.
"""

from __future__ import annotations

import numpy as np

from xview_training.envs.task_batch import is_done, is_terminated
from xview_training.tasks import rules
from xview_training.tasks.task import Task


class Books:
    """N episodes.

    episode float64 (N, rules.EPISODE_SIZE); reward float32 (N,), 1 in the step that succeeds; reasons object (N,), why
    an episode is over, "" of one that goes on.
    """

    def __init__(self, slots: int):
        self.episode = np.zeros((slots, rules.EPISODE_SIZE))
        self.episode[:, rules.DONE] = 1
        self.reward = np.zeros(slots, np.float32)
        self.reasons = np.full(slots, "", object)

    @property
    def done(self) -> np.ndarray:
        """bool (N,): which slots wait for a task."""
        return is_done(self.episode)

    @property
    def terminated(self) -> np.ndarray:
        """bool (N,): which episodes the game ended: success, death, or another object in a strict task."""
        return is_terminated(self.episode)

    def open(self, slot: int, task: Task, action_ticks: int) -> None:
        """A new episode."""
        self.reward[slot], self.reasons[slot] = 0, ""
        episode = self.episode[slot]
        episode[:] = 0
        episode[rules.EVENT] = task.event.code
        episode[rules.LIMIT], episode[rules.STRICT] = task.limit_ticks, task.strict
        episode[rules.ACTION_TICKS] = action_ticks

    def tick(self, slot: int, walked_blocks: float, touched: int, dead: bool) -> None:
        """One tick, as rules.judge books it in our own world. touched: number of an object, 0 the target, -1 none."""
        episode = self.episode[slot]
        episode[rules.TICKS] += 1
        episode[rules.PATH] += walked_blocks
        if touched >= 0 and episode[rules.FIRST] == rules.NOTHING_YET:
            episode[rules.FIRST] = rules.TARGET_FIRST if touched == 0 else rules.DISTRACTOR_FIRST
        if touched == 0:
            episode[rules.SUCCESS] = self.reward[slot] = 1
            self.close(slot, "success")
        elif dead:
            episode[rules.DIED] = 1
            self.close(slot, "died")
        elif touched > 0 and episode[rules.STRICT]:
            self.close(slot, "another object")
        elif episode[rules.TICKS] >= episode[rules.LIMIT]:
            self.close(slot, f"limit of {int(episode[rules.LIMIT])} ticks")

    def close(self, slot: int, reason: str) -> None:
        """The episode is over: truncated, where the world has not booked an end of its own."""
        self.episode[slot, rules.DONE] = 1
        self.reasons[slot] = reason
