"""Generalised advantage estimation over fragments, bootstrapped where an episode goes on.

Knows numpy and fragments only: neither policies nor losses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xview_training.ppo.fragment import Fragment

SMALLEST_SPREAD = 1e-8


def gae(fragment: Fragment, gamma: float, gae_lambda: float) -> np.ndarray:
    """Advantages float32 (T,) of a fragment's decisions (Schulman et al. 2016, equation 16).

    What comes after the last decision counts with `next_value`: also at a time limit, which ends the play but not the
    world. Only where the world itself ended the episode is that zero.
    """
    advantages = np.empty(len(fragment), np.float32)
    following, next_value = 0.0, fragment.next_value
    for t in reversed(range(len(fragment))):
        delta = float(fragment.reward[t]) + gamma * next_value - float(fragment.value[t])
        following = delta + gamma * gae_lambda * following
        advantages[t] = following
        next_value = float(fragment.value[t])
    return advantages


def normalised(fragments: Sequence[Fragment], advantages: Sequence[np.ndarray], per_event: bool) -> list[np.ndarray]:
    """The advantages shifted and scaled to mean 0 and deviation 1 over all decisions, or over each event's own.

    Per event, an event whose rewards are rare moves the policy as much as one whose rewards are common. A group of
    less than two decisions is left as it is.
    """
    groups = [fragment.event if per_event else 0 for fragment in fragments]
    scaled = list(advantages)
    for group in sorted(set(groups)):
        members = [k for k, of in enumerate(groups) if of == group]
        together = np.concatenate([advantages[k] for k in members]).astype(np.float64)
        if len(together) < 2:
            continue
        mean, spread = together.mean(), together.std() + SMALLEST_SPREAD
        for k in members:
            scaled[k] = ((advantages[k] - mean) / spread).astype(np.float32)
    return scaled
