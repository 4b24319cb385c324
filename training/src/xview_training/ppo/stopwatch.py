"""Where the time goes: seconds booked by name."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class Stopwatch:
    """Adds up the wall time of named parts."""

    def __init__(self, *names: str):
        self.seconds = dict.fromkeys(names, 0.0)

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Books what runs inside under that name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started

    def lap(self) -> dict[str, float]:
        """What was booked since the last lap."""
        booked = self.seconds
        self.seconds = dict.fromkeys(booked, 0.0)
        return booked
