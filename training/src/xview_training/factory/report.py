"""What a file of tasks holds, what was rejected on the way and why, and whether the expert can do a sample of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table

from xview_training.factory.check import Check
from xview_training.factory.make import Made
from xview_training.tasks.files import TaskFile
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.task import DIFFICULTIES

ASKED = ("place", "world_seed", "event", "target", "creature")  # what makes two tasks the same, wherever they start


def duplicates(file: TaskFile) -> int:
    """Tasks of the file that ask for the same event of the same object in the same world as an earlier one."""
    columns = [file.records[field].reshape(file.size, -1) for field in ASKED]
    return file.size - len(np.unique(np.concatenate(columns, 1), axis=0))


def composition(file: TaskFile) -> Iterator[dict[str, Any]]:
    """Counts by event, difficulty and first-frame visibility."""
    events, difficulties, visible = file.names("event"), file.names("difficulty"), file.records["visible_at_start"]
    for event in file.events:
        for difficulty in DIFFICULTIES:
            chosen = visible[(events == event.value) & (difficulties == difficulty)]
            if len(chosen):
                seen = int(chosen.sum())
                yield {"event": event.value, "difficulty": difficulty, "visible": seen, "hidden": len(chosen) - seen}


def as_json(file: TaskFile, made: Made, check: Check | None) -> dict[str, Any]:
    """Everything about one file."""
    places, counts = np.unique(file.names("place"), return_counts=True)
    return {
        "file": file.name,
        "suite": file.header.suite,
        "seed": file.header.seed,
        "count": file.size,
        "sha256": file.header.sha256,
        "bytes": file.path.stat().st_size,
        "duplicates": duplicates(file),
        "worlds": len(np.unique(file.records["world_seed"])),
        "places": dict(zip(places.tolist(), counts.tolist(), strict=True)),
        "composition": list(composition(file)),
        "moved": int((file.records["moved"] >= 0).sum()),
        "candidates": made.candidates,
        "rejected": [{"kind": kind.kind, "count": made.rejected[kind], "why": kind.value} for kind in Rejection],
        "check": None if check is None else check.as_json(),
    }


def as_text(report: dict[str, Any]) -> RenderableType:
    """The same for a terminal."""
    lines: list[RenderableType] = [
        f"{report['file']}: {report['count']:,} tasks of {report['suite']} in {report['worlds']:,} worlds, "
        f"{report['duplicates']} duplicates, {report['moved']:,} with the target moved to the goal camera, "
        f"{report['bytes'] / 2**20:.2f} MiB",
        _composition_table(report["composition"]),
        _rejection_table(report["rejected"], report["candidates"]),
    ]
    if report["check"] is not None:
        lines.append(_check_lines(report["check"]))
    return Group(*lines)


def _composition_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Tasks")
    for name in ("event", "difficulty"):
        table.add_column(name)
    for name in ("visible", "hidden"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(row["event"], row["difficulty"], f"{row['visible']:,}", f"{row['hidden']:,}")
    return table


def _rejection_table(rows: list[dict[str, Any]], candidates: int) -> Table:
    table = Table(title=f"Given up on the way ({candidates:,} candidates)")
    table.add_column("kind")
    table.add_column("times", justify="right")
    table.add_column("why")
    for row in rows:
        table.add_row(row["kind"], f"{row['count']:,}", row["why"])
    return table


def _check_lines(check: dict[str, Any]) -> str:
    low, high = check["success_interval"]
    lines = [
        f"The expert did {check['success_rate']:.1%} of {check['sample']} random tasks "
        f"(95 % Wilson interval {low:.1%} to {high:.1%})"
    ]
    for failure in check["failures"]:
        lines.append(f"  not {failure['task_id']}, {failure['difficulty']} {failure['event']}: {failure['ended']}")
    return "\n".join(lines)
