"""`xview evaluate --run`: a run's checkpoints on the same tasks, and the best one, which only a better one replaces."""

import json
from types import SimpleNamespace

import pytest
import torch
from xview_deploy.cli import installed_commands, run
from xview_training import checkpoints
from xview_training.evaluation import best_of_run
from xview_training.evaluation.best_of_run import mark_best
from xview_training.evaluation.evaluating import Wishes
from xview_training.experiments import ValidationConfig
from xview_training.runs.best import Score, best_score, keep_best, scores
from xview_training.trained import load_policy
from xview_training.validating import Validating

WISHES = Wishes("twin", episodes=4)


@pytest.fixture
def played(monkeypatch, episode):
    """Evaluations without playing: each step wins as many of four tasks as `wins` says; the steps that were played."""

    def pretend(wins: dict[int, int], left_out: int = 0) -> list[int]:
        steps: list[int] = []

        def evaluate(checkpoint, wishes):
            steps.append(checkpoints.load(best_of_run.Path(checkpoint))[1]["global_step"])
            count = wishes.episodes - left_out
            episodes = [episode(success=k < wins[steps[-1]], number=k) for k in range(count)]
            return SimpleNamespace(episodes=episodes, left_out=["a crash"] * left_out)

        monkeypatch.setattr(best_of_run, "evaluate", evaluate)
        return steps

    return pretend


def test_each_checkpoint_of_a_run_is_played_once_and_the_best_is_kept(trained_run):
    wishes = Wishes("twin", episodes=2, strict=True, workers=1)
    marked = mark_best(trained_run, wishes)
    assert [score.step for score, _ in marked] == [10, 20]
    best = max((score for score, _ in marked), key=lambda score: score.rank)
    assert best_score(trained_run) == best
    assert checkpoints.load(trained_run / "best")[1]["global_step"] == best.step
    assert mark_best(trained_run, wishes) == []
    assert [score.suite for score in scores(trained_run)] == ["twin strict"] * 2


def a_run_whose_best_is_none_of_the_newest(folder, train):
    keep_best(folder, train(folder, 1), Score("heldout", 64, 0, 60, 60, 1))
    for step in (3, 4, 5):
        train(folder, step)
    return folder


def test_the_best_of_the_training_is_played_too_and_only_a_better_one_replaces_it(tmp_path, train, played):
    folder = a_run_whose_best_is_none_of_the_newest(tmp_path, train)
    steps = played({1: 3, 3: 2, 4: 2, 5: 1})
    marked = mark_best(folder, WISHES)
    assert steps == [1, 3, 4, 5]
    assert [best for _, best in marked] == [True, False, False, False]
    assert checkpoints.load(folder / "best")[1]["global_step"] == 1
    train(folder, 6)
    steps = played({6: 4})
    assert [(score.step, best) for score, best in mark_best(folder, WISHES)] == [(6, True)]
    assert steps == [6]


def test_a_run_that_came_with_its_best_checkpoint_alone_is_played(tmp_path, train, played):
    folder = a_run_whose_best_is_none_of_the_newest(tmp_path, train)
    (folder / "checkpoints").rename(tmp_path / "elsewhere")
    played({1: 3})
    assert [(score.step, best) for score, best in mark_best(folder, WISHES)] == [(1, True)]


def test_tasks_that_the_real_game_left_out_do_not_make_a_checkpoint_be_played_again(trained_run, played):
    steps = played({10: 1, 20: 2}, left_out=1)
    assert [score.episodes for score, _ in mark_best(trained_run, WISHES)] == [3, 3]
    assert mark_best(trained_run, WISHES) == []
    assert steps == [10, 20]


def test_scores_at_another_temperature_are_as_of_other_tasks(trained_run, played):
    steps = played({10: 1, 20: 2})
    mark_best(trained_run, WISHES)
    mark_best(trained_run, Wishes("twin", episodes=4, temperature=0.0))
    assert steps == [10, 20, 20, 10]
    assert {score.suite for score in scores(trained_run)} == {"twin", "twin temperature 0"}


def test_the_scores_of_a_run_are_written_too(trained_run, played, tmp_path):
    played({10: 3, 20: 2})
    out = tmp_path / "scores.json"
    arguments = ["evaluate", "--run", str(trained_run), "--suite", "twin", "--episodes", "4", "--json", str(out)]
    for _ in range(2):
        assert run(installed_commands(), arguments) == 0
        written = json.loads(out.read_text())
        told = [(one["step"], one["success_rate"], one["best"]) for one in written]
        assert told == [(10, 0.75, True), (20, 0.5, False)]
        out.unlink()


def test_a_training_too_looks_at_a_best_of_other_tasks_before_it_replaces_it(tmp_path, train):
    folder = a_run_whose_best_is_none_of_the_newest(tmp_path, train)
    strong = load_policy(folder / "best")[0].decision.value.weight
    weak = load_policy(folder / "checkpoints" / "step-5")[0]

    def look(policy):
        rate = 0.75 if torch.equal(policy.decision.value.weight, strong) else 0.5
        return {"success": rate, "first_right": rate}

    validating = Validating(ValidationConfig(every=1, suite="twin", episodes=4), True, look, weak)
    looked = validating.after(folder, 5, 6, False, weak, lambda: train(folder, 6))
    assert looked == {"validation_success": 0.5, "validation_first_right": 0.5}
    assert checkpoints.load(folder / "best")[1]["global_step"] == 1
    assert [(score.step, score.successes) for score in scores(folder) if score.suite == "twin"] == [(1, 3), (6, 2)]
