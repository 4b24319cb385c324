"""A file of tasks: two lines of text, then one record of fixed width a task (docs/tasks.md draws it).

    xview tasks 1 <sha256 of the second line>
    {"suite": ..., "seed": ..., "count": ..., "codes": ..., "fields": ..., "sha256": <of the records>}
    <records>

Opening checks every byte, so a damaged file is refused as a whole; reading is by index, from a memory map. It knows
suites by name only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from xview_training.sim.worlds import GENERATION
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.packing import CODES, RECORD, unpack
from xview_training.tasks.task import Task, task_name

MAGIC = "xview tasks"
VERSION = 1
LONGEST_LINE = 1 << 16  # bytes; a file of something else may have no line at all
READ_BYTES = 1 << 20
NO_DIGEST = "0" * 64
FIELDS = json.loads(json.dumps(RECORD.descr))


class TaskFileError(ValueError):
    """A file is no file of tasks, is damaged, or is another version's; the message says which."""


@dataclasses.dataclass(frozen=True)
class FileHeader:
    """What a file says of itself. `codes` are the meanings of numbers in records, by field."""

    suite: str
    seed: int  # chose the tasks
    count: int
    generation: int = GENERATION  # of worlds: another one would grow other worlds from the same seeds
    codes: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=lambda: dict(CODES))
    sha256: str = NO_DIGEST  # of the records

    def lines(self) -> bytes:
        """Both lines; as long for any digest."""
        second = json.dumps(dataclasses.asdict(self) | {"fields": FIELDS}, separators=(",", ":")) + "\n"
        return f"{MAGIC} {VERSION} {hashlib.sha256(second.encode()).hexdigest()}\n".encode() + second.encode()


@dataclasses.dataclass(frozen=True, eq=False)
class TaskFile:
    """Tasks 0 to size - 1, each read when it is asked for; a task source as a suite is (tasks/sources.py)."""

    path: Path
    header: FileHeader
    records: np.ndarray  # RECORD (size,)
    strict: bool = False

    @classmethod
    def open(cls, path: Path) -> TaskFile:
        """The file at that path, all of it checked; TaskFileError otherwise."""
        try:
            with path.open("rb") as file:
                header = _read_header(file, path)
                start = file.tell()
                size = os.fstat(file.fileno()).st_size - start
                if size != header.count * RECORD.itemsize:
                    raise TaskFileError(
                        f"{path}: expected {header.count} tasks of {RECORD.itemsize} bytes, found {size} bytes: the "
                        "file is cut short or continued; make it again"
                    )
                if _digest(file) != header.sha256:
                    raise TaskFileError(f"{path} is damaged: its records are not what was written; make it again")
        except OSError as error:
            raise TaskFileError(f"{path}: expected a file of tasks: {error.strerror}") from error
        records = np.memmap(path, RECORD, "r", start, (header.count,)) if header.count else np.zeros(0, RECORD)
        for field, names in header.codes.items():
            if (records[field] >= len(names)).any():
                raise TaskFileError(f"{path}: expected codes below {len(names)} for {field}, got another")
        return cls(path, header, records)

    @property
    def name(self) -> str:
        """Of the file."""
        return self.path.name

    @property
    def title(self) -> str:
        """What its tasks are called where they are shown or recorded."""
        return self.name

    @property
    def size(self) -> int:
        """How many tasks it holds."""
        return self.header.count

    @property
    def events(self) -> tuple[TaskEvent, ...]:
        """What its tasks ask for."""
        asked = {self.header.codes["event"][code] for code in np.unique(self.records["event"])}
        return tuple(event for event in TaskEvent if event.value in asked)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Task:
        """Task `index`, 0 to size - 1."""
        if not 0 <= index < self.size:
            raise IndexError(f"{self.path} has tasks 0 to {self.size - 1}, got {index}")
        task = unpack(self.records[index], self.header.suite, self.header.codes)
        return dataclasses.replace(task, strict=True) if self.strict else task

    def task_id(self, index: int) -> str:
        """What task `index` is called, as the suite calls it that made it."""
        return task_name(self.header.suite, self.records["index"][index])

    def names(self, field: str) -> np.ndarray:
        """Text (size,) of the field "place", "event" or "difficulty"."""
        return np.array(self.header.codes[field])[self.records[field]]

    def pool(self, event: TaskEvent | None, difficulty: str | None) -> np.ndarray:
        """Indices of the tasks of that event and difficulty, ascending; None: of any."""
        fits = np.ones(self.size, bool)
        for field, wanted in (("event", event and event.value), ("difficulty", difficulty)):
            if wanted is not None:
                fits &= self.names(field) == wanted
        return np.flatnonzero(fits)

    def request(self, index: int, event: TaskEvent | None = None, difficulty: str | None = None) -> Task:
        """Task `index`; ValueError where it is not as it is wished: a file's tasks are what they are."""
        task = self[index]
        if event not in (None, task.event) or difficulty not in (None, task.difficulty):
            raise ValueError(f"{self.path}, task {index}: it is a {task.difficulty} {task.event.value} task")
        return task

    def strictly(self, strict: bool) -> TaskFile:
        """The same tasks, ended by a wrong arrival or not."""
        return dataclasses.replace(self, strict=strict)


