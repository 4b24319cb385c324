"""Two evaluations of the same tasks, task by task, and what is needed to say whether they differ.

Each task is played by both, so the tasks on which both did alike say nothing of the difference: McNemar's exact test
(McNemar 1947) asks whether the others are split evenly. The interval of the difference of paired rates is Newcombe's
(1998, "Improved confidence intervals for the difference between binomial proportions based on paired data", method 10,
Wilson limits). Knows neither files nor policies.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from scipy.stats import binomtest, norm
from xview_deploy.trials.intervals import wilson

SIGNIFICANT = 0.05  # two-sided
POWER = 0.8  # of the sample size that is recommended
WORTH_SHOWING = 0.05  # difference that is planned for where none was seen


@dataclasses.dataclass(frozen=True)
class Pairs:
    """How many tasks both won, only the first, only the second, neither."""

    both: int
    first: int
    second: int
    neither: int

    @classmethod
    def of(cls, first: Sequence[bool], second: Sequence[bool]) -> Pairs:
        """From outcomes in the same order of tasks."""
        counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
        for pair in zip(first, second, strict=True):
            counts[pair] += 1
        return cls(counts[True, True], counts[True, False], counts[False, True], counts[False, False])

    @property
    def tasks(self) -> int:
        """How many there are."""
        return self.both + self.first + self.second + self.neither

    @property
    def difference(self) -> float:
        """The second's rate less the first's."""
        return (self.second - self.first) / self.tasks if self.tasks else 0.0

    def p_value(self) -> float:
        """Two-sided, of McNemar's exact test; 1 where nothing differs."""
        split = self.first + self.second
        return float(binomtest(self.first, split, 0.5).pvalue) if split else 1.0

    def interval(self) -> tuple[float, float]:
        """95 % interval of `difference`; (0, 0) without tasks."""
        if self.tasks == 0:
            return 0.0, 0.0
        one, two = (wilson(self.both + own, self.tasks) for own in (self.first, self.second))
        phi = self._phi()
        below = _joined(two.rate - two.low, one.high - one.rate, phi)
        above = _joined(two.high - two.rate, one.rate - one.low, phi)
        return self.difference - below, self.difference + above

    def _phi(self) -> float:
        """The correlation of both outcomes, corrected for continuity where it is positive, as Newcombe has it."""
        a, b, c, d = self.both, self.first, self.second, self.neither
        product = (a + b) * (c + d) * (a + c) * (b + d)
        if product == 0:
            return 0.0
        excess = float(a * d - b * c)
        if excess > 0:
            excess = max(excess - self.tasks / 2, 0.0)
        return excess / math.sqrt(product)

    def tasks_needed(self) -> int:
        """How many tasks would show the difference that was seen, at 5 % with 80 % power (Miettinen 1968).

        Where none was seen: to show WORTH_SHOWING.
        """
        difference = abs(self.difference) or WORTH_SHOWING
        split = max((self.first + self.second) / self.tasks, difference)
        both = norm.isf(SIGNIFICANT / 2) * math.sqrt(split)
        missed = norm.isf(1 - POWER) * math.sqrt(max(split - difference**2, 0.0))
        return max(math.ceil(((both + missed) / difference) ** 2), self.tasks + 1)


def _joined(one: float, other: float, phi: float) -> float:
    """Half an interval of a difference, from half intervals of its two sides."""
    return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests made at once (Holm 1979), in the same order."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, k in enumerate(sorted(range(len(p_values)), key=lambda k: p_values[k])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[k]))
        adjusted[k] = largest
    return adjusted
