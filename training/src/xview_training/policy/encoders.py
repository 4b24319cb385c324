"""Pictures to features and tokens: the image encoder both views share, and the mask encoder of the goal.

Knows neither time nor actions. Pictures come as they are stored: uint8 (N, S, S, 3), RGB. Features F live at
a quarter of the side (fine enough to correlate a small target), tokens at an eighth.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional as F

from xview_training.policy.autocast import has_amx

FEATURE_STRIDE = 4
TOKEN_STRIDE = 8


class _FullPrecisionBackward(torch.autograd.Function):
    """A convolution whose gradients are computed in float32, whatever it was computed in."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor, stride: list[int], padding: list[int]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding  # type: ignore[attr-defined]
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        back = torch.ops.aten.convolution_backward(
            gradients[0].float(), x.float(), weight.float(), [len(weight)], ctx.stride, ctx.padding,
            [1, 1], False, [0, 0], 1, ctx.needs_input_grad[:3],
        )  # fmt: skip
        return *(None if part is None else part.to(x.dtype) for part in back), None, None


class TokenConv2d(nn.Conv2d):
    """A convolution that is quick to learn on processors without AMX.

    Their bfloat16 gradient of a weight with 96 outputs takes 8 times as long as float32's (measured on a Zen 4:
    three quarters of the policy's whole step); forward and parameters are the plain layer's.
    """

    def forward(self, x: Tensor) -> Tensor:
        slow = x.dtype == torch.bfloat16 and x.device.type == "cpu" and torch.is_grad_enabled()
        if not slow or has_amx():
            return super().forward(x)
        assert self.bias is not None
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        found: Tensor = _FullPrecisionBackward.apply(x, weight, bias, [*self.stride], [*self.padding])
        return found


class ImageEncoder(nn.Module):
    """uint8 pictures -> features (N, C, S/4, S/4) and tokens (N, L, D), L = (S/8)^2 in row-major order.

    The stem is narrow because its pixels are many: widths in multiples of 16 fill the CPU's vectors.
    """

    def __init__(self, stem_width: int, feature_width: int, token_width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, stem_width, 3, stride=2, padding=1)
        self.down = nn.Conv2d(stem_width, feature_width, 3, stride=2, padding=1)
        self.residual_in = nn.Conv2d(feature_width, feature_width, 3, padding=1)
        self.residual_out = nn.Conv2d(feature_width, feature_width, 3, padding=1)
        self.to_tokens = TokenConv2d(feature_width, token_width, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        # NHWC bytes seen as NCHW are channels_last already: no copy. In place: memory is the bottleneck.
        x = images.to(self.stem.weight.dtype).div_(255).sub_(0.5).permute(0, 3, 1, 2)
        x = self.down(F.relu(self.stem(x)))
        features = F.relu(x + self.residual_out(F.relu(self.residual_in(F.relu(x)))))
        tokens = self.to_tokens(features).flatten(2).transpose(1, 2)
        return features, tokens


class MaskEncoder(nn.Module):
    """The goal mask (N, S, S), 0 or 1, -> tokens (N, L, D) to add to the goal view's tokens."""

    def __init__(self, token_width: int, hidden: int = 16) -> None:
        super().__init__()
        self.shape = nn.Conv2d(1, hidden, 4, stride=4)
        self.to_tokens = TokenConv2d(hidden, token_width, 2, stride=2)

    def forward(self, mask: Tensor) -> Tensor:
        x = F.relu(self.shape(mask.to(self.shape.weight.dtype).unsqueeze(1)))
        tokens: Tensor = self.to_tokens(x)
        return tokens.flatten(2).transpose(1, 2)


def pool_under_mask(features: Tensor, mask: Tensor) -> Tensor:
    """Mean of features (N, C, h, w) over the mask (N, S, S), weighted by each cell's covered area: (N, C).

    An empty mask gives zeros.
    """
    side = mask.shape[-1] // features.shape[-1]
    area = F.avg_pool2d(mask.float().unsqueeze(1), side)
    weights = area / area.sum((2, 3), keepdim=True).clamp(min=1e-6)
    return (features.float() * weights).sum((2, 3))


def unit(x: Tensor) -> Tensor:
    """x scaled to length one along its last axis; zeros stay zeros."""
    return x / x.square().sum(-1, keepdim=True).add(1e-6).sqrt()


def token_positions(tokens: int, width: int) -> nn.Parameter:
    """Learned positions (L, D)."""
    return nn.Parameter(torch.randn(tokens, width) * 0.02)
