"""What the loop's bench found, as figures, as text and as JSON. Knows nothing of how it was measured."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True)
class LoopReport:
    """Milliseconds from picture stamp to velocity stamp; `added` is that less the median of inference alone."""

    pictures: int
    answered: int
    stops: int  # times that the gate stopped: each is a doubt, on an idle machine there should be none
    loop_ms_median: float
    loop_ms_p99: float
    inference_ms_median: float
    inference_ms_p99: float
    added_ms_median: float
    added_ms_p99: float
    node_mib_start: dict[str, float]  # resident memory of each node after the warm-up
    node_mib_end: dict[str, float]
    minutes: list[dict[str, float]]  # of each whole minute: loop_ms_median, loop_ms_p99, dropped, mib


def median(values: Sequence[float]) -> float:
    """NaN of nothing: a graph that never answered has no latency."""
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """NaN of nothing."""
    return float(np.percentile(values, share)) if values else float("nan")


def show(report: LoopReport, out: Path | None) -> int:
    """Prints the figures and writes them as JSON where asked; 1 where the graph stopped or answered nothing."""
    print(f"{report.answered} of {report.pictures} pictures answered, {report.stops} stops; milliseconds:")
    print("                                   median     p99")
    rows = {
        "picture stamp to velocity stamp": (report.loop_ms_median, report.loop_ms_p99),
        "inference alone": (report.inference_ms_median, report.inference_ms_p99),
        "added by the graph": (report.added_ms_median, report.added_ms_p99),
    }
    for name, (middle, worst) in rows.items():
        print(f"  {name:<32} {middle:6.2f}  {worst:6.2f}")
    for number, row in enumerate(report.minutes, 1):
        print(
            f"  minute {number:2d}: median {row['loop_ms_median']:.2f} ms, p99 {row['loop_ms_p99']:.2f} ms, "
            f"{row['dropped']:.0f} of {row['pictures']:.0f} dropped, nodes {row['mib']:.1f} MiB"
        )
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(dataclasses.asdict(report), indent=1))
        print(out)
    return 0 if report.answered and not report.stops else 1
