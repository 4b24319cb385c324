"""Whether two policies differ, from what each did with the same tasks: overall, by event and by difficulty.

    xview evaluate --compare before.json after.json

Only evaluations of the same tasks are compared; anything else is refused with what would make them comparable. The
judgement is the overall line's; the lines below it are several looks at the same episodes, so their p-values are
raised as Holm's method says.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.table import Table
from xview_deploy.trials.intervals import wilson

from xview_training.evaluation.pairing import SIGNIFICANT, WORTH_SHOWING, Pairs, holm
from xview_training.tasks.task import DIFFICULTIES

MEASURES = {"success": "success", "first_right": "first arrival right"}
REQUIRED = ("policy", "suite", "seed", "strict", "results")
REQUIRED_OF_A_RESULT = ("task_id", "task", "event", "difficulty", *MEASURES)


@dataclasses.dataclass(frozen=True)
class Line:
    """One measure on one group of tasks. p_value: as it is, of the overall line; raised for the others."""

    measure: str
    group: str
    pairs: Pairs
    p_value: float

    @property
    def significant(self) -> bool:
        """At 5 %, two-sided."""
        return self.p_value < SIGNIFICANT


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Both names, and the lines: of each measure first "all", then its groups."""

    first: str
    second: str
    lines: tuple[Line, ...]

    def verdicts(self) -> Iterator[str]:
        """One sentence a measure."""
        return (_verdict(self, line) for line in self.lines if line.group == "all")

    def as_json(self) -> dict[str, Any]:
        """Everything, with the verdicts in words."""
        lines = [
            dataclasses.asdict(line)
            | {"difference": line.pairs.difference, "interval": line.pairs.interval(), "significant": line.significant}
            for line in self.lines
        ]
        return {"first": self.first, "second": self.second, "verdicts": list(self.verdicts()), "lines": lines}

    def as_text(self) -> Table:
        """A table to print."""
        table = Table(title=f"{self.second} against {self.first}, the same tasks")
        for name in ("measure", "tasks of", "n", self.first, self.second, "difference, points", "p"):
            table.add_column(name, justify="left" if name in ("measure", "tasks of") else "right")
        for line in self.lines:
            pairs = line.pairs
            low, high = pairs.interval()
            rates = (wilson(pairs.both + own, pairs.tasks) for own in (pairs.first, pairs.second))
            difference = f"{100 * pairs.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
            mark = " *" if line.significant else ""
            table.add_row(
                MEASURES[line.measure], line.group, str(pairs.tasks), *map(str, rates), difference,
                f"{line.p_value:.2g}{mark}",
            )  # fmt: skip
        return table


def compare(first: dict[str, Any], second: dict[str, Any]) -> Comparison:
    """Of two records of `xview evaluate --json`; ValueError where they did not play the same tasks."""
    ones, others = _paired(first, second)
    lines: list[Line] = []
    for measure in MEASURES:
        lines.append(_line(measure, "all", ones, others))
        parts = [_line(measure, group, *_chosen(ones, others, keep)) for group, keep in _groups(ones)]
        raised = holm([part.p_value for part in parts])
        lines += [dataclasses.replace(part, p_value=p) for part, p in zip(parts, raised, strict=True)]
    names = _names(first, second)
    if names[0] == names[1]:
        names = [f"{name} ({which})" for name, which in zip(names, ("first", "second"), strict=True)]
    return Comparison(names[0], names[1], tuple(lines))


def _names(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """What both are called; a policy at another temperature is another player."""
    hot = [record.get("temperature", 1.0) for record in (first, second)]
    says = (f" at temperature {each:g}" if hot[0] != hot[1] else "" for each in hot)
    return [record["policy"] + how for record, how in zip((first, second), says, strict=True)]


def load_record(path: Path) -> dict[str, Any]:
    """A file of `xview evaluate --json`; ValueError where it is none, or an older version's."""
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: expected a file that `xview evaluate --json` wrote, got: {error}") from None
    lacking = [key for key in REQUIRED if not isinstance(record, dict) or key not in record]
    if not lacking:
        results = record["results"]
        lacking = [key for key in REQUIRED_OF_A_RESULT if not all(key in result for result in results)]
    if lacking:
        raise ValueError(
            f"{path}: expected a file that this version's `xview evaluate --json` wrote, no {lacking[0]!r}"
        )
    return record


def _paired(first: dict[str, Any], second: dict[str, Any]) -> tuple[list[dict], list[dict]]:
    """Both lists of results in the order of the first's tasks, without those that a real game left out."""
    if first["strict"] != second["strict"]:
        raise ValueError("expected two evaluations by the same rules, got one with --strict and one without it")
    left_out = {one["task_id"] for record in (first, second) for one in record.get("left_out", ())}
    ones, others = (
        {result["task"]: result for result in record["results"] if result["task_id"] not in left_out}
        for record in (first, second)
    )
    if ones.keys() != others.keys():
        shared = len(ones.keys() & others.keys())
        sides = " and ".join(
            f"{len(tasks)} tasks of {record['suite']} (seed {record['seed']})"
            for tasks, record in ((ones, first), (others, second))
        )
        raise ValueError(
            f"expected two evaluations of the same tasks, got {sides} that share {shared}: "
            "play both with the same --suite, --event, --difficulty, --episodes, --seed and --randomise"
        )
    return list(ones.values()), [others[task] for task in ones]


def _groups(results: list[dict]) -> Iterator[tuple[str, Callable[[dict], bool]]]:
    """Each event and each difficulty, where there are several."""
    for key, known in (("event", sorted({result["event"] for result in results})), ("difficulty", list(DIFFICULTIES))):
        for name in known:
            if 0 < sum(result[key] == name for result in results) < len(results):
                yield name, functools.partial(_is, key, name)


def _is(key: str, name: str, result: dict) -> bool:
    return result[key] == name


def _chosen(ones: list[dict], others: list[dict], keep: Callable[[dict], bool]) -> tuple[list[dict], list[dict]]:
    index = [k for k, result in enumerate(ones) if keep(result)]
    return [ones[k] for k in index], [others[k] for k in index]


def _line(measure: str, group: str, ones: list[dict], others: list[dict]) -> Line:
    pairs = Pairs.of([result[measure] for result in ones], [result[measure] for result in others])
    return Line(measure, group, pairs, pairs.p_value())


def _verdict(comparison: Comparison, line: Line) -> str:
    pairs, what = line.pairs, MEASURES[line.measure]
    low, high = pairs.interval()
    rates = [100 * (pairs.both + own) / pairs.tasks for own in (pairs.first, pairs.second)]
    seen = (
        f"{what}: {comparison.second} {rates[1]:.1f} %, {comparison.first} {rates[0]:.1f} % on the same {pairs.tasks} "
        f"tasks, a difference of {100 * pairs.difference:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}], "
        f"McNemar's exact p = {line.p_value:.2g}"
    )
    if line.significant:
        better = comparison.second if pairs.difference > 0 else comparison.first
        return f"{seen}: significant, {better} is better."
    assumed = "as large as it looks" if pairs.difference else f"{100 * WORTH_SHOWING:.0f} points"
    return (
        f"{seen}: not significant. If the difference is {assumed}, about {pairs.tasks_needed():,} tasks would show it "
        "(5 % level, 80 % power)."
    )
