"""Success by event, difficulty and first-frame visibility, with Wilson intervals; as text and as JSON.

"Strict" counts an episode whose first arrival was at a wrong candidate as lost, which is what the strict variant of a
task does: up to the first arrival the two are the same episode.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from rich.table import Table
from xview_deploy.trials.intervals import wilson

from xview_training.evaluation.episodes import Episode
from xview_training.tasks.task import DIFFICULTIES

VISIBILITY = {True: "visible", False: "hidden"}


def groups(episodes: list[Episode]) -> Iterable[tuple[tuple[str, str, str], list[Episode]]]:
    """((event, difficulty, visibility), episodes) in a fixed order, "all" rows after their parts."""
    for event in sorted({e.event for e in episodes}):
        of_event = [e for e in episodes if e.event == event]
        for difficulty in (d for d in DIFFICULTIES if any(e.difficulty == d for e in of_event)):
            of_difficulty = [e for e in of_event if e.difficulty == difficulty]
            for visible, name in VISIBILITY.items():
                chosen = [e for e in of_difficulty if e.visible_at_start == visible]
                if chosen:
                    yield (event, difficulty, name), chosen
            yield (event, difficulty, "all"), of_difficulty


def summary(episodes: list[Episode]) -> dict[str, Any]:
    """Rates of a group: success, first arrival right, ticks to success."""
    won = [e for e in episodes if e.success]
    success = wilson(len(won), len(episodes))
    first = wilson(sum(e.first_right for e in episodes), len(episodes))
    return {
        "episodes": len(episodes),
        "success_rate": success.rate,
        "success_interval": [success.low, success.high],
        "first_right_rate": first.rate,
        "first_right_interval": [first.low, first.high],
        "strict_success_rate": sum(e.success and e.first_right for e in episodes) / max(len(episodes), 1),
        "wrong_first_rate": sum(e.first_wrong for e in episodes) / max(len(episodes), 1),
        "ticks_to_success": float(np.mean([e.ticks for e in won])) if won else None,
    }


def table_rows(episodes: list[Episode]) -> list[dict[str, Any]]:
    """Every group's summary under its names."""
    return [
        {"event": event, "difficulty": difficulty, "first_frame": visibility} | summary(chosen)
        for (event, difficulty, visibility), chosen in groups(episodes)
    ]


def as_json(player: str, suite: str, seed: int, episodes: list[Episode]) -> dict[str, Any]:
    """Everything of one evaluation."""
    head = {"policy": player, "suite": suite, "seed": seed} | summary(episodes)
    return head | {"table": table_rows(episodes), "results": [dataclasses.asdict(e) for e in episodes]}


def as_text(player: str, suite: str, episodes: list[Episode]) -> Table:
    """A table to print."""
    table = Table(title=f"{player} on {suite}")
    for name in ("event", "difficulty", "first frame", "n", "success", "first right = strict", "ticks"):
        table.add_column(name, justify="left" if name in ("event", "difficulty", "first frame") else "right")
    for key, chosen in groups(episodes):
        won = sum(e.success for e in chosen)
        row = summary(chosen)
        steps = row["ticks_to_success"]
        table.add_row(
            *key,
            str(len(chosen)),
            str(wilson(won, len(chosen))),
            str(wilson(sum(e.first_right for e in chosen), len(chosen))),
            "-" if steps is None else f"{steps:.0f}",
        )
    return table
