"""What trials and evaluations claim, with the uncertainty that goes with it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from xview_deploy.trials.intervals import wilson
from xview_deploy.trials.records import TrialRecord, report, table


def test_interval_is_the_published_one() -> None:
    """10 of 20: the score interval (0.2993, 0.7007), as tabulated by Newcombe (Stat. Med. 17, 1998) and others."""
    rate = wilson(10, 20)
    assert (rate.low, rate.high) == pytest.approx((0.2993, 0.7007), abs=1e-4)


def test_no_success_is_not_certainty() -> None:
    rate = wilson(0, 20)
    assert rate.low == pytest.approx(0.0, abs=1e-12)
    assert rate.high == pytest.approx(0.1611, abs=1e-4)  # z^2 / (n + z^2)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_the_rate(counts: tuple[int, int]) -> None:
    rate = wilson(*counts)
    assert -1e-12 <= rate.low <= rate.rate <= rate.high <= 1 + 1e-12


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials, got 3 of 2"):
        wilson(3, 2)


def trial(success: bool, first_right: bool, seconds: float, policy: str = "small") -> TrialRecord:
    return TrialRecord(7, policy, success, first_right, seconds, 1, "" if success else "time over")


def test_report_counts_successes_and_first_arrivals_apart() -> None:
    trials = [trial(True, True, 4.0), trial(True, False, 9.5), trial(False, False, 30.0)]
    rows = report({"shipped": trials})
    assert rows["shipped"]["trials"] == 3
    assert rows["shipped"]["success"] == 2
    assert rows["shipped"]["first_right"] == 1
    assert rows["shipped"]["seconds"] == [4.0, 9.5]
    assert rows["shipped"]["failures"] == {"7": "time over"}


def test_table_shows_every_policy_with_its_interval() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table({"shipped": [trial(True, True, 4.0)] * 8 + [trial(False, False, 30.0)] * 2, "random": []}))
    text = console.export_text()
    assert "80 % [49, 94]" in text
    assert "random" in text
