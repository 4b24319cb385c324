"""Evaluation in real Minecraft: the same tasks and players, and games that may fail.

    episodes, left_out = play_in_game(player, selection, "craftground", games=2)

What a game cut short (it hung, crashed, or could not build the task) says nothing of the player: such tasks are left
out of all rates, and told with their reasons.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
from rich.progress import Progress

from xview_training.envs.task_batch import TaskBatch
from xview_training.envs.worlds import Backend, new_batch
from xview_training.evaluation.endings import Ending, booked_ending
from xview_training.evaluation.episodes import Episode, Selection, batches, book, play_out
from xview_training.evaluation.players import ExpertPlayer, Player
from xview_training.tasks import rules
from xview_training.tasks.sources import Request
from xview_training.tasks.task import Task

NOT_TO_BE_HAD = "not to be had: Minecraft has no such target"


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A task that was not played to an end of its own."""

    task_id: str
    reason: str  # "crash: ...", "hang: ...", "unplayable: ..." or "not to be had: ..."


def play_in_game(
    player: Player, selection: Selection, backend: Backend, games: int = 1, quiet: bool = False
) -> tuple[list[Episode], list[LeftOut]]:
    """Plays every task once, `games` of them at a time.

    ValueError for an unknown back-end or the expert; MissingBackendError without its package, and GameDownError where
    a game has never come up.
    """
    if isinstance(player, ExpertPlayer):
        raise ValueError("expert: expected our own world, whose maps it needs; the real game has none")
    parts = batches(selection, games)
    envs = new_batch(backend, games, player.image_size, player.actions)
    episodes: list[Episode] = []
    left_out: list[LeftOut] = []
    try:
        with Progress(disable=quiet, transient=True) as progress:
            bar = progress.add_task(f"{player.name} in the real game", total=selection.episodes)
            for part in parts:
                for request, played in zip(part, _play(envs, player, part), strict=True):
                    if isinstance(played, Episode):
                        episodes.append(played)
                    else:
                        left_out.append(LeftOut(_name(request), played))
                progress.update(bar, advance=len(part))
    finally:
        envs.close()
    return episodes, left_out


def _play(envs: TaskBatch, player: Player, tasks: list[Request]) -> list[Episode | str]:
    """What came of each task, or why nothing did."""
    slots = np.arange(len(tasks))
    try:
        envs.assign(slots, iter(tasks))
    except ValueError:
        if envs.done[slots].all():
            return [NOT_TO_BE_HAD] * len(tasks)
    entered = slots[~envs.done[slots]]
    play_out(envs, player, entered)
    return [_booked(envs, slot) if slot in entered else NOT_TO_BE_HAD for slot in map(int, slots)]


def _name(request: Request) -> str:
    if isinstance(request, Task):
        return request.task_id
    suite, index, _, _ = request
    return suite.task_id(index)


def _booked(envs: TaskBatch, slot: int) -> Episode | str:
    episode = envs.episode[slot]
    ending = booked_ending(episode)
    if ending is Ending.LIMIT and episode[rules.TICKS] < episode[rules.LIMIT]:
        return str(envs.own_facts["reason"][slot])  # of MinecraftEnvs
    return book(envs, slot, ending, left=None, shortest=None)


def as_text(left_out: Sequence[LeftOut], tasks: int) -> str:
    """How many, of how many tasks, and why."""
    kinds = Counter(one.reason.split(":")[0] for one in left_out)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"left out of all rates: {len(left_out)} of {tasks} tasks ({counts}); the first: {left_out[0].reason}"
