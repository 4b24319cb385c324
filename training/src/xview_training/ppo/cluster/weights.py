"""A policy's changing parameters as plain arrays, from the learner to the rollouts."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from xview_training.policy.cross_view import CrossViewPolicy

Weights = dict[str, np.ndarray]


def weights_of(policy: nn.Module) -> Weights:
    """A copy of the parameters that an update changes: the others stay as all processes read them from the disk."""
    moved = policy.moved if isinstance(policy, CrossViewPolicy) else ()
    return {
        name: parameter.detach().cpu().numpy().copy()
        for name, parameter in policy.named_parameters()
        if parameter.requires_grad or name.startswith(moved)
    }


@torch.no_grad()
def load_weights(policy: nn.Module, weights: Weights) -> None:
    """Gives a policy the weights of `weights_of`."""
    parameters = dict(policy.named_parameters())
    for name, array in weights.items():
        parameters[name].copy_(torch.tensor(array))


def bytes_of(weights: Weights) -> int:
    """What goes over the wire for one pull."""
    return sum(array.nbytes for array in weights.values())
