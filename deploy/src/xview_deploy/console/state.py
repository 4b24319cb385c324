"""What pages are told ten times a second: gate, policy, ages, who is the operator. JSON without surprises.

A number that is not finite becomes null: a page must not choke on what a broken policy says.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Any

from xview_deploy.console.desk import AcceptedGoal, Desk
from xview_deploy.console.frames import ShownFrames
from xview_deploy.console.robot import GateReport, PolicyReport


def state_message(desk: Desk, session: str, shown: Sequence[ShownFrames]) -> dict[str, Any]:
    """The state as that page sees it."""
    robot = desk.robot
    now_ns = robot.now_ns()
    record = {
        "type": "state",
        "tick": desk.tick(),
        "control": desk.control_of(session),
        "gate": _report(robot.gate()),
        "policy": _report(robot.policy()),
        "cameras": {frames.camera: _ages(frames, robot.frame(frames.camera), now_ns) for frames in shown},
    }
    finite: dict[str, Any] = _finite(record)
    return finite


def goal_message(goal: AcceptedGoal) -> dict[str, Any]:
    """The accepted goal, for pages to draw."""
    record = dataclasses.asdict(goal)
    record["age_s"] = time.monotonic() - record.pop("accepted_s")
    return {"type": "goal", **record}


def _report(report: GateReport | PolicyReport | None) -> dict[str, Any] | None:
    if report is None:
        return None
    record = dataclasses.asdict(report)
    record["report_age_ms"] = (time.monotonic() - record.pop("received_s")) * 1000
    return record


def _ages(shown: ShownFrames, newest: Any, now_ns: int) -> dict[str, float | None]:
    """Ages by their stamps, ms: of the newest picture here, and of the one on the page's screen."""
    on_screen = shown.on_screen
    return {
        "newest_ms": None if newest is None else (now_ns - newest.stamp_ns) * 1e-6,
        "on_screen_ms": None if on_screen is None else (now_ns - on_screen.stamp_ns) * 1e-6,
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
