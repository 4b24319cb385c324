"""Contestants of one run take turns, so that what else a shared machine does disturbs all of them alike."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping


@dataclasses.dataclass(frozen=True)
class Contestant:
    """work: does some units and returns how many. clock: core-seconds that count as its own."""

    work: Callable[[], int]
    clock: Callable[[], float] = time.process_time


def take_turns(contestants: Mapping[str, Contestant], seconds: float, rounds: int) -> dict[str, float]:
    """Units per core-second by name. Each has `seconds` in `rounds` turns; first calls compile and are not counted."""
    for contestant in contestants.values():
        contestant.work()
    done, taken_s = dict.fromkeys(contestants, 0), dict.fromkeys(contestants, 0.0)
    for _ in range(rounds):
        for name, contestant in contestants.items():
            start_s, used_s = contestant.clock(), 0.0
            while used_s < seconds / rounds:
                done[name] += contestant.work()
                used_s = contestant.clock() - start_s
            taken_s[name] += used_s
    return {name: done[name] / taken_s[name] for name in contestants}
