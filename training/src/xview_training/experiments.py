"""Named experiments: the settings of a training run, frozen, one comment a field.

xview train imitation --experiment cpu
"""

from __future__ import annotations

import dataclasses

from xview_deploy.spec import ACTION_TABLES

from xview_training import ranges
from xview_training.imitation.collector import CollectorConfig
from xview_training.imitation.dagger import DaggerConfig
from xview_training.imitation.losses import LossWeights
from xview_training.imitation.recorded import RecordedConfig
from xview_training.naming import named
from xview_training.policy.architectures import Config
from xview_training.policy.rocket2.on_table import Rocket2Config
from xview_training.policy.small import SmallPolicyConfig
from xview_training.runs.budget import check_limits


@dataclasses.dataclass(frozen=True)
class ValidationConfig:
    """Looks at held-out worlds while a run goes on."""

    every: int = 0  # trained frames between two of them; 0: never
    suite: str = "heldout"
    episodes: int = 64  # played for their success
    environments: int = 32  # in which the expert leads to the frames of the losses
    chunks: int = 6  # of such frames
    seed: int = 0  # chooses its tasks: one for all runs, so that they compare

    def __post_init__(self) -> None:
        ranges.at_least(0, self, "every")
        ranges.at_least(1, self, "episodes", "environments", "chunks")


@dataclasses.dataclass(frozen=True)
class ImitationExperiment:
    """Behaviour cloning with DAgger and auxiliary losses (ROCKET-2, training; shared figures in the README)."""

    name: str
    frames: int = 0  # trained frames until the end; 0: as many as `minutes` allow
    minutes: float = 0.0  # of training until the end; 0: as long as `frames` take. Schedules run over what ends first
    core_minutes: float = 0.0  # of the processor, all threads together: as many are as much, however busy the machine
    suite: str = "train"
    randomise: bool = True  # False: everyone of the suite is the published player (tasks/sources.py)
    seed: int = 0
    policy: Config = SmallPolicyConfig()
    random_backbone: bool = False  # a frozen backbone may keep random weights: to try things out
    dataset: str = ""  # folder of recorded episodes to learn from; empty: the learner plays, the expert labels (DAgger)
    collector: CollectorConfig = CollectorConfig()
    dagger: DaggerConfig = DaggerConfig()
    recorded: RecordedConfig = RecordedConfig()
    weights: LossWeights = LossWeights()
    learning_rate: float = 5e-4  # peak; cosine to a thirtieth
    warmup_updates: int = 150
    weight_decay: float = 0.02
    max_grad_norm: float = 1.0
    ema: float = 0.999  # of the weights that are evaluated and exported
    hide_previous_action: float = 0.0  # share of the frames; ROCKET-2 hides 0.75
    validation: ValidationConfig = ValidationConfig()
    checkpoint_every_s: float = 240.0
    keep_checkpoints: int = 3

    def __post_init__(self) -> None:
        check_limits(self)
        ranges.at_least(0, self, "learning_rate", "weight_decay", "max_grad_norm")
        ranges.at_least(1, self, "warmup_updates", "keep_checkpoints")
        ranges.shares(self, "ema", "hide_previous_action")


# ROCKET-2's own figures, for a machine with GPUs and a recorded data set of 224 x 224 pictures. Its behaviour
# loss counts a tenth of point and box; what it does not learn (bearing) counts nothing.
ROCKET2 = ImitationExperiment(
    "rocket2",
    frames=200_000_000,
    suite="train-v1",
    policy=Rocket2Config(actions=ACTION_TABLES["full"]),
    weights=LossWeights(0.01, 0.01, 0.01, 0.01, 0.1, 0.1, bearing=0.0, value=0.01, visible_frames=1.0),
    recorded=RecordedConfig(streams=16, sequences=16, steps=128, relabel=1.0),
    learning_rate=4e-5,
    warmup_updates=2000,
    weight_decay=1e-3,
    hide_previous_action=0.75,
    validation=ValidationConfig(every=2_000_000, suite="heldout-v1", episodes=300),
)

EXPERIMENTS = {
    e.name: e
    for e in (
        ImitationExperiment(
            "debug",
            frames=4 * 4 * 8,
            collector=CollectorConfig(environments=8, chunk=4),
            dagger=DaggerConfig(sequences=4, updates_per_chunk=2, replay_chunks=2),
            recorded=RecordedConfig(streams=8, sequences=4, steps=4, updates=2),
            validation=ValidationConfig(episodes=2, environments=2, chunks=1),
        ),
        ImitationExperiment("cpu", frames=2_100_000, validation=ValidationConfig(every=500_000)),
        # What PPO is compared with: the policy that it starts from, imitating on for as long as PPO learns, at a lower
        # rate. The expert's share of the acting falls to none once more: of two controls of `cpu` that was the better
        # one, against a learner that acts alone from the start (300 easy held-out tasks: 40 % and 38 %).
        ImitationExperiment("control", minutes=60, learning_rate=2e-4, dagger=DaggerConfig(expert_until=1.0)),
        # All five events in every place, with the keys that they need. It goes on from `cpu` (--from runs/cpu), which
        # knows simple worlds. The expert acts in a third of the episodes to the end: alone, the learner rarely comes to
        # where it has to aim, strike or shoot, and would hear of it as rarely.
        ImitationExperiment(
            "five",
            minutes=90,
            suite="curriculum",
            policy=SmallPolicyConfig(action_sizes=ACTION_TABLES["full"].sizes),
            dagger=DaggerConfig(expert_until=1.5),
            validation=ValidationConfig(every=500_000, suite="heldout-v1"),
        ),
        # `cpu` for one GPU whose host has sixteen cores. Eight times the worlds and as many times the sequences of an
        # update, so that each frame is learnt from as often as on two cores; the replay takes some six gigabytes.
        ImitationExperiment(
            "h200",
            minutes=30,
            collector=CollectorConfig(environments=1024, threads=16),
            dagger=DaggerConfig(sequences=128),
            learning_rate=1e-3,
            validation=ValidationConfig(every=4_000_000, episodes=300),
        ),
        ROCKET2,
        dataclasses.replace(ROCKET2, name="paper"),  # as PPO calls its published figures
    )
}


def experiment_named(name: str) -> ImitationExperiment:
    """The experiment of that name; ValueError names the nearest one."""
    return named(EXPERIMENTS, name, "experiment")
