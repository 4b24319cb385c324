"""A chunk: some episodes in one file, each to be read without the others, each part with a checksum.

    magic | episode | episode | ... | footer | length of the footer, its SHA-256, magic

An episode is its pictures one after the other, then its other blocks, compressed, then a header in JSON that says where
each lies and what its checksum is. The footer says the same of the headers. So every byte is under a checksum that is
checked before the byte is used, and reading one frame reads no other. A chunk gets its name when it is whole: what a
killed writer leaves behind is a partial file, which nobody reads.

docs/datasets.md draws it. Knows no folder and no order of episodes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from xview_deploy import strict_json
from xview_deploy.spec import ContractError

from xview_training.datasets.recording import COLUMNS, GOAL_MASK, MASKS, About, DatasetError, Recording

MAGIC, END = b"XVIEWDS1", b"XVIEWEND"
TAIL = struct.Struct("<Q32s8s")  # length of the footer, its SHA-256, END
PICTURES = "pictures"  # the array that says where they lie, int64 (T, 3)
DTYPES = ("bool", "float32", "int16", "int64")
LARGEST_BLOCK = 2**31  # bytes once unpacked: a header may not ask for more


@dataclasses.dataclass(frozen=True)
class Block:
    """Where some bytes lie in the file."""

    offset: int
    length: int
    crc32: int


@dataclasses.dataclass(frozen=True)
class ArrayBlock:
    """A compressed array; bool arrays are packed into bits first."""

    at: Block
    dtype: str
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Header:
    """An episode's table of contents."""

    about: About
    arrays: dict[str, ArrayBlock]  # by name; PICTURES holds where the pictures lie, a Block in each of its T rows
    goal_picture: tuple[Block, ...]  # one, or none


@dataclasses.dataclass(frozen=True)
class Footer:
    """The file's table of contents: offset, length and checksum of each episode's header, and its frames."""

    episodes: tuple[tuple[int, int, int, int], ...]


class ChunkWriter:
    """Writes one chunk; it appears under its name with `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(f".partial-{path.name}")
        self._file: IO[bytes] = self.partial.open("wb")
        self._file.write(MAGIC)
        self._entries: list[tuple[int, int, int, int]] = []

    @property
    def bytes_written(self) -> int:
        """So far."""
        return self._file.tell()

    def add(self, episode: Recording) -> None:
        """Appends an episode."""
        goal = () if episode.goal_picture is None else (self._put(episode.goal_picture),)
        pictures = np.array([dataclasses.astuple(self._put(picture)) for picture in episode.pictures], np.int64)
        arrays = _arrays_of(episode) | {PICTURES: pictures}
        header = Header(episode.about, {name: self._put_array(array) for name, array in arrays.items()}, goal)
        self._entries.append((*dataclasses.astuple(self._put(_as_json(header))), len(pictures)))

    def close(self) -> Path:
        """Ends the file and gives it its name."""
        footer = _as_json(Footer(tuple(self._entries)))
        self._file.write(footer + TAIL.pack(len(footer), hashlib.sha256(footer).digest(), END))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self.partial, self.path)
        return self.path

    def _put(self, data: bytes) -> Block:
        offset = self._file.tell()
        self._file.write(data)
        return Block(offset, len(data), zlib.crc32(data))

    def _put_array(self, array: np.ndarray) -> ArrayBlock:
        raw = np.packbits(array) if array.dtype == bool else array.astype(array.dtype.newbyteorder("<"))
        return ArrayBlock(self._put(zlib.compress(raw.tobytes(), 6)), str(array.dtype), array.shape)


def _arrays_of(episode: Recording) -> dict[str, np.ndarray]:
    goal = {} if episode.goal_mask is None else {GOAL_MASK: episode.goal_mask}
    return episode.columns | {MASKS: episode.masks} | goal


def _as_json(record: Any) -> bytes:
    return json.dumps(dataclasses.asdict(record), separators=(",", ":"), allow_nan=False).encode()


class Chunk:
    """A chunk's episodes, read on demand; DatasetError where the file is cut short, foreign or damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._size = file.seek(0, os.SEEK_END)
                self.episodes = self._read_footer(file).episodes
        except OSError as error:
            raise DatasetError(f"{path}: expected a readable chunk, got {error.strerror}") from None

    def __len__(self) -> int:
        return len(self.episodes)

    def header(self, number: int) -> Header:
        """The table of contents of one of its episodes."""
        *at, frames = self.episodes[number]
        header: Header = self._parse(Header, self.read(Block(*at)), "header")
        missing = {*COLUMNS, MASKS, PICTURES} - header.arrays.keys()
        if missing or header.arrays[PICTURES].shape != (frames, 3):
            raise self.damaged(f"episode {number} lacks {', '.join(sorted(missing)) or 'pictures'}")
        return header

    def read(self, block: Block) -> bytes:
        """The block's bytes, checked."""
        if min(block.offset, block.length) < 0 or block.offset + block.length > self._size:
            raise self.damaged(f"a block at {block.offset} reaches beyond the file's {self._size} bytes")
        with self.path.open("rb") as file:
            file.seek(block.offset)
            data = file.read(block.length)
        if zlib.crc32(data) != block.crc32:
            raise self.damaged(f"the {block.length} bytes at {block.offset} have another checksum than written")
        return data

    def array(self, block: ArrayBlock) -> np.ndarray:
        """The array in that block."""
        if block.dtype not in DTYPES or min(block.shape, default=0) < 0:
            raise self.damaged(f"an array of {block.dtype} {block.shape}")
        count = math.prod(block.shape)
        size = (count + 7) // 8 if block.dtype == "bool" else count * np.dtype(block.dtype).itemsize
        if size > LARGEST_BLOCK:
            raise self.damaged(f"an array of shape {block.shape}")
        try:
            raw = zlib.decompressobj().decompress(self.read(block.at), size + 1)
        except zlib.error as error:
            raise self.damaged(str(error)) from None
        if len(raw) != size:
            raise self.damaged(f"expected {size} bytes of {block.dtype} {block.shape}, got {len(raw)}")
        if block.dtype == "bool":
            return np.unpackbits(np.frombuffer(raw, np.uint8), count=count).astype(bool).reshape(block.shape)
        stored = np.dtype(block.dtype).newbyteorder("<")
        return np.frombuffer(raw, stored).astype(block.dtype).reshape(block.shape)

    def damaged(self, what: str) -> DatasetError:
        """The error to raise."""
        return DatasetError(f"{self.path} is damaged: {what}")

    def _read_footer(self, file: IO[bytes]) -> Footer:
        file.seek(0)
        if file.read(len(MAGIC)) != MAGIC:
            raise DatasetError(f"{self.path} is no chunk of a data set: expected it to start with {MAGIC.decode()}")
        if self._size < len(MAGIC) + TAIL.size:
            raise self.damaged("it is cut short")
        file.seek(self._size - TAIL.size)
        length, digest, end = TAIL.unpack(file.read(TAIL.size))
        if end != END or length > self._size - len(MAGIC) - TAIL.size:
            raise self.damaged("it is cut short, or its end was changed")
        file.seek(self._size - TAIL.size - length)
        footer = file.read(length)
        if hashlib.sha256(footer).digest() != digest:
            raise self.damaged("its table of contents has another checksum than written")
        return self._parse(Footer, footer, "footer")

    def _parse(self, kind: type, text: bytes, what: str) -> Any:
        try:
            return strict_json.load(kind, strict_json.parse_object(text, what), what)
        except (ContractError, DatasetError) as error:
            raise self.damaged(str(error)) from None
