"""The index of a folder of fragments: which wait, how stale they are, which were trained and how often.

Rollouts write files and name them here; the learner takes names here and reads the files itself: pictures never pass
through. Every change is in a journal on the disk before it is answered, so a new index over the same folder goes on
where a killed one stopped: no decision is handed out more often than allowed, and the counters stay exact. Where the
journal itself was lost or damaged, whatever it may have handed out is dropped. Every call may be repeated where its
answer was lost. It knows no Ray; an actor hosts it.

    store = FragmentStore(folder, StoreSettings())
    version = store.begin("learner-1", trained=0)
    store.add([record])
    batch = store.take("learner-1", 1, count=10)
"""

from __future__ import annotations

import dataclasses
import logging
import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xview_training.ppo.fragment_files import FragmentError, read_header, set_aside
from xview_training.ppo.store_folder import FragmentFolder
from xview_training.ppo.store_journal import Journal
from xview_training.ppo.store_ledger import FragmentRecord, Handed, Ledger, StoreCounts

LOG = logging.getLogger(__name__)
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
JOURNAL = "journal.jsonl"


@dataclasses.dataclass(frozen=True)
class StoreSettings:
    """What is kept, and for how long it is of use. The published figures (ROCKET-3): staleness 1, reuse 1."""

    max_staleness: int = 1  # versions of the weights
    max_reuse: int = 1  # times a fragment is handed out
    max_waiting: int = 128  # fragments: more are not asked for until the learner has taken some
    quota_bytes: int = 16 * 2**30  # of the folder: used fragments are deleted from there on, the oldest first
    half_written_s: float = 600.0  # a file whose writer has not finished it by then has lost it

    def __post_init__(self) -> None:
        if self.max_staleness < 0 or min(self.max_reuse, self.max_waiting, self.quota_bytes) < 1:
            raise ValueError(f"expected max_staleness 0 or more, the other limits 1 or more, got {self}")


@dataclasses.dataclass(frozen=True)
class StoreStatus:
    """A look at the store."""

    version: int
    learners: int  # that have begun so far
    waiting: int  # fragments
    room: int  # fragments that may still come
    staleness: float  # mean of those that wait; 0 where none does
    bytes: int
    counts: StoreCounts
    complaints: tuple[str, ...]  # the latest, about damaged files


