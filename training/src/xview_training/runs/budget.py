"""How long a run goes on: so many frames, so much time of the clock, or so much work of the processor.

Where machines are shared, runs of as many core-minutes are a fair comparison, runs of as many minutes are none. Knows
no trainer.
"""

from __future__ import annotations

import time
from typing import Protocol


class Limits(Protocol):
    """Of an experiment; 0 stands for none. The schedules run over what ends first."""

    @property
    def frames(self) -> int:
        """Until the end."""

    @property
    def minutes(self) -> float:
        """Of the clock."""

    @property
    def core_minutes(self) -> float:
        """Of the processor, all threads together."""


def check_limits(limits: Limits) -> None:
    """ValueError where nothing would end a run."""
    if max(limits.frames, limits.minutes, limits.core_minutes) <= 0:
        raise ValueError("expected frames, minutes or core_minutes above 0: one of them ends the run")


def share_done(limits: Limits, frames: int, seconds: float, core_seconds: float = 0.0) -> float:
    """Share of a run that is done after so much, 0..1."""
    spent = (
        (frames, limits.frames),
        (seconds, 60 * limits.minutes),
        (core_seconds, 60 * limits.core_minutes),
    )
    return min(1.0, max(done / limit if limit else 0.0 for done, limit in spent))


class Spending:
    """Seconds of training over all sessions: of the clock, and of this process on any core."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.core_seconds = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *failure: object) -> None:
        self.seconds += time.perf_counter() - self._began[0]
        self.core_seconds += time.process_time() - self._began[1]

    def record(self) -> dict[str, float]:
        """What checkpoints and logs keep."""
        return {"seconds": self.seconds, "core_seconds": self.core_seconds}

    def restore(self, record: dict[str, float]) -> None:
        """Goes on from such a record; older ones know no cores."""
        self.seconds, self.core_seconds = record["seconds"], record.get("core_seconds", 0.0)
