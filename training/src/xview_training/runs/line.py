"""What a run says on the terminal: one line that moves, or where nobody sees that, a plain one now and then."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_LINE_EVERY_S = 30.0


class Line:
    """A context manager; outside of it nothing is shown."""

    def __init__(self, first: str):
        """first: what the line says until there is more to say."""
        self._console = Console()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._moves = self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, refresh_per_second=1, disable=not self._moves)
        self._task = self._bar.add_task(first, total=None)
        self._printed_s = time.monotonic()

    def show(self, line: str) -> None:
        """From now on it says this."""
        self._bar.update(self._task, description=line)
        if not self._moves and time.monotonic() - self._printed_s > PLAIN_LINE_EVERY_S:
            self._printed_s = time.monotonic()
            print(line, flush=True)

    def above(self, text: str) -> None:
        """Says something once, above the line."""
        self._console.print(text, markup=False, highlight=False)

    def __enter__(self) -> Line:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
