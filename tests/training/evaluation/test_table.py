"""Tables count every episode once, in groups that add up, and strict successes apart."""

import io
import itertools

import pytest
from rich.console import Console
from xview_training.evaluation import table
from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Episode


@pytest.fixture
def episodes(episode) -> list[Episode]:
    return [
        episode(),
        episode(first="wrong", ticks=120),
        episode(success=False, first="wrong", ticks=600),
        episode(visible=False, success=False, first="nothing", ticks=600),
        episode(difficulty="hard", visible=False),
        episode(event="break", difficulty="easy", ticks=90),
    ]


def test_every_episode_is_in_one_group_and_in_its_all_row(episodes):
    rows = [(key, len(chosen)) for key, chosen in table.groups(episodes)]
    assert rows == [
        (("approach", "near", "visible"), 3),
        (("approach", "near", "hidden"), 1),
        (("approach", "near", "all"), 4),
        (("approach", "hard", "hidden"), 1),
        (("approach", "hard", "all"), 1),
        (("break", "easy", "visible"), 1),
        (("break", "easy", "all"), 1),
    ]


def test_rates_count_successes_first_arrivals_and_both(episodes):
    rates = table.summary(episodes)
    assert rates["episodes"] == 6
    assert rates["success_rate"] == pytest.approx(4 / 6)
    assert rates["first_right_rate"] == pytest.approx(3 / 6)
    assert rates["strict_success_rate"] == pytest.approx(3 / 6)
    assert rates["wrong_first_rate"] == pytest.approx(2 / 6)
    assert rates["ticks_to_success"] == pytest.approx((60 + 120 + 60 + 90) / 4)
    low, high = rates["success_interval"]
    assert low < 4 / 6 < high


def test_a_group_without_success_has_no_time_to_it(episode):
    assert table.summary([episode(success=False)])["ticks_to_success"] is None
    assert table.summary([])["success_rate"] == 0


def test_the_json_holds_the_table_and_every_episode(episodes):
    record = table.as_json("expert", "heldout", 5, episodes)
    assert (record["policy"], record["suite"], record["seed"], record["episodes"]) == ("expert", "heldout", 5, 6)
    parts = [row for row in record["table"] if row["first_frame"] != "all"]
    assert sum(row["episodes"] for row in parts) == 6
    assert len(record["results"]) == 6
    assert record["results"][0]["success"] is True


def test_the_printed_table_has_a_line_a_group(episodes):
    out = io.StringIO()
    Console(file=out, width=200).print(table.as_text("expert", "heldout", episodes))
    text = out.getvalue()
    assert "expert on heldout" in text
    assert "50 % [15, 85]" in text
    assert sum(line.count("approach") + line.count("break") for line in text.splitlines()) == 9  # and a total an event
    assert len(list(itertools.chain(table.groups(episodes)))) == 7


def test_spl_is_that_of_the_targets_that_stay(episode):
    staying = [episode(), episode(success=False), episode(path_blocks=3.0), episode(event="melee")]
    rates = table.summary(staying)
    assert rates["spl_episodes"] == 3
    assert rates["spl"] == pytest.approx((6 / 9 + 0 + 1) / 3)
    assert table.summary([episode(event="melee")])["spl"] is None
    assert table.cells([episode(event="melee")])[3] == "-"


def test_every_episode_is_counted_by_how_it_ended(episode):
    ended = [episode(), episode(success=False, ending=Ending.STUCK), episode(event="break", success=False)]
    counts = table.endings(ended)
    assert {name: sum(row.values()) for name, row in counts.items()} == {"approach": 2, "break": 1, "all": 3}
    assert counts["approach"][Ending.STUCK] == 1
    assert counts["all"][Ending.FAR] == 1
    assert set(table.MEANINGS) >= {ending.value for ending in Ending}


def test_totals_stand_for_several_groups_only(episode):
    assert list(table.totals([episode()])) == []
    several = [episode(), episode(difficulty="hard"), episode(event="break")]
    assert [(key, len(chosen)) for key, chosen in table.totals(several)] == [
        (("approach", "all", "all"), 2),
        (("break", "all", "all"), 1),
        (("all", "all", "all"), 3),
    ]
