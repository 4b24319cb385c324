"""Pictures of an evaluation as SVG text: success by group, how episodes ended, how soon the won ones were won."""

from __future__ import annotations

import io
import re

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from xview_deploy.spec import TICK_HZ
from xview_deploy.trials.intervals import wilson

from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Episode
from xview_training.tasks.task import DIFFICULTIES

SEEN, UNSEEN, INK = "#1f6feb", "#9a6ddb", "#57606a"
ENDINGS = {
    Ending.SUCCESS: "#2da44e",
    Ending.NEAR: "#d4a72c",
    Ending.WRONG_OBJECT: "#e16f24",
    Ending.FAR: "#8c959f",
    Ending.STUCK: "#6e7781",
    Ending.IDLE: "#424a53",
    Ending.LIMIT: "#8c959f",
    Ending.DIED: "#cf222e",
}


def success_by_group(episodes: list[Episode]) -> str:
    """A panel an event: success with its 95 % interval over difficulty, by first-frame visibility."""
    events = sorted({e.event for e in episodes})
    figure, axes = _figure(len(events), sharey=True)
    for axis, event in zip(axes, events, strict=True):
        for visible, colour, shift in ((True, SEEN, -0.12), (False, UNSEEN, 0.12)):
            _rates(axis, [e for e in episodes if e.event == event and e.visible_at_start == visible], colour, shift)
        axis.set_title(event, fontsize=10)
        axis.set_xticks(range(len(DIFFICULTIES)), list(DIFFICULTIES))
        axis.set_xlim(-0.5, len(DIFFICULTIES) - 0.5)
        axis.set_ylim(-0.02, 1.02)
    axes[0].set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    for colour, name in ((SEEN, "target visible at first"), (UNSEEN, "hidden at first")):
        axes[-1].plot([], [], "o", color=colour, label=name)
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return _svg(figure)


def _rates(axis: Axes, episodes: list[Episode], colour: str, shift: float) -> None:
    for number, difficulty in enumerate(DIFFICULTIES):
        chosen = [e for e in episodes if e.difficulty == difficulty]
        if chosen:
            rate = wilson(sum(e.success for e in chosen), len(chosen))
            axis.vlines(number + shift, rate.low, rate.high, color=colour, lw=2)
            axis.plot(number + shift, rate.rate, "o", color=colour, ms=6)


def endings_by_group(episodes: list[Episode]) -> str:
    """A bar an event and difficulty, split by how its episodes ended."""
    groups = {
        f"{event} {difficulty}": chosen
        for event in sorted({e.event for e in episodes})
        for difficulty in DIFFICULTIES
        if (chosen := [e for e in episodes if (e.event, e.difficulty) == (event, difficulty)])
    }
    figure, axis = plt.subplots(figsize=(9, 0.9 + 0.32 * len(groups)), layout="constrained")
    left = [0.0] * len(groups)
    for ending, colour in ENDINGS.items():
        shares = [sum(e.ending == ending for e in chosen) / len(chosen) for chosen in groups.values()]
        if any(shares):
            axis.barh(list(groups), shares, left=left, color=colour, label=ending.value, height=0.7)
        left = [a + b for a, b in zip(left, shares, strict=True)]
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    _plain(axis)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return _svg(figure)


def time_to_success(episodes: list[Episode]) -> str:
    """Share of all episodes that were won by then, over game time, by difficulty."""
    figure, (axis,) = _figure(1)
    for number, difficulty in enumerate(d for d in DIFFICULTIES if any(e.difficulty == d for e in episodes)):
        chosen = [e for e in episodes if e.difficulty == difficulty]
        times = sorted(e.ticks / TICK_HZ for e in chosen if e.success)
        shares = [(k + 1) / len(chosen) for k in range(len(times))]
        end = max(e.ticks for e in chosen) / TICK_HZ
        line = ([0, *times, end], [0, *shares, shares[-1] if shares else 0])
        axis.step(*line, where="post", color=plt.get_cmap("viridis")(0.85 - 0.25 * number), label=difficulty)
    axis.set_xlabel("seconds")
    axis.set_ylim(0, 1.02)
    axis.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axis.legend(frameon=False, fontsize=9)
    return _svg(figure)


def _figure(panels: int, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    width = 4.6 if panels == 1 else min(2.6 * panels + 0.6, 11)
    figure, axes = plt.subplots(1, panels, figsize=(width, 2.9), sharey=sharey, squeeze=False, layout="constrained")
    for axis in axes[0]:
        _plain(axis)
        axis.grid(axis="y", alpha=0.3)
    return figure, list(axes[0])


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=9, colors=INK)


def _svg(figure: Figure) -> str:
    """The figure as an <svg> element, its text left as text."""
    out = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "xview"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return re.sub(r"^.*?(?=<svg)", "", out.getvalue(), flags=re.DOTALL)
