"""What a ROCKET-2 policy is told of its previous action, and what it answers.

Knows nothing of pictures or time. Axis letters: B batch, T time, D width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from xview_training.policy.minecraft_actions import BUTTON_CLASSES, CAMERA_CLASSES, EMBEDDED_KEYS


class PreviousAction(NamedTuple):
    """The action before each picture, as the simulator took it."""

    keys: Tensor  # (B, T, 19) of 0 and 1, in the order of EMBEDDED_KEYS
    camera_deg: Tensor  # (B, T, 2) pitch and yaw, degrees a tick
    hidden: Tensor | None = None  # (B, T) bool: true where the policy is not told (75 % in imitation)

    @classmethod
    def none(cls, batch: int, steps: int, device: torch.device) -> PreviousAction:
        """No key, camera still: the one before the first picture."""
        keys = torch.zeros(batch, steps, len(EMBEDDED_KEYS), dtype=torch.long, device=device)
        return cls(keys, torch.zeros(batch, steps, 2, device=device))


class Rocket2Output(NamedTuple):
    """Answers to T pictures."""

    buttons: Tensor  # (B, T, 8641) log-probabilities
    camera: Tensor  # (B, T, 121) log-probabilities
    value: Tensor  # (B, T) in units of return
    value_normalised: Tensor  # (B, T) as the value head's loss wants it
    visible_logit: Tensor  # (B, T)
    point: Tensor  # (B, T, 2) of the target: row, column; 0..1 from the top left; not clamped
    box: Tensor  # (B, T, 4) x0, y0, x1, y1; same units; not clamped

    @property
    def visible(self) -> Tensor:
        """Probability (B, T) that the target is in the picture."""
        return self.visible_logit.sigmoid()

    @property
    def likeliest(self) -> Tensor:
        """The most probable classes (B, T, 2): buttons, camera."""
        return torch.stack([self.buttons.argmax(-1), self.camera.argmax(-1)], -1)


class ActionEmbedding(nn.Module):
    """The previous action as one token: camera and keys embedded apart and summed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.camera_layer = nn.Linear(2, width)
        self.binary_layers = nn.ModuleDict(
            {f"act_{key.replace('.', '_')}": nn.Embedding(2, width) for key in EMBEDDED_KEYS}
        )

    def forward(self, action: PreviousAction) -> Tensor:
        """-> (B, T, D)."""
        total: Tensor = self.camera_layer(action.camera_deg.to(self.camera_layer.weight.dtype))
        for layer, pressed in zip(self.binary_layers.values(), action.keys.long().unbind(-1), strict=True):
            total = total + layer(pressed)
        return total


class ActionHead(nn.Module):
    """One categorical choice."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.linear_layer = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> log-probabilities (B, T, classes)."""
        return self.linear_layer(x).float().log_softmax(-1)


def action_heads(width: int) -> nn.ModuleDict:
    """Buttons and camera, chosen independently: the hierarchy is in the meaning of the classes."""
    return nn.ModuleDict({"buttons": ActionHead(width, BUTTON_CLASSES), "camera": ActionHead(width, CAMERA_CLASSES)})


class ReturnNormaliser(nn.Module):
    """Mean and deviation of returns, averaged exponentially from a start at zero that is corrected for.

    Parameters without gradient, as published: they travel with the weights and count among them.
    """

    DECAY = 0.99999
    MIN_VARIANCE = 0.01
    MIN_DEBIAS = 1e-5

    def __init__(self) -> None:
        super().__init__()
        self.running_mean = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.running_mean_sq = nn.Parameter(torch.zeros(1), requires_grad=False)
        self.debiasing_term = nn.Parameter(torch.zeros(()), requires_grad=False)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (1,) of the returns so far."""
        seen = self.debiasing_term.clamp(min=self.MIN_DEBIAS)
        mean = self.running_mean / seen
        variance = self.running_mean_sq / seen - mean**2
        return mean, variance.clamp(min=self.MIN_VARIANCE).sqrt()

    @torch.no_grad()
    def update(self, returns: Tensor) -> None:
        """Takes returns of any shape into the averages; the loss of a batch is taken after its update."""
        pairs = (self.running_mean, returns), (self.running_mean_sq, returns**2)
        for average, new in (*pairs, (self.debiasing_term, torch.ones_like(returns))):
            average.mul_(self.DECAY).add_(new.float().mean(), alpha=1 - self.DECAY)

    def normalise(self, returns: Tensor) -> Tensor:
        """Returns of any shape -> what the value head should answer."""
        mean, deviation = self.moments()
        return (returns - mean) / deviation

    def denormalise(self, answers: Tensor) -> Tensor:
        """Answers of the value head, of any shape -> units of return."""
        mean, deviation = self.moments()
        return answers * deviation + mean


class ValueHead(nn.Module):
    """A linear layer in the space of normalised returns."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)
        self.normalizer = ReturnNormaliser()

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> normalised values (B, T)."""
        value: Tensor = self.linear(x)
        return value.squeeze(-1)
