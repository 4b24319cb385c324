"""Who plays stays the same throughout an evaluation, whatever a training does meanwhile; and how actions are chosen."""

import json
import shutil

import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.evaluation import evaluating, workers
from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.evaluating import Wishes, evaluate
from xview_training.evaluation.players import player_named
from xview_training.evaluation.workers import Entrant, play_all
from xview_training.runs.best import Score, keep_best
from xview_training.tasks.suites import suite_named

WISHES = Wishes("twin", episodes=1, strict=True, workers=1)


@pytest.fixture
def meanwhile(monkeypatch):
    """Has something happen after an evaluation has begun and before its tasks are played."""

    def happen(what):
        plain = evaluating.play_all

        def play_later(*arguments):
            what()
            return plain(*arguments)

        monkeypatch.setattr(evaluating, "play_all", play_later)

    return happen


def test_a_run_that_trains_on_is_the_checkpoint_that_was_its_newest(trained_run, train, meanwhile):
    meanwhile(lambda: train(trained_run, 30))
    evaluated = evaluate(str(trained_run), WISHES, quiet=True)
    assert (evaluated.policy, evaluated.entrant.player().name) == ("debug at 20", "debug at 20")


def test_a_checkpoint_that_the_training_removes_meanwhile_is_named(trained_run, train, meanwhile):
    meanwhile(lambda: train(trained_run, 30, keep=1))
    with pytest.raises(ValueError, match=r"step-20: expected a run or a checkpoint.* removes all but its newest"):
        evaluate(str(trained_run), WISHES, quiet=True)


def test_a_best_checkpoint_that_is_replaced_meanwhile_is_not_mixed_with_the_next(trained_run, meanwhile):
    tasks = ("twin", 4, 0)
    keep_best(trained_run, trained_run / "checkpoints" / "step-10", Score(*tasks, 1, 1, 10))
    meanwhile(lambda: keep_best(trained_run, trained_run / "checkpoints" / "step-20", Score(*tasks, 2, 2, 20)))
    with pytest.raises(ValueError, match="best was debug at 10 and is debug at 20 by now"):
        evaluate(str(trained_run / "best"), WISHES, quiet=True)


def test_a_process_that_finds_no_player_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "BATCH", 1)
    monkeypatch.setattr(Entrant, "player", lambda _: None)  # in this process alone
    entrant = Entrant(str(tmp_path / "checkpoints" / "step-1"), 0)
    with pytest.raises(ValueError, match="step-1: expected a run or a checkpoint, found no folder"):
        play_all(entrant, Selection(suite_named("twin"), 2, 5), 2, quiet=True)


def test_a_run_that_came_with_its_best_checkpoint_alone_plays_that(trained_run):
    keep_best(trained_run, trained_run / "checkpoints" / "step-10", Score("twin", 4, 0, 1, 1, 10))
    shutil.rmtree(trained_run / "checkpoints")
    assert player_named(str(trained_run), 0).name == "debug at 10"


def test_at_temperature_0_the_most_likely_action_is_taken_whatever_the_seed():
    tasks = Selection(suite_named("twin"), 2, 5, difficulty="near")
    greedy = [play(player_named(None, seed, temperature=0.0), tasks, quiet=True) for seed in (0, 1)]
    assert greedy[0] == greedy[1]
    drawn = [play(player_named(None, seed), tasks, quiet=True) for seed in (0, 1)]
    assert drawn[0] != drawn[1]
    assert drawn[0] != greedy[0]


def test_an_evaluation_is_played_at_its_temperature_and_says_so(tmp_path, capsys):
    records = []
    for temperature in ("0", "1"):
        file = tmp_path / f"{temperature}.json"
        tasks = ("--suite", "twin", "--episodes", "2", "--workers", "1", "--temperature", temperature)
        assert run(installed_commands(), ["evaluate", *tasks, "--json", str(file)]) == 0
        records.append(json.loads(file.read_text()))
    assert "small on twin, temperature 0" in capsys.readouterr().out
    assert [record["temperature"] for record in records] == [0, 1]
    assert records[0]["results"] != records[1]["results"]
