"""Where observation and goal meet: a post-norm transformer encoder, under the parameter names of torch's own.

Written out rather than taken from torch, because only the first tokens of the last layer are read: the others are
never computed. Knows nothing of pictures or time. Axis letters: N pictures, L tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xview_training.policy.attention import attend, merge_heads, split_heads

DROPOUT = 0.1  # share dropped in training mode; rollouts and ratios of PPO run in evaluation mode


class SelfAttention(nn.Module):
    """Every wanted token asks all tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, wanted: int) -> Tensor:
        """x (N, L, D) -> (N, wanted, D): what the first `wanted` tokens learn."""
        width = x.shape[-1]
        to_query, to_memory = self.in_proj_weight.split((width, 2 * width))
        query_bias, memory_bias = self.in_proj_bias.split((width, 2 * width))
        queries = split_heads(F.linear(x[:, :wanted], to_query, query_bias), self.heads)
        memory = F.linear(x, to_memory, memory_bias).chunk(2, -1)
        keys, values = (split_heads(part, self.heads) for part in memory)
        attended = attend(queries, keys, values, dropout=DROPOUT if self.training else 0.0)
        merged: Tensor = self.out_proj(merge_heads(attended))
        return merged


class EncoderLayer(nn.Module):
    """Self-attention and a ReLU network; a norm after each residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = SelfAttention(width, heads)
        self.linear1 = nn.Linear(width, 2 * width)
        self.linear2 = nn.Linear(2 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, wanted: int) -> Tensor:
        """x (N, L, D) -> the first `wanted` tokens (N, wanted, D)."""
        x = self.norm1(x[:, :wanted] + self.dropout(self.self_attn(x, wanted)))
        expanded = self.linear2(self.dropout(F.relu(self.linear1(x))))
        merged: Tensor = self.norm2(x + self.dropout(expanded))
        return merged


class Encoder(nn.Module):
    """Layers in sequence."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(layers))

    def forward(self, x: Tensor, wanted: int) -> Tensor:
        """x (N, L, D) -> the first `wanted` tokens of the last layer (N, wanted, D)."""
        for layer in self.layers[:-1]:
            x = layer(x, x.shape[1])
        last: Tensor = self.layers[-1](x, wanted)
        return last
