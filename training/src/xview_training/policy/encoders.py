"""Pictures to features and tokens: the image encoder both views share, and the mask encoder of the goal.

Knows neither time nor actions. Pictures come as they are stored: uint8 (N, S, S, 3), RGB. Features F live at
a quarter of the side (fine enough to correlate a small target), tokens at an eighth.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEATURE_STRIDE = 4
TOKEN_STRIDE = 8


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
        self.to_tokens = nn.Conv2d(feature_width, token_width, 3, stride=2, padding=1)

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
        self.to_tokens = nn.Conv2d(hidden, token_width, 2, stride=2)

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
