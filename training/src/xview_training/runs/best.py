"""The checkpoint of a run that succeeded most, kept in RUN/best while newer checkpoints push the older ones out.

    keep_best(run, checkpoint, Score("heldout", episodes=600, successes=288, seed=0))

Whoever evaluates calls this: a trainer after its own validation, or `xview evaluate --run RUN`. Every score is a line
of RUN/evaluations.jsonl, the learning curve of success. Scores are compared only with those of the same tasks.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

LOG = "evaluations.jsonl"
BEST = "best"
SCORE = "score.json"


@dataclasses.dataclass(frozen=True)
class Score:
    """What a checkpoint reached on tasks that are named by suite, number and seed."""

    suite: str
    episodes: int
    seed: int
    successes: int
    first_right: int
    step: int  # trained frames, of the checkpoint

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.episodes or not 0 <= self.first_right <= self.episodes:
            raise ValueError(f"expected successes and first_right of at most {self.episodes} episodes, got {self}")

    @property
    def tasks(self) -> tuple[str, int, int]:
        """What was played."""
        return self.suite, self.episodes, self.seed

    @property
    def rank(self) -> tuple[int, int, int]:
        """Orders scores on the same tasks: successes, then first arrivals right, then the newer one."""
        return self.successes, self.first_right, self.step


def keep_best(run: Path, checkpoint: Path, score: Score) -> bool:
    """Logs the score, and makes the checkpoint RUN/best if it is the run's best; whether it is.

    A best of other tasks than the score's gives way: it cannot be compared. The copy appears when it is whole.
    """
    with (run / LOG).open("a") as log:
        log.write(json.dumps(dataclasses.asdict(score)) + "\n")
    held = best_score(run)
    if held is not None and held.tasks == score.tasks and held.rank >= score.rank:
        return False
    partial, final, old = run / f".{BEST}.partial", run / BEST, run / f".{BEST}.old"
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(checkpoint, partial)
    (partial / SCORE).write_text(json.dumps(dataclasses.asdict(score), indent=1))
    if final.exists():
        os.replace(final, old)
    os.replace(partial, final)
    shutil.rmtree(old, ignore_errors=True)
    return True


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
