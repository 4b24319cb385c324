"""The commands of the training machine, run as a person runs them, with tiny sizes."""

import json

import pytest
from xview_deploy.bundle import read_bundle
from xview_deploy.cli import installed_commands, run
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_training.tasks.task import Task


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


@pytest.mark.parametrize("policy", ["random", "expert"])
def test_evaluate_prints_a_table_and_writes_the_rates(tmp_path, capsys, policy):
    file = tmp_path / "results" / "robot.json"
    status = xview(
        "evaluate", "--policy", policy, "--suite", "robot", "--event", "approach", "--difficulty", "near",
        "--episodes", 4, "--seed", 3, "--json", file,
    )  # fmt: skip
    assert status == 0
    assert f"{policy} on robot" in capsys.readouterr().out
    record = json.loads(file.read_text())
    assert record["episodes"] == 4
    assert record["policy"] == policy
    assert record["strict"] is False
    assert 0 <= record["first_right_rate"] <= record["success_rate"] <= 1
    assert {row["difficulty"] for row in record["table"]} == {"near"}
    assert {row["event"] for row in record["table"]} == {"approach"}
    assert len({episode["task_id"] for episode in record["results"]}) == 4


def test_evaluate_is_its_seed_and_strictness_is_written_down(tmp_path):
    records = []
    for number in range(2):
        file = tmp_path / f"{number}.json"
        arguments = ("--policy", "forward_biased_random", "--suite", "twin", "--episodes", 2, "--seed", 9, "--strict")
        assert xview("evaluate", *arguments, "--json", file) == 0
        records.append(json.loads(file.read_text()))
    assert all(record.pop("start")["command"] for record in records)
    assert records[0] == records[1]
    assert records[0]["strict"] is True
    assert records[0]["success_rate"] == records[0]["first_right_rate"]


def test_evaluate_plays_the_shipped_bundle_where_none_is_named(tmp_path):
    records = []
    for number, policy in enumerate(((), ("--policy", SHIPPED_BUNDLE))):
        file = tmp_path / f"{number}.json"
        assert xview("evaluate", *policy, "--suite", "twin", "--episodes", 2, "--json", file) == 0
        records.append(json.loads(file.read_text()))
    assert records[0]["policy"] == read_bundle(SHIPPED_BUNDLE).metadata.name
    assert records[0]["results"] == records[1]["results"]


def test_the_policy_for_five_events_hunts(tmp_path):
    file = tmp_path / "r.json"
    tasks = ("--suite", "heldout-v1", "--event", "archery", "--difficulty", "near", "--episodes", 2, "--workers", 1)
    assert xview("evaluate", "--policy", "five", *tasks, "--json", file) == 0
    record = json.loads(file.read_text())
    assert (record["policy"], {result["event"] for result in record["results"]}) == ("five", {"archery"})


def test_tasks_show_writes_a_sheet_and_records(tmp_path, capsys):
    assert xview("tasks", "show", "heldout", "--out", tmp_path / "sheet", "--count", 2) == 0
    assert str(tmp_path / "sheet" / "heldout.png") in capsys.readouterr().out
    lines = (tmp_path / "sheet" / "heldout.jsonl").read_text().splitlines()
    assert [Task.from_json(line).task_id for line in lines] == ["heldout-0", "heldout-1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("evaluate", "--policy", "random", "--suite", "heldaut"), "unknown suite 'heldaut': did you mean 'heldout'?"),
        (("evaluate", "--difficulty", "heard"), "unknown difficulty 'heard': did you mean 'hard'? (known: near, easy"),
        (("evaluate", "--event", "brake"), "unknown event 'brake': did you mean 'break'? (known: approach, break"),
        (("evaluate", "--event", "hunt"), "(known: approach, break, use, melee, archery)"),
        (("evaluate", "--policy", "expret"), "unknown policy, bundle or run 'expret': did you mean 'expert'?"),
        (("evaluate", "--policy", "smal"), "'small'? (known: random, forward_biased_random, expert, small, five)"),
        (("evaluate", "--temperature", "-1"), "temperature: expected a number of 0 or more, got -1"),
        (("evaluate", "--policy", "lost.xview"), "lost.xview: expected a bundle (*.xview), found no file"),
        (("evaluate", "--policy", "random", "--episodes", "0"), "0 were asked for"),
        (("tasks", "show", "twins", "--out", "unused"), "unknown suite 'twins': did you mean 'twin'?"),
        (
            ("tasks", "show", "twin", "--out", "unused", "--count", "0"),
            "count: expected at least 1, and at most 100000, got 0",
        ),
        (("tasks", "sow"), "did you mean `xview tasks show`?"),
        (("bench", "sim", "--environments", "-1"), "environments, rounds, scaling and seconds: expected"),
        (("bench", "sim", "--size", "63"), "size: expected 64 or more"),
        (("bench", "simm"), "did you mean `xview bench sim`?"),
        (("evalute",), "did you mean `xview evaluate`?"),
    ],
)
def test_wrong_names_and_numbers_are_one_clear_line(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert xview(*arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "unused").exists()
