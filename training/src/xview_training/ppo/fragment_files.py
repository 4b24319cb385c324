"""Fragments as files on shared storage: written whole or not at all, read unharmed or refused.

A file is a prefix of fixed size, a JSON header and a body. The header holds the fragment's scalars, so that an index
reads some hundred bytes of a file; the body holds its arrays in safetensors' layout, compressed without loss: the
learner must see what the rollout's policy saw, or the stored log-probabilities would not be those of its pictures.
It knows no index and no Ray.

    write_fragment(folder / "a-1.fragment", fragment)
    fragment = read_fragment(folder / "a-1.fragment")

The compressor was chosen by measurement on 256 pictures of 64 x 64, 3.1 MB: zlib's fastest level 0.95 MB in 28 ms
(zstd, another package, 0.86 MB in 18 ms; PNG 1.18 MB in 53 ms; lossless WebP 0.68 MB in 485 ms).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save
from xview_deploy import strict_json

from xview_training.ppo.fragment import Fragment, Kind, Outcome

T = TypeVar("T")
SUFFIX = ".fragment"
DAMAGED = "damaged"  # folder, beside the fragments, for those that cannot be read
MAGIC = b"XVIEWFRG"
FORMAT = 3
DIGEST_BYTES = 16
PREFIX = struct.Struct(f"<8sIIQQ{DIGEST_BYTES}s{DIGEST_BYTES}s")  # the fields of Prefix
MAX_HEADER_BYTES = 1 << 20
MAX_ARRAY_BYTES = 1 << 32
WAITS_S = (0.05, 0.2)  # before another try where the storage does not answer, as one over a network may for a moment
COMPRESSION = 1  # zlib's level: the next ones cost more time than they save bytes


class Prefix(NamedTuple):
    """A file's first bytes. Digests are BLAKE2b."""

    magic: bytes
    format: int
    header_bytes: int
    body_bytes: int
    array_bytes: int  # of the body, decompressed
    header_digest: bytes
    body_digest: bytes


class FragmentError(ValueError):
    """A file is no usable fragment; the message names it, what was expected and what came."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What a fragment's file says of it without its arrays. Fields are the fragment's, but for the first and last."""

    decisions: int
    policy_version: int
    kind: Kind
    task_id: str
    episode: int
    start: int
    event: int
    terminated: bool
    truncated: bool
    next_value: float
    outcome: tuple[Outcome, ...]  # one where the episode has ended


SCALARS = tuple(field.name for field in dataclasses.fields(Header))[1:-1]
ARRAYS = tuple(f.name for f in dataclasses.fields(Fragment) if f.name not in (*SCALARS, "outcome"))


def header_of(fragment: Fragment) -> Header:
    """The header of a fragment's file."""
    shared: dict[str, Any] = {name: getattr(fragment, name) for name in SCALARS}
    return Header(len(fragment), outcome=() if fragment.outcome is None else (fragment.outcome,), **shared)


def write_fragment(path: Path, fragment: Fragment, durable: bool = False) -> int:
    """Writes the fragment; its file appears under its name only when it is whole. The bytes that it takes.

    durable: waits until the disk has it. Otherwise a power failure may leave a damaged file, which is noticed when it
    is read; a killed process never does.
    """
    data = pack(fragment)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    partial.replace(path)
    if durable:
        _sync_names(path.parent)
    return len(data)


def read_fragment(path: Path) -> Fragment:
    """The fragment in a file; FragmentError says what is wrong with it.

    OSError where the storage does not answer, after a few tries: nothing is known against the file then.
    """
    try:
        return unpack(_asked_again(path.read_bytes))
    except (ValueError, FileNotFoundError) as error:
        raise FragmentError(f"{path}: {error}") from None


def read_header(path: Path) -> Header:
    """The header alone, after checking that the file has its full length; errors as above."""

    def read() -> Header:
        with path.open("rb") as file:
            prefix = _prefix(file.read(PREFIX.size), os.fstat(file.fileno()).st_size)
            return _header(prefix, file.read(prefix.header_bytes))

    try:
        return _asked_again(read)
    except (ValueError, FileNotFoundError) as error:
        raise FragmentError(f"{path}: {error}") from None


