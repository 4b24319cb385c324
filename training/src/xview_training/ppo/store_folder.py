"""The folder that holds the fragments: what lies in it, what is removed from it. It decides nothing by itself.

Others write and rename files meanwhile: one that vanishes between two looks was not there.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Container
from pathlib import Path

from xview_training.ppo.fragment_files import SUFFIX


class FragmentFolder:
    """`sizes` are the bytes of the files that the index knows of, the oldest first."""

    def __init__(self, path: Path):
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.sizes: dict[str, int] = {}

    def file(self, id: str) -> Path:
        """Where the fragment of that name lies."""
        return self.path / f"{id}{SUFFIX}"

    @property
    def bytes(self) -> int:
        """What the known files take."""
        return sum(self.sizes.values())

    def listed(self) -> dict[str, int]:
        """Names and sizes of the complete files on the disk, the oldest first."""
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX) and not entry.name.startswith("."):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        found.append((status.st_mtime_ns, entry.name.removesuffix(SUFFIX), status.st_size))
        return {name: size for _, name, size in sorted(found)}

    def size_of(self, id: str) -> int | None:
        """Of one file, asked for by its name: lists of a folder on shared storage may be some seconds old."""
        try:
            return self.file(id).stat().st_size
        except FileNotFoundError:
            return None

    def half_written(self, older_than_s: float) -> list[Path]:
        """Files that their writers never finished."""
        limit = time.time() - older_than_s
        found = []
        for path in self.path.glob(f".*{SUFFIX}.partial"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    found.append(path)
        return found

    def prune(self, quota_bytes: int, keep: Container[str]) -> None:
        """Deletes files, the oldest first, until the rest fits the quota; never those to keep."""
        excess = self.bytes - quota_bytes
        for id in list(self.sizes):
            if excess <= 0:
                return
            if id not in keep:
                with contextlib.suppress(OSError):  # it stays, and is tried again the next time
                    self.file(id).unlink(missing_ok=True)
                    excess -= self.sizes.pop(id)
