"""Memory over time: a causal transformer whose window of keys and values is explicit state.

Knows nothing of pictures. State goes in and comes out, never lives in a buffer: training, the exported graph
and the robot share its shape. Axis letters: B batch, T time, W window, D width of keys and values, Y layers.

Each layer sees the last W steps, the present one included, so Y layers reach back Y * (W - 1) steps.
Deviation from Transformer-XL (ROCKET-2): keys and values are cached instead of hidden states, and positions
enter as a learned bias a head and offset, so one step costs no projection of the past.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from xview_training.policy.attention import Reach, attend, feed_forward, merge_heads, split_heads, window_reach


class State(NamedTuple):
    """The last W steps, oldest first; all zeros is an empty memory."""

    keys: Tensor  # (B, Y, W, D) float
    values: Tensor  # (B, Y, W, D) float
    valid: Tensor  # (B, W) float, 1 where a step was written

    @classmethod
    def empty(cls, batch: int, layers: int, window: int, width: int, like: Tensor) -> State:
        """Zeros, on the device and of the type of `like`."""
        shape = (batch, layers, window, width)
        return cls(like.new_zeros(shape), like.new_zeros(shape), like.new_zeros(batch, window))

    def detach(self) -> State:
        """The same memory without its gradient history."""
        return State(*(part.detach() for part in self))

    def rows(self, index: Tensor) -> State:
        """The state of some rows of the batch, by index or boolean mask."""
        return State(*(part[index] for part in self))

    def forget(self, rows: Tensor) -> State:
        """A copy whose memory is empty where `rows` (B,) bool is true."""
        return State(*(part.masked_fill(rows.view(-1, *[1] * (part.dim() - 1)), 0.0) for part in self))


class MemoryLayer(nn.Module):
    """Attention over the window, then feed-forward; both with a residual and a norm before."""

    def __init__(self, width: int, key_width: int, heads: int, hidden: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * key_width)
        self.out = nn.Linear(key_width, width)
        self.mlp = feed_forward(width, hidden)
        self.offset_bias = nn.Parameter(torch.zeros(heads, window))  # [head, steps ago]

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, T, width), past keys and values (B, W, D) -> x and the W + T keys and values."""
        queries, new_keys, new_values = self.project(self.norm_attention(x)).chunk(3, -1)
        keys = torch.cat([keys, new_keys], 1)
        values = torch.cat([values, new_values], 1)
        bias = self.offset_bias[:, reach.ago] + reach.mask
        split = [split_heads(part, self.heads) for part in (queries, keys, values)]
        x = x + self.out(merge_heads(attend(split[0], split[1], split[2], bias)))
        return x + self.mlp(self.norm_mlp(x)), keys, values


def remember(layers: nn.ModuleList, x: Tensor, state: State) -> tuple[Tensor, State]:
    """x (B, T, width) through layers that each see the state's window: outputs (B, T, width), the state after.

    A layer takes x, its past keys and values (B, W, D) and the Reach; it returns x and the W + T keys and values.
    The same numbers come out whether T steps are given at once or one by one.
    """
    window = state.valid.shape[1]
    valid = torch.cat([state.valid, torch.ones_like(x[:, :, 0])], 1)
    reach = window_reach(valid, window)
    past: list[tuple[Tensor, Tensor]] = []
    for index, layer in enumerate(layers):
        x, keys, values = layer(x, state.keys[:, index], state.values[:, index], reach)
        past.append((keys[:, -window:], values[:, -window:]))
    keys, values = (torch.stack(parts, 1) for parts in zip(*past, strict=True))
    return x, State(keys, values, valid[:, -window:])


class Memory(nn.Module):
    """Sequences in, sequences out, with the state before and after them."""

    def __init__(self, width: int, key_width: int, layers: int, heads: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.key_width = key_width
        self.layers = nn.ModuleList(MemoryLayer(width, key_width, heads, 2 * width, window) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def initial_state(self, batch: int, device: torch.device) -> State:
        """An empty memory for `batch` rows."""
        return State.empty(batch, len(self.layers), self.window, self.key_width, torch.zeros((), device=device))

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """x (B, T, width) and the state before it -> outputs (B, T, width) and the state after it."""
        x, state = remember(self.layers, x, state)
        return self.norm(x), state
