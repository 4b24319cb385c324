"""`--no-randomise` is one switch: every command that draws tasks from a suite has it, and none takes it with a file."""

import dataclasses
import json

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.datasets.dataset import Dataset
from xview_training.evaluation.best_of_run import tasks_of
from xview_training.evaluation.evaluating import Wishes
from xview_training.evaluation.players import NetworkPlayer
from xview_training.experiments import ValidationConfig, experiment_named
from xview_training.imitation.collector import Collector
from xview_training.imitation.trainer import ImitationTrainer
from xview_training.ppo.experiments import ppo_experiment_named
from xview_training.ppo.trainer import PpoTrainer
from xview_training.runs.best import scores
from xview_training.sim.simulator import Embodiment
from xview_training.tasks.files import FileHeader, TaskFile, write
from xview_training.tasks.task import Task
from xview_training.validating import held_out_tasks


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "--policy", "random"),
        ("train", "imitation", "--experiment", "debug"),
        ("train", "ppo", "--experiment", "debug", "--in-process"),
        ("dataset", "record", "--out", "set"),
    ],
    ids=lambda command: command[1],
)
def test_with_a_file_the_switch_is_one_clear_line(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "some.xvt", FileHeader("robot", 0, 0), [])
    assert xview(*command, "--suite", "some.xvt", "--no-randomise") == 2
    assert "some.xvt: a file's tasks say whose body acts; randomise is for suites" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["some.xvt"]


def test_an_evaluation_says_that_everyone_was_the_player(tmp_path, capsys):
    file = tmp_path / "r.json"
    arguments = ("--policy", "random", "--suite", "robot", "--episodes", 2, "--workers", 1, "--no-randomise")
    assert xview("evaluate", *arguments, "--json", file) == 0
    assert "random on robot, the player's body" in capsys.readouterr().out
    assert json.loads(file.read_text())["randomise"] is False
    assert tasks_of(Wishes("robot", randomise=False))[0] == "robot no-randomise"


def test_a_file_made_without_randomising_holds_the_player_s_tasks_and_says_so(tmp_path):
    path = tmp_path / "players.xvt"
    arguments = ("--suite", "robot-v1", "--count", 6, "--workers", 1, "--check", 0, "--no-randomise")
    assert xview("tasks", "make", "--out", path, *arguments) == 0
    file = TaskFile.open(path)
    assert all(file[index].body == Embodiment() and file[index].extra_ticks == 0 for index in range(file.size))
    assert np.all(file.records["start"]["pitch"] == 0)
    assert json.loads(path.with_suffix(".report.json").read_text())["randomise"] is False


def test_a_sheet_shows_the_player_s_tasks(tmp_path):
    assert xview("tasks", "show", "robot", "--out", tmp_path, "--count", 4, "--no-randomise") == 0
    records = (tmp_path / "robot.jsonl").read_text().splitlines()
    assert {Task.from_json(line).body for line in records} == {Embodiment()}


def test_a_gallery_says_that_everyone_is_the_player(tmp_path):
    page = tmp_path / "tasks.html"
    assert xview("tasks", "gallery", "--out", page, "--suites", "twin", "--count", 1, "--no-randomise") == 0
    assert "<h2>twin, the player&#x27;s body</h2>" in page.read_text()


def test_a_data_set_holds_one_kind_of_bodies(tmp_path, capsys):
    command = ("dataset", "record", "--out", tmp_path, "--suite", "robot", "--environments", 1, "--threads", 1)
    assert xview(*command, "--episodes", 1, "--no-randomise") == 0
    tasks = [Task.from_json(episode.about.task) for episode in Dataset(tmp_path)]
    assert [task.body for task in tasks] == [Embodiment()]
    capsys.readouterr()
    assert xview(*command, "--episodes", 2) == 2
    assert "robot, the player's body" in capsys.readouterr().err


def test_trainers_play_the_player_s_tasks(tmp_path, one_thread):
    imitation = dataclasses.replace(experiment_named("debug"), suite="robot", randomise=False)
    imitating = ImitationTrainer(imitation, tmp_path / "i", threads=1)
    imitating.lessons.prepare(imitating.policy, 0.0)
    assert {task.body for task in imitating.lessons.collector.envs.tasks} == {Embodiment()}
    imitating.lessons.close()
    ppo = dataclasses.replace(ppo_experiment_named("debug"), suite="robot", randomise=False)
    trainer = PpoTrainer(ppo, tmp_path / "p", threads=1)
    trainer.rollout.step()
    assert {task.body for task in trainer.rollout.envs.tasks} == {Embodiment()}
    trainer.rollout.close()


def test_a_run_looks_at_held_out_worlds_with_the_player_s_body(tmp_path, monkeypatch):
    bodies = []

    def also(room, name, envs_of):
        plain = getattr(room, name)

        def told(self, *arguments, **named):
            result = plain(self, *arguments, **named)
            bodies.append({task.body for task in envs_of(self, *arguments).tasks})
            return result

        monkeypatch.setattr(room, name, told)

    also(Collector, "collect", lambda collector, *_: collector.envs)
    also(NetworkPlayer, "begin", lambda _, envs, *__: envs)
    looks = [f"validation.{s}" for s in ("suite=robot", "every=64", "episodes=1", "environments=1", "chunks=1")]
    common = ("--suite", "robot", "--no-randomise", "--frames", 64, "--threads", 1, "--set", *looks)
    assert xview("train", "imitation", "--experiment", "debug", "--run", tmp_path, *common) == 0
    assert len(bodies) > 1
    assert set.union(*bodies) == {Embodiment()}
    assert {score.suite for score in scores(tmp_path)} == {"robot no-randomise"}
    bodies.clear()
    ppo = ("train", "ppo", "--experiment", "debug", "--in-process", "--run", tmp_path / "ppo")
    assert xview(*ppo, *common) == 0
    assert set.union(*bodies) == {Embodiment()}


def test_held_out_tasks_of_a_file_keep_the_bodies_that_it_says(tmp_path):
    write(tmp_path / "some.xvt", FileHeader("robot", 0, 0), [])
    assert held_out_tasks(ValidationConfig(suite=str(tmp_path / "some.xvt")), randomise=False).size == 0


def test_a_recorded_data_set_is_not_made_another(tmp_path):
    experiment = dataclasses.replace(experiment_named("debug"), dataset=str(tmp_path), randomise=False)
    with pytest.raises(ValueError, match="a data set's episodes say whose body acts; randomise is for suites"):
        ImitationTrainer(experiment, tmp_path / "run", threads=1)
