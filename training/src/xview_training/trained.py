"""A trained policy out of a run or one of its checkpoints, in torch, ready to be played."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from xview_deploy.runtime.network import Network
from xview_deploy.spec import ActionTable

from xview_training import checkpoints
from xview_training.policy.architectures import build, config_from
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.tables import table_of
from xview_training.torch_network import TorchNetwork


def checkpoint_of(folder: Path) -> Path:
    """A run's newest checkpoint, its best one where that is all there is; a checkpoint stands for itself.

    ValueError where the run has none yet, or the folder is gone.
    """
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: expected a run or a checkpoint, found no folder; a run that trains removes all but its newest "
            "checkpoints: take RUN/best, or a copy"
        )
    newest, best = checkpoints.newest(folder / "checkpoints"), folder / "best"
    if newest is not None or best.is_dir():
        return newest or best
    if (folder / "checkpoints").is_dir():
        raise ValueError(f"{folder} holds no checkpoint yet: train first")
    return folder


def load_policy(folder: Path) -> tuple[CrossViewPolicy, dict[str, Any]]:
    """The averaged policy of a checkpoint, or of the one that stands for a run, and the checkpoint's state."""
    tensors, state = checkpoints.load(checkpoint_of(folder))
    policy = build(config_from(state["experiment"]["policy"]))
    policy.load_state_dict({n[len("average.") :]: t for n, t in tensors.items() if n.startswith("average.")})
    return policy, state


@dataclasses.dataclass(frozen=True)
class Trained:
    """What plays needs to know of it."""

    name: str
    network: Network
    actions: ActionTable
    image_size: int


def trained(folder: Path) -> Trained:
    """The averaged policy of a checkpoint, or of the one that stands for a run, on one thread of the CPU.

    One thread, for this whole process: with more, sums may round otherwise. ValueError where there is no checkpoint, or
    its heads are of no table of actions.
    """
    torch.set_num_threads(1)
    policy, state = load_policy(folder)
    try:
        table = table_of(policy.config)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None
    name = f"{state['experiment']['name']} at {state['global_step']:,}"
    return Trained(name, TorchNetwork(policy.eval()), table, policy.config.image_size)
