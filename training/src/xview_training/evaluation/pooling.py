"""Several evaluations of one recipe as one: of its training seeds, or of tasks that were played apart.

    xview evaluate --pool ppo-0.json ppo-1.json ppo-2.json

The interval of all together treats every episode as drawn by itself. Seeds that played the same tasks are more alike
than that, so each evaluation's own rate stands beside it: what a recipe does is what its seeds agree on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from xview_deploy.trials.intervals import wilson

from xview_training.tasks.task import DIFFICULTIES

MEASURES = ("success", "first_right")
TOGETHER = "all together"
UNSAID = {"randomise": True, "temperature": 1.0}  # of records that were written before it could be chosen


def pooled(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of event, difficulty, each measure's rate, interval and lowest and highest of the records; the last is of
    everything, without a range where the records hold different kinds of tasks: rates of these do not compare.

    ValueError where the records are not of one suite, by the same rules, or one of them is there twice.
    """
    if len(records) < 2:
        raise ValueError(f"expected at least two evaluations, got {len(records)}")
    for name in ("suite", "strict", "randomise", "backend", "temperature"):
        found = sorted({str(record.get(name, UNSAID.get(name))) for record in records})
        if len(found) > 1:
            raise ValueError(f"expected evaluations of one {name}, got {' and '.join(found)}")
    results = [record["results"] for record in records]
    if any(results.count(one) > 1 for one in results):
        raise ValueError("expected different evaluations, one of them is there twice")
    return [_row(key, list(parts)) for key, parts in _groups(results)]


def _groups(results: list[list[dict]]) -> Iterator[tuple[tuple[str, str], Iterator[list[dict]]]]:
    """((event, difficulty), the episodes of each record that has some), and of all together."""
    together = [e for episodes in results for e in episodes]
    kinds = {(e["event"], e["difficulty"]) for e in together}
    for kind in sorted(kinds, key=lambda kind: (kind[0], list(DIFFICULTIES).index(kind[1]))):
        parts = [[e for e in episodes if (e["event"], e["difficulty"]) == kind] for episodes in results]
        yield kind, (part for part in parts if part)
    if len(kinds) > 1:
        yield (TOGETHER, ""), iter(results)


def _row(key: tuple[str, str], parts: list[list[dict]]) -> dict[str, Any]:
    episodes = [e for part in parts for e in part]
    row: dict[str, Any] = {"event": key[0], "difficulty": key[1], "evaluations": len(parts), "episodes": len(episodes)}
    for measure in MEASURES:
        rate = wilson(sum(bool(e[measure]) for e in episodes), len(episodes))
        each = [sum(bool(e[measure]) for e in part) / len(part) for part in parts]
        row[f"{measure}_rate"], row[f"{measure}_interval"] = rate.rate, [rate.low, rate.high]
        alike = len({frozenset((e["event"], e["difficulty"]) for e in part) for part in parts}) == 1
        row[f"{measure}_range"] = [min(each), max(each)] if alike else None
    return row


def as_text(records: Sequence[dict[str, Any]]) -> Table:
    """A table to print."""
    table = Table(title=" + ".join(sorted({record["policy"] for record in records})))
    for name in ("event", "difficulty"):
        table.add_column(name)
    for name in ("evaluations", "n", "success", "lowest to highest", "first right", "lowest to highest"):
        table.add_column(name, justify="right")
    for row in pooled(records):
        cells = [row["event"], row["difficulty"], str(row["evaluations"]), str(row["episodes"])]
        for measure in MEASURES:
            low, high = (100 * x for x in row[f"{measure}_interval"])
            between = "-"
            if row[f"{measure}_range"] is not None:
                between = "{:.0f} to {:.0f} %".format(*(100 * x for x in row[f"{measure}_range"]))
            cells += [f"{100 * row[f'{measure}_rate']:.0f} % [{low:.0f}, {high:.0f}]", between]
        table.add_row(*cells)
    return table
