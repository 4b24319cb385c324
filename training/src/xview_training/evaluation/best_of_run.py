"""Plays a run's checkpoints on the same tasks and keeps the one that succeeded most (runs/best.py)."""

from __future__ import annotations

from pathlib import Path

from xview_training.evaluation.evaluating import Wishes, evaluate
from xview_training.runs.best import Score, keep_best, scores


def mark_best(run: Path, wishes: Wishes) -> list[tuple[Score, bool]]:
    """Scores of the checkpoints that were not played on these tasks yet, and whether each became the best.

    ValueError where the run has no checkpoint.
    """
    checkpoints = sorted((run / "checkpoints").glob("step-*"), key=lambda path: int(path.name[5:]))
    if not checkpoints:
        raise ValueError(f"{run}: expected a run with checkpoints, found none")
    suite = tasks_named(wishes)
    played = {(score.step, *score.tasks) for score in scores(run)}
    marked = []
    for checkpoint in checkpoints:
        step = int(checkpoint.name[5:])
        if (step, suite, wishes.episodes, wishes.seed) in played:
            continue
        episodes = evaluate(str(checkpoint), wishes).episodes
        won, right = sum(e.success for e in episodes), sum(e.first_right for e in episodes)
        score = Score(suite, len(episodes), wishes.seed, won, right, step)
        marked.append((score, keep_best(run, checkpoint, score)))
    return marked


def tasks_named(wishes: Wishes) -> str:
    """The suite with what narrows it, so that scores of other tasks are not taken for these."""
    rules = ("strict" if wishes.strict else None, None if wishes.randomise else "no-randomise")
    narrowed = (wishes.difficulty, wishes.event, *rules, wishes.backend)
    return " ".join(filter(None, (wishes.suite, *narrowed)))
