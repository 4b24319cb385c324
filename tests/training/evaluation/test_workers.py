"""Results are the same however many processes share the work; unknown names are told before any of them starts."""

import dataclasses

import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.evaluation import workers
from xview_training.evaluation.episodes import Selection
from xview_training.evaluation.evaluating import Wishes, choose, evaluate
from xview_training.evaluation.workers import Entrant, play_all
from xview_training.tasks.suites import suite_named

NEAR = {"difficulty": "near"}


def strict(episodes: int) -> Selection:
    return Selection(dataclasses.replace(suite_named("twin"), strict=True), episodes, 5, **NEAR)


def test_one_process_and_several_play_the_same_episodes(monkeypatch):
    monkeypatch.setattr(workers, "BATCH", 3)
    one, two = (play_all(Entrant(None, 0), strict(6), count, quiet=True) for count in (1, 2))
    assert one == two
    assert [e.task_id for e in one] == [f"twin-{index}" for index in strict(6).indices()]


@pytest.mark.parametrize(
    ("entrant", "count", "said"),
    [
        (Entrant("expret", 0), 2, "did you mean 'expert'"),
        (Entrant("lost.xview", 0), 2, "expected a bundle"),
        (Entrant("random", 0), -1, "workers: expected at least 1"),
    ],
)
def test_what_cannot_play_is_told_at_once(monkeypatch, entrant, count, said):
    monkeypatch.setattr(workers, "BATCH", 2)
    with pytest.raises(ValueError, match=said):
        play_all(entrant, strict(4), count, quiet=True)


def test_a_run_and_its_checkpoint_play_in_torch(trained_run, capsys):
    arguments = ["--suite", "twin", "--episodes", "1", "--strict", "--workers", "1", "--seed", "5"]
    for folder, name in ((trained_run, "debug at 20"), (trained_run / "checkpoints" / "step-10", "debug at 10")):
        assert run(installed_commands(), ["evaluate", "--policy", str(folder), *arguments]) == 0
        assert f"{name} on twin" in capsys.readouterr().out


def test_a_folder_without_a_checkpoint_is_refused_by_name(tmp_path, capsys):
    assert run(installed_commands(), ["evaluate", "--policy", str(tmp_path), "--episodes", "2"]) == 2
    assert f"{tmp_path} is no checkpoint" in capsys.readouterr().err
    assert run(installed_commands(), ["evaluate", "--run", str(tmp_path), "--episodes", "2"]) == 2
    assert f"{tmp_path}: expected a run with checkpoints, found none" in capsys.readouterr().err


def test_films_show_won_and_lost_ones_of_every_kind(episode):
    episodes = [
        episode(event=event, difficulty=difficulty, success=success, number=k)
        for k, (event, difficulty, success) in enumerate(
            (event, difficulty, success)
            for event in ("approach", "break")
            for difficulty in ("near", "hard")
            for success in (True, False, False)
        )
    ]
    chosen = [episodes[k] for k in choose(episodes, 4)]
    assert sum(e.success for e in chosen) == 2
    assert {(e.event, e.success) for e in chosen} == {(v, s) for v in ("approach", "break") for s in (True, False)}
    assert len(set(choose(episodes, 100))) == len(episodes)
    assert choose(episodes, 0) == []
    assert len(choose([episode(success=False), episode(success=False)], 2)) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--policy", "random", "--run", "runs/cpu"), "expected one of --policy, --compare, --pool and --run"),
        (("--compare", "a.json", "b.json", "--html", "x.html"), "--html: expected it without --compare"),
        (("--compare", "a.json", "b.json"), "a.json: expected a file that `xview evaluate --json` wrote"),
        (("--policy", "random", "--workers", "0"), "workers: expected at least 1, got 0"),
    ],
)
def test_wishes_that_do_not_fit_together_are_refused(capsys, arguments, said):
    assert run(installed_commands(), ["evaluate", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_an_evaluation_says_who_played_what():
    evaluated = evaluate("random", Wishes("twin", episodes=2, strict=True, workers=1), quiet=True)
    record = evaluated.record()
    assert (record["policy"], record["suite"], record["strict"]) == ("random", "twin", True)
    assert len({result["task"] for result in record["results"]}) == 2
    assert {result["ending"] for result in record["results"]} <= set(record["endings"]["approach"])
