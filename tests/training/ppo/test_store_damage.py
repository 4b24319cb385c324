"""Whatever is damaged, lost or in motion, the index opens, says so, keeps its sums and trains nothing twice."""

import dataclasses
import errno
import json
import os
import resource
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.ppo import fragment_files, store_journal
from xview_training.ppo import store as store_module
from xview_training.ppo.fragment_files import DAMAGED, SUFFIX, write_fragment
from xview_training.ppo.store import JOURNAL, FragmentStore, StoreSettings
from xview_training.ppo.store_journal import Journal
from xview_training.ppo.store_ledger import FragmentRecord, Ledger

LIMITS = StoreSettings(max_staleness=1, max_reuse=2)
KINDS = ["reuse", "begin", "add", "add", "stale", "take", "damaged"]
KINDS += ["add", "take", "version", "begin", "stale", "add", "take"]


def record(name: str, version: int = 1, size: int = 1) -> FragmentRecord:
    return FragmentRecord(name, 5, version, "rooms", size)


@pytest.fixture(scope="module")
def add(a_fragment):
    """Writes fragments and names them, as rollouts do."""

    def written(store: FragmentStore, folder: Path, version: int, *names: str) -> None:
        fragment = a_fragment(policy_version=version)
        store.add([record(name, version, write_fragment(folder / f"{name}{SUFFIX}", fragment)) for name in names])

    return written


def live(folder: Path, add) -> set[str]:
    """A life of an index in which everything happens; the names of what was handed out. Version 3 is the last one."""
    store = FragmentStore(folder, LIMITS)
    version = store.begin("one", trained=0)
    add(store, folder, version, "a-1", "a-2")
    add(store, folder, version - 2, "old-1")
    taken = store.take("one", 1, 2)
    store.damaged("a-1", "cannot be read")
    add(store, folder, version, "a-3")
    taken += store.take("one", 2, 1)
    version = store.next_version("one", version)
    version = store.begin("two", trained=5)
    add(store, folder, version, "b-1", "b-2", "b-3")
    taken += store.take("two", 1, 2)
    store.close()
    return {id for id, _ in taken}


