"""Success by event, difficulty and first-frame visibility, with Wilson intervals; as text and as JSON.

"Strict" counts an episode whose first arrival was at a wrong candidate as lost, which is what the strict variant of a
task does: up to the first arrival the two are the same episode. Why episodes were lost is counted beside it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from rich.table import Table
from xview_deploy.trials.intervals import wilson

from xview_training.evaluation.endings import NEAR_BLOCKS, REST_BLOCKS, REST_S, Ending
from xview_training.evaluation.episodes import Episode
from xview_training.tasks.task import DIFFICULTIES

VISIBILITY = {True: "visible", False: "hidden"}
ALL = "all"
KEY_COLUMNS = ("event", "difficulty", "first frame")
COLUMNS = (*KEY_COLUMNS, "n", "success", "first right = strict", "SPL", "ticks to success")
LASTLY = f"in the last {REST_S:.0f} s the feet stayed within {REST_BLOCKS:.0f} block"
MEANINGS = {
    "success": "The simulator's own event at the target within the time limit.",
    "first frame": "Whether the target is in sight at the start.",
    "first right = strict": "The first object arrived at, broken, used or killed was the target. A strict task ends at "
    "the first one, so this is also the success of strict tasks.",
    "SPL": "Success weighted by path length (Anderson et al. 2018): the mean of S l / max(p, l), S 1 for a success, p "
    "the length walked, l the shortest way on foot, along columns of blocks with eight neighbours each, to the target, "
    "less the reach of the event. Not given for creatures, which walk, nor in the real game.",
    "ticks to success": "The mean over successes; 20 a second.",
    Ending.WRONG_OBJECT.value: "A strict task was ended by an object that was not the target.",
    Ending.NEAR.value: f"The time was over with the target within {NEAR_BLOCKS:.0f} blocks.",
    Ending.STUCK.value: f"Farther away; {LASTLY}, with a key that walks pressed most of the time.",
    Ending.IDLE.value: f"Farther away; {LASTLY}, mostly without trying to walk.",
    Ending.FAR.value: "Farther away, still under way.",
    Ending.LIMIT.value: "The time was over; the real game does not say where.",
    Ending.DIED.value: "The agent lost its last point of health.",
}


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
            yield (event, difficulty, ALL), of_difficulty


def totals(episodes: list[Episode]) -> Iterable[tuple[tuple[str, str, str], list[Episode]]]:
    """As `groups`: a row an event, where there are several difficulties, and one of everything."""
    events = sorted({e.event for e in episodes})
    if len({e.difficulty for e in episodes}) > 1:
        for event in events:
            yield (event, ALL, ALL), [e for e in episodes if e.event == event]
    if len(events) > 1:
        yield (ALL, ALL, ALL), episodes


def summary(episodes: list[Episode]) -> dict[str, Any]:
    """Rates of a group: success, first arrival right, SPL where targets stay, ticks to success."""
    won = [e for e in episodes if e.success]
    success = wilson(len(won), len(episodes))
    first = wilson(sum(e.first_right for e in episodes), len(episodes))
    spl = [e.spl for e in episodes if e.spl is not None]
    return {
        "episodes": len(episodes),
        "success_rate": success.rate,
        "success_interval": [success.low, success.high],
        "first_right_rate": first.rate,
        "first_right_interval": [first.low, first.high],
        "strict_success_rate": sum(e.success and e.first_right for e in episodes) / max(len(episodes), 1),
        "wrong_first_rate": sum(e.first_wrong for e in episodes) / max(len(episodes), 1),
        "spl": float(np.mean(spl)) if spl else None,
        "spl_episodes": len(spl),
        "ticks_to_success": float(np.mean([e.ticks for e in won])) if won else None,
    }


def endings(episodes: list[Episode]) -> dict[str, dict[Ending, int]]:
    """How many episodes of each event ended how, and of all where there are several events."""
    parts = {event: [e for e in episodes if e.event == event] for event in sorted({e.event for e in episodes})}
    if len(parts) > 1:
        parts[ALL] = episodes
    counts = {name: Counter(e.ending for e in chosen) for name, chosen in parts.items()}
    return {name: {ending: count[ending] for ending in Ending} for name, count in counts.items()}


def table_rows(episodes: list[Episode]) -> list[dict[str, Any]]:
    """Every group's summary under its names."""
    return [
        {"event": event, "difficulty": difficulty, "first_frame": visibility} | summary(chosen)
        for (event, difficulty, visibility), chosen in groups(episodes)
    ]


def as_json(player: str, suite: str, seed: int, episodes: list[Episode]) -> dict[str, Any]:
    """Everything of one evaluation."""
    head = {"policy": player, "suite": suite, "seed": seed} | summary(episodes)
    results = [dataclasses.asdict(e) | {"ending": e.ending.value, "spl": e.spl} for e in episodes]
    ended = {name: {e.value: n for e, n in counts.items()} for name, counts in endings(episodes).items()}
    return head | {"table": table_rows(episodes), "endings": ended, "results": results}


def cells(episodes: list[Episode]) -> list[str]:
    """A group's columns after its names, as they are printed."""
    row = summary(episodes)
    spl, ticks = row["spl"], row["ticks_to_success"]
    return [
        str(len(episodes)),
        str(wilson(sum(e.success for e in episodes), len(episodes))),
        str(wilson(sum(e.first_right for e in episodes), len(episodes))),
        "-" if spl is None else f"{spl:.2f}",
        "-" if ticks is None else f"{ticks:.0f}",
    ]


def as_text(player: str, suite: str, episodes: list[Episode]) -> Table:
    """A table to print."""
    table = Table(title=f"{player} on {suite}")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in KEY_COLUMNS else "right")
    for key, chosen in (*groups(episodes), *totals(episodes)):
        table.add_row(*key, *cells(chosen), style="bold" if key[1] == ALL else None)
    return table


def endings_as_text(episodes: list[Episode]) -> Table:
    """How episodes ended, to print."""
    counts = endings(episodes)
    table = Table(title="how they ended")
    table.add_column("event")
    shown = [ending for ending in Ending if any(row[ending] for row in counts.values())]
    for ending in shown:
        table.add_column(ending.value, justify="right")
    for event, row in counts.items():
        table.add_row(event, *(str(row[ending]) for ending in shown))
    return table
