"""How a run is laid out over a cluster. Nothing heavy is imported here: these are options of the command line."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class GroupSettings:
    """How the worlds of one rollout process are divided."""

    groups: int = 2  # one is simulated while the policy answers another
    at_once: int = 1  # groups whose pictures go through the policy together
    step_deadline_s: float = 60.0  # of a decision's simulation, making new worlds included
    abandoned: int = 4  # hung groups whose threads may linger in a process before it must be replaced

    def __post_init__(self) -> None:
        if not 1 <= self.at_once <= self.groups or self.step_deadline_s <= 0 or self.abandoned < 0:
            raise ValueError(f"expected 1 <= at_once <= groups, a deadline above 0 and abandoned 0 or more, got {self}")


@dataclasses.dataclass(frozen=True)
class ClusterSettings:
    """Processes and what each reserves. The published set-up (ROCKET-3): 72 simulators on 3 nodes, 8 learner GPUs."""

    rollouts: int = 1  # processes that play
    rollout_cpus: float = 1.0  # of each: threads of its simulators
    rollout_gpus: float = 0.0  # of each, for the policy; a share such as 0.25 where several sit on one GPU
    learners: int = 1  # processes that learn; their gradients are averaged
    learner_cpus: float = 1.0
    learner_gpus: float = 0.0
    batch: int = 0  # fragments of one iteration, all learners together; 0: one of each environment
    groups: GroupSettings = GroupSettings()
    quota_bytes: int = 16 * 2**30  # of fragments on the disk
    learner_restarts: int = 10  # of the learners, before the run gives up
    failures: int = 5  # of one rollout process in a row, before the run gives up
    scan_every_s: float = 120.0  # looks for fragments that nobody named

    def __post_init__(self) -> None:
        if min(self.rollouts, self.learners) < 1 or self.batch < 0:
            raise ValueError(f"expected at least one rollout and one learner, and no batch below 0, got {self}")

    @property
    def cpus(self) -> float:
        """What the run reserves."""
        return self.rollouts * self.rollout_cpus + self.learners * self.learner_cpus

    @property
    def gpus(self) -> float:
        """What the run reserves."""
        return self.rollouts * self.rollout_gpus + self.learners * self.learner_gpus
