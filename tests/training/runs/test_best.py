"""The best checkpoint is kept by success, compared on the same tasks only, and never half written."""

from pathlib import Path

import pytest
import torch
from xview_training import checkpoints
from xview_training.runs.best import Score, best_score, keep_best, scores


@pytest.fixture
def run(tmp_path) -> Path:
    return tmp_path / "run"


def checkpoint(run: Path, step: int, keep: int = 1) -> Path:
    return checkpoints.save(run / "checkpoints", step, {"a": torch.tensor([float(step)])}, {"step": step}, keep)


def score(step: int, successes: int, first_right: int = 0, suite: str = "heldout") -> Score:
    return Score(suite, 100, 0, successes, first_right, step)


def test_the_best_outlives_the_newest_ones(run):
    assert keep_best(run, checkpoint(run, 1), score(1, 40))
    assert keep_best(run, checkpoint(run, 2), score(2, 60))
    assert not keep_best(run, checkpoint(run, 3), score(3, 50))
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-3"]
    assert checkpoints.load(run / "best")[1]["step"] == 2
    assert best_score(run) == score(2, 60)
    assert list(scores(run)) == [score(1, 40), score(2, 60), score(3, 50)]


def test_of_equal_successes_the_more_often_right_first_and_then_the_newer_is_better(run):
    assert keep_best(run, checkpoint(run, 1), score(1, 40, 30))
    assert keep_best(run, checkpoint(run, 2), score(2, 40, 31))
    assert not keep_best(run, checkpoint(run, 3), score(3, 40, 30))
    assert keep_best(run, checkpoint(run, 4), score(4, 40, 31))


def test_a_score_on_other_tasks_is_not_compared_but_replaces(run):
    assert keep_best(run, checkpoint(run, 1), score(1, 90))
    assert keep_best(run, checkpoint(run, 2), score(2, 10, suite="robot"))
    assert best_score(run).suite == "robot"


def test_a_stop_in_mid_copy_leaves_the_best_in_force(run, monkeypatch):
    assert keep_best(run, checkpoint(run, 1), score(1, 40))

    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copytree", stop)
    with pytest.raises(KeyboardInterrupt):
        keep_best(run, checkpoint(run, 2), score(2, 60))
    assert checkpoints.load(run / "best")[1]["step"] == 1


def test_impossible_scores_are_refused_and_a_line_cut_short_is_left_out(run):
    with pytest.raises(ValueError, match="at most 100 episodes"):
        score(1, 101)
    keep_best(run, checkpoint(run, 1), score(1, 40))
    with (run / "evaluations.jsonl").open("a") as log:
        log.write('{"suite": "held')
    assert list(scores(run)) == [score(1, 40)]
