"""Named experiments of PPO: the settings of a run, frozen, one comment a field.

xview train ppo --in-process --experiment cpu --from runs/cpu
"""

from __future__ import annotations

import dataclasses

from xview_deploy.spec import ACTION_TABLES

from xview_training.experiments import ValidationConfig
from xview_training.naming import named
from xview_training.policy.architectures import Config
from xview_training.policy.rocket2.on_table import Rocket2Config
from xview_training.policy.small import SmallPolicyConfig
from xview_training.ppo.critic import CriticConfig
from xview_training.ppo.learner import LearnerConfig
from xview_training.ppo.leash import LeashConfig
from xview_training.ppo.losses import LossSettings
from xview_training.ppo.rollout import RolloutConfig
from xview_training.ppo.sampling import SamplingConfig
from xview_training.runs.budget import check_limits


@dataclasses.dataclass(frozen=True)
class PpoExperiment:
    """PPO with a KL leash to the policy that it starts from (ROCKET-3, RL post-training)."""

    name: str
    frames: int = 0  # decisions until the end; 0: as many as `minutes` allow
    minutes: float = 0.0  # of wall time until the end; 0: as long as `frames` take. Schedules run over what ends first
    core_minutes: float = 0.0  # of the processor, all threads together: as many are as much, however busy the machine
    suite: str = "train"  # name of a suite, or a file of tasks
    randomise: bool = True  # False: everyone of the suite is the published player (tasks/sources.py)
    seed: int = 0
    policy: Config = SmallPolicyConfig()  # replaced by that of the checkpoint that the run starts from
    rollout: RolloutConfig = RolloutConfig()
    sampling: SamplingConfig = SamplingConfig()
    learner: LearnerConfig = LearnerConfig()
    validation: ValidationConfig = ValidationConfig()  # its `every` is of decisions
    deterministic: bool = False  # two runs with one seed give the same losses to the last bit
    checkpoint_every_s: float = 240.0
    keep_checkpoints: int = 3

    def __post_init__(self) -> None:
        check_limits(self)
        if self.deterministic and max(self.minutes, self.core_minutes) > 0:
            raise ValueError("a deterministic run ends after a number of frames: expected no minutes")
        if self.learner.losses.expert > 0 and not self.rollout.ask_expert:
            raise ValueError("learner.losses.expert needs its actions: expected rollout.ask_expert=true with it")


# Exact labels cost nothing: a tenth of imitation's weights keeps the belief as good as it was.
BELIEF = LossSettings(heatmap=0.05, point=0.1, box=0.1, bearing=0.1)
# For two cores, where decisions are few and their gradients nearly all noise. Perception stays as imitation left it, so
# that a picture is looked at once and three times as many decisions fit into a core-minute. The critic that knows more
# halves the advantages' variance, and its values are good enough for a lambda of 0.8, which halves it once more
# (docs/ppo.md); the learning rate is low, so that the KL that the leash allows is spent on what was learnt and not on
# noise.
FEW_DECISIONS = LearnerConfig(
    learning_rate=5e-5,
    gae_lambda=0.8,
    sees=False,
    losses=BELIEF,
    leash=LeashConfig(target=0.2),
    critic=CriticConfig(privileged=True),
)

EXPERIMENTS = {
    e.name: e
    for e in (
        PpoExperiment(
            "debug",
            frames=4 * 8 * 8,
            rollout=RolloutConfig(environments=8, fragment=8),
            learner=LearnerConfig(minibatch=4, segment=4, critic_warmup=1),
        ),
        # Two cores, an hour. Not the paper's: a decision is three ticks here, an episode 20 to 200 decisions, so a
        # gamma of 0.99 a decision is the horizon (and what imitation taught the value); a few million parameters bear
        # a larger learning rate; the leash follows a wished KL, since at a fixed weight it drifted; and near tasks come
        # more often than far ones, as the suite has it, since little is won at the far ones.
        PpoExperiment(
            "cpu",
            minutes=60,
            rollout=RolloutConfig(environments=96, fragment=32),
            sampling=SamplingConfig(even_difficulties=False),
            validation=ValidationConfig(every=200_000),
            learner=FEW_DECISIONS,
        ),
        # The same for all five events, from an imitation run `five`: what the shipped bundle `five` is trained with. A
        # weak leash, since a wished KL of 0.2 cost success (docs/ppo.md); the KL stayed below 0.9 nats by itself.
        PpoExperiment(
            "five",
            minutes=60,
            suite="curriculum",
            policy=SmallPolicyConfig(action_sizes=ACTION_TABLES["full"].sizes),
            rollout=RolloutConfig(environments=96, fragment=32),
            sampling=SamplingConfig(even_difficulties=False),
            validation=ValidationConfig(every=200_000, suite="heldout-v1"),
            learner=dataclasses.replace(FEW_DECISIONS, leash=LeashConfig(coefficient=0.01)),
        ),
        # One GPU whose host has sixteen cores: the simulator feeds it from the processor.
        PpoExperiment(
            "h200",
            minutes=30,
            rollout=RolloutConfig(environments=1024, threads=16),
            validation=ValidationConfig(every=2_000_000, episodes=300),
            learner=LearnerConfig(minibatch=64, segment=64, losses=BELIEF, leash=LeashConfig(target=0.1)),
        ),
        # The paper's numbers. Its 72 simulators feed asynchronously; in one process an iteration plays one fragment
        # in each environment, so there are as many as its batch has fragments.
        PpoExperiment(
            "paper",
            frames=4000 * 10 * 256,
            suite="train-v1",
            policy=Rocket2Config(actions=ACTION_TABLES["full"]),
            rollout=RolloutConfig(environments=10, fragment=256, mask_noise=0.0),
            sampling=SamplingConfig(strict_share=0.0, difficulties=("easy", "medium", "hard")),
            validation=ValidationConfig(every=1_000_000, suite="heldout-v1", episodes=300),
            learner=LearnerConfig(
                learning_rate=2e-5,
                warmup_updates=1,
                anneal=1.0,
                weight_decay=0.04,
                max_grad_norm=0.5,
                gamma=0.999,
                gae_lambda=0.95,
                epochs=1,
                minibatch=10,
                segment=128,
                max_reuse=1,
                max_staleness=1,
                losses=LossSettings(clip_coef=0.2, log_ratio_clip=1.03, vf_coef=0.5),
                leash=LeashConfig(coefficient=0.2, decay=0.9995),
                frozen=("rocket2.view_backbone",),
            ),
        ),
    )
}


def ppo_experiment_named(name: str) -> PpoExperiment:
    """The experiment of that name; ValueError names the nearest one."""
    return named(EXPERIMENTS, name, "experiment")
