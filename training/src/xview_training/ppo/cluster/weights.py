"""A policy's learnt parameters as plain arrays, from the learner to the rollouts."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

Weights = dict[str, np.ndarray]


def weights_of(policy: nn.Module) -> Weights:
    """A copy of the parameters that are learnt: the others stay as all processes read them from the disk."""
    return {
        name: parameter.detach().cpu().numpy().copy()
        for name, parameter in policy.named_parameters()
        if parameter.requires_grad
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
