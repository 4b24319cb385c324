"""Losses of behaviour cloning and of the belief heads that keep the policy looking for its target.

Knows tensors only: neither worlds nor how the labels were made. Axis letters: B batch, T time, L cells of the
heat-map. Every loss is a mean over the frames it speaks of; frames that are not alive never count.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from xview_training.policy.heads import PolicyOutput


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """How much each loss counts in the total."""

    buttons: float = 1.0
    pitch: float = 1.0
    yaw: float = 1.0
    heatmap: float = 0.5
    point: float = 1.0
    box: float = 1.0
    bearing: float = 1.0
    value: float = 0.5
    # Most frames show no target: without this the heat-map settles on "none" and the belief collapses.
    visible_frames: float = 3.0


class Labels(NamedTuple):
    """What the expert says of each frame. A frame whose `cell` is below L shows the target."""

    action: Tensor  # (B, T, 3) int64: buttons row, pitch bin, yaw bin
    cell: Tensor  # (B, T) int64: row-major token cell of the target, or L where it is out of sight
    point: Tensor  # (B, T, 2) x, y in 0..1
    box: Tensor  # (B, T, 4) x0, y0, x1, y1 in 0..1
    bearing: Tensor  # (B, T, 2) unit vector right, forward
    bearing_known: Tensor  # (B, T) bool: the agent could know where the target is
    value: Tensor  # (B, T) return to come
    alive: Tensor  # (B, T) bool: the frame belongs to an episode


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x (B, T) where mask (B, T) is set; zero if it is set nowhere."""
    mask = mask.to(x.dtype)
    return (x * mask).sum() / mask.sum().clamp(min=1)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy (B, T) of logits (B, T, C) against classes (B, T)."""
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(target.shape)


def belief_losses(output: PolicyOutput, labels: Labels, visible_frames: float) -> dict[str, Tensor]:
    """What is believed of the target against what is so: heat-map, point, box and bearing. Scalars, unweighted.

    visible_frames: how much a frame that shows the target counts in the heat-map's loss, against one that does not.
    """
    alive = labels.alive.bool()
    seen = alive & (labels.cell < output.heatmap.shape[-1] - 1)
    known = alive & labels.bearing_known.bool()
    where = cross_entropy(output.heatmap, labels.cell)
    where = torch.where(seen, where * visible_frames, where)
    return {
        "heatmap": masked_mean(where, alive),
        "point": masked_mean((output.point - labels.point).abs().mean(-1), seen),
        "box": masked_mean((output.box - labels.box).abs().mean(-1), seen),
        # Squared error of the raw vector, not an angle: an unsure policy may answer with a short one.
        "bearing": masked_mean((output.bearing - labels.bearing).square().sum(-1), known),
    }


def imitation_losses(
    output: PolicyOutput, labels: Labels, weights: LossWeights, value_unit: Tensor | float = 1.0
) -> dict[str, Tensor]:
    """Each loss by name, unweighted, and `total`, their weighted sum. All scalars.

    value_unit: see `CrossViewPolicy.value_unit`.
    """
    alive = labels.alive.bool()
    losses = {
        head: masked_mean(cross_entropy(logits, labels.action[..., index]), alive)
        for index, (head, logits) in enumerate(
            (("buttons", output.buttons), ("pitch", output.pitch), ("yaw", output.yaw))
        )
    }
    losses |= belief_losses(output, labels, weights.visible_frames)
    losses["value"] = masked_mean(((output.value - labels.value) / value_unit).square(), alive)
    losses["total"] = sum(
        (getattr(weights, name) * loss for name, loss in losses.items()), torch.zeros_like(losses["value"])
    )
    return losses
