"""Which task an episode plays: one of a suite or of a file, each equally likely."""

from __future__ import annotations

import dataclasses

import numpy as np
from xview_deploy.spec import ACTION_TABLES, ActionTable

from xview_training.naming import named
from xview_training.tasks.events import TaskEvent, table_for
from xview_training.tasks.sources import Request, source_named
from xview_training.tasks.task import DIFFICULTIES


@dataclasses.dataclass(frozen=True)
class DrawSettings:
    """What is drawn from. ValueError where a name is unknown or nothing fits."""

    suite: str = "train-v1"  # name of a suite, or a file of tasks
    event: str | None = None  # only tasks of that event: approach, break, use, melee, archery
    difficulty: str | None = None  # only tasks of that distance: near, easy, medium, hard
    randomise: bool = True  # False: every agent of a suite has the published player's body, eye and start

    def __post_init__(self) -> None:
        if self.event is not None:
            TaskEvent.parse(self.event)
        if self.difficulty is not None:
            named(DIFFICULTIES, self.difficulty, "difficulty")


class TaskDraws:
    """Draws tasks; the same random numbers draw the same ones."""

    def __init__(self, settings: DrawSettings):
        source = source_named(settings.suite, settings.randomise)
        self._event = None if settings.event is None else TaskEvent(settings.event)
        self._difficulty = settings.difficulty
        if self._event not in (None, *source.events):
            known = ", ".join(event.value for event in source.events)
            raise ValueError(f"{source.name} has no task of {settings.event!r}: expected one of {known}")
        pool = source.pool(self._event, self._difficulty)
        if not len(pool):
            raise ValueError(f"{source.name} has no {settings.difficulty} task of {settings.event or 'any event'}")
        self._source = source
        self._pool = None if len(pool) == source.size else pool  # a suite's is every number below its size

    def action_table(self, name: str | None) -> ActionTable:
        """The table of that name, or for None the one that the tasks' events need. ValueError names the known ones."""
        if name is not None:
            return named(ACTION_TABLES, name, "table of actions")
        return table_for(self._source.events if self._event is None else (self._event,))

    def request(self, rng: np.random.Generator) -> Request:
        """What to give a batch so that it plays a task."""
        index = int(rng.integers(self._source.size if self._pool is None else len(self._pool)))
        if self._pool is not None:
            index = int(self._pool[index])
        return self._source.request(index, self._event, self._difficulty)
