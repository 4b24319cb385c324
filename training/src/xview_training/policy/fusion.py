"""Where two views meet: correlation of the masked goal with the observation, and blocks of attention.

Knows neither time nor actions. Axis letters: B goals, N = B * T pictures, L tokens, D width, K width of the
correlation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xview_training.policy.attention import attend, feed_forward, merge_heads, split_heads
from xview_training.policy.autocast import full_precision
from xview_training.policy.encoders import unit


class Correlation(nn.Module):
    """How much each place of a picture looks like the masked target.

    Not in ROCKET-2, whose fusion must discover the comparison: at a few million parameters and an hour of
    training the target is found only if the comparison is built in.
    """

    def __init__(self, feature_width: int, width: int, initial_scale: float = 4.0) -> None:
        super().__init__()
        self.goal = nn.Linear(feature_width, width)
        self.observation = nn.Linear(feature_width, width)
        self.scale = nn.Parameter(torch.tensor(initial_scale))
        with torch.no_grad():  # alike pictures correlate from the first step
            self.goal.weight.copy_(self.observation.weight)
            self.goal.bias.copy_(self.observation.bias)

    def kernel(self, pooled: Tensor) -> Tensor:
        """Pooled goal feature (B, C) -> unit kernel (B, K)."""
        return unit(self.goal(pooled).float())

    def forward(self, features: Tensor, kernel: Tensor) -> Tensor:
        """features (N, C, h, w), kernel (B, K) -> map (N, L), the largest match inside each token's cell."""
        n, _, h, w = features.shape
        places = self.observation(features.flatten(2).transpose(1, 2))
        with full_precision():
            places = unit(places.float()).view(kernel.shape[0], -1, kernel.shape[1])
            matches = torch.matmul(places, kernel.unsqueeze(-1)).view(n, 1, h, w) * self.scale
            return F.max_pool2d(matches, 2).flatten(1)


class FusionBlock(nn.Module):
    """Self-attention over a picture's tokens, cross-attention to its goal's tokens, feed-forward."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_self, self.norm_cross, self.norm_goal, self.norm_mlp = (nn.LayerNorm(width) for _ in range(4))
        self.self_in = nn.Linear(width, 3 * width)
        self.self_out = nn.Linear(width, width)
        self.cross_query = nn.Linear(width, width)
        self.cross_memory = nn.Linear(width, 2 * width)
        self.cross_out = nn.Linear(width, width)
        self.mlp = feed_forward(width, hidden)

    def forward(self, tokens: Tensor, goal_tokens: Tensor) -> Tensor:
        """tokens (N, L, D), goal_tokens (B, G, D) -> (N, L, D). Pictures of one goal lie together."""
        tokens = tokens + self._within(self.norm_self(tokens))
        tokens = tokens + self._across(self.norm_cross(tokens), self.norm_goal(goal_tokens))
        tokens = tokens + self.mlp(self.norm_mlp(tokens))
        return tokens

    def _within(self, x: Tensor) -> Tensor:
        queries, keys, values = (split_heads(part, self.heads) for part in self.self_in(x).chunk(3, -1))
        attended: Tensor = self.self_out(merge_heads(attend(queries, keys, values)))
        return attended

    def _across(self, x: Tensor, goal: Tensor) -> Tensor:
        # All pictures of a goal ask as one long row of queries: keys and values are made once a goal.
        queries = self.cross_query(x).reshape(goal.shape[0], -1, x.shape[-1])
        keys, values = (split_heads(part, self.heads) for part in self.cross_memory(goal).chunk(2, -1))
        attended: Tensor = self.cross_out(merge_heads(attend(split_heads(queries, self.heads), keys, values)))
        return attended.view(x.shape)
