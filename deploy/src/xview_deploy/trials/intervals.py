"""Success rates with their uncertainty: Wilson score intervals."""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import binomtest


class Rate(NamedTuple):
    """k of n, with the bounds of its 95 % Wilson interval; all zeros where n is zero."""

    count: int
    total: int
    rate: float
    low: float
    high: float

    def __str__(self) -> str:
        """As tables print it: "83 % [79, 87]"."""
        if self.total == 0:
            return "-"
        return f"{100 * self.rate:.0f} % [{100 * self.low:.0f}, {100 * self.high:.0f}]"


def wilson(count: int, total: int) -> Rate:
    """The 95 % Wilson score interval of `count` successes in `total` trials (Wilson, JASA 22, 1927)."""
    if not 0 <= count <= total:
        raise ValueError(f"expected 0 <= count <= total, got {count} of {total}")
    if total == 0:
        return Rate(0, 0, 0.0, 0.0, 0.0)
    interval = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return Rate(count, total, count / total, float(interval.low), float(interval.high))
