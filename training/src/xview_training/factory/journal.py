"""What has been made so far, on the disk: a killed run goes on from there.

One line of JSON that names the run, then a frame for each whole block of candidates: CRC-32 and outcomes. A frame that
was cut short by the kill is dropped when the journal is opened again.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from xview_training.factory.candidates import OUTCOME
from xview_training.sim.worlds import GENERATION
from xview_training.tasks.suites import Suite

CRC_BYTES = 4


class Journal:
    """The journal at `path`, opened to be continued; ValueError where it is another run's."""

    def __init__(self, path: Path, suite: Suite, seed: int, block: int):
        self.path, self.block = path, block
        self._line = _identity(suite, seed, block)
        fresh = not path.exists() or path.stat().st_size == 0
        self._file: BinaryIO = path.open("w+b" if fresh else "r+b")
        if fresh:
            self._file.write(self._line)
            self._file.flush()
        elif self._file.read(len(self._line)) != self._line:
            self._file.close()
            raise ValueError(
                f"{path} is of another run, which made other tasks (suite, seed or version differ): go on with that "
                "run's options, or remove it"
            )
        self.blocks = sum(1 for _ in self.read())  # whole ones
        self._file.truncate(self._position(self.blocks))

    def _position(self, block: int) -> int:
        return len(self._line) + block * (CRC_BYTES + self.block * OUTCOME.itemsize)

    def read(self) -> Iterator[np.ndarray]:
        """OUTCOME (block,) of each whole block in order, up to the first that is damaged."""
        with self.path.open("rb") as file:
            file.seek(self._position(0))
            size = self._position(1) - self._position(0)
            while len(frame := file.read(size)) == size:
                if zlib.crc32(frame[CRC_BYTES:]) != int.from_bytes(frame[:CRC_BYTES], "little"):
                    return
                yield np.frombuffer(frame, OUTCOME, offset=CRC_BYTES)

    def append(self, outcomes: np.ndarray) -> None:
        """The next block's."""
        content = outcomes.tobytes()
        self._file.seek(self._position(self.blocks))
        self._file.write(zlib.crc32(content).to_bytes(CRC_BYTES, "little") + content)
        self._file.flush()
        self.blocks += 1

    def close(self) -> None:
        """Leaves it on the disk."""
        self._file.close()


def _identity(suite: Suite, seed: int, block: int) -> bytes:
    """What must be the same for a run to be continued; how many tasks are wanted may change."""
    made_of = hashlib.sha256(repr((suite, GENERATION, OUTCOME.descr)).encode()).hexdigest()
    record = {"journal": "xview tasks", "suite": suite.name, "seed": seed, "block": block, "made_of": made_of}
    return (json.dumps(record) + "\n").encode()
