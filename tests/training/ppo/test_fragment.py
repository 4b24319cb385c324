"""A fragment says what does not fit."""

import dataclasses

import numpy as np
import pytest
from xview_training.ppo.fragment import Outcome


def test_a_fragment_is_as_long_as_its_actions(a_fragment):
    assert len(a_fragment(7)) == 7


@pytest.mark.parametrize("name", ["seen", "log_prob", "reference_logits", "goal_image", "valid", "view"])
def test_an_array_of_another_length_or_type_is_named(a_fragment, name):
    good = getattr(a_fragment(), name)
    for bad in (good[:-1], good.astype(np.float64)):
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            a_fragment(**{name: bad})


def test_a_fragment_without_decisions_is_refused(a_fragment):
    with pytest.raises(ValueError, match="at least one decision"):
        a_fragment(0)


def test_what_the_world_ended_has_nothing_to_come(a_fragment):
    outcome = Outcome(success=True, first_right=True, first_wrong=False, ticks=12)
    assert a_fragment(terminated=True, next_value=0.0, outcome=outcome).ended
    for wrong in ({"next_value": 0.1}, {"truncated": True, "next_value": 0.0}):
        with pytest.raises(ValueError, match="nothing to come"):
            a_fragment(**({"terminated": True, "outcome": outcome} | wrong))


def test_an_outcome_belongs_to_the_end(a_fragment):
    with pytest.raises(ValueError, match="outcome"):
        a_fragment(truncated=True)
    with pytest.raises(ValueError, match="outcome"):
        a_fragment(outcome=Outcome(False, False, False, 5))


def test_a_log_probability_that_is_no_number_is_refused(a_fragment):
    with pytest.raises(ValueError, match="log_prob: expected finite"):
        a_fragment(log_prob=np.full(5, np.nan, np.float32))


def test_fragments_are_frozen(a_fragment):
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_fragment().start = 3
