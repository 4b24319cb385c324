"""Where tasks come from: a suite that makes them, or a file that holds them. Both are asked in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from xview_training.tasks.events import TaskEvent
from xview_training.tasks.files import TaskFile
from xview_training.tasks.suites import SUITES, Suite, suite_named
from xview_training.tasks.task import Task

Request = Task | tuple[Suite, int, TaskEvent | None, str | None]  # a record, or what to make


class TaskSource(Protocol):
    """Tasks 0 to size - 1."""

    @property
    def name(self) -> str:
        """Of the suite or of the file."""

    @property
    def title(self) -> str:
        """What its tasks are called where they are shown or recorded; tells a suite's two kinds of bodies apart."""

    @property
    def size(self) -> int:
        """How many tasks it holds."""

    @property
    def events(self) -> tuple[TaskEvent, ...]:
        """What its tasks ask for."""

    def task_id(self, index: int) -> str:
        """What task `index` is called."""

    def pool(self, event: TaskEvent | None, difficulty: str | None) -> np.ndarray:
        """Indices of the tasks of that event and difficulty, ascending; None: of any."""

    def request(self, index: int, event: TaskEvent | None = None, difficulty: str | None = None) -> Request:
        """What to give an environment so that it plays task `index`."""

    def strictly(self, strict: bool) -> TaskSource:
        """The same tasks, ended by a wrong arrival or not."""


def source_named(name: str, randomise: bool = True) -> TaskSource:
    """The suite of that name, or the file at that path. ValueError where it is neither, or a damaged file.

    randomise: as of suite_named; ValueError where it is false with a file, whose tasks say whose body acts.
    """
    if name in SUITES or not (Path(name).suffix or Path(name).exists()):
        return suite_named(name, randomise)
    if not randomise:
        raise ValueError(f"{name}: a file's tasks say whose body acts; randomise is for suites")
    return TaskFile.open(Path(name))
