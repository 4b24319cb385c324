"""From a video's own pace to a policy's: which picture is the newest when each decision is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

Picture = TypeVar("Picture")
SLACK_S = 1e-3  # times of a file are rounded to milliseconds


def turns(frames: Iterable[tuple[float, Picture]], rate_hz: float) -> Iterator[tuple[float, Picture | None]]:
    """(seconds, the newest picture by then) of each decision at that rate, until the last picture is answered.

    frames: (seconds, picture), in order, the first at 0. A picture is answered once: None where no newer one came.
    """
    period_s, count = 1.0 / rate_hz, 0
    newest: Picture | None = None
    for time_s, picture in frames:
        while count * period_s < time_s - SLACK_S:
            yield count * period_s, newest
            newest, count = None, count + 1
        newest = picture
    if newest is not None:
        yield count * period_s, newest
