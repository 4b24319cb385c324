"""Trials as they are counted, reported and shown."""

from __future__ import annotations

import io

from rich.console import Console
from xview_deploy.trials.records import TrialRecord, report, table


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
