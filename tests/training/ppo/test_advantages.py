"""Advantages are the definition's, go on where an episode goes on, and are scaled group by group."""

import numpy as np
import pytest
from xview_training.ppo.advantages import gae, normalised
from xview_training.ppo.fragment import Outcome

OVER = Outcome(success=False, first_right=False, first_wrong=False, ticks=9)


def by_definition(reward, value, next_value, gamma, gae_lambda):
    """Sums of discounted one-step errors, each written out (Schulman et al. 2016, equation 16)."""
    values = [*value, next_value]
    errors = [reward[t] + gamma * values[t + 1] - values[t] for t in range(len(reward))]
    return [sum((gamma * gae_lambda) ** k * e for k, e in enumerate(errors[t:])) for t in range(len(errors))]


def test_gae_is_its_definition(a_fragment):
    reward = np.random.default_rng(1).normal(size=7).astype(np.float32)
    fragment = a_fragment(7, reward=reward, next_value=0.4)
    expected = by_definition(reward, fragment.value, 0.4, 0.97, 0.9)
    np.testing.assert_allclose(gae(fragment, 0.97, 0.9), expected, rtol=1e-4, atol=1e-5)


def test_gae_is_that_of_a_published_buffer(a_fragment):
    buffers = pytest.importorskip("stable_baselines3.common.buffers", reason="stable-baselines3 is not installed")
    import torch
    from gymnasium import spaces

    fragment = a_fragment(7, reward=np.random.default_rng(1).normal(size=7).astype(np.float32), next_value=0.4)
    box = spaces.Box(0, 1, (1,))
    buffer = buffers.RolloutBuffer(7, box, spaces.Discrete(2), gae_lambda=0.9, gamma=0.97)
    for t in range(7):
        value = torch.tensor([fragment.value[t]])
        buffer.add(np.zeros((1, 1)), np.zeros(1), fragment.reward[t], np.array([t == 0]), value, torch.zeros(1))
    buffer.compute_returns_and_advantage(torch.tensor([0.4]), np.array([False]))
    np.testing.assert_allclose(gae(fragment, 0.97, 0.9), buffer.advantages[:, 0], rtol=1e-4, atol=1e-5)


def test_a_time_limit_bootstraps_and_the_world_s_end_does_not(a_fragment):
    open_end = gae(a_fragment(3, next_value=0.5), 0.9, 0.8)
    limit = gae(a_fragment(3, next_value=0.5, truncated=True, outcome=OVER), 0.9, 0.8)
    end = gae(a_fragment(3, next_value=0.0, terminated=True, outcome=OVER), 0.9, 0.8)
    np.testing.assert_array_equal(open_end, limit)
    assert limit[-1] - end[-1] == pytest.approx(0.9 * 0.5, rel=1e-5)


def test_advantages_are_scaled_together_or_event_by_event(a_fragment):
    fragments = [a_fragment(3, event=1), a_fragment(5, event=1), a_fragment(4, event=7)]
    raw = [np.arange(len(f), dtype=np.float32) * (100 if f.event == 7 else 1) for f in fragments]
    together = np.concatenate(normalised(fragments, raw, per_event=False))
    assert together.mean() == pytest.approx(0, abs=1e-6)
    assert together.std(ddof=1) == pytest.approx(1, rel=1e-5)
    apart = normalised(fragments, raw, per_event=True)
    for group in (np.concatenate(apart[:2]), apart[2]):
        assert group.mean() == pytest.approx(0, abs=1e-6)
        assert group.std(ddof=1) == pytest.approx(1, rel=1e-5)


def test_one_decision_alone_is_left_as_it_is(a_fragment):
    assert normalised([a_fragment(1)], [np.array([0.7], np.float32)], per_event=True)[0][0] == np.float32(0.7)
