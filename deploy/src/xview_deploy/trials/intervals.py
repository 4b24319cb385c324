"""Success rates with their uncertainty: Wilson score intervals."""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import binomtest


class Rate(NamedTuple):
    """Successes of trials, with the bounds of its 95 % Wilson interval; all zeros where there was no trial."""

    successes: int
    trials: int
    rate: float
    low: float
    high: float

    def __str__(self) -> str:
        """As tables print it: "83 % [79, 87]"."""
        if self.trials == 0:
            return "-"
        return f"{100 * self.rate:.0f} % [{100 * self.low:.0f}, {100 * self.high:.0f}]"


def wilson(successes: int, trials: int) -> Rate:
    """The 95 % Wilson score interval of `successes` in `trials` (Wilson, JASA 22, 1927)."""
    if not 0 <= successes <= trials:
        raise ValueError(f"expected 0 <= successes <= trials, got {successes} of {trials}")
    if trials == 0:
        return Rate(0, 0, 0.0, 0.0, 0.0)
    interval = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return Rate(successes, trials, successes / trials, float(interval.low), float(interval.high))
