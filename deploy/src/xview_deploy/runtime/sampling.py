"""From the heads' logits to an action: the most likely one, or one drawn with given random numbers.

Training, export's parity check, evaluation and the robot all choose by this rule, so the same logits and the
same random numbers give the same action everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xview_deploy.runtime.policy import HeadMasks
from xview_deploy.spec import ACTION_HEADS, ContractError


def choose_actions(
    logits: Sequence[NDArray[np.float32]],
    allowed: HeadMasks | None = None,
    uniform: NDArray[np.float64] | None = None,
    temperature: float = 1.0,
) -> NDArray[np.int64]:
    """One action a row: int64 (B, 3).

    logits: one array (B, C) a head, in the order of ACTION_HEADS. allowed: one mask (C,) a head; a choice
    that is not allowed is never taken. uniform: (B, 3) in [0, 1), one draw a head; None takes the most likely.
    temperature: above 0; small is greedy. ContractError where these do not fit.
    """
    if not (temperature > 0 and math.isfinite(temperature)):
        raise ContractError(f"temperature: expected a finite number above 0, got {temperature}")
    if allowed is not None and len(allowed) != len(ACTION_HEADS):
        raise ContractError(f"action masks: expected one each for {ACTION_HEADS}, got {len(allowed)}")
    columns = [
        _choose(
            name,
            logits[head].astype(np.float64) / temperature,
            None if allowed is None else np.asarray(allowed[head]),
            None if uniform is None else uniform[:, head],
        )
        for head, name in enumerate(ACTION_HEADS)
    ]
    return np.stack(columns, axis=1)


def _choose(
    head: str,
    logits: NDArray[np.float64],
    allowed: NDArray[np.bool_] | None,
    uniform: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    if allowed is not None:
        if allowed.shape != logits.shape[1:] or allowed.dtype != np.bool_ or not allowed.any():
            raise ContractError(
                f"action mask of {head}: expected bool ({logits.shape[1]},) with at least one choice, "
                f"got {allowed.dtype} {allowed.shape} with {np.count_nonzero(allowed)}"
            )
        logits = np.where(allowed, logits, -np.inf)
    if uniform is None:
        return logits.argmax(1).astype(np.int64)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    cumulative = weights.cumsum(1)
    # A choice of weight zero repeats its neighbour's sum, so it is never the first to exceed the draw.
    return (cumulative <= uniform[:, None] * cumulative[:, -1:]).sum(1).astype(np.int64)
