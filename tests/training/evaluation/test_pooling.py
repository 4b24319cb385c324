"""Evaluations of a recipe's seeds are told together, and each one's rate beside that."""

import json

import pytest
from scipy.stats import binomtest
from xview_deploy.cli import installed_commands, run
from xview_training.evaluation import table
from xview_training.evaluation.pooling import TOGETHER, pooled


@pytest.fixture
def record(episode):
    """A record of 20 near and 20 easy tasks, of which so many of each were won."""

    def make(near: int, easy: int, **changes):
        episodes = [
            episode(difficulty=difficulty, success=k < won, first="right" if k < won else "wrong", number=k)
            for difficulty, won in (("near", near), ("easy", easy))
            for k in range(20)
        ]
        return table.as_json("ppo", "heldout", 0, episodes) | {"strict": False} | changes

    return make


def test_rates_are_of_all_episodes_and_ranges_of_each_evaluation(record):
    near, easy, together = pooled([record(18, 10), record(14, 8), record(16, 12)])
    assert (near["difficulty"], easy["difficulty"], together["event"]) == ("near", "easy", TOGETHER)
    assert near["success_rate"] == pytest.approx(48 / 60)
    assert near["success_range"] == [14 / 20, 18 / 20]
    assert easy["first_right_range"] == [8 / 20, 12 / 20]
    assert together["episodes"] == 120
    interval = binomtest(78, 120).proportion_ci(method="wilson")
    assert together["success_interval"] == pytest.approx([interval.low, interval.high])
    assert together["success_range"] == [22 / 40, 28 / 40]


def test_files_of_different_distances_are_told_together_without_a_range(record):
    whole = record(18, 10)
    parts = [whole | {"results": whole["results"][:20]}, whole | {"results": whole["results"][20:]}]
    near, _, together = pooled(parts)
    assert near["success_range"] == [18 / 20, 18 / 20]
    assert together["success_range"] is None
    assert together["success_rate"] == pytest.approx(28 / 40)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"suite": "robot"}, "of one suite, got heldout and robot"),
        ({"strict": True}, "of one strict"),
        ({"randomise": False}, "of one randomise"),
        ({"backend": "minerl"}, "of one backend, got None and minerl"),
        ({"temperature": 0.0}, "of one temperature, got 0.0 and 1.0"),
        ({}, "twice"),
    ],
)
def test_what_does_not_belong_together_is_refused(record, changes, said):
    with pytest.raises(ValueError, match=said):
        pooled([record(18, 10), record(17, 10, **changes) if changes else record(18, 10)])


def test_the_command_prints_and_writes_them(record, tmp_path, capsys):
    files = [tmp_path / f"{seed}.json" for seed in range(3)]
    for file, won in zip(files, (12, 14, 16), strict=True):
        file.write_text(json.dumps(record(won, won - 4)))
    out = tmp_path / "pooled.json"
    assert run(installed_commands(), ["evaluate", "--pool", *map(str, files), "--json", str(out)]) == 0
    assert "60 to 80 %" in capsys.readouterr().out
    assert json.loads(out.read_text())[0]["episodes"] == 60
    assert run(installed_commands(), ["evaluate", "--pool", str(files[0])]) == 2
    assert "at least two" in capsys.readouterr().err
