"""A run over a cluster, as every one of its processes is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from xview_training.ppo.cluster.settings import ClusterSettings
from xview_training.ppo.experiments import PpoExperiment
from xview_training.ppo.store import StoreSettings
from xview_training.runs.resuming import REFERENCE
from xview_training.runs.scalars import WandbSettings
from xview_training.validating import Look


@dataclasses.dataclass(frozen=True)
class ClusterRun:
    """A run: every process gets this. `folder` lies on storage that all nodes see under the same path."""

    experiment: PpoExperiment
    settings: ClusterSettings
    folder: Path
    origin: str = ""  # where the policy came from that it starts with
    threads: int = 1  # of torch in each process
    wandb: WandbSettings | None = None
    look: Look | None = None  # at held-out worlds, as often as the experiment says

    def __post_init__(self) -> None:
        groups, learners = self.settings.groups.groups, self.settings.learners
        if self.experiment.rollout.environments % groups or self.batch % learners:
            raise ValueError(
                f"expected environments that {groups} groups and a batch that {learners} learners can share evenly, "
                f"got {self.experiment.rollout.environments} and {self.batch}"
            )
        if not self.folder.is_absolute():
            raise ValueError(f"expected the run's folder as an absolute path, the same on all nodes, got {self.folder}")

    @property
    def batch(self) -> int:
        """Fragments of one iteration."""
        return self.settings.batch or self.experiment.rollout.environments * self.settings.rollouts

    @property
    def store(self) -> StoreSettings:
        """More fragments than these need not wait: they would be too stale when their turn comes."""
        learner = self.experiment.learner
        return StoreSettings(
            max_staleness=learner.max_staleness,
            max_reuse=learner.max_reuse,
            max_waiting=self.batch * (learner.max_staleness + 1),
            quota_bytes=self.settings.quota_bytes,
        )

    @property
    def fragments(self) -> Path:
        """Where the fragments lie."""
        return self.folder / "fragments"

    @property
    def reference(self) -> Path:
        """Where the policy lies that the run starts from and stays near."""
        return self.folder / REFERENCE

    @property
    def checkpoints(self) -> Path:
        """Where the learner's checkpoints lie."""
        return self.folder / "checkpoints"
