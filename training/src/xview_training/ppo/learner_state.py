"""What a checkpoint keeps of a learner: tensors by name, and the rest as JSON."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import torch
from torch import Tensor

from xview_training import checkpoints
from xview_training.ppo.learner import Learner

OF_ONE_RUN = ("sees", "frozen", "critic")  # settings that say what the optimisers' moments belong to


def learner_tensors(learner: Learner) -> dict[str, Tensor]:
    """Weights, their average, the optimiser's moments and torch's random stream."""
    tensors = checkpoints.module_tensors(learner.policy, "policy")
    tensors |= checkpoints.module_tensors(learner.average, "average")
    if learner.critic is not None:
        tensors |= checkpoints.module_tensors(learner.critic.network, "critic")
        tensors |= checkpoints.optimizer_tensors(learner.critic.optimizer, "critic_optimizer")
    return tensors | checkpoints.optimizer_tensors(learner.optimizer) | {"torch_rng": torch.get_rng_state()}


def learner_record(learner: Learner) -> dict[str, Any]:
    """Counters, the leash and the learner's random stream."""
    return {
        "iteration": learner.iteration,
        "updates": learner.updates,
        "policy_updates": learner.policy_updates,
        "kl_coef": learner.leash.coefficient,
        "learner_rng": learner.rng.bit_generator.state,
    }


def restore_learner(learner: Learner, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
    """Goes on from what `learner_tensors` and `learner_record` took, kept beside the run's `experiment`.

    ValueError where the learner learns other parameters than that one did, or judges by another critic. A leash whose
    settings were changed since begins anew.
    """
    changed = _changed(learner, record["experiment"]["learner"])
    if found := [name for name in OF_ONE_RUN if name in changed]:
        raise ValueError(
            f"learner.{found[0]}: the run was begun with {changed[found[0]]}: go on with that, or a new run --from "
            "this one"
        )
    checkpoints.restore_module(learner.policy, tensors, "policy")
    checkpoints.restore_module(learner.average, tensors, "average")
    checkpoints.restore_optimizer(learner.optimizer, tensors)
    if learner.critic is not None:
        checkpoints.restore_module(learner.critic.network, tensors, "critic")
        checkpoints.restore_optimizer(learner.critic.optimizer, tensors, "critic_optimizer")
    torch.set_rng_state(tensors["torch_rng"])
    learner.iteration, learner.updates = record["iteration"], record["updates"]
    learner.policy_updates = record.get("policy_updates", record["updates"])  # older checkpoints do not tell them apart
    if "leash" not in changed:
        learner.leash.coefficient = record["kl_coef"]
    learner.rng.bit_generator.state = record["learner_rng"]


def _changed(learner: Learner, begun: dict[str, Any]) -> dict[str, Any]:
    """Settings as the checkpoint has them, where the learner's are others."""
    ours = json.loads(json.dumps(dataclasses.asdict(learner.config)))
    return {name: value for name, value in begun.items() if name in ours and value != ours[name]}
