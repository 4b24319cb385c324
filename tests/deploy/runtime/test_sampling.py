"""Actions are chosen by one rule: likely ones often, forbidden ones never."""

import numpy as np
import pytest
from xview_deploy.runtime.sampling import choose_actions
from xview_deploy.spec import ContractError

SIZES = (7, 11, 11)


def random_logits(rows: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(rows, size)).astype(np.float32) for size in SIZES]


def test_without_noise_the_most_likely_is_chosen():
    logits = random_logits(5)
    expected = np.stack([head.argmax(1) for head in logits], 1)
    np.testing.assert_array_equal(choose_actions(logits), expected)


def test_draws_follow_the_softmax():
    row = random_logits(1)
    logits = [np.repeat(head, 20_000, 0) for head in row]
    actions = choose_actions(logits, uniform=np.random.default_rng(1).random((20_000, 3)))
    for head, logit in enumerate(row):
        expected = np.exp(logit[0]) / np.exp(logit[0]).sum()
        found = np.bincount(actions[:, head], minlength=SIZES[head]) / 20_000
        np.testing.assert_allclose(found, expected, atol=0.015)


def test_a_low_temperature_is_greedy_and_a_high_one_is_even():
    logits = random_logits(2000)
    uniform = np.random.default_rng(1).random((2000, 3))
    greedy = choose_actions(logits, uniform=uniform, temperature=1e-4)
    assert (greedy == choose_actions(logits)).mean() > 0.99
    even = choose_actions(logits, uniform=uniform, temperature=1e4)[:, 0]
    np.testing.assert_allclose(np.bincount(even, minlength=7) / 2000, 1 / 7, atol=0.04)


@pytest.mark.parametrize("draw", [0.0, 0.5, np.nextafter(1.0, 0.0)])
def test_what_is_not_allowed_is_never_chosen(draw):
    logits = random_logits(50)
    allowed = [np.arange(size) % 3 == 1 for size in SIZES]
    for uniform in (None, np.full((50, 3), draw)):
        actions = choose_actions(logits, allowed, uniform)
        assert all(allowed[head][actions[:, head]].all() for head in range(3))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([np.ones(7, bool)], "expected one each"),
        ([np.ones(6, bool), np.ones(11, bool), np.ones(11, bool)], r"action mask of buttons: expected bool \(7,\)"),
        ([np.ones(7, bool), np.zeros(11, bool), np.ones(11, bool)], "action mask of pitch: .*at least one choice"),
        ([np.ones(7, int), np.ones(11, bool), np.ones(11, bool)], "action mask of buttons"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, message):
    with pytest.raises(ContractError, match=message):
        choose_actions(random_logits(1), masks)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_means_nothing_is_refused(temperature):
    with pytest.raises(ContractError, match="temperature: expected a finite number above 0"):
        choose_actions(random_logits(1), temperature=temperature)
