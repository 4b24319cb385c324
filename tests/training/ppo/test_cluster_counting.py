"""A learner over Ray counts each decision once, however often it learns from it, and waits for storage that is away."""

import errno
import os
from types import SimpleNamespace

import pytest
import torch
from xview_training.ppo.fragment import Outcome
from xview_training.ppo.fragment_files import SUFFIX, read_fragment
from xview_training.ppo.ledger import Ledger
from xview_training.ppo.store_ledger import FragmentRecord

pytest.importorskip("ray", reason="the extra `ray` is not installed")

from xview_training.ppo.cluster import learning
from xview_training.ppo.cluster.learning import ClusterLearner

OUTCOME = Outcome(success=True, first_right=True, first_wrong=False, ticks=9)


class Remote:
    """The index's handle, as `ask` below calls it."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name: str):
        return SimpleNamespace(remote=getattr(self._store, name))


@pytest.fixture
def learner(monkeypatch, tmp_path):
    """Makes learners of an index without Ray and without a policy; what they learn from is in `learnt`."""
    monkeypatch.setattr(learning, "ask", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(ClusterLearner, "progress", 0.0)

    def make(store, trained: int = 0) -> ClusterLearner:
        made = ClusterLearner.__new__(ClusterLearner)
        made.learnt = []
        made.run = SimpleNamespace(fragments=tmp_path, batch=2)
        made.rank, made.world, made.device = 0, 1, torch.device("cpu")
        made._index, made.ledger, made.trained, made.elapsed_s = Remote(store), Ledger(), trained, 0.0
        leash = SimpleNamespace(coefficient=0.1)
        made.learner = SimpleNamespace(learn=lambda batch, _: made.learnt.append(batch) or {}, leash=leash)
        made._publish, made._batch, made._offset = lambda _: None, 0, 0
        made.name = f"learner-{store.status().learners}"
        made.version = store.begin(made.name, trained)
        return made

    return make


def add(store, write, fragment, *names: str) -> None:
    for name in names:
        size = write(name, fragment).stat().st_size
        store.add([FragmentRecord(name, len(fragment), fragment.policy_version, "rooms", size)])


def test_what_is_learnt_from_twice_counts_once(opened, learner, write, a_fragment):
    store = opened(max_reuse=2)
    one = learner(store)
    add(store, write, a_fragment(outcome=OUTCOME, truncated=True, policy_version=one.version), "a-1", "a-2")
    for _ in range(2):
        one.iterate()
    assert [len(batch) for batch in one.learnt] == [2, 2]
    assert one.trained == one.ledger.decisions == store.status().counts.trained == 10
    assert one.ledger.episodes == 2
    assert store.status().counts.uses == 20


def test_a_learner_that_goes_on_counts_as_the_index_does(opened, learner, write, a_fragment):
    store = opened(max_reuse=2, max_staleness=9)
    one = learner(store)
    add(store, write, a_fragment(policy_version=one.version), "a-1", "a-2", "a-3", "a-4")
    one.iterate()
    one.iterate()
    two = learner(store, trained=10)  # the checkpoint was written after the first batch
    two.iterate()
    counts = store.status().counts
    assert two.trained == counts.trained == 10, "the first batch again, counted before"
    assert (counts.used, counts.lost, counts.uses) == (20, 10, 30)


def test_a_damaged_file_counts_where_it_was_trained_before(opened, learner, write, a_fragment, tmp_path):
    store = opened(max_reuse=2, max_staleness=9)
    one = learner(store)
    add(store, write, a_fragment(policy_version=one.version), "a-1", "a-2")
    one.iterate()
    add(store, write, a_fragment(policy_version=one.version), "b-1", "b-2")
    (tmp_path / f"b-1{SUFFIX}").write_bytes(b"damaged before it was used")
    (tmp_path / f"a-2{SUFFIX}").write_bytes(b"damaged after it was used once")
    one.iterate()
    one.iterate()
    counts = store.status().counts
    assert one.trained == counts.trained == 15
    assert (counts.damaged, counts.damaged_files, counts.uses) == (5, 2, 20)


def test_a_learner_waits_for_storage_that_does_not_answer(opened, learner, write, a_fragment, monkeypatch):
    store = opened()
    one = learner(store)
    add(store, write, a_fragment(policy_version=one.version), "a-1", "a-2")
    faults = [OSError(errno.ESTALE, os.strerror(errno.ESTALE))] * 3

    def read(path):
        if faults:
            raise faults.pop()
        return read_fragment(path)

    monkeypatch.setattr(learning, "read_fragment", read)
    monkeypatch.setattr(learning, "ASK_STORAGE_EVERY_S", 0.0)
    one.iterate()
    assert one.trained == store.status().counts.trained == 10
    assert store.status().counts.damaged_files == 0


def test_a_learner_whose_storage_stays_away_ends_and_its_batch_is_lost_not_damaged(
    opened, learner, write, a_fragment, monkeypatch
):
    store = opened()
    one = learner(store)
    add(store, write, a_fragment(policy_version=one.version), "a-1", "a-2")

    def read(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(learning, "read_fragment", read)
    monkeypatch.setattr(learning, "STORAGE_BACK_WITHIN_S", -1.0)
    with pytest.raises(OSError, match="Input/output error"):
        one.iterate()
    two = learner(store, trained=one.trained)
    counts = store.status().counts
    assert two.trained == counts.trained == 0
    assert (counts.lost, counts.damaged_files) == (10, 0)
