"""The newest weights, under the number of their version: the learner puts them here, rollouts ask for newer ones.

Never pushed, never without a version. It holds one version and knows neither policies nor Ray; an actor hosts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class WeightsServer:
    """One version of the weights, and how the learner was doing."""

    def __init__(self) -> None:
        self.version = 0
        self.figures: dict[str, float] = {}
        self._weights: Any = None

    def publish(self, version: int, weights: Any, figures: Mapping[str, float]) -> bool:
        """Takes newer weights; older ones, as of a learner that was replaced, are not taken."""
        if version <= self.version:
            return False
        self.version, self._weights, self.figures = version, weights, dict(figures)
        return True

    def newer(self, than: int) -> tuple[int, Any] | None:
        """(version, weights) where there are newer ones."""
        return (self.version, self._weights) if self.version > than else None
