"""Tables count every episode once, in groups that add up, and strict successes apart."""

import io
import itertools

import pytest
from rich.console import Console
from xview_training.evaluation import table
from xview_training.evaluation.episodes import Episode


def episode(event="approach", difficulty="near", visible=True, success=True, first="right", ticks=60) -> Episode:
    return Episode(
        task_id="heldout-0",
        event=event,
        difficulty=difficulty,
        visible_at_start=visible,
        same_kind=0,
        success=success,
        first_right=first == "right",
        first_wrong=first == "wrong",
        died=False,
        ticks=ticks,
        path_blocks=9.0,
    )


EPISODES = [
    episode(),
    episode(first="wrong", ticks=120),
    episode(success=False, first="wrong", ticks=600),
    episode(visible=False, success=False, first="nothing", ticks=600),
    episode(difficulty="hard", visible=False),
    episode(event="break", difficulty="easy", ticks=90),
]


def test_every_episode_is_in_one_group_and_in_its_all_row():
    rows = [(key, len(chosen)) for key, chosen in table.groups(EPISODES)]
    assert rows == [
        (("approach", "near", "visible"), 3),
        (("approach", "near", "hidden"), 1),
        (("approach", "near", "all"), 4),
        (("approach", "hard", "hidden"), 1),
        (("approach", "hard", "all"), 1),
        (("break", "easy", "visible"), 1),
        (("break", "easy", "all"), 1),
    ]


def test_rates_count_successes_first_arrivals_and_both():
    rates = table.summary(EPISODES)
    assert rates["episodes"] == 6
    assert rates["success_rate"] == pytest.approx(4 / 6)
    assert rates["first_right_rate"] == pytest.approx(3 / 6)
    assert rates["strict_success_rate"] == pytest.approx(3 / 6)
    assert rates["wrong_first_rate"] == pytest.approx(2 / 6)
    assert rates["ticks_to_success"] == pytest.approx((60 + 120 + 60 + 90) / 4)
    low, high = rates["success_interval"]
    assert low < 4 / 6 < high


def test_a_group_without_success_has_no_time_to_it():
    assert table.summary([episode(success=False)])["ticks_to_success"] is None
    assert table.summary([])["success_rate"] == 0


def test_the_json_holds_the_table_and_every_episode():
    record = table.as_json("expert", "heldout", 5, EPISODES)
    assert (record["policy"], record["suite"], record["seed"], record["episodes"]) == ("expert", "heldout", 5, 6)
    parts = [row for row in record["table"] if row["first_frame"] != "all"]
    assert sum(row["episodes"] for row in parts) == 6
    assert len(record["results"]) == 6
    assert record["results"][0]["success"] is True


def test_the_printed_table_has_a_line_a_group():
    out = io.StringIO()
    Console(file=out, width=200).print(table.as_text("expert", "heldout", EPISODES))
    text = out.getvalue()
    assert "expert on heldout" in text
    assert "50 % [15, 85]" in text
    assert sum(line.count("approach") + line.count("break") for line in text.splitlines()) == 7
    assert len(list(itertools.chain(table.groups(EPISODES)))) == 7
