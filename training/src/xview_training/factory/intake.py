"""Which candidates go into a file: in their order, each with a world of its own, until there are enough.

A task's identity is its world. Two tasks in one world may share landmarks, routes and even the target, so no two tasks
of a file have the same world seed, and whatever else tasks are compared by, no two are the same.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from xview_training.tasks.packing import RECORD
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import Suite


class Intake:
    """Takes outcomes and counts. candidates: judged so far; made: accepted; rejected: why draws were given up."""

    def __init__(self, suite: Suite, count: int):
        self.count = count
        self.candidates = self.made = 0
        self.rejected: Counter[Rejection] = Counter()
        self._first_seed = suite.first_seed
        self._taken = np.zeros(suite.size, bool)  # a byte a world: as much memory for any count

    @property
    def full(self) -> bool:
        """There are as many tasks as are wanted."""
        return self.made == self.count

    def take(self, outcomes: np.ndarray) -> np.ndarray:
        """RECORD (n,) of the candidates, OUTCOME (m,), that are accepted; those beyond the last one wanted are none."""
        accepted = np.zeros(len(outcomes), bool)
        for row, outcome in enumerate(outcomes):
            if self.full:
                break
            self.candidates += 1
            for kind, times in zip(Rejection, outcome["rejected"].tolist(), strict=True):
                self.rejected[kind] += times
            accepted[row] = outcome["made"] and self._settle(int(outcome["task"]["world_seed"]))
        return outcomes["task"][accepted].astype(RECORD, copy=False)

    def _settle(self, world_seed: int) -> bool:
        world = world_seed - self._first_seed
        if self._taken[world]:
            self.rejected[Rejection.WORLD_TAKEN] += 1
            return False
        self._taken[world] = True
        self.made += 1
        return True
