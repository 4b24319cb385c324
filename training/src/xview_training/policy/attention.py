"""Attention as plain matrix products: faster than the fused kernel's backward on a CPU, and exports as is.

Knows nothing of images, goals or layers. Axis letters: B batch, Q queries, K keys, H heads, C width of a head,
T new places of a sequence, W window of old ones.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MASKED = -1e9  # finite: a row of all-masked logits gives a uniform softmax instead of NaN


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    bias: Tensor | None = None,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Softmax attention. queries (..., Q, C), keys and values (..., K, C), bias broadcasts to (..., Q, K).

    scale multiplies the products of queries and keys, 1 / sqrt(C) where none is given. dropout is the share of
    weights that are dropped; pass zero outside of training.
    """
    logits = torch.matmul(queries * (queries.shape[-1] ** -0.5 if scale is None else scale), keys.transpose(-1, -2))
    if bias is not None:
        logits = logits + bias
    weights = logits.softmax(-1)
    return torch.matmul(F.dropout(weights, dropout) if dropout else weights, values)


class Reach(NamedTuple):
    """Which of the W old and T new places each of the T new ones sees: the last W, itself included."""

    ago: Tensor  # (T, W + T) places between query and key, clamped to the window
    mask: Tensor  # (B, 1, T, W + T) to add to logits: zero where seen


def window_reach(valid: Tensor, window: int) -> Reach:
    """The reach of the places after the first W, from `valid` (B, W + T): 1 where there is something to see."""
    steps = valid.shape[1] - window
    now = torch.arange(steps, device=valid.device).unsqueeze(1) + window
    ago = now - torch.arange(steps + window, device=valid.device)
    outside = ((ago < 0) | (ago >= window)).to(valid.dtype)
    blocked = torch.maximum(outside, 1 - valid.unsqueeze(1))
    return Reach(ago.clamp(0, window - 1), (MASKED * blocked).unsqueeze(1))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, L, H * C) -> (B, H, L, C)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(B, H, L, C) -> (B, L, H * C)."""
    return x.transpose(1, 2).flatten(2)


def feed_forward(width: int, hidden: int) -> nn.Sequential:
    """The two-layer network of a transformer block."""
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
