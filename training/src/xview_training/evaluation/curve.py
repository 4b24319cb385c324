"""A run's learning curves as a picture, from its progress.jsonl."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

PANELS = (
    ("action losses (nats)", ("buttons", "pitch", "yaw")),
    ("where is the target: heat-map loss", ("heatmap",)),
    ("success of the episodes collected", ("rollout_success",)),
)


def draw(run: Path, out: Path) -> None:
    """Writes a PNG or SVG with one panel a group of curves over trained frames. ValueError without a log."""
    log = run / "progress.jsonl"
    if not log.is_file():
        raise ValueError(f"{log}: expected the log of a training run, found none")
    by_step = {row["step"]: row for row in map(json.loads, log.read_text().splitlines())}  # a resumed run overlaps
    rows = [by_step[step] for step in sorted(by_step)]
    figure, axes = plt.subplots(1, len(PANELS), figsize=(13, 3.4), layout="constrained")
    for axis, (title, names) in zip(axes, PANELS, strict=True):
        for name in names:
            points = [(row["step"] / 1e6, row[name]) for row in rows if name in row]
            axis.plot(*zip(*points, strict=True), label=name)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("million frames")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, fontsize=8)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    plt.close(figure)
