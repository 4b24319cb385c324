"""Pushes that take an expert off its path for one to four decisions, so that it shows how to come back.

Without them demonstrations hold only states in which all went well (Laskey et al. 2017, DART).
"""

from __future__ import annotations

import numpy as np


class Bursts:
    """The pushes under way in N environments."""

    def __init__(self, environments: int, probability: float, bins: int, rng: np.random.Generator) -> None:
        """probability: of a push to begin, a decision. bins: of the camera."""
        self._probability, self._bins, self._rng = probability, bins, rng
        self._left = np.zeros(environments, np.int64)
        self._actions = np.zeros((environments, 3), np.int64)

    def over(self, actions: np.ndarray) -> np.ndarray:
        """Actions int64 (N, 3) with the pushed ones in place of the expert's."""
        return np.where((self._left > 0)[:, None], self._actions, actions)

    def advance(self) -> None:
        """One decision later: pushes end, others begin."""
        self._left = np.maximum(self._left - 1, 0)
        hit = np.flatnonzero((self._left == 0) & (self._rng.random(len(self._left)) < self._probability))
        self._left[hit] = self._rng.integers(1, 5, len(hit))
        self._actions[hit, 0] = self._rng.choice((0, 1, 1, 2, 3, 4), len(hit))
        drawn = self._rng.normal(self._bins // 2, 0.7, len(hit)).round()
        self._actions[hit, 1] = np.clip(drawn, 0, self._bins - 1)
        self._actions[hit, 2] = self._rng.integers(0, self._bins, len(hit))
