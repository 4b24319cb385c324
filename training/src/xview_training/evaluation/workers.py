"""Evaluation on all cores: processes that each make the player anew and play batch after batch.

    episodes = play_all(Entrant("runs/cpu", seed=0), selection, workers=8)

The result is that of one process: batches, random numbers and threads do not depend on the number of workers.
"""

from __future__ import annotations

import dataclasses
import functools
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from xview_deploy.spec import ActionTable

from xview_training.evaluation.episodes import BATCH, Episode, Selection, Table, batches
from xview_training.evaluation.players import Player, player_named
from xview_training.runs.manifest import cores
from xview_training.tasks.sources import Request


@dataclasses.dataclass(frozen=True)
class Entrant:
    """Names a player, so that every process can make it.

    actions: the table of one that has none of its own. called: what the player must call itself; None: anything.
    """

    name: str | None
    seed: int
    actions: ActionTable | None = None
    temperature: float = 1.0
    called: str | None = None

    def player(self) -> Player:
        """The player; ValueError for an unknown name, or where a folder holds another one by now."""
        made = player_named(self.name, self.seed, self.actions, self.temperature)
        if self.called not in (None, made.name):
            raise ValueError(f"{self.name} was {self.called} and is {made.name} by now: evaluate a copy of it")
        return made


def play_all(entrant: Entrant, selection: Selection, workers: int | None = None, quiet: bool = False) -> list[Episode]:
    """Plays every task once; the order of the result is that of `selection.indices()`.

    workers: processes; one a core by default. ValueError for an unknown player, or more tasks than there are.
    """
    parts = batches(selection, BATCH)
    count = min(workers or cores(), len(parts))
    if count < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    results: list[Episode] = []
    with Progress(*columns, disable=quiet, transient=True) as progress:
        bar = progress.add_task(f"{entrant.name or 'shipped policy'}, {count} processes", total=selection.episodes)
        for played in _played(entrant, parts, count):
            results += played
            progress.update(bar, completed=len(results))
    return results


def _played(entrant: Entrant, parts: list[list[Request]], count: int) -> Iterator[list[Episode]]:
    """Results of each part in order."""
    if count == 1:
        with Table(entrant.player(), BATCH, threads=1) as table:
            yield from map(table.play, parts)
        return
    entrant.player()  # an unknown name is told here, not by a pool that breaks
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context) as pool:
        yield from pool.map(functools.partial(_play, entrant), parts)


@functools.cache
def _table(entrant: Entrant) -> Table:
    """This worker process's player and environments."""
    return Table(entrant.player(), BATCH, threads=1)


def _play(entrant: Entrant, tasks: list[Request]) -> list[Episode]:
    return _table(entrant).play(tasks)
