"""Writes episodes into a data set, chunk by chunk; a stop loses at most the chunk that was being written.

with DatasetWriter(folder, manifest) as writer:
    writer.add(recording)
"""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

from xview_deploy import strict_json

from xview_training.datasets.chunk_file import ChunkWriter
from xview_training.datasets.dataset import ASIDE, CHUNKS, MANIFEST, Dataset, Manifest
from xview_training.datasets.recording import DatasetError, Recording

CHUNK_BYTES = 32 * 2**20  # after which a chunk is closed


class DatasetWriter:
    """Makes a data set or adds to it. One writer a folder."""

    def __init__(self, folder: Path, manifest: Manifest, chunk_bytes: int = CHUNK_BYTES) -> None:
        """DatasetError where the folder holds a data set of another kind, or a damaged one."""
        self.folder, self.manifest, self._limit = folder, manifest, chunk_bytes
        self.episodes = self.frames = 0  # written by this writer
        folder.mkdir(parents=True, exist_ok=True)
        self.there: frozenset[str] = frozenset()  # sources of the episodes that were written before
        if (folder / MANIFEST).exists():
            _check_same(folder, manifest)
            self.there = frozenset(episode.about.source for episode in Dataset(folder))
        else:
            manifest.write(folder)
        for left_behind in folder.glob(f".partial-{CHUNKS}"):
            left_behind.unlink()
        names = [path.stem for place in (folder, folder / ASIDE) for path in place.glob(CHUNKS)]
        self._next = 1 + max((int(name.removeprefix("chunk-")) for name in names), default=-1)
        self._chunk: ChunkWriter | None = None

    def add(self, episode: Recording) -> None:
        """Appends an episode, safe once its chunk is closed; DatasetError where its pictures have another size."""
        side = episode.masks.shape[-1]
        if side != self.manifest.image_size:
            raise DatasetError(
                f"{episode.about.source}: expected pictures of {self.manifest.image_size} pixels a side, got {side}"
            )
        if self._chunk is None:
            self._chunk = ChunkWriter(self.folder / f"chunk-{self._next:06d}.xvd")
            self._next += 1
        self._chunk.add(episode)
        self.episodes += 1
        self.frames += len(episode)
        if self._chunk.bytes_written >= self._limit:
            self.close()

    def close(self) -> None:
        """Ends the chunk that is being written."""
        if self._chunk is not None:
            self._chunk.close()
            self._chunk = None

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was added whole is kept, also where something failed after it."""
        self.close()


def _check_same(folder: Path, manifest: Manifest) -> None:
    there = Manifest.read(folder)
    if there == manifest:
        return
    old, new = (json.loads(strict_json.dump(each)) for each in (there, manifest))
    name = next(name for name in old if old[name] != new[name])
    raise DatasetError(
        f"{folder} holds a data set whose {name} is {str(old[name])[:60]}, not {str(new[name])[:60]}: choose another "
        "folder"
    )
