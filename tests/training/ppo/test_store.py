"""The index hands out no decision twice, counts exactly and goes on where a killed one stopped."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from xview_training.ppo import store_journal
from xview_training.ppo.fragment_files import DAMAGED, SUFFIX
from xview_training.ppo.store import FragmentStore, StoreSettings
from xview_training.ppo.store_journal import Journal
from xview_training.ppo.store_ledger import FragmentRecord, Handed

FILE = b"only the index is tested here: it never looks into a file that it was told of"


def put(folder: Path, id: str, version: int = 1, decisions: int = 4) -> FragmentRecord:
    """A file, and what its writer says of it."""
    (folder / f"{id}{SUFFIX}").write_bytes(FILE)
    return FragmentRecord(id, decisions, version, "landscape/approach/near/visible", len(FILE))


def filled(store: FragmentStore, folder: Path, count: int, **record) -> list[str]:
    names = [f"a-{k}" for k in range(count)]
    store.add([put(folder, name, **record) for name in names])
    return names


def fresh(names: list[str]) -> list[Handed]:
    """As they are handed out for the first time."""
    return [Handed(name, first=True) for name in names]


def test_a_batch_comes_oldest_first_and_only_whole(opened, tmp_path):
    store = opened()
    store.begin("learner", trained=0)
    names = filled(store, tmp_path, 3)
    assert store.take("learner", 1, 4) == []
    assert store.take("learner", 1, 2) == fresh(names[:2])
    assert store.take("learner", 2, 2) == []
    assert store.status().waiting == 1


def test_an_answer_that_was_lost_is_given_again(opened, tmp_path):
    store = opened()
    version = store.begin("learner", trained=0)
    names = filled(store, tmp_path, 4)
    first = store.take("learner", 1, 2)
    assert store.take("learner", 1, 2) == first == opened().take("learner", 1, 2)
    store = opened()
    assert store.begin("learner", trained=0) == version
    assert store.next_version("learner", version) == store.next_version("learner", version) == version + 1
    assert store.add([put(tmp_path, name) for name in names]) == 0
    assert store.take("learner", 2, 2) == fresh(names[2:])


def test_what_was_trained_is_not_trained_again_though_its_file_still_lies_there(opened, tmp_path):
    store = opened()
    store.begin("learner", trained=0)
    filled(store, tmp_path, 2)
    store.take("learner", 1, 2)
    store = opened()
    assert store.status().waiting == 0
    assert store.take("learner", 2, 1) == []
    assert store.status().counts.trained == 8


def test_a_fragment_is_reused_as_often_as_allowed(opened, tmp_path):
    store = opened(max_reuse=2)
    store.begin("learner", trained=0)
    names = filled(store, tmp_path, 2)
    assert store.take("learner", 1, 1) == fresh(names[:1])
    assert store.take("learner", 2, 2) == [Handed(names[1], first=True), Handed(names[0], first=False)]
    assert store.take("learner", 3, 1) == [Handed(names[1], first=False)]
    assert store.take("learner", 4, 1) == []
    counts = store.status().counts
    assert (counts.used, counts.uses, counts.trained) == (8, 16, 8)


def test_a_limit_of_reuse_that_is_lowered_closes_what_was_used_so_often(opened, tmp_path):
    store = opened(max_reuse=2)
    store.begin("learner", trained=0)
    filled(store, tmp_path, 3)
    store.take("learner", 1, 2)
    store = opened(max_reuse=1)
    assert store.take("learner", 2, 1) == fresh(["a-2"])
    assert store.take("learner", 3, 1) == []
    counts = opened(max_reuse=1).status().counts
    assert (counts.added, counts.used, counts.waiting) == (12, 12, 0)


def test_a_limit_of_reuse_that_is_raised_hands_out_nothing_that_was_closed(opened, tmp_path):
    store = opened(max_reuse=1)
    store.begin("learner", trained=0)
    filled(store, tmp_path, 3)
    store.take("learner", 1, 2)
    store = opened(max_reuse=2)
    assert store.take("learner", 2, 1) == fresh(["a-2"])
    assert opened(max_reuse=2).take("learner", 3, 1) == [Handed("a-2", first=False)]
    assert opened(max_reuse=2).take("learner", 4, 1) == []


def test_a_file_that_is_damaged_when_it_is_reused_was_trained_before(opened, tmp_path):
    store = opened(max_reuse=2)
    store.begin("learner", trained=0)
    filled(store, tmp_path, 1)
    for batch in (1, 2):
        store.take("learner", batch, 1)
    store.damaged("a-0", "cannot be read")
    counts = opened(max_reuse=2).status().counts
    assert (counts.trained, counts.uses, counts.damaged, counts.damaged_files) == (4, 4, 0, 1)


def test_a_used_file_that_went_missing_stays_trained(opened, tmp_path):
    store = opened(max_reuse=2)
    store.begin("learner", trained=0)
    filled(store, tmp_path, 1)
    store.take("learner", 1, 1)
    (tmp_path / f"a-0{SUFFIX}").unlink()
    counts = opened(max_reuse=2).status().counts
    assert (counts.trained, counts.damaged) == (4, 0)


def test_a_fragment_of_weights_too_old_is_dropped_and_counted(opened, tmp_path):
    store = opened(max_staleness=1)
    version = store.begin("learner", trained=0)
    filled(store, tmp_path, 2, version=version)
    assert store.status().staleness == 0
    version = store.next_version("learner", version)
    assert store.status().staleness == 1
    assert store.status().waiting == 2
    store.next_version("learner", version)
    assert store.status().waiting == 0
    assert store.status().counts.stale == 8
    store.add([put(tmp_path, "late", version=version - 1)])
    assert store.status().counts.stale == 12


def test_a_learner_that_was_replaced_gets_nothing_more(opened, tmp_path):
    store = opened()
    store.begin("first", trained=0)
    filled(store, tmp_path, 4)
    store.take("first", 1, 2)
    store.begin("second", trained=0)
    with pytest.raises(ValueError, match="'first' was replaced by 'second'"):
        store.take("first", 2, 2)


def test_what_was_trained_after_the_checkpoint_is_lost_not_counted_twice(opened, tmp_path):
    store = opened(max_staleness=5)
    store.begin("first", trained=0)
    filled(store, tmp_path, 4)
    store.take("first", 1, 2)
    store.take("first", 2, 1)
    store = opened(max_staleness=5)
    store.begin("second", trained=8)  # its checkpoint was written after the first batch
    counts = store.status().counts
    assert (counts.trained, counts.lost) == (8, 4)
    store.take("second", 1, 1)
    counts = store.status().counts
    assert (counts.trained, counts.lost, counts.used) == (12, 4, 16)


def test_a_run_may_go_on_over_a_new_folder(opened):
    store = opened()
    store.begin("learner", trained=1000)
    assert store.status().counts.trained == 1000
    assert store.status().counts.lost == 0


def test_weights_of_a_lost_line_are_older_than_those_that_replace_them(opened):
    store = opened()
    lost = store.next_version("first", store.begin("first", trained=0))
    assert store.begin("second", trained=0) > lost


def test_files_that_nobody_named_are_found(opened, tmp_path, fragment, write):
    store = opened()
    fragment = dataclasses.replace(fragment, policy_version=store.begin("learner", trained=0))
    write("orphan-1", fragment)
    assert store.scan() == 1
    assert store.scan() == 0
    write("orphan-2", fragment)
    assert opened().status().waiting == 2
    assert opened().status().counts.added == 2 * len(fragment)


def test_a_damaged_orphan_is_set_aside_and_reported(opened, tmp_path):
    (tmp_path / f"odd{SUFFIX}").write_bytes(b"no fragment at all")
    store = opened()
    assert "expected a fragment" in store.status().complaints[0]
    assert (tmp_path / DAMAGED / f"odd{SUFFIX}").exists()
    assert "expected a fragment" in (tmp_path / DAMAGED / f"odd{SUFFIX}.txt").read_text()
    assert store.status().counts.damaged_files == opened().status().counts.damaged_files == 1


def test_a_file_whose_writer_died_in_the_middle_is_set_aside_after_a_while(opened, tmp_path):
    half = tmp_path / f".half{SUFFIX}.partial"
    half.write_bytes(FILE[:10])
    store = opened()
    assert half.exists()
    os.utime(half, (0, 0))
    store.scan()
    assert not half.exists()
    assert "written in part" in store.status().complaints[0]


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: path.write_bytes(b"short")])
def test_a_file_that_went_missing_or_changed_does_not_wait_any_more(opened, tmp_path, change):
    store = opened()
    names = filled(store, tmp_path, 2)
    change(tmp_path / f"{names[0]}{SUFFIX}")
    store = opened()
    assert store.status().waiting == 1
    assert store.status().counts.damaged == 4
    assert f"expected {len(FILE)} bytes" in store.status().complaints[0]


def test_a_fragment_that_the_learner_cannot_read_does_not_count_as_trained(opened, tmp_path):
    store = opened()
    store.begin("learner", trained=0)
    names = filled(store, tmp_path, 2)
    store.take("learner", 1, 2)
    for _ in range(2):
        store.damaged(names[0], "cannot be read")
    counts = opened().status().counts
    assert (counts.trained, counts.damaged, counts.damaged_files) == (4, 4, 1)


def test_over_its_quota_the_folder_loses_the_oldest_used_files_and_no_others(opened, tmp_path):
    store = opened(quota_bytes=3 * len(FILE))
    store.begin("learner", trained=0)
    names = filled(store, tmp_path, 3)
    store.take("learner", 1, 2)
    store.add([put(tmp_path, "b-1")])
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == 4, "the learner has not read them yet"
    store.release("learner", 1)
    left = {path.stem for path in tmp_path.glob(f"*{SUFFIX}")}
    assert left == {*names[1:], "b-1"}
    store.add([put(tmp_path, "b-2")])
    left = {path.stem for path in tmp_path.glob(f"*{SUFFIX}")}
    assert left == {names[2], "b-1", "b-2"}
    assert store.status().room == 0, "all that is left waits to be trained"
    assert store.status().bytes == 3 * len(FILE)


def test_rollouts_pause_when_enough_wait(opened, tmp_path):
    store = opened(max_waiting=3)
    store.begin("learner", trained=0)
    assert store.status().room == 3
    filled(store, tmp_path, 3)
    assert store.status().room == 0
    store.take("learner", 1, 2)
    assert store.status().room == 2


def test_limits_that_never_let_a_batch_come_together_are_told(opened, tmp_path):
    store = opened(max_waiting=3)
    store.begin("learner", trained=0)
    filled(store, tmp_path, 3)
    with pytest.raises(ValueError, match="max_waiting 3"):
        store.take("learner", 1, 4)
    with pytest.raises(ValueError, match="limits 1 or more"):
        StoreSettings(max_reuse=0)


def test_a_name_that_would_leave_the_folder_is_refused(opened):
    with pytest.raises(ValueError, match="named by letters"):
        opened().add([FragmentRecord("../outside", 1, 1, "", 1)])


def test_one_index_a_folder(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(store_journal, "LOCK_WITHIN_S", 0.0)
    opened()
    with pytest.raises(ValueError, match="another process keeps this journal"):
        FragmentStore(tmp_path, StoreSettings())


def test_an_index_waits_until_the_one_before_has_let_go(opened, tmp_path):
    before = opened()
    threading.Timer(0.1, before.close).start()
    FragmentStore(tmp_path, StoreSettings()).close()


def test_a_torn_line_is_cut_off_and_a_damaged_one_left_out(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for k in range(3):
        journal.append({"do": "version", "version": k})
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"version":1', b'"version":7') + b"00000000 {half")
    journal = Journal(path)
    assert [entry["version"] for entry in journal.entries] == [0, 2]
    assert ["written in part" in c or "line 2 is damaged" in c for c in journal.complaints] == [True, True]
    journal.append({"do": "version", "version": 3})
    journal.close()
    journal = Journal(path)
    assert [entry["version"] for entry in journal.entries] == [0, 2, 3]
    journal.close()


KILLED_INDEX = """
import os, signal, sys
from pathlib import Path
from xview_training.ppo.store import FragmentStore, StoreSettings
store = FragmentStore(Path(sys.argv[1]), StoreSettings())
store.begin("learner", trained=0)
print(*(id for id, _ in store.take("learner", 1, 2)), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_index_killed_right_after_its_answer_has_not_forgotten_it(opened, tmp_path):
    store = opened()
    names = filled(store, tmp_path, 3)
    store.close()
    died = subprocess.run([sys.executable, "-c", KILLED_INDEX, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert died.returncode == -signal.SIGKILL
    assert died.stdout.split() == names[:2]
    store = opened()
    assert store.status().counts.uses == 8
    assert store.take("learner", 2, 1) == fresh(names[2:])


class StoreUnderFire(RuleBasedStateMachine):
    """Everything that may happen to an index, in any order, the index dying in between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.limits = StoreSettings(max_staleness=1, max_reuse=2, max_waiting=6, quota_bytes=5 * len(FILE))
        self.store = FragmentStore(self.folder, self.limits)
        self.learners = self.batch = self.made = self.added = self.version = self.trained = 0
        self.decisions: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.latest: dict[str, bool] = {}  # the learner's newest batch: whether it counted them as trained
        self.restart_learner(0)

    @rule(decisions=st.integers(1, 5), age=st.integers(0, 2))
    def add(self, decisions, age):
        self.made += 1
        record = put(self.folder, f"f-{self.made}", self.version - age, decisions)
        assert self.store.add([record]) == 1
        assert self.store.add([record]) == 0
        self.added += decisions
        self.decisions[record.id] = decisions

    @rule(count=st.integers(1, 3))
    def take(self, count):
        self.batch += 1
        try:
            handed = self.store.take(self.learner, self.batch, count)
        except ValueError:
            return
        assert len(handed) in (0, count)
        assert all((self.folder / f"{name}{SUFFIX}").exists() for name, _ in handed)
        if handed:
            assert self.store.take(self.learner, self.batch, count) == handed
            self.latest = dict(handed)
        for name, first in handed:
            self.trained += self.decisions[name] if first else 0
            assert first == (name not in self.taken)
            self.taken[name] = self.taken.get(name, 0) + 1
            assert self.taken[name] <= self.limits.max_reuse

    @rule()
    def release(self):
        self.store.release(self.learner, self.batch)

    @rule()
    def publish(self):
        self.version = self.store.next_version(self.learner, self.version)

    @rule()
    def kill_index(self):
        before = self.store.status()
        self._open()
        after = self.store.status()
        assert dataclasses.replace(before, complaints=()) == dataclasses.replace(after, complaints=())

    @rule(max_reuse=st.integers(1, 3))
    def change_reuse(self, max_reuse):
        before = self.store.status()
        self.limits = dataclasses.replace(self.limits, max_reuse=max_reuse)
        self._open()
        after = self.store.status()
        assert (before.counts, before.waiting) == (after.counts, after.waiting)

    def _open(self):
        self.store.close()
        self.store = FragmentStore(self.folder, self.limits)

    @rule(back=st.integers(0, 6))
    def restart_learner(self, back):
        self.learners += 1
        self.batch, self.latest = 0, {}
        self.trained = max(0, self.trained - back)
        self.learner = f"learner-{self.learners}"
        self.version = self.store.begin(self.learner, self.trained)

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def damage(self, data):
        name = f"f-{data.draw(st.integers(1, self.made))}"
        self.store.damaged(name, "damaged")
        if self.latest.pop(name, False):
            self.trained -= self.decisions[name]

    @invariant()
    def every_decision_is_in_one_place(self):
        status = self.store.status()
        counts = status.counts
        assert counts.added == self.added
        assert counts.waiting >= 0
        assert (counts.waiting == 0) == (status.waiting == 0)
        assert counts.added == counts.waiting + counts.used + counts.stale + counts.damaged
        assert counts.trained == counts.earlier + counts.used - counts.lost == self.trained

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)


TestStoreUnderFire = StoreUnderFire.TestCase
TestStoreUnderFire.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
