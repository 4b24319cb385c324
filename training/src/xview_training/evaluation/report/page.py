"""An evaluation as one HTML file that needs nothing else: figures, tables, plots, and episodes to watch."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from xview_deploy.spec import TICK_HZ

from xview_training.evaluation import table
from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Episode
from xview_training.evaluation.report import plots
from xview_training.runs.video import TYPE


@dataclasses.dataclass(frozen=True)
class Film:
    """One episode to watch."""

    episode: Episode
    video: bytes  # WebM


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a report tells of: who played what, what came of it, how to repeat it."""

    policy: str
    suite: str
    seed: int
    strict: bool
    episodes: list[Episode]
    start: dict[str, Any]  # runs/manifest.py: this_start()
    films: tuple[Film, ...] = ()


def write(evaluation: Evaluation, path: Path) -> None:
    """Writes the page, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_page(evaluation)), encoding="utf-8")


def _page(evaluation: Evaluation) -> Iterator[str]:
    title = f"{escape(evaluation.policy)} on {escape(evaluation.suite)}"
    style = files(__package__).joinpath("style.css").read_text()
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>'
    rules = (
        "strict: a wrong arrival ends an episode" if evaluation.strict else "a wrong arrival does not end an episode"
    )
    yield f"<h1>{title}</h1><p class=dim>{len(evaluation.episodes)} episodes, each another world, seed "
    yield f"{evaluation.seed}; {rules}. Brackets: 95 % Wilson intervals.</p>"
    yield from _headline(evaluation.episodes)
    yield f"<h2>Success by event, difficulty and first frame</h2>{plots.success_by_group(evaluation.episodes)}"
    yield from _table(evaluation.episodes)
    yield f"<h2>How episodes ended</h2>{plots.endings_by_group(evaluation.episodes)}"
    yield from _endings(evaluation.episodes)
    yield "<h2>How soon</h2><p class=dim>Share of all episodes won by then, in game time.</p>"
    yield plots.time_to_success(evaluation.episodes)
    if evaluation.films:
        yield from _films(evaluation.films)
    yield from _notes(evaluation)
    yield "</body></html>\n"


def _headline(episodes: list[Episode]) -> Iterator[str]:
    rates = table.summary(episodes)
    seconds = rates["ticks_to_success"]
    tiles = [
        ("success", rates["success_rate"], rates["success_interval"]),
        ("first arrival right", rates["first_right_rate"], rates["first_right_interval"]),
    ]
    yield "<div class=tiles>"
    for name, rate, (low, high) in tiles:
        yield f"<div><b>{100 * rate:.1f} %</b><span>{name}<br>[{100 * low:.1f}, {100 * high:.1f}]</span></div>"
    if rates["spl"] is not None:
        yield f"<div><b>{rates['spl']:.2f}</b><span>SPL, of {rates['spl_episodes']} episodes</span></div>"
    if seconds is not None:
        yield f"<div><b>{seconds / TICK_HZ:.1f} s</b><span>mean time to success<br>{seconds:.0f} ticks</span></div>"
    yield "</div>"


def _table(episodes: list[Episode]) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{name}" for name in table.COLUMNS) + "</tr>"
    for key, chosen in (*table.groups(episodes), *table.totals(episodes)):
        row = table.summary(chosen)
        kind = ' class="all"' if key[2] == table.ALL else ""
        cells = "".join(f"<td>{escape(name)}" for name in key)
        bar = f'<i style="width:{100 * row["success_rate"]:.0f}%"></i>'
        numbers = table.cells(chosen)
        yield f"<tr{kind}>{cells}<td>{numbers[0]}<td class=bar>{bar}{numbers[1]}"
        yield "".join(f"<td>{number}" for number in numbers[2:]) + "</tr>"
    yield "</table>"


def _endings(episodes: list[Episode]) -> Iterator[str]:
    counts = table.endings(episodes)
    yield "<table><tr><th>event" + "".join(f"<th>{ending.value}" for ending in Ending) + "</tr>"
    for event, row in counts.items():
        yield f"<tr><td>{escape(event)}" + "".join(f"<td>{row[ending] or ''}" for ending in Ending) + "</tr>"
    yield "</table>"


def _films(films: tuple[Film, ...]) -> Iterator[str]:
    yield "<h2>Episodes</h2><p class=dim>White outline: where the target is. Green box, cross and arrow: where the "
    yield "policy believes it, grey while it thinks it out of view. Top right: the goal.</p><div class=films>"
    for film in films:
        episode = film.episode
        seen = "visible" if episode.visible_at_start else "hidden"
        what = f"{episode.event}, {episode.difficulty}, {seen} at first"
        kind = "won" if episode.success else "lost"
        data = base64.b64encode(film.video).decode()
        yield f'<figure class={kind}><video controls loop muted playsinline src="data:{TYPE};base64,{data}"></video>'
        yield f"<figcaption><b>{escape(str(episode.ending.value))}</b> after {episode.ticks / TICK_HZ:.1f} s: {what}, "
        yield f"{escape(episode.task_id)}</figcaption></figure>"
    yield "</div>"


def _notes(evaluation: Evaluation) -> Iterator[str]:
    start = evaluation.start
    packages = ", ".join(
        f"{name} {start['packages'][name]}"
        for name in ("xview-training", "torch", "onnxruntime", "numpy")
        if name in start["packages"]
    )
    machine = start["machine"]
    yield "<h2>What the words mean</h2><dl>"
    for word, meaning in table.MEANINGS.items():
        yield f"<dt>{escape(word)}<dd>{escape(meaning)}"
    yield f"</dl><h2>To repeat it</h2><p><code>{escape(start['command'])}</code></p><p class=dim>{start['time']}; "
    yield f"source {escape(start['revision'])}; Python {start['python']}, {escape(packages)}; "
    yield f"{escape(machine['processor'])}, {machine['cores']} cores.</p>"
