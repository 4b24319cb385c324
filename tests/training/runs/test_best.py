"""The best checkpoint is kept by success, compared on the same tasks only, and never half written."""

import os
from pathlib import Path

import pytest
import torch
from xview_training import checkpoints
from xview_training.runs.best import Score, best_score, keep_best, log_score, scores, unplayed_best


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


def test_a_best_of_other_tasks_stays_until_it_was_played_on_these(run):
    assert keep_best(run, checkpoint(run, 1), score(1, 90))
    assert not keep_best(run, checkpoint(run, 2), score(2, 50, suite="robot"))
    assert unplayed_best(run, score(2, 50, suite="robot").tasks) == run / "best"
    log_score(run, score(1, 40, suite="robot"))
    assert unplayed_best(run, score(2, 50, suite="robot").tasks) is None
    assert not keep_best(run, checkpoint(run, 3), score(3, 30, suite="robot"))
    assert keep_best(run, checkpoint(run, 4), score(4, 50, suite="robot"))
    assert best_score(run) == score(4, 50, suite="robot")


def test_scores_compare_by_what_was_played_of_the_same_tasks(run):
    few, all_of_them = Score("heldout", 80, 0, 40, 0, 1, left_out=20), Score("heldout", 100, 0, 45, 0, 2)
    assert few.tasks == all_of_them.tasks
    assert keep_best(run, checkpoint(run, 1), few)
    assert not keep_best(run, checkpoint(run, 2), all_of_them)


def test_a_stop_in_mid_copy_leaves_the_best_in_force(run, monkeypatch):
    assert keep_best(run, checkpoint(run, 1), score(1, 40))

    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copytree", stop)
    with pytest.raises(KeyboardInterrupt):
        keep_best(run, checkpoint(run, 2), score(2, 60))
    assert checkpoints.load(run / "best")[1]["step"] == 1


def test_a_stop_between_the_old_best_s_leaving_and_the_new_one_s_coming_loses_neither(run, monkeypatch):
    assert keep_best(run, checkpoint(run, 1), score(1, 40))
    better, replace = checkpoint(run, 2), os.replace

    def stop_before_the_new_one(source, target):
        if target == run / "best":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop_before_the_new_one)
    with pytest.raises(KeyboardInterrupt):
        keep_best(run, better, score(2, 60))
    monkeypatch.undo()
    assert not (run / "best").exists()
    assert not keep_best(run, checkpoint(run, 3), score(3, 30))
    assert checkpoints.load(run / "best")[1]["step"] == 1


def test_a_checkpoint_that_was_removed_meanwhile_is_named(run):
    gone = checkpoint(run, 1)
    checkpoint(run, 2)
    with pytest.raises(ValueError, match="step-1 is gone"):
        keep_best(run, gone, score(1, 40))


def test_impossible_scores_are_refused_and_a_line_cut_short_is_left_out(run):
    with pytest.raises(ValueError, match="at most 100 episodes"):
        score(1, 101)
    keep_best(run, checkpoint(run, 1), score(1, 40))
    with (run / "evaluations.jsonl").open("a") as log:
        log.write('{"suite": "held')
    assert list(scores(run)) == [score(1, 40)]