def set_aside(path: Path, reason: str) -> Path | None:
    """Moves a file into the folder for damaged ones, with the reason beside it; None where it is gone already."""
    aside = path.parent / DAMAGED / path.name
    aside.parent.mkdir(exist_ok=True)
    try:
        path.replace(aside)
    except FileNotFoundError:
        return None
    aside.with_name(f"{aside.name}.txt").write_text(f"{reason}\n")
    return aside


def pack(fragment: Fragment) -> bytes:
    """A fragment as the bytes of its file."""
    header = strict_json.dump(header_of(fragment)).encode()
    arrays = save({name: np.ascontiguousarray(getattr(fragment, name)) for name in ARRAYS})
    body = zlib.compress(arrays, COMPRESSION)
    prefix = Prefix(MAGIC, FORMAT, len(header), len(body), len(arrays), _digest(header), _digest(body))
    return PREFIX.pack(*prefix) + header + body


def unpack(data: bytes) -> Fragment:
    """The fragment of these bytes; ValueError says what is wrong."""
    prefix = _prefix(data[: PREFIX.size], len(data))
    body_start = PREFIX.size + prefix.header_bytes
    header = _header(prefix, data[PREFIX.size : body_start])
    fields: dict[str, Any] = {name: getattr(header, name) for name in SCALARS}
    fields |= _arrays(prefix, data[body_start:])
    fragment = Fragment(**fields, outcome=next(iter(header.outcome), None))
    if len(fragment) != header.decisions or len(header.outcome) > 1:
        raise ValueError(f"expected as many decisions as the arrays, {len(fragment)}, and one outcome, got {header}")
    return fragment


def _asked_again(read: Callable[[], T]) -> T:
    """What `read` gives, once more after each wait where it gives an OSError that may pass."""
    for wait_s in WAITS_S:
        try:
            return read()
        except FileNotFoundError:
            raise
        except OSError:
            time.sleep(wait_s)
    return read()


def _sync_names(folder: Path) -> None:
    """Waits until the disk has the folder's names."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def _check_digest(what: str, data: bytes, carried: bytes) -> None:
    found = _digest(data)
    if found != carried:
        raise ValueError(f"damaged {what}: expected BLAKE2b {carried.hex()}, got {found.hex()}")


def _prefix(start: bytes, size: int) -> Prefix:
    """The prefix of a file of `size` bytes."""
    if len(start) < PREFIX.size or not start.startswith(MAGIC):
        raise ValueError(f"expected a fragment, got {size} bytes starting {start[:8].hex(' ') or 'nowhere'}")
    prefix = Prefix(*PREFIX.unpack(start))
    if prefix.format != FORMAT:
        raise ValueError(f"expected fragment format {FORMAT}, got {prefix.format}: another version of xview wrote it")
    expected = PREFIX.size + prefix.header_bytes + prefix.body_bytes
    if expected != size or prefix.header_bytes > MAX_HEADER_BYTES:
        raise ValueError(f"expected {expected} bytes, got {size}: written in part, cut, or damaged")
    return prefix


def _header(prefix: Prefix, text: bytes) -> Header:
    _check_digest("header", text, prefix.header_digest)
    return strict_json.load(Header, strict_json.parse_object(text, "header"), "header")


def _arrays(prefix: Prefix, body: bytes) -> dict[str, np.ndarray]:
    _check_digest("body", body, prefix.body_digest)
    if prefix.array_bytes > MAX_ARRAY_BYTES:
        raise ValueError(f"expected arrays of at most {MAX_ARRAY_BYTES} bytes, got {prefix.array_bytes}")
    try:
        data = zlib.decompressobj().decompress(body, prefix.array_bytes + 1)
        arrays = load(data)
    except (zlib.error, SafetensorError) as error:
        raise ValueError(f"expected compressed arrays in safetensors' layout: {error}") from None
    if len(data) != prefix.array_bytes or arrays.keys() != set(ARRAYS):
        raise ValueError(
            f"expected {prefix.array_bytes} bytes of {', '.join(sorted(ARRAYS))}, "
            f"got {len(data)} of {', '.join(sorted(arrays))}"
        )
    return arrays
