"""The plain vision transformer, under timm's parameter names, as a map of patch features.

timm itself is not imported: it wants torchvision, which has no build for every torch. Published weights load as
they are. Knows nothing of goals or time. Axis letters: N pictures, L patches plus the class token, D width.

    view = VisionTransformer(vit_named("timm/vit_base_patch16_224.dino"), channels=3)
    load_timm_weights(view, Path("model.safetensors"))
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from xview_training.naming import named
from xview_training.policy.attention import attend, merge_heads, split_heads

IMAGE_SIDE = 224  # pixels
PATCH_SIDE = 16
PATCHES_A_SIDE = IMAGE_SIDE // PATCH_SIDE
NORM_EPSILON = 1e-6
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CLASSIFIER_PARTS = ("norm.", "fc_norm.", "head.")  # of a published file; the patch map comes from before them


@dataclasses.dataclass(frozen=True)
class VitSize:
    """What distinguishes one plain ViT from another."""

    width: int  # D
    heads: int
    depth: int = 12


VIT_SIZES = {
    "vit_tiny_patch16_224": VitSize(192, 3),
    "vit_small_patch16_224": VitSize(384, 6),
    "vit_base_patch16_224": VitSize(768, 12),
}


def vit_named(name: str) -> VitSize:
    """The size of timm's model of that name, as in "timm/vit_base_patch16_224.dino"; ValueError names the nearest."""
    return named(VIT_SIZES, name.removeprefix("timm/").split(".")[0], "vision transformer")


def normalise_pictures(pictures: Tensor) -> Tensor:
    """RGB pictures (N, S, S, 3), 0 to 255, -> float (N, 3, S, S) with ImageNet's mean and deviation removed."""
    mean = torch.tensor(IMAGENET_MEAN, device=pictures.device)
    deviation = torch.tensor(IMAGENET_STD, device=pictures.device)
    return ((pictures.float() / 255 - mean) / deviation).permute(0, 3, 1, 2)


class VitAttention(nn.Module):
    """Self-attention with one projection for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        queries, keys, values = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, -1))
        attended: Tensor = self.proj(merge_heads(attend(queries, keys, values)))
        return attended


class VitMlp(nn.Module):
    """The two-layer network of a block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        expanded: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return expanded


class VitBlock(nn.Module):
    """Attention, then the two-layer network; both with a residual and a norm before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.attn = VitAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.mlp = VitMlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x


class VisionTransformer(nn.Module):
    """Pictures (N, channels, 224, 224) -> the last block's patches (N, 196, D), row by row, without a last norm."""

    def __init__(self, size: VitSize, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.cls_token = nn.Parameter(torch.randn(1, 1, size.width) * 1e-6)
        self.pos_embed = nn.Parameter(torch.randn(1, PATCHES_A_SIDE**2 + 1, size.width) * 0.02)
        projection = nn.Conv2d(channels, size.width, PATCH_SIDE, stride=PATCH_SIDE)
        self.patch_embed = nn.ModuleDict({"proj": projection})
        self.blocks = nn.Sequential(*(VitBlock(size.width, size.heads) for _ in range(size.depth)))
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        patches: Tensor = self.patch_embed["proj"](pictures.to(self.pos_embed.dtype))
        patches = patches.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(patches.shape[0], -1, -1), patches], 1) + self.pos_embed
        x = self.blocks(x)
        return x[:, 1:]


def load_timm_weights(vit: VisionTransformer, path: Path) -> None:
    """Fills `vit` from a safetensors file of timm; ValueError says what does not fit.

    The classifier and the last norm are left out. A network of one channel takes the sum over the colours.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is no readable safetensors file: {error}") from error
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(CLASSIFIER_PARTS)}
    projection = "patch_embed.proj.weight"
    if projection in kept and vit.channels == 1:
        kept[projection] = kept[projection].sum(1, keepdim=True)
    try:
        vit.load_state_dict(kept)
    except RuntimeError as error:
        raise ValueError(f"{path} is no such vision transformer: {error}") from error
