"""Writes down what each environment's agent saw, did and got, until it becomes a fragment.

Arrays of fixed size, filled row by row. Knows neither policies nor worlds. Axis letters: N environments, T decisions
at most, S side of a picture, A logits of all heads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xview_training.ppo.fragment import HEADS
from xview_training.tasks.visibility import VIEW_SIZE


class Recorder:
    """The open fragments of N environments."""

    def __init__(
        self, environments: int, steps: int, side: int, insight: int, percept: int, state_shape: tuple[int, int, int]
    ):
        """insight: numbers that a critic is told; percept: numbers of one, kept instead of its picture, or 0;
        state_shape: (Y, W, D) of the memory's keys."""
        n = environments
        self.steps = steps
        self.length = np.zeros(n, np.int64)  # decisions of the open fragment
        self.keys = np.zeros((n, *state_shape), np.float16)
        self.values = np.zeros((n, *state_shape), np.float16)
        self.valid = np.zeros((n, state_shape[1]), np.float16)
        self._rows: dict[str, np.ndarray] = {
            "seen": np.zeros((n, steps, percept), np.float32)
            if percept
            else np.zeros((n, steps, side, side, 3), np.uint8),
            "previous_action": np.zeros((n, steps, HEADS), np.int64),
            "action": np.zeros((n, steps, HEADS), np.int64),
            "log_prob": np.zeros((n, steps), np.float32),
            "value": np.zeros((n, steps), np.float32),
            "reward": np.zeros((n, steps), np.float32),
            "view": np.zeros((n, steps, VIEW_SIZE), np.float32),
            "bearing": np.zeros((n, steps, 2), np.float32),
            "insight": np.zeros((n, steps, insight), np.float32),
            "expert_action": np.zeros((n, steps, HEADS), np.int64),
        }

    def begin(self, slots: np.ndarray, keys: np.ndarray, values: np.ndarray, valid: np.ndarray) -> None:
        """The memory before the first decision of these slots' new fragments."""
        self.keys[slots], self.values[slots], self.valid[slots] = keys, values, valid

    def write(self, slots: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        """One decision of each of these slots; columns (N, ...) of all environments by a fragment's field names."""
        at = self.length[slots]
        for name, column in columns.items():
            self._rows[name][slots, at] = column[slots]
        self.length[slots] += 1

    def reward(self, slots: np.ndarray, reward: np.ndarray) -> None:
        """What the last written decision of these slots brought: float32 (N,) of all environments."""
        self._rows["reward"][slots, self.length[slots] - 1] = reward[slots]

    def drop_last(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forgets the last decision of these slots' open fragments; its value float32 (K,) and its insight (K, I)."""
        self.length[slots] -= 1
        last = slots, self.length[slots]
        return self._rows["value"][last], self._rows["insight"][last]

    @property
    def seen(self) -> np.ndarray:
        """Pictures uint8 (N, T, S, S, 3), or percepts float32 (N, T, P) where they are kept; of each environment,
        `length` are of its open fragment."""
        return self._rows["seen"]

    @property
    def previous_action(self) -> np.ndarray:
        """int64 (N, T, 3)."""
        return self._rows["previous_action"]

    def take(self, slot: int) -> dict[str, Any]:
        """The open fragment's arrays, copied, by field name; the slot's next decision opens another one."""
        steps = int(self.length[slot])
        self.length[slot] = 0
        found = {name: rows[slot, :steps].copy() for name, rows in self._rows.items()}
        return found | {
            "keys": self.keys[slot].copy(),
            "values": self.values[slot].copy(),
            "valid": self.valid[slot].copy(),
        }
