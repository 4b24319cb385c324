"""Learning curves of runs, from their progress.jsonl and evaluations.jsonl: of imitation, of PPO, of several seeds.

Runs whose experiments differ in nothing but the seed are one curve: the mean over its seeds, and a band from the
lowest to the highest. A panel is drawn where a run has its numbers.

    xview train curve runs/cpu-0 runs/cpu-1 runs/cpu-2 --out docs/curve.svg
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from xview_deploy.trials.intervals import wilson

from xview_training.runs import best, manifest

POINTS = 300  # of a mean over seeds, which are logged at different steps
BAND_ALPHA, SEED_ALPHA = 0.18, 0.35
STYLES = ("-", "--", ":", "-.")
# Title and the numbers of the log that are drawn in it.
PANELS = (
    ("success of the episodes collected", ("rollout_success",)),
    ("action losses (nats)", ("buttons", "pitch", "yaw")),
    ("where is the target: heat-map loss", ("heatmap",)),
    ("clipped policy loss", ("policy_loss",)),
    ("value: explained variance", ("explained_variance",)),
    ("distance to the imitation policy (KL, nats)", ("kl",)),
    ("entropy (nats)", ("entropy",)),
)
HELD_OUT = "success on held-out tasks"
AXES = {"frames": ("million frames", "step", 1e6), "minutes": ("minutes of training", "seconds", 60.0)}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run's log. `group` names it and the runs that differ from it in the seed alone."""

    name: str
    group: str
    rows: list[dict[str, Any]]
    scores: list[best.Score]

    def series(self, key: str, unit: tuple[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """(x, y) of one number over the rows that have it."""
        column, scale = unit
        points = [(row[column] / scale, row[key]) for row in self.rows if key in row]
        return np.array([x for x, _ in points]), np.array([y for _, y in points])


def load(run: Path) -> Run:
    """A run's log in the order of its steps. ValueError without a log."""
    log = run / "progress.jsonl"
    if not log.is_file():
        raise ValueError(f"{log}: expected the log of a training run, found none")
    by_step: dict[int, dict[str, Any]] = {}
    for line in log.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:  # a run that was killed while it wrote
            continue
        by_step[row["step"]] = row  # a resumed run repeats what came after its checkpoint
    return Run(run.name, _group(run), [by_step[step] for step in sorted(by_step)], list(best.scores(run)))


def _group(run: Path) -> str:
    """What the run has in common with those of other seeds; its own name where it does not say."""
    held = manifest.read(run)
    old = run / "experiment.json"
    settings = held["experiment"] if held else json.loads(old.read_text()) if old.is_file() else {"name": run.name}
    return json.dumps({key: value for key, value in settings.items() if key != "seed"}, sort_keys=True)


def draw(folders: Sequence[Path], out: Path, axis: str = "frames") -> None:
    """Writes a PNG or SVG with a panel a group of numbers. ValueError without runs, or without a log."""
    if not folders:
        raise ValueError("expected at least one run's folder, got none")
    if axis not in AXES:
        raise ValueError(f"axis: expected one of {', '.join(AXES)}, got {axis!r}")
    runs = [load(folder) for folder in folders]
    groups = _named_groups(runs)
    logged = {key for run in runs for row in run.rows for key in row}
    panels = [(title, [k for k in keys if k in logged]) for title, keys in PANELS if logged & set(keys)]
    evaluated = any(run.scores for run in runs)
    count = max(len(panels) + evaluated, 1)
    across = 2 if count == 4 else min(count, 3)
    figure, grid = plt.subplots(
        -(-count // across), across, figsize=(4.4 * across, 3.3 * -(-count // across)), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    label, column, scale = AXES[axis]
    spare = iter(grid.flat)
    if evaluated:
        _prepare(next(spare), HELD_OUT, label, lambda a: _draw_scores(a, groups, (column, scale)))
    for title, keys in panels:
        _prepare(next(spare), title, label, lambda a, keys=keys: _draw_series(a, groups, keys, (column, scale)))
    for axes in spare:
        axes.set_axis_off()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    plt.close(figure)


def _named_groups(runs: list[Run]) -> dict[str, list[Run]]:
    """Runs by group, called by the experiment's name, or by the first run's where several share it."""
    by_group: dict[str, list[Run]] = {}
    for run in runs:
        by_group.setdefault(run.group, []).append(run)
    names = [json.loads(group)["name"] for group in by_group]
    return {
        (name if names.count(name) == 1 else members[0].name)
        + (f" ({len(members)} seeds)" if len(members) > 1 else ""): members
        for name, members in zip(names, by_group.values(), strict=True)
    }


def _prepare(axis: Axes, title: str, label: str, fill: Any) -> None:
    fill(axis)
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(label)
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8)


def _draw_series(axis: Axes, groups: dict[str, list[Run]], keys: list[str], unit: tuple[str, float]) -> None:
    for number, (name, runs) in enumerate(groups.items()):
        for key, style in zip(keys, STYLES, strict=False):
            curves = [(x, y) for x, y in (run.series(key, unit) for run in runs) if len(x)]
            label = " ".join(filter(None, (name if len(groups) > 1 else "", key if len(keys) > 1 else "")))
            if curves:
                # One experiment: a colour a number. Several: a colour each, the numbers by their dashes.
                shade = f"C{number}" if len(groups) > 1 else f"C{keys.index(key)}"
                _draw_mean(axis, curves, shade, style if len(groups) > 1 else "-", label or name)


def _draw_mean(axis: Axes, curves: list[tuple[np.ndarray, np.ndarray]], colour: str, style: str, label: str) -> None:
    """One run's curve as it is; of several the mean and the band, over the part that all of them have."""
    if len(curves) == 1:
        axis.plot(*curves[0], style, color=colour, label=label)
        return
    first, last = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    at = np.linspace(first, max(first, last), POINTS)
    values = np.stack([np.interp(at, x, y) for x, y in curves])
    for x, y in curves:
        axis.plot(x, y, style, color=colour, alpha=SEED_ALPHA, lw=0.7)
    axis.fill_between(at, values.min(0), values.max(0), color=colour, alpha=BAND_ALPHA, lw=0)
    axis.plot(at, values.mean(0), style, color=colour, label=label)


def _draw_scores(axis: Axes, groups: dict[str, list[Run]], unit: tuple[str, float]) -> None:
    """Points with 95 % intervals, one a checkpoint that was evaluated."""
    column, scale = unit
    for number, (name, runs) in enumerate(groups.items()):
        for run in runs:
            at = np.array([_when(run, score.step, column) / scale for score in run.scores])
            rates = [wilson(score.successes, score.episodes) for score in run.scores]
            axis.vlines(at, [r.low for r in rates], [r.high for r in rates], color=f"C{number}", lw=1)
            axis.plot(at, [r.rate for r in rates], "o-", color=f"C{number}", ms=4, lw=1)
        if suites := sorted({score.suite for run in runs for score in run.scores}):
            axis.plot([], [], "o-", color=f"C{number}", ms=4, label=f"{name}, {', '.join(suites)}")
    axis.set_ylim(0, 1)


def _when(run: Run, step: int, column: str) -> float:
    """The step itself, or the seconds of training that the log has for it."""
    if column == "step" or not run.rows:
        return float(step)
    return float(np.interp(step, [row["step"] for row in run.rows], [row[column] for row in run.rows]))
