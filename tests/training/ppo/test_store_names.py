"""The index never takes a name for new that it had, nor one for known that it had not, however many there were."""

from hypothesis import given
from hypothesis import strategies as st
from xview_training.ppo.store_ledger import Ledger
from xview_training.ppo.store_names import NamesSeen

NAMES = st.from_regex(r"\A(a|b-1-|)[0-9]{0,2}\Z")


@given(st.lists(NAMES), NAMES)
def test_it_holds_what_a_set_holds(added, asked):
    names = NamesSeen()
    for name in added:
        names.add(name)
    assert all(name in names for name in added)
    assert (asked in names) == (asked in set(added))


@given(st.permutations(range(1, 12)))
def test_a_row_of_numbers_is_one_range_in_whatever_order_it_came(numbers):
    names = NamesSeen()
    for number in numbers:
        names.add(f"rollout0-ab-{number:08d}")
    assert names.ranges == 1
    assert "rollout0-ab-00000000" not in names


def test_a_ledger_s_memory_does_not_grow_with_what_was_trained():
    ledger = Ledger()
    ledger.apply({"do": "begin", "learner": "one", "trained": 0, "version": 1})
    for batch in range(1, 200):
        ids = [f"rollout0-ab-{10 * batch + k:08d}" for k in range(10)]
        ledger.apply({"do": "add", "records": [(id, 4, batch, "rooms", 1) for id in ids]})
        ledger.apply({"do": "stale", "ids": ids[:2]})
        ledger.apply({"do": "take", "batch": batch, "ids": ids[2:]})
    assert ledger.counts.uses == 199 * 8 * 4
    assert ledger.counts.stale == 199 * 2 * 4
    assert len(ledger.closed) == 8 * 8, "of the latest batches alone"
    assert ledger.names.ranges == 1
    assert not ledger.open
    assert not ledger.uses
    assert all(ledger.knows(f"rollout0-ab-{k:08d}") for k in (10, 11, 12, 1999))
    assert not ledger.knows("rollout0-ab-00002000")
