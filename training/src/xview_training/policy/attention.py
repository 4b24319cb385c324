"""Attention as plain matrix products: faster than the fused kernel's backward on a CPU, and exports as is.

Knows nothing of images, goals or time. Axis letters: B batch, Q queries, K keys, H heads, C width of a head.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

MASKED = -1e9  # finite: a row of all-masked logits gives a uniform softmax instead of NaN


def attend(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None = None) -> Tensor:
    """Softmax attention. queries (..., Q, C), keys and values (..., K, C), bias broadcasts to (..., Q, K)."""
    logits = torch.matmul(queries * queries.shape[-1] ** -0.5, keys.transpose(-1, -2))
    if bias is not None:
        logits = logits + bias
    return torch.matmul(logits.softmax(-1), values)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, L, H * C) -> (B, H, L, C)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, H, L, C) -> (B, L, H * C)."""
    return x.transpose(1, 2).flatten(2)


def feed_forward(width: int, hidden: int) -> nn.Sequential:
    """The two-layer network of a transformer block."""
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


def full_precision() -> contextlib.AbstractContextManager[None]:
    """Leaves autocast where it is on; does nothing where it is off, so that exported graphs hold no trace."""
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        return _without_autocast()
    return contextlib.nullcontext()


@contextlib.contextmanager
def _without_autocast() -> Iterator[None]:
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
        yield
