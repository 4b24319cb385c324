"""Policies that look at nothing: what a success rate has to be compared with.

Visiting whatever lies ahead reaches a near target surprisingly often, so a uniform random policy alone would
flatter a trained one.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from xview_deploy.runtime.policy import NO_BELIEF, Decision, HeadMasks
from xview_deploy.spec import ActionTable, CameraModel, ContractError, Event

FORWARD_SHARE = 0.9  # of the decisions walk straight ahead
YAW_SIGMA_BINS = 2.2  # spread of the turns around "straight on"


class RandomPolicy:
    """Every allowed choice of every head is equally likely."""

    name = "random"
    provider = ""
    camera = CameraModel()
    image_size = 1  # it looks at nothing
    events = tuple(event.value for event in Event)

    def __init__(self, actions: ActionTable | None = None, seed: int | None = None) -> None:
        self.actions = actions or ActionTable()
        self._own_rng = np.random.default_rng(seed)

    def set_goal(self, image: NDArray[np.uint8], mask: NDArray[np.bool_], event: Event) -> None:
        """Ignored: it goes nowhere in particular."""

    def reset(self) -> None:
        """Nothing to forget."""

    def act(
        self,
        image: NDArray[np.uint8],
        allowed: HeadMasks | None = None,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
    ) -> Decision:
        """A random decision; picture and temperature change nothing."""
        start_s = time.perf_counter()
        masks = check_masks(self.actions, allowed)
        action = self._sample(masks, rng or self._own_rng)
        elapsed_ms = (time.perf_counter() - start_s) * 1000
        return Decision(action=action, value=0.0, belief=NO_BELIEF, ms=elapsed_ms)

    def _sample(self, masks: HeadMasks, rng: np.random.Generator) -> NDArray[np.int64]:
        return np.array([rng.choice(np.flatnonzero(mask)) for mask in masks], np.int64)


class ForwardBiasedRandomPolicy(RandomPolicy):
    """Mostly walks ahead and turns a little: patrols, and so finds near targets by chance."""

    name = "forward_biased_random"

    def _sample(self, masks: HeadMasks, rng: np.random.Generator) -> NDArray[np.int64]:
        action = super()._sample(masks, rng)
        forward = self.actions.buttons.index(("forward",))
        if masks[0][forward] and rng.random() < FORWARD_SHARE:
            action[0] = forward
        bins = np.flatnonzero(masks[2])
        centre = len(self.actions.camera_deg) // 2
        turn = np.clip(np.rint(rng.normal(centre, YAW_SIGMA_BINS)), 0, len(self.actions.camera_deg) - 1)
        action[2] = bins[np.argmin(np.abs(bins - turn))]
        return action


def check_masks(actions: ActionTable, allowed: HeadMasks | None) -> HeadMasks:
    """`allowed` if it fits the table and leaves a choice for each head; everything where it is None."""
    if allowed is None:
        return [np.ones(size, bool) for size in actions.sizes]
    sizes = tuple(len(mask) for mask in allowed)
    if sizes != actions.sizes:
        raise ContractError(f"action masks: expected lengths {actions.sizes}, got {sizes}")
    if not all(np.any(mask) for mask in allowed):
        raise ContractError("action masks: expected at least one allowed choice for each head, got none")
    return allowed
