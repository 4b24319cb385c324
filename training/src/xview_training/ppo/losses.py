"""The losses of PPO with a leash: clipped surrogate, value, exact KL to the reference, entropy, belief.

Names are CleanRL's. Knows tensors only: neither worlds, fragments nor optimisers. Axis letters: B batch, T time, A
logits of all heads one after the other.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import torch
from torch import Tensor

from xview_training.imitation.losses import Labels, belief_losses, masked_mean
from xview_training.policy.heads import PolicyOutput
from xview_training.ppo.fragment import NOT_ASKED


@dataclasses.dataclass(frozen=True)
class LossSettings:
    """How much each loss counts. The defaults are the paper's (ROCKET-3, RL post-training), its entropy none."""

    clip_coef: float = 0.2
    log_ratio_clip: float = 1.03  # the log-ratio is bounded before it is exponentiated
    vf_coef: float = 0.5
    clip_vloss: bool = False  # also bound how far the value moves from what the rollout estimated
    ent_coef: float = 0.0
    # Deviation from the paper, which leaves the auxiliary heads alone: our labels are exact and cost nothing, and
    # the belief is what keeps the policy looking for its target.
    heatmap: float = 0.0
    point: float = 0.0
    box: float = 0.0
    bearing: float = 0.0
    visible_frames: float = 3.0  # as in imitation
    # Deviation from the paper: cross-entropy of the expert's action where the policy itself has got to (DAgger), beside
    # the reward. Needs rollout.ask_expert.
    expert: float = 0.0


class Steps(NamedTuple):
    """What the losses want of each decision, beside the policy's output."""

    action: Tensor  # (B, T, 3) int64
    log_prob: Tensor  # (B, T) of the behaviour policy
    value: Tensor  # (B, T) as the behaviour policy estimated it
    advantage: Tensor  # (B, T) normalised
    target: Tensor  # (B, T) return that the value shall become
    reference_logits: Tensor  # (B, T, A)
    labels: Labels  # of the belief, and the expert's action; `alive` is where there is a decision at all


def heads(output: PolicyOutput) -> tuple[Tensor, Tensor, Tensor]:
    """The three action heads' logits in float32."""
    return output.buttons.float(), output.pitch.float(), output.yaw.float()


def log_prob_of(logits: tuple[Tensor, ...], action: Tensor) -> Tensor:
    """Log-probability (...) of actions (..., 3) under logits (..., choices) of each head, all together."""
    chosen = [
        torch.log_softmax(head, -1).gather(-1, action[..., k : k + 1]).squeeze(-1) for k, head in enumerate(logits)
    ]
    return torch.stack(chosen).sum(0)


def entropy_of(logits: tuple[Tensor, ...]) -> Tensor:
    """Entropy (...) in nats, summed over the heads."""
    each = [torch.log_softmax(head, -1) for head in logits]
    return -torch.stack([(log.exp() * log).sum(-1) for log in each]).sum(0)


def kl_to_reference(logits: tuple[Tensor, ...], reference: Tensor) -> Tensor:
    """KL(pi || pi_ref) (...) in nats, exact, summed over the heads; reference (..., A)."""
    each = []
    for ours, theirs in zip(logits, reference.float().split([head.shape[-1] for head in logits], -1), strict=True):
        log, reference_log = torch.log_softmax(ours, -1), torch.log_softmax(theirs, -1)
        each.append((log.exp() * (log - reference_log)).sum(-1))
    return torch.stack(each).sum(0)


def expert_loss(logits: tuple[Tensor, ...], wanted: Tensor) -> Tensor:
    """Cross-entropy (...) of the expert's actions (..., 3), summed over the heads; zero where it was not asked."""
    asked = wanted[..., 0] != NOT_ASKED
    return -log_prob_of(logits, wanted.clamp(min=0)) * asked


def value_loss(value: Tensor, steps: Steps, settings: LossSettings, unit: Tensor | float = 1.0) -> Tensor:
    """Half the squared error (B, T), clipped as in PPO's first implementation where that is asked for.

    unit: see `CrossViewPolicy.value_unit`.
    """
    unclipped = ((value - steps.target) / unit).square()
    if not settings.clip_vloss:
        return 0.5 * unclipped
    near = steps.value + (value - steps.value).clamp(-settings.clip_coef, settings.clip_coef)
    return 0.5 * torch.maximum(unclipped, ((near - steps.target) / unit).square())


def ppo_losses(
    output: PolicyOutput, steps: Steps, settings: LossSettings, kl_coef: float, value_unit: Tensor | float = 1.0
) -> dict[str, Tensor]:
    """Each loss by name, unweighted, their weighted sum `loss`, and what shows how far the policy moved. Scalars.

    value_unit: see `CrossViewPolicy.value_unit`.
    """
    alive, logits = steps.labels.alive, heads(output)
    log_ratio = log_prob_of(logits, steps.action) - steps.log_prob
    log_ratio = log_ratio.clamp(-settings.log_ratio_clip, settings.log_ratio_clip)
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - settings.clip_coef, 1 + settings.clip_coef)
    surrogate = torch.maximum(-steps.advantage * ratio, -steps.advantage * clipped)
    losses = {
        "policy_loss": masked_mean(surrogate, alive),
        "value_loss": masked_mean(value_loss(output.value.float(), steps, settings, value_unit), alive),
        "entropy": masked_mean(entropy_of(logits), alive),
        "kl": masked_mean(kl_to_reference(logits, steps.reference_logits), alive),
    }
    losses["expert"] = masked_mean(expert_loss(logits, steps.labels.action), alive)
    beliefs = belief_losses(output, steps.labels, settings.visible_frames)
    losses["loss"] = (
        losses["policy_loss"]
        + settings.vf_coef * losses["value_loss"]
        - settings.ent_coef * losses["entropy"]
        + kl_coef * losses["kl"]
        + settings.expert * losses["expert"]
        + sum(getattr(settings, name) * loss for name, loss in beliefs.items())
    )
    with torch.no_grad():
        losses["approx_kl"] = masked_mean((ratio - 1) - log_ratio, alive)
        losses["clip_fraction"] = masked_mean(((ratio - 1).abs() > settings.clip_coef).float(), alive)
    return losses | {name: loss.detach() for name, loss in beliefs.items()}


def explained_variance(value: Tensor, target: Tensor) -> float:
    """How much of the targets' variance (N,) the values explain: 1 all, 0 none, NaN where the targets do not vary."""
    variance = target.var(correction=0)
    return float("nan") if variance == 0 else float(1 - (target - value).var(correction=0) / variance)
