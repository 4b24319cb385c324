"""Plays a run's checkpoints on the same tasks and keeps the one that succeeded most (runs/best.py)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from xview_training.evaluation.evaluating import Wishes, evaluate
from xview_training.runs import best
from xview_training.runs.best import Score, Tasks, best_score, keep_best, narrowed, scores


def mark_best(run: Path, wishes: Wishes) -> list[tuple[Score, bool]]:
    """Scores of the checkpoints that were not played on these tasks yet, and whether each became the best, in turn.

    The best one, which may be none of the newest, is played first, so that only a better one takes its place.
    ValueError where the run has no checkpoint.
    """
    held = best.unplayed_best(run, tasks_of(wishes))
    checkpoints = sorted((run / "checkpoints").glob("step-*"), key=lambda path: int(path.name[5:]))
    if not checkpoints and best_score(run) is None:
        raise ValueError(f"{run}: expected a run with checkpoints, found none")
    marked = []
    if held is not None:
        marked.append((_played(held, _step_of_best(run), wishes), True))
        best.log_score(run, marked[0][0])
    known = {score.step for score in scores(run) if score.tasks == tasks_of(wishes)}
    for checkpoint in checkpoints:
        step = int(checkpoint.name[5:])
        if step not in known:
            score = _played(checkpoint, step, wishes)
            marked.append((score, keep_best(run, checkpoint, score)))
    return marked


def scores_on(run: Path, wishes: Wishes) -> list[dict[str, Any]]:
    """All that the run's checkpoints have reached on these tasks, and which of them is in RUN/best."""
    found = (score for score in scores(run) if score.tasks == tasks_of(wishes))
    rates = (dataclasses.asdict(score) | {"success_rate": score.rate} for score in found)
    return [rate | {"best": rate["step"] == _step_of_best(run)} for rate in rates]


def tasks_of(wishes: Wishes) -> Tasks:
    """What scores are compared by. Another temperature is as other tasks."""
    sampling = None if wishes.temperature == 1 else f"temperature {wishes.temperature:g}"
    by = (wishes.difficulty, wishes.event, "strict" if wishes.strict else None, wishes.backend, sampling)
    return narrowed(wishes.suite, *by, randomise=wishes.randomise), wishes.episodes, wishes.seed


def _played(checkpoint: Path, step: int, wishes: Wishes) -> Score:
    evaluated = evaluate(str(checkpoint), wishes)
    episodes, (suite, _, seed) = evaluated.episodes, tasks_of(wishes)
    won, right = sum(e.success for e in episodes), sum(e.first_right for e in episodes)
    return Score(suite, len(episodes), seed, won, right, step, len(evaluated.left_out))


def _step_of_best(run: Path) -> int:
    held = best_score(run)
    assert held is not None
    return held.step
