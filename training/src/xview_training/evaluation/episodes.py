"""Plays a suite's tasks with one player and books what came of each."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from rich.progress import Progress

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.evaluation.players import Player
from xview_training.sim.worlds import GENERATION
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.sources import Request, TaskSource


@dataclasses.dataclass(frozen=True)
class Episode:
    """What came of one task. `ticks` (20 a second) run until success or the end."""

    task_id: str
    event: str
    difficulty: str
    visible_at_start: bool
    same_kind: int
    success: bool
    first_right: bool
    first_wrong: bool
    died: bool
    ticks: int
    path_blocks: float


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


def play(
    player: Player, selection: Selection, image_size: int = 64, batch: int = 64, quiet: bool = False
) -> list[Episode]:
    """Plays every task once by the player's table; the order of the result is that of `selection.indices()`."""
    order = selection.indices()
    envs = CrossViewEnvs(min(batch, len(order)), image_size, actions=player.actions)
    playing = np.full(len(envs), -1)  # position in `order` of each slot's task, -1 where it has none
    results: dict[int, Episode] = {}
    waiting = iter(range(len(order)))
    with Progress(disable=quiet, transient=True) as progress:
        bar = progress.add_task(f"{player.name} on {selection.suite.name}", total=len(order))
        while len(results) < len(order):
            free = np.flatnonzero(envs.done)
            results |= {int(playing[slot]): book(envs, int(slot)) for slot in free if playing[slot] >= 0}
            playing[free] = -1
            positions = list(itertools.islice(waiting, len(free)))
            slots = free[: len(positions)]
            playing[slots] = positions
            requests = [selection.request(int(order[p])) for p in positions]
            if requests:
                envs.assign(slots, iter(requests))
                player.begin(envs, slots)
            if not envs.done.all():
                envs.step(player.act(envs))
            progress.update(bar, completed=len(results))
    envs.close()
    return [results[k] for k in range(len(order))]


def book(envs: CrossViewEnvs, slot: int) -> Episode:
    """The result of the episode that has ended in `slot`."""
    task, episode = envs.tasks[slot], envs.episode[slot]
    assert task is not None
    return Episode(
        task_id=task.task_id,
        event=task.event.value,
        difficulty=task.difficulty,
        visible_at_start=task.visible_at_start,
        same_kind=task.same_kind,
        success=bool(episode[rules.SUCCESS]),
        first_right=bool(episode[rules.FIRST] == rules.TARGET_FIRST),
        first_wrong=bool(episode[rules.FIRST] == rules.DISTRACTOR_FIRST),
        died=bool(episode[rules.DIED]),
        ticks=int(episode[rules.TICKS]),
        path_blocks=float(episode[rules.PATH]),
    )
