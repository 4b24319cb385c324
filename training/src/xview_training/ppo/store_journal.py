"""A journal of what must never be forgotten: one JSON object a line with its checksum, on the disk before it counts.

Knows no fragment. A line that a dying process left in part is cut off when the journal is opened again; a line that
is damaged in the middle is left out and told. One process at a time may hold a journal.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Journal:
    """Opens or begins the journal at `path`. `entries` is what it held, `complaints` what was wrong with it."""

    def __init__(self, path: Path):
        self.path = path
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise ValueError(f"{path}: another process keeps this journal; give each run a folder of its own") from None
        self.entries: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self._read()

    def _read(self) -> None:
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        torn = lines.pop()
        if torn:
            self.complaints.append(f"{self.path}: the last line was written in part and is cut off: {torn[:60]!r}")
            self._file.truncate(os.fstat(self._file.fileno()).st_size - len(torn))
        for number, line in enumerate(lines, 1):
            entry = _entry(line)
            if entry is None:
                self.complaints.append(f"{self.path}: line {number} is damaged and left out: {line[:60]!r}")
            else:
                self.entries.append(entry)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Writes an entry; when this returns, the disk has it."""
        text = json.dumps(entry, separators=(",", ":")).encode()
        self._file.write(b"%08x %s\n" % (zlib.crc32(text), text))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Lets another process have it."""
        self._file.close()


def _entry(line: bytes) -> dict[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    try:
        entry = json.loads(text) if int(checksum, 16) == zlib.crc32(text) else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
