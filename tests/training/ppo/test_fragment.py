"""A fragment says what does not fit."""

import dataclasses

import numpy as np
import pytest
from xview_training.ppo.fragment import Fragment, Kind, Outcome
from xview_training.tasks.visibility import VIEW_SIZE

KIND = Kind("rooms", "approach", "near", visible=True, strict=False)


def a_fragment(steps: int = 5, seed: int = 0, **changes) -> Fragment:
    """A fragment of noise that fits the small policy's sizes divided by some."""
    rng = np.random.default_rng(seed)
    fields = {
        "keys": rng.normal(size=(2, 8, 16)).astype(np.float16),
        "values": rng.normal(size=(2, 8, 16)).astype(np.float16),
        "valid": np.ones(8, np.float16),
        "images": rng.integers(0, 255, (steps, 32, 32, 3)).astype(np.uint8),
        "goal_image": rng.integers(0, 255, (32, 32, 3)).astype(np.uint8),
        "goal_mask": rng.integers(0, 2, (32, 32)).astype(np.uint8),
        "event": 7,
        "previous_action": rng.integers(0, 7, (steps, 3)),
        "action": rng.integers(0, 7, (steps, 3)),
        "log_prob": -rng.random(steps).astype(np.float32),
        "value": rng.random(steps).astype(np.float32),
        "reward": np.zeros(steps, np.float32),
        "reference_logits": rng.normal(size=(steps, 29)).astype(np.float16),
        "view": np.zeros((steps, VIEW_SIZE), np.float32),
        "bearing": np.zeros((steps, 2), np.float32),
        "terminated": False,
        "truncated": False,
        "next_value": 0.5,
        "policy_version": 3,
        "kind": KIND,
        "task_id": "train-0",
        "episode": 0,
        "start": 0,
    }
    return Fragment(**(fields | changes))


def test_a_fragment_is_as_long_as_its_actions():
    assert len(a_fragment(7)) == 7


@pytest.mark.parametrize("name", ["images", "log_prob", "reference_logits", "goal_image", "valid", "view"])
def test_an_array_of_another_length_or_type_is_named(name):
    good = getattr(a_fragment(), name)
    for bad in (good[:-1], good.astype(np.float64)):
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            a_fragment(**{name: bad})


def test_a_fragment_without_decisions_is_refused():
    with pytest.raises(ValueError, match="at least one decision"):
        a_fragment(0)


def test_what_the_world_ended_has_nothing_to_come():
    outcome = Outcome(success=True, first_right=True, first_wrong=False, ticks=12)
    assert a_fragment(terminated=True, next_value=0.0, outcome=outcome).ended
    for wrong in ({"next_value": 0.1}, {"truncated": True, "next_value": 0.0}):
        with pytest.raises(ValueError, match="nothing to come"):
            a_fragment(**({"terminated": True, "outcome": outcome} | wrong))


def test_an_outcome_belongs_to_the_end():
    with pytest.raises(ValueError, match="outcome"):
        a_fragment(truncated=True)
    with pytest.raises(ValueError, match="outcome"):
        a_fragment(outcome=Outcome(False, False, False, 5))


def test_a_log_probability_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="log_prob: expected finite"):
        a_fragment(log_prob=np.full(5, np.nan, np.float32))


def test_fragments_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_fragment().start = 3
