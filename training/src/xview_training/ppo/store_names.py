"""The names of all fragments that there ever were, in little memory: a writer numbers its own, so ranges are enough.

    names = NamesSeen()
    names.add("rollout0-4be1-00000001")
    "rollout0-4be1-00000001" in names

Exact: a number that a writer left out, or that comes late, is not taken for seen. Knows neither files nor counters.
"""

from __future__ import annotations

from bisect import bisect_right


class NamesSeen:
    """A set of names that end in numbers; a row of numbers takes as much memory as one."""

    def __init__(self) -> None:
        # By what stands before the number and how many digits it has: the first and the last of each range, ascending.
        self._ranges: dict[tuple[str, int], tuple[list[int], list[int]]] = {}

    def add(self, name: str) -> None:
        """The name is one of them from now on."""
        writer, number = _split(name)
        firsts, lasts = self._ranges.setdefault(writer, ([], []))
        k = bisect_right(firsts, number)
        if k and number <= lasts[k - 1]:
            return
        follows = k > 0 and lasts[k - 1] == number - 1
        precedes = k < len(firsts) and firsts[k] == number + 1
        if follows and precedes:
            del lasts[k - 1], firsts[k]
        elif follows:
            lasts[k - 1] = number
        elif precedes:
            firsts[k] = number
        else:
            firsts.insert(k, number)
            lasts.insert(k, number)

    def __contains__(self, name: str) -> bool:
        writer, number = _split(name)
        firsts, lasts = self._ranges.get(writer, ([], []))
        k = bisect_right(firsts, number)
        return k > 0 and number <= lasts[k - 1]

    @property
    def ranges(self) -> int:
        """How many are kept, of all writers."""
        return sum(len(firsts) for firsts, _ in self._ranges.values())


def _split(name: str) -> tuple[tuple[str, int], int]:
    """A name's writer, and its number; 01 and 1 are of different writers. A name without a number is its own."""
    writer = name.rstrip("0123456789")
    digits = name[len(writer) :]
    return (writer, len(digits)), int(digits or 0)
