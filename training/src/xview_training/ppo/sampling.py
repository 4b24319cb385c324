"""Which task comes next: all difficulties alike, or those where there is something to learn.

Knows suites, files of tasks and what came of their tasks; neither environments nor policies.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from xview_training import ranges
from xview_training.ppo.fragment import Kind, Outcome
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.files import TaskFile
from xview_training.tasks.sources import Request, TaskSource
from xview_training.tasks.suites import Suite

FOUND_OUT = 20  # episodes before a success rate says something
MEMORY = 0.98  # of the running rates, an episode


@dataclasses.dataclass(frozen=True)
class SamplingConfig:
    """How tasks are chosen."""

    # All difficulties come equally often (1:1:1 as in ROCKET-3; mixed beats hard-only even on the hard tasks); false:
    # as the suite says, or as often as a file has them.
    even_difficulties: bool = True
    difficulties: tuple[str, ...] = ()  # only these; empty: all that the suite's scenes have
    adaptive: bool = False  # prefer kinds of task whose success lies between `low` and `high`
    low: float = 0.1
    high: float = 0.9
    elsewhere: float = 0.2  # weight of the other kinds: their rates must stay known
    # A wrong arrival ends these with nothing: success by trying one object after another is not rewarded there.
    strict_share: float = 0.5

    def __post_init__(self) -> None:
        ranges.shares(self, "low", "high", "elsewhere", "strict_share")
        if self.low > self.high:
            raise ValueError(f"low: expected at most {self.high}, the value of high, got {self.low}")


@dataclasses.dataclass(frozen=True)
class Cell:
    """Tasks that are drawn alike."""

    place: str
    event: TaskEvent
    difficulty: str
    weight: float

    @property
    def name(self) -> str:
        """What its successes are counted under."""
        return _name(self.place, self.event.value, self.difficulty)


class TaskSampler:
    """Draws tasks of a suite or a file, each of them once before any comes again, and remembers how they ended."""

    def __init__(self, config: SamplingConfig, source: TaskSource, seed: int):
        assert isinstance(source, Suite | TaskFile), "there are no other sources"
        self.config, self.source = config, source
        cells = _cells_of_suite(source) if isinstance(source, Suite) else _cells_of_file(source)
        wanted = [cell for cell in cells if not config.difficulties or cell.difficulty in config.difficulties]
        self.cells = _evened(wanted) if config.even_difficulties else wanted
        if not self.cells:
            known = ", ".join(sorted({cell.difficulty for cell in cells})) or "no tasks"
            raise ValueError(f"difficulties: {source.name} has {known}; got {', '.join(config.difficulties)}")
        self.given = 0
        self._rng = np.random.default_rng([seed, source.first_seed if isinstance(source, Suite) else source.size])
        self._first = int(self._rng.integers(source.size))
        self._rows = {} if isinstance(source, Suite) else _rows(source)
        self._given: Counter[str] = Counter()  # of a file's tasks, by cell
        self._again: list[Request] = []
        self._rates: dict[str, list[float]] = {}  # cell -> [episodes, successes], both fading

    def next(self) -> Request:
        """What to give an environment that is free."""
        if self._again:
            return self._again.pop()
        weights = np.array([cell.weight * self._wish(cell) for cell in self.cells])
        cell = self.cells[int(self._rng.choice(len(self.cells), p=weights / weights.sum()))]
        strict = bool(self._rng.random() < self.config.strict_share)
        self.given += 1
        if isinstance(self.source, Suite):
            scenes = tuple(s for s in self.source.scenes if s.place == cell.place)
            suite = dataclasses.replace(self.source, scenes=scenes, strict=strict or self.source.strict)
            return suite, (self._first + self.given - 1) % suite.size, cell.event, cell.difficulty
        rows = self._rows[cell.name]
        task = self.source.strictly(strict).request(int(rows[(self._first + self._given[cell.name]) % len(rows)]))
        self._given[cell.name] += 1
        return task

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
        count, good = self._rates.get(cell.name, (0.0, 0.0))
        if not self.config.adaptive or count < FOUND_OUT:
            return 1.0
        return 1.0 if self.config.low <= good / count <= self.config.high else self.config.elsewhere

    def record(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""
        return {
            "given": self.given,
            "first": self._first,
            "given_of": dict(self._given),
            "rates": self._rates,
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, record: dict[str, Any]) -> None:
        """Goes on from such a record."""
        self.given, self._first, self._rates = record["given"], record["first"], record["rates"]
        self._given = Counter(record.get("given_of", {}))  # checkpoints from before files of tasks have none
        self._rng.bit_generator.state = record["rng"]


def _name(place: str, event: str, difficulty: str) -> str:
    return f"{place} {event} {difficulty}"


def _evened(cells: list[Cell]) -> list[Cell]:
    """The same, so that each difficulty weighs as much as any other; within one, all is as it was."""
    weights: defaultdict[str, float] = defaultdict(float)
    for cell in cells:
        weights[cell.difficulty] += cell.weight
    return [dataclasses.replace(cell, weight=cell.weight / weights[cell.difficulty]) for cell in cells]


def _cells_of_suite(suite: Suite) -> list[Cell]:
    return [
        Cell(scene.place, event, difficulty, scene.weight * part * share)
        for scene in suite.scenes
        for event, part in scene.events
        for difficulty, share in scene.difficulties
    ]


def _cells_of_file(file: TaskFile) -> list[Cell]:
    kinds = sorted(Counter(_kinds(file)).items())
    return [Cell(place, TaskEvent(event), difficulty, count) for (place, event, difficulty), count in kinds]


def _rows(file: TaskFile) -> dict[str, np.ndarray]:
    """A file's tasks by their cell's name, ascending."""
    names = np.array([_name(*kind) for kind in _kinds(file)])
    return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}


def _kinds(file: TaskFile) -> list[tuple[str, str, str]]:
    """Place, event and difficulty of each of a file's tasks."""
    columns = (file.names(field).tolist() for field in ("place", "event", "difficulty"))
    return list(zip(*columns, strict=True))