class FragmentStore:
    """Opens the folder, or begins it, and goes on from what is there."""

    def __init__(self, folder: Path, settings: StoreSettings):
        self.settings = settings
        self._folder = FragmentFolder(folder)
        self._complaints: deque[str] = deque(maxlen=20)
        self._journal = Journal(folder / JOURNAL)
        self._ledger = Ledger()
        self._released = 0  # the learner has read its batches up to this one
        for complaint in self._journal.complaints:
            self._complain(complaint)
        for entry in self._journal.entries:
            self._ledger.apply(entry)
        self._journal.entries.clear()
        if self._ledger.max_reuse != settings.max_reuse:
            self._book({"do": "reuse", "max": settings.max_reuse})
        self._compare_with_disk()
        self.scan()

    def add(self, records: Sequence[FragmentRecord]) -> int:
        """Takes note of new fragments whose files are complete; how many were not known before."""
        for record in records:
            if not ID.fullmatch(record.id) or record.decisions < 1:
                raise ValueError(f"expected a fragment named by letters, digits, - and _, got {record}")
        new = [record for record in records if not self._ledger.knows(record.id)]
        if new:
            self._book({"do": "add", "records": [dataclasses.astuple(record) for record in new]})
            self._folder.sizes |= {record.id: record.bytes for record in new}
            self._drop_stale()
            self._prune()
        return len(new)

    def begin(self, learner: str, trained: int) -> int:
        """A learner begins, or goes on from a checkpoint that had trained so many decisions: its first version.

        Whoever took before may take no longer. What was trained beyond the checkpoint is lost, and counted so.
        """
        if learner != self._ledger.learner:
            version = self._ledger.version + 1
            self._book({"do": "begin", "learner": learner, "trained": trained, "version": version})
            self._released = 0
            self._drop_stale()
        return self._ledger.version

    def next_version(self, learner: str, after: int) -> int:
        """The number for the weights that follow version `after`. What is too stale by it is dropped."""
        self._check(learner)
        if self._ledger.version == after:
            self._book({"do": "version", "version": after + 1})
            self._drop_stale()
        return self._ledger.version

    def take(self, learner: str, batch: int, count: int) -> list[Handed]:
        """`count` fragments for the learner's batch of that number, none where not enough wait.

        The same batch is answered alike as often as it is asked for. ValueError for a learner that was replaced, and
        where the limits never let so many wait.
        """
        self._check(learner)
        if batch not in self._ledger.batches:
            ready = [record.id for record in self._ledger.takeable()[:count]]
            if len(ready) < count:
                self._check_limits(count)
                return []
            self._book({"do": "take", "batch": batch, "ids": ready})
        return list(self._ledger.batches[batch].values())

    def release(self, learner: str, batch: int) -> None:
        """The learner has read this batch and those before: their files may go when the quota asks for it."""
        self._check(learner)
        self._released = max(self._released, batch)
        self._prune()

    def damaged(self, id: str, reason: str) -> None:
        """A fragment's file cannot be read: it is set aside, and does not count as trained."""
        self._set_aside(self._folder.file(id), reason)
        self._folder.sizes.pop(id, None)
        if self._ledger.concerns(id):
            self._complain(reason)
            self._book({"do": "damaged", "id": id})

    def scan(self) -> int:
        """Takes note of files that nobody named, as a killed rollout leaves them; how many there were."""
        for path in self._folder.half_written(self.settings.half_written_s):
            self._refuse(path, f"{path}: written in part, its writer is gone")
        found = [r for id in self._folder.listed() if not self._ledger.knows(id) for r in self._read_record(id)]
        self._repair(found)
        return self.add(found)

    def status(self) -> StoreStatus:
        """How full it is, how stale, and the counters."""
        ledger, limits = self._ledger, self.settings
        waiting = list(ledger.waiting())
        full = sum(record.bytes for record in waiting) >= limits.quota_bytes
        return StoreStatus(
            version=ledger.version,
            learners=ledger.learners,
            waiting=len(waiting),
            room=0 if full else max(0, limits.max_waiting - len(waiting)),
            staleness=sum(map(ledger.staleness, waiting)) / max(1, len(waiting)),
            bytes=self._folder.bytes,
            counts=dataclasses.replace(ledger.counts),
            complaints=tuple(self._complaints),
        )

    def close(self) -> None:
        """Lets another index have the folder."""
        self._journal.close()

    def _book(self, entry: dict[str, Any]) -> None:
        """First the disk, then the memory."""
        self._journal.append(entry)
        self._ledger.apply(entry)

    def _complain(self, what: str) -> None:
        LOG.warning(what)
        self._complaints.append(what)

    def _refuse(self, path: Path, reason: str) -> None:
        """Sets a file aside that was never counted."""
        if self._set_aside(path, reason):
            self._complain(reason)
            self._book({"do": "damaged", "id": path.name})

    def _set_aside(self, path: Path, reason: str) -> bool:
        """Whether the file was there and could be moved; otherwise it stays where it is."""
        try:
            return set_aside(path, reason) is not None
        except OSError as error:
            self._complain(f"{path}: cannot be set aside: {error}")
            return False

    def _repair(self, found: Sequence[FragmentRecord]) -> None:
        """Where the journal has lost something, whatever waits or was found may have been handed out by it.

        All of it becomes stale, under a version above any that was ever given out; learners have to begin anew.
        """
        ledger, path = self._ledger, self._journal.path
        holes = max(0, self._journal.damaged - ledger.repaired)
        newest = max((record.policy_version for record in found), default=0)
        if not holes and newest <= ledger.version:
            return
        lost = f"entries are lost (files of version {newest}, entries up to {ledger.version})"
        fault = f"{holes} lines are damaged" if holes else lost
        self._complain(f"{path}: {fault}; what seems to wait may have been trained already and is dropped as stale")
        version = max(newest, ledger.version + holes) + self.settings.max_staleness + 1
        self._book({"do": "repair", "version": version, "damaged": self._journal.damaged})
        self._drop_stale()

    def _check(self, learner: str) -> None:
        if learner != self._ledger.learner:
            raise ValueError(
                f"learner {learner!r} was replaced by {self._ledger.learner!r}, never began, "
                "or has to begin anew because the journal was damaged"
            )

    def _check_limits(self, count: int) -> None:
        status = self.status()
        if status.room == 0:
            raise ValueError(
                f"a batch of {count} fragments never comes together: max_waiting {self.settings.max_waiting} or "
                f"quota_bytes {self.settings.quota_bytes:,} stops the rollouts at {status.waiting}; raise them"
            )

    def _drop_stale(self) -> None:
        ledger = self._ledger
        stale = [r.id for r in ledger.open.values() if ledger.staleness(r) > self.settings.max_staleness]
        if stale:
            self._book({"do": "stale", "ids": stale})

    def _prune(self) -> None:
        """What may still be handed out stays, and what the learner has not read yet."""
        batches = self._ledger.batches.items()
        unread = {id for batch, ids in batches if batch > self._released for id in ids}
        self._folder.prune(self.settings.quota_bytes, unread | self._ledger.open.keys())

    def _compare_with_disk(self) -> None:
        """After a start: which files are there, and what is missing of those that still count."""
        listed = self._folder.listed()
        self._folder.sizes = {id: size for id, size in listed.items() if self._ledger.knows(id)}
        for record in list(self._ledger.waiting()):
            path = self._folder.file(record.id)
            try:
                size = listed.get(record.id) or self._folder.size_of(record.id)
            except OSError as error:
                self._complain(f"{path}: {error}; the learner will see whether it is whole")
                continue
            if size != record.bytes:
                self.damaged(record.id, f"{path}: expected {record.bytes} bytes, got {size or 'no file'}")

    def _read_record(self, id: str) -> list[FragmentRecord]:
        path = self._folder.file(id)
        try:
            return [FragmentRecord.of(id, read_header(path), path.stat().st_size)]
        except (FragmentError, FileNotFoundError) as error:
            self._refuse(path, str(error))
        except OSError as error:
            self._complain(f"{path}: {error}; it is left for the next scan")
        return []
