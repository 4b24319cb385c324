"""Gradients before an optimiser's step: clipped, and refused where they would ruin the weights."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn


def clip(parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
    """Clips the gradients together to a norm of `max_norm`; the norm that they had, a scalar.

    ValueError where that is not finite: one step along such gradients, and no weight is a number any more.
    """
    try:
        return nn.utils.clip_grad_norm_(parameters, max_norm, error_if_nonfinite=True)
    except RuntimeError:
        raise ValueError(
            "the gradients are not finite numbers, so nothing is learnt from them: go on from the newest checkpoint by "
            "the same command, with a lower learning rate if it happens again"
        ) from None
