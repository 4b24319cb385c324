"""What became of the episodes of a run: each counted once, rates over the latest ones."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable
from typing import Any

from xview_training.ppo.fragment import Fragment

WINDOW = 500  # episodes of the moving rates


@dataclasses.dataclass(frozen=True)
class Entry:
    """One ended episode."""

    event: str
    difficulty: str
    visible: bool
    strict: bool
    success: bool
    first_right: bool
    first_wrong: bool
    ticks: int


class Ledger:
    """Counts fragments, decisions and episodes."""

    def __init__(self) -> None:
        self.fragments = 0
        self.decisions = 0
        self.episodes = 0
        self._latest: deque[Entry] = deque(maxlen=WINDOW)

    def book(self, fragments: Iterable[Fragment]) -> None:
        """These have been handed out."""
        for fragment in fragments:
            self.fragments += 1
            self.decisions += len(fragment)
            if fragment.outcome is None:
                continue
            self.episodes += 1
            kind = fragment.kind
            outcome = dataclasses.asdict(fragment.outcome)
            self._latest.append(Entry(kind.event, kind.difficulty, kind.visible, kind.strict, **outcome))

    def figures(self) -> dict[str, float]:
        """Rates over the latest episodes: of all, of those that nothing but the limit ends, of each difficulty."""
        latest = list(self._latest)
        groups = {
            "": latest,
            "_strict": [e for e in latest if e.strict],
            "_lenient": [e for e in latest if not e.strict],
        }
        groups |= {f"_{name}": [e for e in latest if name in (e.event, e.difficulty)] for name in _names(latest)}
        found = {}
        for name, entries in groups.items():
            if entries:
                found[f"rollout_success{name}"] = sum(e.success for e in entries) / len(entries)
                found[f"rollout_first_right{name}"] = sum(e.first_right for e in entries) / len(entries)
        if latest:
            found["episode_seconds"] = sum(e.ticks for e in latest) / len(latest) / 20
        return found

    def record(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON."""
        counts = {"fragments": self.fragments, "decisions": self.decisions, "episodes": self.episodes}
        return counts | {"latest": [dataclasses.astuple(entry) for entry in self._latest]}

    def restore(self, record: dict[str, Any]) -> None:
        """Goes on from such a record."""
        self.fragments, self.decisions = record["fragments"], record["decisions"]
        self.episodes = record["episodes"]
        self._latest = deque((Entry(*entry) for entry in record["latest"]), maxlen=WINDOW)


def _names(entries: list[Entry]) -> list[str]:
    return sorted({e.event for e in entries} | {e.difficulty for e in entries})
