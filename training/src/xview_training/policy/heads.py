"""What the policy answers: action logits, value, and its belief about the target.

The heat-map and the place in the picture are read off one picture's tokens; action, value and bearing off
the memory. Axis letters: B batch, T time, N = B * T, L cells of the heat-map.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from xview_training.policy.encoders import unit


class PolicyOutput(NamedTuple):
    """Raw outputs, as the losses want them."""

    buttons: Tensor  # (B, T, rows) logits
    pitch: Tensor  # (B, T, bins) logits
    yaw: Tensor  # (B, T, bins) logits
    value: Tensor  # (B, T)
    heatmap: Tensor  # (B, T, L + 1) logits: the target's cell, or none (last)
    point: Tensor  # (B, T, 2) x, y; 0..1 from the top left; not clamped
    box: Tensor  # (B, T, 4) x0, y0, x1, y1; same units; not clamped
    bearing: Tensor  # (B, T, 2) right, forward; length near 1 where the policy is sure
    percept: Tensor | None = None  # (B, T, P) what was seen (`CrossViewPolicy.act_on`); none where a policy keeps none

    @property
    def visible(self) -> Tensor:
        """Probability (B, T) that the target is in the picture."""
        return 1 - self.heatmap.softmax(-1)[..., -1]

    @property
    def bearing_unit(self) -> Tensor:
        """The bearing as a unit vector (B, T, 2)."""
        return unit(self.bearing)


class PlaceHead(nn.Module):
    """Where in the picture: heat-map over the tokens' cells, then a point and a box around it."""

    def __init__(self, width: int, side: int, correlated: bool = True) -> None:
        super().__init__()
        self.cell = nn.Linear(width, 1)
        self.none = nn.Linear(width, 1)
        # How far the correlation alone decides.
        self.match = nn.Parameter(torch.tensor(1.0)) if correlated else None
        self.shift = nn.Linear(width, 2)
        self.extent = nn.Linear(width, 4)
        self.reach = 1.0 / side  # the point may move by one cell from the heat-map's centre of mass
        self.side = side

    def forward(self, tokens: Tensor, matches: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """tokens (N, L, D), matches (N, L) -> heat-map (N, L + 1), point (N, 2), box (N, 4), looks (N, 2D).

        `looks` is the tokens' mean weighted by the heat-map, then their plain mean.
        """
        cells = self.cell(tokens).squeeze(-1)
        if self.match is not None and matches is not None:
            cells = cells + self.match * matches
        weights = cells.softmax(-1)
        evenly = torch.full_like(weights, 1 / weights.shape[-1])
        looks = torch.matmul(torch.stack([weights, evenly], 1), tokens)
        focus, average = looks.unbind(1)
        heatmap = torch.cat([cells, self.none(average)], -1)
        centre = torch.matmul(weights, self._centres(weights))
        point = centre + self.reach * torch.tanh(self.shift(focus))
        left, up, right, down = self.extent(focus).sigmoid().unbind(-1)
        x, y = point.unbind(-1)
        return heatmap, point, torch.stack([x - left, y - up, x + right, y + down], -1), looks.flatten(1)

    def _centres(self, like: Tensor) -> Tensor:
        """Centres (L, 2) of the cells, x then y, row by row as the tokens lie."""
        steps = (torch.arange(self.side, device=like.device, dtype=like.dtype) + 0.5) / self.side
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        return torch.stack([x, y], -1).flatten(0, 1)


class DecisionHead(nn.Module):
    """What to do, what it is worth, and which way the target lies."""

    def __init__(self, width: int, hidden: int, action_sizes: tuple[int, int, int]) -> None:
        super().__init__()
        self.action_sizes = action_sizes
        self.trunk = nn.Sequential(nn.Linear(width, hidden), nn.ReLU())
        self.action = nn.Linear(hidden, sum(action_sizes))
        self.value = nn.Linear(hidden, 1)
        self.bearing = nn.Linear(hidden, 2)
        with torch.no_grad():  # start near the uniform policy
            self.action.weight.mul_(0.1)
            self.action.bias.zero_()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """x (B, T, width) -> buttons, pitch and yaw logits, value (B, T), bearing (B, T, 2)."""
        x = self.trunk(x)
        buttons, pitch, yaw = self.action(x).split(self.action_sizes, -1)
        return buttons, pitch, yaw, self.value(x).squeeze(-1), self.bearing(x)
