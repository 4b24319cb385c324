"""Several learners as one: gradients averaged by decisions, decisions of one process told to all.

Over torch.distributed, as Ray Train sets it up: NCCL between GPUs, gloo between processors. One process alone needs
nothing of it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from xview_training.ppo.learner import Learner


def told_by_first(value: Any) -> Any:
    """The first process's value, in all of them."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def _reduced(number: float, device: torch.device, how: Any) -> float:
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return number
    tensor = torch.tensor(float(number), device=device, dtype=torch.float64)
    dist.all_reduce(tensor, how)
    return float(tensor)


def sum_of(number: float, device: torch.device) -> float:
    """Of all processes' numbers."""
    return _reduced(number, device, dist.ReduceOp.SUM)


def least_of(number: float, device: torch.device) -> float:
    """Of all processes' numbers."""
    return _reduced(number, device, dist.ReduceOp.MIN)


class SharingLearner(Learner):
    """A learner that steps as if all processes' fragments were its own."""

    def gather(self, returns: torch.Tensor) -> torch.Tensor:
        """See `Learner.gather`: all processes' returns, in the same order in each."""
        if not dist.is_initialized() or dist.get_world_size() == 1:
            return returns
        parts: list[torch.Tensor] = [returns] * dist.get_world_size()
        dist.all_gather_object(parts, returns.cpu())
        return torch.cat(parts).to(self.device)

    def combine(self, learnt: list[nn.Parameter], decisions: int) -> None:
        """Gradients are means over the decisions of one process: their mean, weighted by the decisions."""
        if not dist.is_initialized() or dist.get_world_size() == 1:
            return
        share = decisions / sum_of(decisions, self.device)
        together = torch.cat([parameter.grad.flatten() for parameter in learnt if parameter.grad is not None]) * share
        dist.all_reduce(together)
        for parameter in learnt:
            if parameter.grad is not None:
                count = parameter.grad.numel()
                parameter.grad.copy_(together[:count].view_as(parameter.grad))
                together = together[count:]
