"""Plays tasks with one player and books what came of each.

Tasks are played in batches that begin and end together. Which tasks share a batch depends on the selection alone, and
each episode has its own random numbers, so results are the same however many processes share the batches
(evaluation/workers.py).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Protocol

import numpy as np
from rich.progress import Progress

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.task_batch import TaskBatch
from xview_training.evaluation.endings import Ending, Watch
from xview_training.evaluation.players import Player
from xview_training.evaluation.spl import shortest_way, spl
from xview_training.sim.worlds import GENERATION
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.sources import Request, TaskSource
from xview_training.tasks.task import Task

BATCH = 32  # tasks played together


@dataclasses.dataclass(frozen=True)
class Episode:
    """What came of one task. `ticks` (20 a second) run until success or the end; lengths are in blocks."""

    task_id: str
    task: str  # digest of the task's record: the same one is the same task
    event: str
    difficulty: str
    visible_at_start: bool
    same_kind: int
    success: bool
    first_right: bool
    first_wrong: bool
    died: bool
    ending: Ending
    ticks: int
    path_blocks: float
    shortest_blocks: float | None  # None where the target walks, and in the real game
    left_blocks: float | None  # to the target at the end, as the crow flies; None in the real game

    @property
    def spl(self) -> float | None:
        """Success weighted by path length (evaluation/spl.py); None where the target walks."""
        return None if self.shortest_blocks is None else spl(self.success, self.shortest_blocks, self.path_blocks)


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which tasks to play: `seed` chooses their indices in the suite or file; None plays what it draws or holds."""

    suite: TaskSource
    episodes: int
    seed: int
    event: TaskEvent | None = None
    difficulty: str | None = None

    def indices(self) -> np.ndarray:
        """Indices of distinct tasks, int64 (episodes,). ValueError where the suite holds fewer."""
        pool = self.suite.pool(self.event, self.difficulty)
        if not 0 < self.episodes <= len(pool):
            wish = "".join(f"{w} " for w in (self.difficulty, self.event and self.event.value) if w)
            raise ValueError(f"suite {self.suite.name} holds {len(pool)} {wish}tasks, {self.episodes} were asked for")
        return np.random.default_rng([self.seed, GENERATION]).permutation(pool)[: self.episodes].astype(np.int64)

    def request(self, index: int) -> Request:
        """What to give an environment for one of the indices."""
        return self.suite.request(index, self.event, self.difficulty)


class Observer(Protocol):
    """Watches a batch being played."""

    def begin(self, envs: CrossViewEnvs, slots: np.ndarray) -> None:
        """New tasks have been put into these slots."""

    def saw(self, envs: CrossViewEnvs, rows: np.ndarray, actions: np.ndarray, player: Player) -> None:
        """What the slots `rows` show and what was chosen there, before it is played."""


def play(
    player: Player, selection: Selection, image_size: int | None = None, batch: int = BATCH, quiet: bool = False
) -> list[Episode]:
    """Plays every task once, in this process; the order of the result is that of `selection.indices()`.

    image_size: instead of the player's own.
    """
    results: list[Episode] = []
    parts = batches(selection, batch)
    with Progress(disable=quiet, transient=True) as progress, Table(player, len(parts[0]), image_size) as table:
        bar = progress.add_task(f"{player.name} on {selection.suite.name}", total=selection.episodes)
        for part in parts:
            results += table.play(part)
            progress.update(bar, completed=len(results))
    return results


def batches(selection: Selection, size: int = BATCH) -> list[list[Request]]:
    """The selection's tasks in parts of `size`; ValueError where the suite holds fewer."""
    wanted = [selection.request(int(index)) for index in selection.indices()]
    return [wanted[start : start + size] for start in range(0, len(wanted), size)]


class Table:
    """Environments for one player, used batch after batch; a context manager."""

    def __init__(self, player: Player, size: int, image_size: int | None = None, threads: int = 2) -> None:
        self.player = player
        self.envs = CrossViewEnvs(size, image_size or player.image_size, threads, player.actions)

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_error: object) -> None:
        self.envs.close()

    def play(self, tasks: list[Request], observer: Observer | None = None) -> list[Episode]:
        """Plays at most as many tasks as there are environments, to their ends; the order stays."""
        envs, player, slots = self.envs, self.player, np.arange(len(tasks))
        envs.assign(slots, iter(tasks))
        shortest = [shortest_way(envs, slot) for slot in map(int, slots)]
        watch = Watch(envs)
        if observer is not None:
            observer.begin(envs, slots)

        def saw(rows: np.ndarray, actions: np.ndarray) -> None:
            if observer is not None:
                observer.saw(envs, rows, actions, player)
            watch.saw(rows, actions)

        play_out(envs, player, slots, saw)
        return [book(envs, slot, *watch.ending(slot), shortest[slot]) for slot in map(int, slots)]


def play_out(
    envs: TaskBatch, player: Player, slots: np.ndarray, saw: Callable[[np.ndarray, np.ndarray], None] | None = None
) -> None:
    """Plays the tasks that were put into these slots to their ends; all other slots are done.

    saw: is told which slots (K,) go on, and the actions int64 (N, 3) of all, before they are played.
    """
    player.begin(envs, slots)
    while len(alive := np.flatnonzero(~envs.done)):
        actions = player.act(envs)
        if saw is not None:
            saw(alive, actions)
        envs.step(actions)


def book(envs: TaskBatch, slot: int, ending: Ending, left: float | None, shortest: float | None) -> Episode:
    """The result of the episode that has ended in `slot`."""
    task, episode = envs.tasks[slot], envs.episode[slot]
    assert task is not None
    return Episode(
        task_id=task.task_id,
        task=digest(task),
        event=task.event.value,
        difficulty=task.difficulty,
        visible_at_start=task.visible_at_start,
        same_kind=task.same_kind,
        success=bool(episode[rules.SUCCESS]),
        first_right=bool(episode[rules.FIRST] == rules.TARGET_FIRST),
        first_wrong=bool(episode[rules.FIRST] == rules.DISTRACTOR_FIRST),
        died=bool(episode[rules.DIED]),
        ending=ending,
        ticks=int(episode[rules.TICKS]),
        path_blocks=float(episode[rules.PATH]),
        shortest_blocks=shortest,
        left_blocks=left,
    )


def digest(task: Task) -> str:
    """Names a task by what it is."""
    return hashlib.sha256(task.to_json().encode()).hexdigest()[:16]
