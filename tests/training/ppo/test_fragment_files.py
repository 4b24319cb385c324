"""A fragment's file arrives whole or is refused, with what was expected and what came."""

import contextlib
import dataclasses
import errno
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xview_training.ppo import fragment_files
from xview_training.ppo.fragment import Outcome
from xview_training.ppo.fragment_files import (
    DAMAGED,
    PREFIX,
    SUFFIX,
    FragmentError,
    Prefix,
    header_of,
    pack,
    read_fragment,
    read_header,
    set_aside,
    unpack,
    write_fragment,
)

OUTCOME = Outcome(success=True, first_right=False, first_wrong=True, ticks=99)
fuzz = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def repacked(data: bytes, header=None, arrays=None, **prefix) -> bytes:
    """A file with another header or body whose lengths and digests are right."""
    old = Prefix(*PREFIX.unpack_from(data))
    body_start = PREFIX.size + old.header_bytes
    header = data[PREFIX.size : body_start] if header is None else header
    arrays = zlib.decompress(data[body_start:]) if arrays is None else arrays
    body = zlib.compress(arrays)
    digests = {"header_digest": fragment_files._digest(header), "body_digest": fragment_files._digest(body)}
    lengths = {"header_bytes": len(header), "body_bytes": len(body), "array_bytes": len(arrays)}
    return PREFIX.pack(*old._replace(**digests, **(lengths | prefix))) + header + body


def header_of_file(data: bytes) -> bytes:
    return data[PREFIX.size : PREFIX.size + Prefix(*PREFIX.unpack_from(data)).header_bytes]


def assert_same(one, other) -> None:
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            assert np.array_equal(mine, theirs), field.name
        else:
            assert mine == theirs, field.name


@pytest.mark.parametrize("changes", [{}, {"truncated": True, "outcome": OUTCOME}, {"start": 256, "episode": 7}])
def test_a_fragment_is_read_as_it_was_written_to_the_last_bit(tmp_path, a_fragment, changes):
    fragment = a_fragment(**changes)
    path = tmp_path / f"a-1{SUFFIX}"
    size = write_fragment(path, fragment, durable=True)
    assert size == path.stat().st_size
    assert_same(read_fragment(path), fragment)
    assert read_header(path) == header_of(fragment)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_pictures_that_repeat_themselves_are_compressed(a_fragment):
    still = np.zeros((50, 32, 32, 3), np.uint8)
    assert len(pack(a_fragment(50, seen=still))) < 0.2 * len(pack(a_fragment(50)))


@given(st.data())
@fuzz
def test_a_file_cut_anywhere_is_refused(fragment, data):
    whole = pack(fragment)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ValueError, match=r"written in part|expected a fragment"):
        unpack(cut)


@given(st.data())
@fuzz
def test_a_flipped_bit_anywhere_is_noticed(fragment, data):
    changed = bytearray(pack(fragment))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError):  # noqa: PT011 - any of its messages, but no other kind of error
        unpack(bytes(changed))


@given(st.binary(max_size=200))
def test_any_other_file_is_refused(junk):
    with pytest.raises(ValueError, match="expected a fragment"):
        unpack(junk)


@given(st.data())
@fuzz
def test_an_edited_header_never_gives_anything_but_a_fragment_or_its_error(fragment, data):
    whole = pack(fragment)
    text = bytearray(header_of_file(whole))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(ValueError):
        unpack(repacked(whole, header=bytes(text)))


@given(st.data())
@fuzz
def test_an_edited_body_never_gives_anything_but_a_fragment_or_its_error(fragment, data):
    whole = pack(fragment)
    arrays = bytearray(zlib.decompress(whole[PREFIX.size + len(header_of_file(whole)) :]))
    layout_bytes = 8 + struct.unpack_from("<Q", arrays)[0]
    for _ in range(data.draw(st.integers(1, 4))):
        arrays[data.draw(st.integers(0, layout_bytes - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        unpack(repacked(whole, arrays=bytes(arrays)))


def test_a_wrong_number_of_decisions_is_told(fragment):
    whole = pack(fragment)
    header = header_of_file(whole).replace(b'"decisions": 5', b'"decisions": 6')
    with pytest.raises(ValueError, match="as many decisions as the arrays, 5"):
        unpack(repacked(whole, header=header))


def test_a_body_that_claims_to_be_small_is_not_unpacked_further(fragment):
    with pytest.raises(ValueError, match=r"expected 100 bytes|safetensors"):
        unpack(repacked(pack(fragment), array_bytes=100))


def test_a_body_that_claims_to_be_endless_is_refused(fragment):
    with pytest.raises(ValueError, match="expected arrays of at most"):
        unpack(repacked(pack(fragment), array_bytes=1 << 60))


def test_another_format_is_named(fragment):
    with pytest.raises(ValueError, match="expected fragment format 3, got 4"):
        unpack(repacked(pack(fragment), format=4))


@pytest.mark.parametrize("read", [read_fragment, read_header])
def test_the_error_names_the_file(tmp_path, read):
    path = tmp_path / f"gone{SUFFIX}"
    with pytest.raises(FragmentError, match=r"gone.fragment: .*No such file"):
        read(path)
    path.write_bytes(b"something else")
    with pytest.raises(FragmentError, match=r"gone.fragment: expected a fragment, got 14 bytes"):
        read(path)


@pytest.fixture
def faults(monkeypatch):
    """Errors that the storage gives, one a look at a file, before it answers again."""
    errors: list[int] = []
    monkeypatch.setattr(fragment_files, "WAITS_S", (0.0, 0.0))
    open_file, read_bytes = Path.open, Path.read_bytes

    def look() -> None:
        if errors:
            number = errors.pop()
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", lambda path, mode: look() or open_file(path, mode))
    monkeypatch.setattr(Path, "read_bytes", lambda path: look() or read_bytes(path))
    return errors


@pytest.mark.parametrize("read", [read_fragment, read_header])
def test_a_hiccup_of_the_storage_does_no_harm(write, fragment, faults, read):
    path = write("a-1", fragment)
    whole = read(path)
    faults += [errno.ESTALE, errno.EIO]
    again = read(path)
    assert not faults
    assert_same(again, whole)


@pytest.mark.parametrize("read", [read_fragment, read_header])
def test_storage_that_stays_away_says_nothing_against_the_file(write, fragment, faults, read):
    path = write("a-1", fragment)
    faults += 3 * [errno.EMFILE]
    with pytest.raises(OSError, match="Too many open files"):
        read(path)


def test_a_file_set_aside_says_why(write, fragment):
    path = write("bad", fragment)
    aside = set_aside(path, "it was odd")
    assert aside is not None
    assert not path.exists()
    assert aside.parent.name == DAMAGED
    assert aside.with_name(f"{aside.name}.txt").read_text() == "it was odd\n"
    assert set_aside(path, "again") is None


KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from xview_training.ppo import fragment_files

path = Path(sys.argv[1])
fragment = fragment_files.read_fragment(path)
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
fragment_files.write_fragment(path.with_name("b" + path.suffix), fragment)
"""


def test_a_writer_killed_before_the_end_leaves_no_file_of_that_name(write, fragment):
    path = write("a", fragment)
    died = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(path)])
    assert died.returncode == -9
    assert sorted(os.listdir(path.parent)) == [f".b{SUFFIX}.partial", f"a{SUFFIX}"]
