"""Which task comes next: all difficulties alike, or those where there is something to learn.

Knows suites and what came of their tasks; neither environments nor policies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from xview_training.ppo.fragment import Kind, Outcome
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.sources import Request
from xview_training.tasks.suites import Suite

FOUND_OUT = 20  # episodes before a success rate says something
MEMORY = 0.98  # of the running rates, an episode


@dataclasses.dataclass(frozen=True)
class SamplingConfig:
    """How tasks are chosen."""

    # Every difficulty that a scene has comes equally often (1:1:1 as in ROCKET-3; mixed beats hard-only even on the
    # hard tasks); false: as the suite says.
    even_difficulties: bool = True
    adaptive: bool = False  # prefer kinds of task whose success lies between `low` and `high`
    low: float = 0.1
    high: float = 0.9
    elsewhere: float = 0.2  # weight of the other kinds: their rates must stay known
    # A wrong arrival ends these with nothing: success by trying one object after another is not rewarded there.
    strict_share: float = 0.5


@dataclasses.dataclass(frozen=True)
class Cell:
    """Tasks that are drawn alike."""

    place: str
    event: TaskEvent
    difficulty: str
    weight: float


class TaskSampler:
    """Draws tasks of a suite, each of its worlds once, and remembers how they ended."""

    def __init__(self, config: SamplingConfig, suite: Suite, seed: int):
        self.config, self.suite = config, suite
        self.cells = list(_cells(suite, config.even_difficulties))
        self.given = 0
        self._rng = np.random.default_rng([seed, suite.first_seed])
        self._first = int(self._rng.integers(suite.size))
        self._again: list[Request] = []
        self._rates: dict[str, list[float]] = {}  # cell -> [episodes, successes], both fading

    def next(self) -> Request:
        """What to give an environment that is free."""
        if self._again:
            return self._again.pop()
        weights = np.array([cell.weight * self._wish(cell) for cell in self.cells])
        cell = self.cells[int(self._rng.choice(len(self.cells), p=weights / weights.sum()))]
        strict = self.suite.strict or bool(self._rng.random() < self.config.strict_share)
        scenes = tuple(s for s in self.suite.scenes if s.place == cell.place)
        index = (self._first + self.given) % self.suite.size
        self.given += 1
        return dataclasses.replace(self.suite, scenes=scenes, strict=strict), index, cell.event, cell.difficulty

    def again(self, requests: Sequence[Request]) -> None:
        """These come first: they were given before, and never played to their end."""
        self._again = list(reversed(requests))

    def book(self, kind: Kind, outcome: Outcome) -> None:
        """An episode has ended."""
        rate = self._rates.setdefault(_name(kind.place, kind.event, kind.difficulty), [0.0, 0.0])
        rate[0] = MEMORY * rate[0] + 1
        rate[1] = MEMORY * rate[1] + outcome.success

    def rates(self) -> dict[str, float]:
        """Success by place, event and difficulty over about the last fifty episodes of each."""
        return {name: good / count for name, (count, good) in sorted(self._rates.items())}

    def _wish(self, cell: Cell) -> float:
        count, good = self._rates.get(_name(cell.place, cell.event.value, cell.difficulty), (0.0, 0.0))
        if not self.config.adaptive or count < FOUND_OUT:
            return 1.0
        return 1.0 if self.config.low <= good / count <= self.config.high else self.config.elsewhere

    def record(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""
        return {
            "given": self.given,
            "first": self._first,
            "rates": self._rates,
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, record: dict[str, Any]) -> None:
        """Goes on from such a record."""
        self.given, self._first, self._rates = record["given"], record["first"], record["rates"]
        self._rng.bit_generator.state = record["rng"]


def _name(place: str, event: str, difficulty: str) -> str:
    return f"{place} {event} {difficulty}"


def _cells(suite: Suite, even: bool) -> list[Cell]:
    return [
        Cell(scene.place, event, difficulty, scene.weight * part * (1 / len(scene.difficulties) if even else share))
        for scene in suite.scenes
        for event, part in scene.events
        for difficulty, share in scene.difficulties
    ]
