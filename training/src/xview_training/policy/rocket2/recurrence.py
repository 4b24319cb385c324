"""ROCKET-2's recurrence: Transformer-XL blocks as VPT has them, over a window of tokens that is explicit state.

Knows nothing of pictures or of what a token means. The order of operations is the published one, its two oddities
included: logits are divided by a head's width and not by its root, and the residual around the attention starts
after the norm. Axis letters: B batch, H heads, C width of a head, t new tokens, M tokens of the memory, D width.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from xview_training.policy.attention import Reach, attend, merge_heads, split_heads
from xview_training.policy.memory import State, remember
from xview_training.policy.rocket2.layout import RELATIVE_BASES

MLP_RATIO = 4


def fan_in(layer: nn.Linear, scale: float = 1.0) -> nn.Linear:
    """The layer with each row of its weights scaled to this length and without bias: VPT's start."""
    with torch.no_grad():
        layer.weight.mul_(scale / layer.weight.norm(dim=1, keepdim=True))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer


def normed_relu_layer(width_in: int, width_out: int) -> nn.Sequential:
    """Norm, linear layer without bias, ReLU; `norm` and `layer` are the published names."""
    layer = fan_in(nn.Linear(width_in, width_out, bias=False))
    return nn.Sequential(OrderedDict(norm=nn.LayerNorm(width_in), layer=layer, relu=nn.ReLU()))


def spread_offsets(curves: Tensor) -> Tensor:
    """curves (..., t, M), entry o for the key o places ago, -> (..., t, M + t), entry j for key j.

    The queries are the last t of the M + t places. Where key j lies outside of a query's window the value is
    meaningless. One row lies M + t + 1 apart from the next, so that read as rows of M + t each moves on by one.
    """
    steps, window = curves.shape[-2:]
    padded = F.pad(curves.flip(-1), (1, steps)).flatten(-2)
    return padded[..., : steps * (window + steps)].unflatten(-1, (steps, window + steps))


class RelativeAttention(nn.Module):
    """Attention over the window, with a bias that each query mixes from curves over the distance."""

    def __init__(self, width: int, heads: int, window: int, scale: float) -> None:
        super().__init__()
        self.heads = heads
        self.q_layer = fan_in(nn.Linear(width, width), 0.1)
        self.k_layer = fan_in(nn.Linear(width, width, bias=False), 0.2)
        self.v_layer = fan_in(nn.Linear(width, width, bias=False), scale)
        self.proj_layer = fan_in(nn.Linear(width, width), scale)
        self.r_layer = fan_in(nn.Linear(width, RELATIVE_BASES * heads), 0.1)
        self.b_nd = nn.Parameter(torch.randn(RELATIVE_BASES, window) * 0.2)  # [curve, places ago]

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, t, D), past keys and values (B, M, D) -> what was attended (B, t, D), M + t keys and values."""
        keys = torch.cat([keys, self.k_layer(x)], 1)
        values = torch.cat([values, self.v_layer(x)], 1)
        bias = spread_offsets(torch.matmul(split_heads(self.r_layer(x), self.heads), self.b_nd)) + reach.mask
        queries, seen_keys, seen_values = (split_heads(part, self.heads) for part in (self.q_layer(x), keys, values))
        attended = attend(queries, seen_keys, seen_values, bias, scale=1 / queries.shape[-1])
        return self.proj_layer(merge_heads(attended)), keys, values


class RecurrentBlock(nn.Module):
    """Norm, attention, then a two-layer network around which there is a residual."""

    def __init__(self, width: int, heads: int, window: int, scale: float) -> None:
        super().__init__()
        self.pre_r_ln = nn.LayerNorm(width)
        self.r = nn.ModuleDict({"orc_block": RelativeAttention(width, heads, window, scale**0.5)})
        self.mlp0 = normed_relu_layer(width, MLP_RATIO * width)
        self.mlp1 = nn.Sequential(OrderedDict(layer=fan_in(nn.Linear(MLP_RATIO * width, width), scale)))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, reach: Reach) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, t, D), past keys and values (B, M, D) -> x (B, t, D), M + t keys and values."""
        x = self.pre_r_ln(x)
        attended, keys, values = self.r["orc_block"](x, keys, values, reach)
        x = x + attended
        return x + self.mlp1(self.mlp0(x)), keys, values


class Recurrence(nn.Module):
    """Blocks in sequence, each with its own window of keys and values."""

    def __init__(self, width: int, heads: int, layers: int, window: int) -> None:
        super().__init__()
        self.width, self.window = width, window
        scale = (2 * layers) ** -0.5  # two residuals a block
        self.blocks = nn.ModuleList(RecurrentBlock(width, heads, window, scale) for _ in range(layers))

    def initial_state(self, batch: int, like: Tensor) -> State:
        """An empty memory for `batch` rows, on the device and of the type of `like`."""
        return State.empty(batch, len(self.blocks), self.window, self.width, like)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """x (B, t, D) and the state before it -> outputs (B, t, D) and the state after it."""
        return remember(self.blocks, x, state)
