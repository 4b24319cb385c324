"""Two evaluations are compared on the same tasks, in words; others are refused with what would make them the same."""

import json

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.evaluation import table
from xview_training.evaluation.comparison import compare, load_record


@pytest.fixture
def record(episode):
    """A record of n tasks, won with a probability, the same tasks in another order for another policy."""

    def make(name: str, rate: float, n: int = 400, first: int = 0, strict: bool = False):
        rng = np.random.default_rng([int(100 * rate), n])
        episodes = [
            episode(
                event="break" if k % 4 == 0 else "approach",
                difficulty="easy" if k % 2 else "near",
                success=bool(won),
                first="right" if won else "nothing",
                number=first + k,
            )
            for k, won in enumerate(rng.random(n) < rate)
        ]
        shuffled = [episodes[k] for k in rng.permutation(n)]
        return table.as_json(name, "heldout", 0, shuffled) | {"strict": strict}

    return make


def test_a_clear_difference_is_called_significant_and_the_better_is_named(record):
    compared = compare(record("before", 0.3), record("after", 0.6))
    success, first_right = compared.verdicts()
    assert success.startswith("success: after ")
    assert success.endswith("significant, after is better.")
    assert "first arrival right" in first_right
    groups = [line.group for line in compared.lines if line.measure == "success"]
    assert groups == ["all", "approach", "break", "near", "easy"]
    sizes = {line.group: line.pairs.tasks for line in compared.lines}
    assert sizes == {"all": 400, "approach": 300, "break": 100, "near": 200, "easy": 200}
    (worse, _) = compare(record("after", 0.6), record("before", 0.3)).verdicts()
    assert worse.endswith("significant, after is better.")


def test_a_small_difference_is_not_and_the_tasks_that_would_show_it_are_told(record):
    compared = compare(record("before", 0.5), record("after", 0.52))
    verdict = next(compared.verdicts())
    assert "not significant. If the difference is as large as it looks, about " in verdict
    needed = int(verdict.partition("about ")[2].partition(" tasks")[0].replace(",", ""))
    assert needed > 400


def test_a_policy_against_itself_has_no_difference(record):
    same = record("policy", 0.5)
    compared = compare(same, same)
    assert {line.p_value for line in compared.lines} == {1.0}
    assert "policy (second)" in next(compared.verdicts())
    assert "If the difference is 5 points" in next(compared.verdicts())


def test_a_policy_at_another_temperature_is_another_player(record):
    same = record("policy", 0.5)
    compared = compare(same, same | {"temperature": 0.0})
    assert (compared.first, compared.second) == ("policy at temperature 1", "policy at temperature 0")
    assert compare(same, same | {"temperature": 1.0}).second == "policy (second)"


def test_other_tasks_are_refused_with_what_to_do(record):
    with pytest.raises(ValueError, match="that share 100: play both with the same --suite") as refused:
        compare(record("before", 0.3), record("after", 0.3, first=300))
    assert "400 tasks of heldout (seed 0)" in str(refused.value)
    with pytest.raises(ValueError, match="that share 200"):
        compare(record("before", 0.3), record("after", 0.3, n=200))
    with pytest.raises(ValueError, match="one with --strict and one without it"):
        compare(record("before", 0.3), record("after", 0.3, strict=True))


def test_tasks_that_a_real_game_left_out_are_compared_in_neither(record):
    own, game = record("own", 0.3), record("game", 0.3)
    gone = game["results"].pop()["task_id"]
    game["left_out"] = [{"task_id": gone, "reason": "crash: the game ended"}]
    assert {line.pairs.tasks for line in compare(own, game).lines if line.group == "all"} == {399}


def test_the_command_prints_the_verdict_and_writes_it(record, tmp_path, capsys):
    files = []
    for name, rate in (("before", 0.3), ("after", 0.6)):
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(record(name, rate)))
    out = tmp_path / "compared.json"
    assert run(installed_commands(), ["evaluate", "--compare", *map(str, files), "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "significant, after is better." in printed
    assert "after against before, the same tasks" in printed
    assert json.loads(out.read_text())["lines"][0]["significant"] is True


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "expected a file that"), ("[]", "no 'policy'"), ('{"policy": "a", "suite": "b"}', "no 'seed'")],
)
def test_a_file_of_something_else_is_refused_by_name(tmp_path, content, said):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(
        ValueError, match=r"other\.json: expected a file that .*`xview evaluate --json` wrote"
    ) as refused:
        load_record(path)
    assert said in str(refused.value)
