"""What became of every fragment, as the sum of a journal's entries: the same entries always give the same ledger.

Pure bookkeeping: it knows neither files nor disks nor processes, and refuses nothing: an entry that stands there twice
counts once, and of a fragment whose own entry is missing only the name is kept. Staleness is counted in published
versions of the weights, reuse in times that a fragment was handed out. Its memory does not grow with what is over: of
closed fragments it keeps their names, as ranges, and the numbers of the latest batches' alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from xview_training.ppo.fragment_files import Header
from xview_training.ppo.store_names import NamesSeen

KEPT_BATCHES = 8  # handed out last: their answers are given again where a caller did not get them


@dataclasses.dataclass(frozen=True)
class FragmentRecord:
    """A fragment as the index knows it."""

    id: str  # its file's name without the suffix
    decisions: int
    policy_version: int
    kind: str
    bytes: int  # of its file

    @classmethod
    def of(cls, id: str, header: Header, size: int) -> FragmentRecord:
        """The record of a file of that name, header and size."""
        kind = header.kind
        label = f"{kind.place}/{kind.event}/{kind.difficulty}/{'visible' if kind.visible else 'hidden'}"
        return cls(id, header.decisions, header.policy_version, label, size)


class Handed(NamedTuple):
    """A fragment of a batch."""

    id: str
    first: bool  # it was never handed out before: its decisions count as trained now, and never again


@dataclasses.dataclass
class StoreCounts:
    """Decisions, but for the first and the last. Always: added = waiting + used + stale + damaged."""

    fragments: int = 0
    added: int = 0
    used: int = 0  # handed out at least once
    uses: int = 0  # handed out, as often as they were
    lost: int = 0  # of those trained: after the checkpoint that a learner went on from
    earlier: int = 0  # trained before this folder was begun, or by a damaged line of the journal
    stale: int = 0  # never handed out: the weights had moved on
    damaged: int = 0  # never trained: their file could not be read
    damaged_files: int = 0

    @property
    def waiting(self) -> int:
        """Not handed out yet and still of use."""
        return self.added - self.used - self.stale - self.damaged

    @property
    def trained(self) -> int:
        """What the learner's own counter says, which counts a decision when it is handed out first."""
        return self.earlier + self.used - self.lost


class Ledger:
    """The state after the entries applied so far."""

    def __init__(self) -> None:
        self.max_reuse = 1
        self.repaired = 0  # damaged lines of the journal that were made up for
        self.counts = StoreCounts()
        self.version = 0  # of the newest weights
        self.learner = ""  # who may take
        self.learners = 0  # that have begun so far
        self.batches: dict[int, dict[str, Handed]] = {}  # the learner's latest, by their numbers
        self.open: dict[str, FragmentRecord] = {}  # in order of arrival: may still be handed out
        self.uses: dict[str, int] = {}  # of the open ones
        # Decisions and uses of those never to be handed out again, while one of `batches` names them.
        self.closed: dict[str, tuple[int, int]] = {}
        self.names = NamesSeen()  # of all that were ever added

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Books one entry."""
        {
            "add": self._add,
            "take": self._take,
            "begin": self._begin,
            "version": self._raise_version,
            "stale": self._drop_stale,
            "damaged": self._damaged,
            "reuse": self._limit_reuse,
            "repair": self._repair,
        }[entry["do"]](entry)

    def knows(self, id: str) -> bool:
        """Whether this fragment was ever added."""
        return id in self.names

    def concerns(self, id: str) -> bool:
        """Whether it may still be handed out, or was in one of the latest batches."""
        return id in self.open or any(id in batch for batch in self.batches.values())

    def staleness(self, record: FragmentRecord) -> int:
        """How many versions of the weights came since its own."""
        return self.version - record.policy_version

    def waiting(self) -> Iterator[FragmentRecord]:
        """Those never handed out yet, oldest first."""
        return (record for record in self.open.values() if not self.uses[record.id])

    def takeable(self) -> list[FragmentRecord]:
        """What may be handed out: least used first, then oldest first."""
        return sorted(self.open.values(), key=lambda record: self.uses[record.id])

    def _add(self, entry: Mapping[str, Any]) -> None:
        for fields in entry["records"]:
            record = FragmentRecord(*fields)
            if self.knows(record.id):
                continue
            self.open[record.id], self.uses[record.id] = record, 0
            self.names.add(record.id)
            self.counts.fragments += 1
            self.counts.added += record.decisions

    def _take(self, entry: Mapping[str, Any]) -> None:
        batch = self.batches.setdefault(entry["batch"], {})
        for old in sorted(self.batches)[:-KEPT_BATCHES]:
            del self.batches[old]
        self._forget()
        for id in entry["ids"]:
            self.names.add(id)
            if id in batch or id not in self.open:
                continue
            decisions = self.open[id].decisions
            batch[id] = Handed(id, first=self.uses[id] == 0)
            self.counts.used += decisions if batch[id].first else 0
            self.counts.uses += decisions
            self.uses[id] += 1
            if self.uses[id] >= self.max_reuse:
                self._close(id)

    def _begin(self, entry: Mapping[str, Any]) -> None:
        if entry["learner"] == self.learner:
            return
        counts = self.counts
        beyond = entry["trained"] - counts.trained
        counts.earlier += max(0, beyond)
        counts.lost += max(0, -beyond)
        self._let_go(entry["learner"])
        self.learners += 1
        self._raise_version(entry)

    def _raise_version(self, entry: Mapping[str, Any]) -> None:
        self.version = max(self.version, entry["version"])

    def _repair(self, entry: Mapping[str, Any]) -> None:
        """Whoever took may take no longer: what it was given is not known for sure."""
        self.repaired = entry["damaged"]
        self._let_go("")
        self._raise_version(entry)

    def _let_go(self, successor: str) -> None:
        self.learner, self.batches = successor, {}
        self._forget()

    def _limit_reuse(self, entry: Mapping[str, Any]) -> None:
        """What was closed before stays so, though more were allowed from now on."""
        self.max_reuse = entry["max"]
        for id in [id for id, uses in self.uses.items() if uses >= self.max_reuse]:
            self._close(id)

    def _drop_stale(self, entry: Mapping[str, Any]) -> None:
        for id in entry["ids"]:
            self.names.add(id)
            if id in self.open:
                self.counts.stale += 0 if self.uses[id] else self.open[id].decisions
                self._close(id)

    def _damaged(self, entry: Mapping[str, Any]) -> None:
        """Where it was just handed out, that use did not happen; in batches before, it did."""
        id, counts = entry["id"], self.counts
        counts.damaged_files += 1
        if not self.concerns(id):
            return
        latest = self.batches[max(self.batches)].get(id) if self.batches else None
        decisions, uses = self._close(id) if id in self.open else self.closed[id]
        counts.uses -= decisions if latest else 0
        counts.used -= decisions if latest and latest.first else 0
        counts.damaged += decisions if uses == 0 or (latest and latest.first) else 0
        for batch in self.batches.values():
            batch.pop(id, None)
        self.closed.pop(id, None)

    def _close(self, id: str) -> tuple[int, int]:
        """It is not handed out again; its decisions and uses."""
        closed = self.open.pop(id).decisions, self.uses.pop(id)
        if self.concerns(id):
            self.closed[id] = closed
        return closed

    def _forget(self) -> None:
        """Leaves out of `closed` what no batch names any more."""
        named = {id for batch in self.batches.values() for id in batch}
        self.closed = {id: closed for id, closed in self.closed.items() if id in named}
