"""Named experiments: the settings of a training run, frozen, one comment a field.

xview train imitation --experiment cpu
"""

from __future__ import annotations

import dataclasses

from xview_training.imitation.collector import CollectorConfig
from xview_training.imitation.losses import LossWeights
from xview_training.naming import named
from xview_training.policy.small import SmallPolicyConfig


@dataclasses.dataclass(frozen=True)
class ImitationExperiment:
    """Behaviour cloning with DAgger and auxiliary losses (ROCKET-2, training; shared figures in the README)."""

    name: str
    frames: int  # trained frames until the end; the schedules run over them
    suite: str = "train"
    seed: int = 0
    policy: SmallPolicyConfig = SmallPolicyConfig()
    collector: CollectorConfig = CollectorConfig()
    weights: LossWeights = LossWeights()
    learning_rate: float = 5e-4  # peak; cosine to a thirtieth
    warmup_updates: int = 150
    weight_decay: float = 0.02
    max_grad_norm: float = 1.0
    ema: float = 0.999  # of the weights that are evaluated and exported
    expert_until: float = 0.4  # share of the run over which the expert's share of episodes falls from one to zero
    replay_chunks: int = 24
    sequences: int = 16  # of one update: half from the newest chunk, half from the replay
    updates_per_chunk: int = 16
    checkpoint_every_s: float = 240.0
    keep_checkpoints: int = 3


EXPERIMENTS = {
    e.name: e
    for e in (
        ImitationExperiment(
            "debug",
            frames=4 * 4 * 8,
            collector=CollectorConfig(environments=8, chunk=4),
            sequences=4,
            updates_per_chunk=2,
            replay_chunks=2,
        ),
        ImitationExperiment("cpu", frames=2_100_000),
    )
}


def experiment_named(name: str) -> ImitationExperiment:
    """The experiment of that name; ValueError names the nearest one."""
    return named(EXPERIMENTS, name, "experiment")
