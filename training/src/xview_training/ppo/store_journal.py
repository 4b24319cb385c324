"""A journal of what must never be forgotten: one JSON object a line with its checksum, on the disk before it counts.

Knows no fragment. A line that a dying process left in part is cut off when the journal is opened again; a line that
is damaged in the middle is left out, told and counted: what it said is not known. One process at a time may hold a
journal.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The process before this one may just be ending; where it died on another node, NFS keeps its lock for 90 s.
LOCK_WITHIN_S = 120.0
LOOK_EVERY_S = 0.2


class Journal:
    """Opens or begins the journal at `path`. `entries` is what it held, `complaints` what was wrong with it.

    ValueError where another process keeps it for longer than LOCK_WITHIN_S.
    """

    def __init__(self, path: Path):
        self.path = path
        self._file = path.open("a+b", buffering=0)  # a buffer would keep what could not be written
        ends = time.monotonic() + LOCK_WITHIN_S
        while not self._locked():
            if time.monotonic() > ends:
                self._file.close()
                raise ValueError(f"{path}: another process keeps this journal; end it, or choose another folder")
            time.sleep(LOOK_EVERY_S)
        self.entries: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.damaged = 0  # lines
        self._bytes = 0  # of whole lines
        self._read()

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _read(self) -> None:
        self._file.seek(0)
        data = self._file.read()
        *lines, torn = data.split(b"\n")
        self._bytes = len(data) - len(torn)
        for number, line in enumerate(lines, 1):
            entry = _entry(line)
            if entry is None:
                self.damaged += 1
                self.complaints.append(f"{self.path}: line {number} is damaged and left out: {line[:60]!r}")
            else:
                self.entries.append(entry)
        if torn:
            self._mend_end(torn)

    def _mend_end(self, torn: bytes) -> None:
        """Cuts off a line without an end, which counts for nothing; one whose end alone is damaged did count."""
        entry = _entry(torn[:-1])
        if entry is None:
            self.complaints.append(f"{self.path}: the last line was written in part and is cut off: {torn[:60]!r}")
            self._cut()
        else:
            self.append(entry)
            self.entries.append(entry)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Writes an entry; when this returns, the disk has it. Where it fails, the journal is as it was before."""
        text = json.dumps(entry, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        self._cut()
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, f"{self.path}: a line was written in part")
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):  # it is cut before the next one in any case
                self._cut()
            raise
        self._bytes += len(line)

    def _cut(self) -> None:
        """Takes away what stands behind the last whole line."""
        self._file.truncate(self._bytes)

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