def write(path: Path, header: FileHeader, parts: Iterable[np.ndarray]) -> FileHeader:
    """Writes records, RECORD (n,) each, as they come; the file appears when it is whole. The header with its digest."""
    digest, count = hashlib.sha256(), 0
    with _appearing(path) as file:
        file.write(header.lines())
        for part in parts:
            content = part.astype(RECORD, copy=False).tobytes()
            digest.update(content)
            file.write(content)
            count += len(part)
        if count != header.count:
            raise ValueError(f"{path}: expected {header.count} records, got {count}")
        finished = dataclasses.replace(header, sha256=digest.hexdigest())
        file.seek(0)
        file.write(finished.lines())
    return finished


@contextlib.contextmanager
def _appearing(path: Path) -> Iterator[BinaryIO]:
    """A file that is at `path` only once all of it is on the disk."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read_header(file: BinaryIO, path: Path) -> FileHeader:
    first, second = file.readline(LONGEST_LINE), file.readline(LONGEST_LINE)
    words = first.decode("ascii", "replace").split()
    if words[:-2] != MAGIC.split() or len(words) != 4:
        raise TaskFileError(f"{path}: expected a file of tasks (`xview tasks make` writes them), found something else")
    if words[-2] != str(VERSION):
        raise TaskFileError(f"{path}: expected version {VERSION} of the format, got {words[-2]}; make it again")
    if first != f"{MAGIC} {VERSION} {hashlib.sha256(second).hexdigest()}\n".encode():
        raise TaskFileError(f"{path} is damaged: its header is not the one that was written; make it again")
    try:
        return _parse(json.loads(second), path)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise TaskFileError(f"{path}: its header is not that of a file of tasks: {error}") from None


def _parse(record: dict[str, Any], path: Path) -> FileHeader:
    """The header of a line that is what was written, if this version understands it."""
    if record.pop("fields") != FIELDS:
        raise TaskFileError(f"{path}: its records have other fields than this version's; make it again")
    if record["generation"] != GENERATION:
        raise TaskFileError(
            f"{path}: expected worlds of generation {GENERATION}, got {record['generation']}: make it again"
        )
    codes = {field: tuple(names) for field, names in record.pop("codes").items()}
    for field, names in codes.items():
        if unknown := sorted(set(names) - set(CODES[field])):
            raise TaskFileError(f"{path}: it has the {field} {unknown[0]!r}, which this version does not know")
    header = FileHeader(codes=codes, **record)
    if not (isinstance(header.suite, str) and isinstance(header.count, int) and isinstance(header.seed, int)):
        raise TypeError(
            f"expected a suite's name and two whole numbers, got {header.suite}, {header.count}, {header.seed}"
        )
    return header


def _digest(file: BinaryIO) -> str:
    """sha256 of the rest of a file."""
    digest = hashlib.sha256()
    while part := file.read(READ_BYTES):
        digest.update(part)
    return digest.hexdigest()
