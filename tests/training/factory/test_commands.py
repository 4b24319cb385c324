"""`xview tasks make`, and what can then be done with its file, as a person does it, with tiny sizes."""

import dataclasses
import json
from pathlib import Path

import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.factory.check import check
from xview_training.factory.make import Order, Work, make
from xview_training.tasks.bodies import PLAYER
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.files import TaskFile
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import FIVE_EVENTS, Scene, suite_named
from xview_training.tasks.task import Task

COUNT = 12


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("made") / "small.xvt"
    arguments = ("--count", COUNT, "--suite", "heldout-v1", "--seed", 5, "--workers", 1, "--check", 4)
    assert xview("tasks", "make", "--out", path, *arguments) == 0
    return path


def test_the_report_beside_the_file_has_every_count_and_every_reason(made):
    record = json.loads(made.with_suffix(".report.json").read_text())
    assert (record["count"], record["suite"], record["seed"], record["duplicates"]) == (COUNT, "heldout-v1", 5, 0)
    assert record["worlds"] == COUNT
    assert sum(row["visible"] + row["hidden"] for row in record["composition"]) == COUNT
    assert sum(record["places"].values()) == COUNT
    assert [row["why"] for row in record["rejected"]] == [kind.value for kind in Rejection]
    assert record["candidates"] >= COUNT
    assert record["check"]["sample"] == 4
    low, high = record["check"]["success_interval"]
    assert low <= record["check"]["success_rate"] <= high
    assert len(record["check"]["failures"]) == 4 - round(4 * record["check"]["success_rate"])
    assert record["sha256"] == TaskFile.open(made).header.sha256


def test_a_file_can_be_looked_at(made, tmp_path, capsys):
    assert xview("tasks", "show", made, "--out", tmp_path, "--count", 2) == 0
    lines = (tmp_path / "small.xvt.jsonl").read_text().splitlines()
    assert [Task.from_json(line) for line in lines] == [TaskFile.open(made)[index] for index in range(2)]
    assert xview("tasks", "show", made, "--out", tmp_path, "--count", COUNT + 1) == 2
    assert f"at most {COUNT}, got {COUNT + 1}" in capsys.readouterr().err


def test_a_file_can_be_played_and_narrowed(made, tmp_path, capsys):
    file, out = TaskFile.open(made), tmp_path / "r.json"
    event = file.events[-1]
    fitting = file.pool(event, None)
    arguments = ("--policy", "forward_biased_random", "--suite", made, "--event", event.value)
    assert xview("evaluate", *arguments, "--episodes", len(fitting), "--json", out) == 0
    played = {episode["task_id"] for episode in json.loads(out.read_text())["results"]}
    assert played == {file[index].task_id for index in fitting}
    assert xview("evaluate", *arguments, "--episodes", COUNT + 1) == 2
    assert f"holds {len(fitting)} {event.value} tasks, {COUNT + 1} were asked for" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--count", 0), "count: expected 1 to 10000000"),
        (("--suite", "train-v2"), "did you mean 'train-v1'"),
        (("--workers", -1), "workers: expected at least 1, got -1"),
        (("--check", -1), "check: expected 0 or more, got -1"),
    ],
)
def test_wrong_numbers_are_one_clear_line(tmp_path, capsys, arguments, said):
    assert xview("tasks", "make", "--out", tmp_path / "never.xvt", *arguments) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_written_over(made, capsys):
    before = made.read_bytes()
    assert xview("tasks", "make", "--out", made, "--count", 3) == 2
    assert "is there already: remove it or name another file" in capsys.readouterr().err
    assert made.read_bytes() == before


def test_a_damaged_file_is_one_clear_line(made, tmp_path, capsys):
    broken = tmp_path / "broken.xvt"
    broken.write_bytes(made.read_bytes()[:-1] + b"?")
    assert xview("evaluate", "--policy", "expert", "--suite", broken) == 2
    assert "broken.xvt is damaged" in capsys.readouterr().err


def test_the_expert_does_tasks_of_every_event(tmp_path):
    meadows = Scene("plains", PLAYER, 1.0, (("near", 1.0),), FIVE_EVENTS)
    suite = dataclasses.replace(suite_named("heldout-v1"), scenes=(meadows,))
    make(Order(suite, 20), tmp_path / "near.xvt", Work(1, 4))
    file = TaskFile.open(tmp_path / "near.xvt")
    result = check(file, 100)
    assert {episode.event for episode in result.episodes} == {event.value for event in TaskEvent}
    assert len(result.episodes) == 20
    assert result.success.successes >= 19
    assert len(result.failures) == 20 - result.success.successes
