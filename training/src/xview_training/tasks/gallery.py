"""A page that shows a sample of suites: first view, goal view with the target outlined, and what each task asks.

    xview tasks gallery --out gallery.html

One HTML file that needs nothing else; a few lines of script in it filter by suite, event and difficulty.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from xview_deploy.spec import ActionTable

from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.tasks.contact_sheet import outlined
from xview_training.tasks.sources import TaskSource
from xview_training.tasks.synthesis import Synthesiser, goal_mask
from xview_training.tasks.task import Task

WIDTH, HEIGHT = 320, 240  # pixels of an agent's view
QUALITY = 80  # of WebP
DRAWS = 5  # tasks looked at for each one shown, so that every kind is
MARK = "<!-- suites -->"


def write(sources: Sequence[TaskSource], path: Path, count: int, texture_pack: Path | None = None) -> None:
    """Writes the page with `count` tasks of each suite or file."""
    sim = VoxelSim(SimConfig(1, WIDTH, HEIGHT, threads=1, texture_pack=texture_pack))
    maker = Synthesiser(sim)
    sections = [_section(source, maker, count) for source in sources]
    sim.close()
    template = (files("xview_training.tasks") / "gallery.html").read_text()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template.replace(MARK, "\n".join(sections)))


def sample(source: TaskSource, maker: Synthesiser, count: int) -> list[Task]:
    """Of the first tasks of a source, `count` in which events, difficulties and visibility take turns."""
    groups: dict[tuple[str, str, bool], list[Task]] = {}
    for index in range(min(DRAWS * count, source.size)):
        task = maker.take(0, source.request(index))
        groups.setdefault((task.event.value, task.difficulty, task.visible_at_start), []).append(task)
    ranked = [(rank, task) for tasks in groups.values() for rank, task in enumerate(tasks)]
    chosen = sorted(ranked, key=lambda item: item[0])[:count]
    return sorted((task for _, task in chosen), key=_place_in_page)


def _place_in_page(task: Task) -> tuple[int, int, bool]:
    return task.event.code, distance(task), not task.visible_at_start


def distance(task: Task) -> int:
    """Manhattan distance from start to target in blocks."""
    return round(abs(task.start.x - task.target[0] - 0.5) + abs(task.start.z - task.target[2] - 0.5))


def _section(source: TaskSource, maker: Synthesiser, count: int) -> str:
    cards = [_card(source.name, task, maker) for task in sample(source, maker, count)]
    events = ", ".join(event.value for event in source.events)
    return "\n".join(
        (
            f"<section><h2>{html.escape(source.title)}</h2>",
            f"<p>{source.size:,} tasks: {events}</p>",
            f'<div class="cards">{"".join(cards)}</div></section>',
        )
    )


def _card(source: str, task: Task, maker: Synthesiser) -> str:
    maker.load(0, task)
    maker.sim.draw(np.array([0]))
    seen = "visible" if task.visible_at_start else "hidden"
    chips = "".join(
        f'<span class="chip {name}">{text}</span>'
        for name, text in (
            (task.event.value, task.event.value),
            ("", f"{task.difficulty}, {distance(task)} blocks"),
            ("", f"{seen} at the start"),
            ("", task.world.place),
        )
    )
    alike = f"{task.same_kind} more that look alike" if task.same_kind else "no other looks alike"
    body = task.body
    return (
        f'<article data-suite="{html.escape(source)}" data-event="{task.event.value}" '
        f'data-difficulty="{task.difficulty}" data-seen="{seen}">'
        f'<div class="pictures">{"".join(_figures(task, maker))}</div><div class="words">'
        f'<div class="chips">{chips}</div><p>{task.task_id} \u00b7 world seed {task.world.seed} \u00b7 {alike}</p>'
        f"<p>eye {body.eye_height:.2f} blocks high, {body.vertical_fov_deg:.0f}\u00b0 field of view, "
        f"speed {body.speed:.2f}, latency {body.latency_ticks}, "
        f"{ActionTable().ticks_per_action + task.extra_ticks} ticks an action</p></div></article>"
    )


def _figures(task: Task, maker: Synthesiser) -> Iterator[str]:
    yield _figure("first view", maker.sim.rgb[0])
    size = round(HEIGHT * task.goal_camera.aspect), HEIGHT
    mask = cv2.resize(goal_mask(maker.goal.ids, maker.sim.grid.shape[1:], task), size, interpolation=cv2.INTER_NEAREST)
    yield _figure("goal view", outlined(cv2.resize(maker.goal.rgb, size), mask))


def _figure(name: str, rgb: np.ndarray) -> str:
    """A picture uint8 (H, W, 3) with its name on it."""
    _, encoded = cv2.imencode(".webp", rgb[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    shape = "wide" if rgb.shape[1] * 3 >= rgb.shape[0] * 4 else "tall"
    data = base64.b64encode(encoded.tobytes()).decode()
    return (
        f'<figure><img class="{shape}" alt="{name}" src="data:image/webp;base64,{data}">'
        f"<figcaption>{name}</figcaption></figure>"
    )
