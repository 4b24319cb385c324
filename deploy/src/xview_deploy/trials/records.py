"""What came of closed-loop trials, and how it is reported."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.table import Table

from xview_deploy.trials.intervals import wilson


@dataclasses.dataclass(frozen=True)
class TrialRecord:
    """One trial, judged by the room's truth under criteria fixed before it began.

    success: the robot arrived at the marked target within the limit. first_right: no other object was arrived at
    before. seconds: from arming to the arrival, or to the end. interventions: how often the gate stopped the robot
    and the operator armed it again.
    """

    seed: int
    policy: str
    success: bool
    first_right: bool
    seconds: float
    interventions: int
    reason: str


def report(records: Mapping[str, Sequence[TrialRecord]]) -> dict[str, dict[str, Any]]:
    """{policy: {"trials", "success", "first_right", "seconds", ...}}; `seconds` of the successes, in order."""
    return {
        policy: {
            "trials": len(trials),
            "success": sum(t.success for t in trials),
            "first_right": sum(t.first_right for t in trials),
            "seconds": [round(t.seconds, 2) for t in trials if t.success],
            "interventions": sum(t.interventions for t in trials),
            "failures": {str(t.seed): t.reason for t in trials if not t.success},
        }
        for policy, trials in records.items()
    }


def table(records: Mapping[str, Sequence[TrialRecord]]) -> Table:
    """A row a policy, rates with their 95 % Wilson intervals."""
    out = Table(title="closed-loop trials")
    for name in ("policy", "trials", "reached", "right first", "median s", "stops"):
        out.add_column(name, justify="left" if name == "policy" else "right")
    for policy, trials in records.items():
        won = [t.seconds for t in trials if t.success]
        out.add_row(
            policy,
            str(len(trials)),
            str(wilson(len(won), len(trials))),
            str(wilson(sum(t.first_right for t in trials), len(trials))),
            f"{median(won):.1f}" if won else "-",
            str(sum(t.interventions for t in trials)),
        )
    return out
