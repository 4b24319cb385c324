"""Makes a file of tasks: candidates from worker processes into a journal, and from the journal into the file.

    xview tasks make --count 100000 --out tasks.xvt

The file is a function of suite, seed and count, byte by byte: neither the number of workers nor how often the run was
killed and continued shows in it. Memory does not grow with the count.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from xview_training.factory.candidates import outcomes
from xview_training.factory.intake import Intake
from xview_training.factory.journal import Journal
from xview_training.sim.worlds import GENERATION
from xview_training.tasks import files
from xview_training.tasks.files import FileHeader
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import Suite

Watch = Callable[[Intake], None]


@dataclasses.dataclass(frozen=True)
class Order:
    """What is wanted. `seed` chooses which of the suite's tasks: those that `xview evaluate --seed` plays."""

    suite: Suite
    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.count <= self.suite.size:
            raise ValueError(f"count: expected 1 to {self.suite.size}, what {self.suite.name} holds, got {self.count}")
        if self.seed < 0:
            raise ValueError(f"seed: expected 0 or more, got {self.seed}")

    def candidates(self) -> np.ndarray:
        """Indices of the suite's tasks in the order in which they are tried."""
        pool = self.suite.pool(None, None)
        return np.random.default_rng([self.seed, GENERATION]).permutation(pool)


@dataclasses.dataclass(frozen=True)
class Work:
    """How it is done; nothing of it shows in the file."""

    workers: int = 2
    block: int = 64  # candidates that are given out, and kept, at once: about half a second of work

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"workers: expected at least 1, got {self.workers}")


@dataclasses.dataclass(frozen=True)
class Made:
    """What became of the candidates of a whole file."""

    candidates: int
    continued: int  # of them from an earlier, unfinished run
    rejected: Counter[Rejection]


def make(order: Order, path: Path, work: Work, watch: Watch = lambda intake: None) -> Made:
    """Makes the file at `path`, or goes on with an unfinished run; `watch` is told after every block.

    ValueError where the suite runs out of candidates, or the unfinished run is another one's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = Journal(path.with_name(path.name + ".journal"), order.suite, order.seed, work.block)
    with contextlib.closing(journal):
        counted = _fill(order, journal, work, watch)
        header = FileHeader(order.suite.name, order.seed, order.count)
        files.write(path, header, _accepted(order, journal))
    journal.path.unlink()
    return counted


def _fill(order: Order, journal: Journal, work: Work, watch: Watch) -> Made:
    """Works until the journal holds enough."""
    intake = Intake(order.suite, order.count)
    for block in journal.read():
        intake.take(block)
    continued = intake.candidates
    watch(intake)
    candidates, size = order.candidates(), journal.block
    left = (candidates[k : k + size] for k in range(journal.blocks * size, len(candidates) - size + 1, size))
    if not intake.full:
        with contextlib.closing(outcomes(work.workers, order.suite, left)) as blocks:
            for block in blocks:
                journal.append(block)
                intake.take(block)
                watch(intake)
                if intake.full:
                    break
    if not intake.full:
        raise ValueError(
            f"suite {order.suite.name} gave {intake.made} tasks out of {intake.candidates} candidates, {order.count} "
            "were asked for: ask for fewer"
        )
    return Made(intake.candidates, continued, intake.rejected)


def _accepted(order: Order, journal: Journal) -> Iterator[np.ndarray]:
    intake = Intake(order.suite, order.count)
    return (intake.take(block) for block in journal.read())
