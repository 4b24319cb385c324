"""The checkpoint of a run that succeeded most, kept in RUN/best while newer checkpoints push the older ones out.

    keep_best(run, checkpoint, Score("heldout", episodes=600, successes=288, seed=0))

Whoever evaluates calls this: a trainer after its own validation, or `xview evaluate --run RUN`. Every score is a line
of RUN/evaluations.jsonl, the learning curve of success. Scores are compared only with those of the same tasks, so the
best one is played there first (`unplayed_best`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

Tasks = tuple[str, int, int]  # suite, number and seed

LOG = "evaluations.jsonl"
BEST = "best"
SCORE = "score.json"


@dataclasses.dataclass(frozen=True)
class Score:
    """What a checkpoint reached on tasks that are named by suite, number and seed."""

    suite: str  # see `narrowed`
    episodes: int  # that were played
    seed: int
    successes: int
    first_right: int
    step: int  # trained frames, of the checkpoint
    left_out: int = 0  # tasks that the real game did not let be played

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.episodes or not 0 <= self.first_right <= self.episodes:
            raise ValueError(f"expected successes and first_right of at most {self.episodes} episodes, got {self}")

    @property
    def tasks(self) -> Tasks:
        """What was to be played."""
        return self.suite, self.episodes + self.left_out, self.seed

    @property
    def rate(self) -> float:
        """Success, 0..1; zero where the real game let none be played."""
        return self.successes / max(self.episodes, 1)

    @property
    def rank(self) -> tuple[float, float, int]:
        """Orders scores on the same tasks: success, then first arrivals right, then the newer one."""
        return self.rate, self.first_right / max(self.episodes, 1), self.step


def narrowed(suite: str, *by: str | None, randomise: bool = True) -> str:
    """The suite with what narrows it, so that scores of other tasks are not taken for these."""
    return " ".join(filter(None, (suite, *by, None if randomise else "no-randomise")))


def keep_best(run: Path, checkpoint: Path, score: Score) -> bool:
    """Makes the checkpoint RUN/best if it is the run's best, and logs the score; whether it is.

    A best that was not played on these tasks stays: see `unplayed_best`. The copy appears when it is whole. ValueError
    where the checkpoint is gone.
    """
    _restore(run)
    is_best = _beats_best(run, score)
    if is_best:
        _replace_best(run, checkpoint, score)
    log_score(run, score)
    return is_best


def log_score(run: Path, score: Score) -> None:
    """Writes the score down, and nothing else."""
    with (run / LOG).open("a") as log:
        log.write(json.dumps(dataclasses.asdict(score)) + "\n")


def unplayed_best(run: Path, tasks: Tasks) -> Path | None:
    """RUN/best where it was not played on these tasks yet: before others are compared with it, it must be."""
    _restore(run)
    held = best_score(run)
    return None if held is None or _score_on(run, held, tasks) is not None else run / BEST


def _beats_best(run: Path, score: Score) -> bool:
    held = best_score(run)
    if held is None:
        return True
    rival = _score_on(run, held, score.tasks)
    return rival is not None and rival.rank < score.rank


def _score_on(run: Path, held: Score, tasks: Tasks) -> Score | None:
    """What the best checkpoint, whose score is `held`, reached on these tasks."""
    return next((score for score in (held, *scores(run)) if (score.step, score.tasks) == (held.step, tasks)), None)


def _replace_best(run: Path, checkpoint: Path, score: Score) -> None:
    if not checkpoint.is_dir():
        raise ValueError(f"{checkpoint} is gone, removed by the training, and cannot be kept: evaluate the run again")
    partial, final, old = run / f".{BEST}.partial", run / BEST, _old(run)
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(checkpoint, partial)
    (partial / SCORE).write_text(json.dumps(dataclasses.asdict(score), indent=1))
    if final.exists():
        os.replace(final, old)
    os.replace(partial, final)
    shutil.rmtree(old, ignore_errors=True)


def _restore(run: Path) -> None:
    """Puts the best back that a stop between its leaving and the next one's coming left aside."""
    if _old(run).is_dir() and not (run / BEST).exists():
        os.replace(_old(run), run / BEST)


def _old(run: Path) -> Path:
    return run / f".{BEST}.old"


def best_score(run: Path) -> Score | None:
    """The score of RUN/best, None where there is none."""
    path = run / BEST / SCORE
    return Score(**json.loads(path.read_text())) if path.is_file() else None


def scores(run: Path) -> Iterator[Score]:
    """All scores of a run, in the order in which they were made; a line that was cut short is left out."""
    path = run / LOG
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        yield Score(**record)
