"""A data set on disk: a folder with a manifest and chunks of episodes, of which any frame can be read on its own.

In memory lies where each episode's header is, some two hundred bytes an episode; all else is read when it is asked
for. A damaged chunk is named and refused; `set_aside` moves it out of the way. Knows neither training nor where
episodes come from.

    dataset = Dataset(Path("demonstrations"))
    episode = dataset[17]
    pictures, goal = episode.frames(0, 16), episode.picture(40)
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from xview_deploy import strict_json
from xview_deploy.spec import ActionTable, ContractError

from xview_training.datasets.chunk_file import PICTURES, Block, Chunk, Header
from xview_training.datasets.pictures import decode_picture
from xview_training.datasets.recording import COLUMNS, GOAL_MASK, MASKS, About, DatasetError, Recording

MANIFEST = "dataset.json"
FORMAT_VERSION = 1
CHUNKS = "chunk-*.xvd"
ASIDE = "damaged"  # folder that damaged chunks are moved to


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What holds for all episodes of a data set."""

    origin: str  # where its episodes come from: a suite's name, or what they were converted from
    image_size: int  # S
    actions: ActionTable  # what its actions are rows of
    encoding: str = "png"  # of its pictures, see datasets/pictures.py
    generation: int = 0  # of the worlds that its task records speak of; 0: of none of ours
    version: int = FORMAT_VERSION

    def write(self, folder: Path) -> None:
        """Writes it into the folder, whole or not at all, with its checksum."""
        text = strict_json.dump(self)
        record = json.loads(text) | {"sha256": hashlib.sha256(_canonical(json.loads(text))).hexdigest()}
        partial = folder / f".partial-{MANIFEST}"
        partial.write_text(json.dumps(record, indent=1))
        os.replace(partial, folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """That of a folder; DatasetError where there is none, or one of another version or that was changed."""
        path = folder / MANIFEST
        try:
            record = strict_json.parse_object(path.read_bytes(), str(path))
            written = record.pop("sha256", None)
            if record.get("version") != FORMAT_VERSION:
                raise DatasetError(f"{path}: expected version {FORMAT_VERSION}, got {record.get('version')!r}")
            if hashlib.sha256(_canonical(record)).hexdigest() != written:
                raise DatasetError(f"{path} was changed since it was written: its checksum is another")
            return strict_json.load(cls, record, str(path))
        except OSError as error:
            raise DatasetError(f"{folder} is no data set: expected {MANIFEST} in it ({error.strerror})") from None
        except ContractError as error:
            raise DatasetError(str(error)) from None


def _canonical(record: object) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode()


class Episode:
    """One episode, read piece by piece."""

    def __init__(self, chunk: Chunk, number: int, side: int) -> None:
        self._chunk, self._side = chunk, side
        self._header: Header = chunk.header(number)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def about(self) -> About:
        """What is known beside its frames."""
        return self._header.about

    @property
    def has_goal(self) -> bool:
        """Whether its task came with a goal view of its own."""
        return bool(self._header.goal_picture)

    def picture(self, frame: int) -> np.ndarray:
        """uint8 (S, S, 3), RGB."""
        return self._decode(self.encoded(frame))

    def frames(self, start: int, stop: int) -> np.ndarray:
        """Pictures uint8 (stop - start, S, S, 3), RGB."""
        return np.stack([self.picture(frame) for frame in range(start, stop)])

    def encoded(self, frame: int) -> bytes:
        """A picture as it is stored."""
        return self._chunk.read(Block(*(int(number) for number in self._places[frame])))

    def column(self, name: str) -> np.ndarray:
        """One of COLUMNS, (T, ...)."""
        dtype, shape = COLUMNS[name]
        return self._array(name, dtype, (len(self), *shape))

    def masks(self) -> np.ndarray:
        """bool (T, S, S): the target's pixels."""
        return self._array(MASKS, "bool", (len(self), self._side, self._side))

    def goal(self) -> tuple[np.ndarray, np.ndarray]:
        """The task's own goal view: uint8 (S, S, 3) and bool (S, S). Only where `has_goal`."""
        picture = self._decode(self._chunk.read(self._header.goal_picture[0]))
        return picture, self._array(GOAL_MASK, "bool", (self._side, self._side))

    def recording(self) -> Recording:
        """All of it, in memory."""
        goal = self.goal()[1] if self.has_goal else None
        return Recording(
            about=self.about,
            pictures=tuple(self.encoded(frame) for frame in range(len(self))),
            columns={name: self.column(name) for name in COLUMNS},
            masks=self.masks(),
            goal_picture=self._chunk.read(self._header.goal_picture[0]) if self.has_goal else None,
            goal_mask=goal,
        )

    @functools.cached_property
    def _places(self) -> np.ndarray:
        return self._chunk.array(self._header.arrays[PICTURES])

    def _array(self, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        block = self._header.arrays.get(name)
        if block is None or (block.dtype, block.shape) != (dtype, shape):
            came = "none" if block is None else f"{block.dtype} {block.shape}"
            raise self._chunk.damaged(f"{self.about.source}, {name}: expected {dtype} {shape}, got {came}")
        return self._chunk.array(block)

    def _decode(self, encoded: bytes) -> np.ndarray:
        try:
            return decode_picture(encoded, self._side)
        except DatasetError as error:
            raise self._chunk.damaged(f"{self.about.source}: {error}") from None


class Dataset:
    """The episodes of a folder, in the order in which they were written."""

    def __init__(self, folder: Path) -> None:
        """DatasetError where the folder is no data set, or names every chunk in it that is damaged."""
        self.folder, self.manifest = folder, Manifest.read(folder)
        chunks, problems = _open_chunks(folder)
        if problems:
            raise DatasetError(
                "\n".join(problems.values()) + f"\n`xview dataset info {folder} --set-aside` takes them out of use"
            )
        self._chunks = chunks
        self._ends = np.cumsum([len(chunk) for chunk in chunks], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> Episode:
        """Episode number `index`, counted from zero."""
        if not 0 <= index < len(self):
            raise IndexError(f"{self.folder} holds episodes 0 to {len(self) - 1}, got {index}")
        at = int(np.searchsorted(self._ends, index, side="right"))
        return Episode(self._chunks[at], index - (int(self._ends[at - 1]) if at else 0), self.manifest.image_size)

    def __iter__(self) -> Iterator[Episode]:
        return (self[index] for index in range(len(self)))

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each episode, int64 (episodes,)."""
        return np.array([entry[-1] for chunk in self._chunks for entry in chunk.episodes], np.int64)

    @property
    def files(self) -> list[Path]:
        """Its chunks."""
        return [chunk.path for chunk in self._chunks]


def _open_chunks(folder: Path) -> tuple[list[Chunk], dict[Path, str]]:
    """The sound chunks, and what is wrong with the others."""
    chunks, problems = [], {}
    for path in sorted(folder.glob(CHUNKS)):
        try:
            chunks.append(Chunk(path))
        except DatasetError as error:
            problems[path] = str(error)
    return chunks, problems


def damaged_chunks(folder: Path, thorough: bool = False) -> dict[Path, str]:
    """What is wrong with which chunks of a data set. thorough: every byte is read, not only what opening reads."""
    side = Manifest.read(folder).image_size
    chunks, problems = _open_chunks(folder)
    for chunk in chunks if thorough else ():
        try:
            for number in range(len(chunk)):
                episode = Episode(chunk, number, side)
                episode.recording()
                episode.frames(0, len(episode))
        except DatasetError as error:
            problems[chunk.path] = str(error)
    return problems


def set_aside(folder: Path, paths: list[Path]) -> list[Path]:
    """Moves chunks into the folder `damaged` beside the others; returns where they are now."""
    aside = folder / ASIDE
    aside.mkdir(exist_ok=True)
    moved = [aside / path.name for path in paths]
    for path, target in zip(paths, moved, strict=True):
        os.replace(path, target)
    return moved
