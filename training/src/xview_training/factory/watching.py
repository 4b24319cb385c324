"""How far a run is: a bar with the time that is left, or now and then a line where no terminal shows bars."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from xview_training.factory.intake import Intake

LINE_EVERY_S = 30.0


class Watching:
    """Shows an intake as it fills; use it with `with`."""

    def __init__(self, title: str, count: int):
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._console = Console()
        self._bar = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._task = self._bar.add_task(title, total=count, rate="")
        self._count, self._before = count, -1
        self._started = self._said = 0.0

    def __enter__(self) -> Watching:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    @property
    def seconds(self) -> float:
        """Since the first look."""
        return time.monotonic() - self._started

    @property
    def here(self) -> int:
        """Tasks made since then."""
        return self._made - self._before

    def __call__(self, intake: Intake) -> None:
        """Looks at it."""
        now = time.monotonic()
        if self._before < 0:
            self._before, self._started = intake.made, now
        self._made = intake.made
        rate = self.here / max(now - self._started, 1e-9)
        self._bar.update(self._task, completed=intake.made, rate=f"{rate:.0f}/s")
        if self._bar.disable and now - self._said >= LINE_EVERY_S:
            left = f"{(self._count - intake.made) / rate / 60:.0f} min left" if self.here else "starting"
            self._console.print(f"{intake.made:,} of {self._count:,} tasks, {rate:.0f}/s, {left}", highlight=False)
            self._said = now
