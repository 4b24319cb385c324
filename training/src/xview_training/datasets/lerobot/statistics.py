"""The figures by which LeRobot's trainers normalise: least, most, mean and deviation of each feature, gathered on the
way. Pictures count as 0..1, a colour apart, one picture an episode."""

from __future__ import annotations

from typing import Any

import numpy as np


class Statistics:
    """Running figures by feature."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, np.ndarray]] = {}
        self._pictures: set[str] = set()

    def add(self, name: str, values: np.ndarray) -> None:
        """Values (N, C) of a feature."""
        x = values.astype(np.float64)
        new = {"min": x.min(0), "max": x.max(0), "sum": x.sum(0), "squares": (x**2).sum(0), "count": np.array(len(x))}
        old = self._seen.get(name)
        if old is not None:
            least, most = np.minimum(old["min"], new["min"]), np.maximum(old["max"], new["max"])
            new = {key: old[key] + new[key] for key in new} | {"min": least, "max": most}
        self._seen[name] = new

    def add_picture(self, name: str, picture: np.ndarray) -> None:
        """uint8 (H, W, 3)"""
        self._pictures.add(name)
        self.add(name, picture.reshape(-1, 3) / 255)

    def as_json(self) -> dict[str, dict[str, Any]]:
        """By feature, as stats.json has it."""
        return {name: self._figures(name) for name in self._seen}

    def _figures(self, name: str) -> dict[str, Any]:
        seen = self._seen[name]
        mean = seen["sum"] / seen["count"]
        deviation = np.sqrt(np.maximum(seen["squares"] / seen["count"] - mean**2, 0))
        shape = (3, 1, 1) if name in self._pictures else (-1,)
        figures = {"min": seen["min"], "max": seen["max"], "mean": mean, "std": deviation}
        return {key: value.reshape(shape).tolist() for key, value in figures.items()} | {"count": [int(seen["count"])]}
