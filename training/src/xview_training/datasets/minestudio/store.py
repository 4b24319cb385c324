"""One modality of a MineStudio data set: chunks of frames in LMDB files, asked for by episode and frame.

A data set is a folder with a folder for each modality (video, action, segmentation, ...), in which there are LMDB
environments. Each holds `__chunk_size__` and `__chunk_infos__` (episode, episode_idx, num_frames) as pickles, and under
the key "(episode_idx, first frame)" the chunks: MP4 for video, pickles for the others. Knows nothing of their contents.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import lmdb

from xview_training.datasets.minestudio.unpickling import unpickle
from xview_training.datasets.recording import DatasetError


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an episode lies."""

    stream: lmdb.Environment
    path: Path
    number: int
    frames: int
    chunk: int  # frames of a chunk


class Modality:
    """All LMDB files of one kind."""

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        """names: what the modality's folder may be called. DatasetError where there is none."""
        self.folder = next((folder / name for name in names if (folder / name).is_dir()), None)
        if self.folder is None:
            raise DatasetError(f"{folder}: expected a folder {' or '.join(names)} in it")
        self.episodes: dict[str, Place] = {}
        self._streams: list[lmdb.Environment] = []
        for path in sorted(path for path in self.folder.iterdir() if path.is_dir()):
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            stream = lmdb.open(str(path), readonly=True, lock=False, max_readers=128, create=False)
            self._streams.append(stream)
            with stream.begin() as transaction:
                size, infos = (transaction.get(name) for name in (b"__chunk_size__", b"__chunk_infos__"))
        except lmdb.Error as error:
            raise DatasetError(f"{path} is no readable LMDB file: {error}") from None
        if size is None or infos is None:
            raise DatasetError(f"{path}: expected the entries __chunk_size__ and __chunk_infos__")
        chunk, episodes = unpickle(bytes(size), f"{path}, chunk size"), unpickle(bytes(infos), f"{path}, episodes")
        if not isinstance(chunk, int) or chunk < 1 or not isinstance(episodes, list):
            raise DatasetError(f"{path}: expected a number of frames and a list of episodes")
        for info in episodes:
            try:
                place = Place(stream, path, int(info["episode_idx"]), int(info["num_frames"]), chunk)
                self.episodes[str(info["episode"])] = place
            except (KeyError, TypeError, ValueError):
                raise DatasetError(f"{path}: expected episode, episode_idx and num_frames, got {info!r:.60}") from None

    def chunks(self, episode: str, first: int, last: int) -> Iterator[tuple[int, bytes, str]]:
        """The chunks that hold frames first..last: number of their first frame, bytes, and what to call them."""
        place = self.episodes[episode]
        for start in range(first - first % place.chunk, last + 1, place.chunk):
            key = str((place.number, start))
            with place.stream.begin() as transaction:
                data = transaction.get(key.encode())
            if data is None:
                raise DatasetError(f"{place.path}: expected a chunk {key} of episode {episode}")
            yield start, bytes(data), f"{place.path}, chunk {key}"

    def close(self) -> None:
        """Closes its files."""
        for stream in self._streams:
            stream.close()