@pytest.fixture(scope="module")
def lived(add):
    """The folder of that life, and what was handed out in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder), live(Path(folder), add)


def lines_of(folder: Path) -> list[bytes]:
    return (folder / JOURNAL).read_bytes().splitlines(keepends=True)


def assert_sums(store: FragmentStore) -> None:
    counts, waiting = store.status().counts, store.status().waiting
    assert counts.added == counts.waiting + counts.used + counts.stale + counts.damaged
    assert counts.waiting == 5 * waiting >= 0


def handed_to_the_next(store: FragmentStore) -> set[str]:
    """All that a new learner gets."""
    store.begin("next", trained=0)
    return {id for batch in range(1, 99) for id, _ in store.take("next", batch, 1)}


def test_the_life_of_these_tests_has_lines_of_every_kind(lived):
    folder, _ = lived
    assert [json.loads(line.partition(b" ")[2])["do"] for line in lines_of(folder)] == KINDS


@pytest.mark.parametrize("line", range(len(KINDS)), ids=[f"{k}-{kind}" for k, kind in enumerate(KINDS)])
@pytest.mark.parametrize("place", ["middle", "end"])
def test_whichever_line_is_damaged_nothing_is_trained_again(lived, tmp_path, line, place):
    folder, _ = lived
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    lines = lines_of(tmp_path)
    damaged = bytearray(lines[line])
    damaged[{"middle": len(damaged) // 2, "end": -1}[place]] ^= 4
    lines[line] = bytes(damaged)
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    store = FragmentStore(tmp_path, LIMITS)
    lone_end = place == "end" and line == len(lines) - 1
    complaints = " ".join(store.status().complaints)
    assert lone_end or ("damaged and left out" in complaints and "dropped as stale" in complaints)
    assert_sums(store)
    if lone_end:  # all that it said is there
        assert store.status().waiting == 1
    else:
        assert not handed_to_the_next(store)
        assert store.status().version > 4, "above any that the damaged line may have given out"
    store.close()


def test_what_comes_after_a_damaged_line_was_made_up_for_is_kept(add, lived, tmp_path):
    folder, _ = lived
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    lines = lines_of(tmp_path)
    (tmp_path / JOURNAL).write_bytes(b"".join([*lines[:-1], lines[-1].replace(b"take", b"tape")]))
    store = FragmentStore(tmp_path, LIMITS)
    with pytest.raises(ValueError, match="has to begin anew because the journal was damaged"):
        store.take("two", 2, 1)
    version = store.begin("three", trained=20)
    assert store.status().counts.trained == 20, "what the damaged line had handed out is in the checkpoint"
    add(store, tmp_path, version, "c-1", "c-2")
    store.close()
    store = FragmentStore(tmp_path, LIMITS)
    assert store.status().version == version
    assert [id for id, _ in store.take("three", 1, 2)] == ["c-1", "c-2"]
    assert_sums(store)
    store.close()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_bit_anywhere_in_the_journal_trains_nothing_again(lived, data):
    folder, taken = lived
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        journal = Path(copy) / JOURNAL
        text = bytearray(journal.read_bytes())
        text[data.draw(st.integers(0, len(text) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        journal.write_bytes(text)
        for _ in range(2):
            store = FragmentStore(Path(copy), dataclasses.replace(LIMITS, max_reuse=1))
            assert_sums(store)
            store.close()
        store = FragmentStore(Path(copy), dataclasses.replace(LIMITS, max_reuse=1))
        assert not handed_to_the_next(store) & taken
        store.close()


@pytest.fixture
def hiccup(monkeypatch):
    """Lets the disk fail once when it is asked to keep what was written."""

    def fail_once() -> None:
        def fsync(descriptor: int) -> None:
            monkeypatch.undo()
            raise OSError(errno.EIO, "the disk failed")

        monkeypatch.setattr(store_journal.os, "fsync", fsync)

    return fail_once


def test_a_batch_that_the_disk_refused_once_counts_once(add, opened, tmp_path, hiccup):
    store = opened()
    add(store, tmp_path, store.begin("one", trained=0), "a-1", "a-2")
    hiccup()
    with pytest.raises(OSError, match="the disk failed"):
        store.take("one", 1, 2)
    assert store.status().waiting == 2
    taken = store.take("one", 1, 2)
    store = opened()
    assert store.take("one", 1, 2) == taken
    assert store.status().counts.used == 10
    assert not store.status().complaints
    assert_sums(store)


def test_fragments_that_the_disk_refused_once_count_once(add, opened, tmp_path, hiccup):
    store = opened()
    version = store.begin("one", trained=0)
    hiccup()
    with pytest.raises(OSError, match="the disk failed"):
        add(store, tmp_path, version, "a-1", "a-2")
    add(store, tmp_path, version, "a-1", "a-2")
    store = opened()
    assert store.status().counts.added == 10
    assert_sums(store)


def test_a_line_for_which_the_disk_is_too_full_leaves_nothing_behind(opened, tmp_path):
    store = opened()
    store.begin("one", trained=0)
    before = (tmp_path / JOURNAL).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
    try:
        with pytest.raises(OSError, match="written in part"):
            store.next_version("one", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / JOURNAL).read_bytes() == before
    assert store.next_version("one", 1) == opened().status().version == 2


def test_what_could_not_be_taken_back_at_once_is_cut_before_the_next_line(tmp_path, monkeypatch):
    journal = Journal(tmp_path / JOURNAL)
    journal.append({"do": "version", "version": 1})

    def away(*_: object) -> None:
        raise OSError(errno.EIO, "the disk is away")

    def keep(descriptor: int) -> None:
        monkeypatch.setattr(Journal, "_cut", away)
        away()

    with monkeypatch.context() as failing:
        failing.setattr(store_journal.os, "fsync", keep)
        with pytest.raises(OSError, match="the disk is away"):
            journal.append({"do": "version", "version": 2})
    monkeypatch.undo()
    journal.append({"do": "version", "version": 3})
    journal.close()
    journal = Journal(tmp_path / JOURNAL)
    assert [entry["version"] for entry in journal.entries] == [1, 3]
    journal.close()


def test_a_ledger_counts_an_entry_that_stands_there_twice_once():
    once, twice = Ledger(), Ledger()
    records = [dataclasses.astuple(record(f"a-{k}")) for k in range(3)]
    for entry in (
        {"do": "reuse", "max": 2},
        {"do": "begin", "learner": "one", "trained": 7, "version": 1},
        {"do": "add", "records": records},
        {"do": "take", "batch": 1, "ids": ["a-0", "a-1"]},
        {"do": "version", "version": 2},
        {"do": "stale", "ids": ["a-2"]},
        {"do": "begin", "learner": "two", "trained": 9, "version": 3},
    ):
        once.apply(entry)
        twice.apply(entry)
        twice.apply(entry)
    assert once.counts == twice.counts
    assert (once.version, once.learners, once.uses) == (twice.version, twice.learners, twice.uses)


def test_a_ledger_remembers_the_names_of_those_whose_entry_is_missing_and_counts_nothing_of_them():
    ledger = Ledger()
    ledger.apply({"do": "begin", "learner": "one", "trained": 0, "version": 1})
    before = dataclasses.replace(ledger.counts)
    ledger.apply({"do": "take", "batch": 1, "ids": ["a-1"]})
    ledger.apply({"do": "stale", "ids": ["a-2"]})
    assert ledger.counts == before
    assert ledger.knows("a-1")
    assert ledger.knows("a-2")


@pytest.mark.parametrize("left", [0, 4])
def test_where_the_journal_was_lost_no_file_is_trained_again(add, opened, tmp_path, left):
    store = opened()
    version = store.begin("one", trained=0)
    for number in range(1, 6):
        add(store, tmp_path, version, f"a-{number}")
        store.take("one", number, 1)
        version = store.next_version("one", version)
    store.close()
    (tmp_path / JOURNAL).write_bytes(b"".join(lines_of(tmp_path)[:left]))
    store = opened()
    assert store.status().waiting == 0
    assert any("entries are lost" in complaint for complaint in store.status().complaints)
    assert store.begin("two", trained=25) > version
    assert store.status().counts.trained == 25
    add(store, tmp_path, store.status().version, "b-1")
    assert opened().status().waiting == 1
    assert_sums(store)


@pytest.mark.parametrize("name", [f".a-1{SUFFIX}.partial", f"a-1{SUFFIX}"])
def test_a_file_that_vanishes_while_the_index_looks_does_not_stop_it(opened, tmp_path, name):
    (tmp_path / name).symlink_to(tmp_path / "gone")  # listed, and not there when it is looked at
    store = opened()
    assert store.scan() == 0
    assert not store.status().complaints


def test_a_file_that_cannot_be_set_aside_does_not_stop_the_index(opened, tmp_path):
    (tmp_path / DAMAGED).write_text("a file where the folder should be")
    half = tmp_path / f".half{SUFFIX}.partial"
    half.touch()
    os.utime(half, (0, 0))
    (tmp_path / f"odd{SUFFIX}").write_bytes(b"no fragment at all")
    complaints = opened().status().complaints
    assert [half.name in complaints[0], f"odd{SUFFIX}" in complaints[1]] == [True, True]
    assert all("cannot be set aside" in complaint for complaint in complaints)


def test_a_good_file_that_the_storage_does_not_give_is_left_for_the_next_scan(opened, a_fragment, monkeypatch, write):
    def stale_handle(path: Path) -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    store = opened()
    path = write("a-1", a_fragment(policy_version=store.begin("one", trained=0)))
    with monkeypatch.context() as away:
        away.setattr(store_module, "read_header", stale_handle)
        store = opened()
        assert store.scan() == 0
    assert path.exists()
    assert "left for the next scan" in store.status().complaints[0]
    assert store.scan() == 1
    assert store.status().counts.damaged_files == 0


def test_a_waiting_file_of_which_the_storage_tells_nothing_goes_on_waiting(add, opened, tmp_path, monkeypatch):
    store = opened()
    add(store, tmp_path, store.begin("one", trained=0), "a-1")
    with monkeypatch.context() as away:
        away.setattr(store_module.FragmentFolder, "listed", lambda _: {})

        def size_of(folder, id: str) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        away.setattr(store_module.FragmentFolder, "size_of", size_of)
        store = opened()
    assert store.status().waiting == 1
    assert store.status().counts.damaged_files == 0
    assert "learner will see" in store.status().complaints[0]
    assert fragment_files.read_fragment(tmp_path / f"a-1{SUFFIX}")
