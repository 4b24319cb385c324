"""What a rollout's process does: takes the newest weights, plays, writes fragments, names them to the index."""

from __future__ import annotations

import copy
import dataclasses
import os
import time
import uuid

import torch

from xview_training.actions import actions_for
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.cluster.actors import Hosts, ask
from xview_training.ppo.cluster.groups import Groups
from xview_training.ppo.cluster.learning import reference_policy
from xview_training.ppo.cluster.plan import ClusterRun
from xview_training.ppo.cluster.weights import load_weights
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.fragment_files import SUFFIX, header_of, write_fragment
from xview_training.ppo.rollout import Rollout
from xview_training.ppo.sampling import TaskSampler
from xview_training.ppo.store_ledger import FragmentRecord
from xview_training.tasks.sources import source_named

SEEDS_OF_A_ROLLOUT = 1000  # one a group that it makes


@dataclasses.dataclass(frozen=True)
class Played:
    """What one call brought."""

    pid: int
    version: int  # of the weights; 0: there were none yet
    fragments: int
    decisions: int
    seconds: float
    written_s: float  # of these, for files and the index
    hung: tuple[str, ...]  # why groups were replaced, since the process began


class ClusterRollout:
    """One of the rollouts: its groups of worlds and the policy that plays in them."""

    def __init__(self, run: ClusterRun, number: int, hosts: Hosts):
        torch.set_num_threads(run.threads)
        self.run = run
        self._index, self._weights = hosts.index, hosts.weights
        # A name of its own for each life: nothing that an earlier one wrote is ever written again.
        self._name, self._written = f"rollout{number}-{uuid.uuid4().hex[:12]}", 0
        self._seed = run.experiment.seed + SEEDS_OF_A_ROLLOUT * (uuid.uuid4().int % 2**20)
        self._device = torch.device("cuda" if torch.cuda.is_available() and run.settings.rollout_gpus else "cpu")
        self._reference = reference_policy(run).to(self._device)
        policy = copy.deepcopy(self._reference).requires_grad_(False)
        self._groups = Groups(run.settings.groups, policy, run.experiment.rollout.bf16, self._make)

    def play(self) -> Played:
        """One fragment's length in every world, with the newest weights; none where there are no weights yet."""
        started = time.monotonic()
        newer = ask(self._weights.newer.remote, self._groups.version)
        if newer is not None:
            version, box = newer
            load_weights(self._groups.policy, ask(lambda: box[0]))
            self._groups.version = version
        if self._groups.version == 0:
            return Played(os.getpid(), 0, 0, 0, time.monotonic() - started, 0.0, ())
        fragments = self._groups.play(self.run.experiment.rollout.fragment)
        played = time.monotonic()
        if fragments:
            ask(self._index.add.remote, [self._write(fragment) for fragment in fragments])
        ended = time.monotonic()
        decisions = sum(map(len, fragments))
        hung = tuple(self._groups.hung)
        version = self._groups.version
        return Played(os.getpid(), version, len(fragments), decisions, ended - started, ended - played, hung)

    def _write(self, fragment: Fragment) -> FragmentRecord:
        self._written += 1
        id = f"{self._name}-{self._written:08d}"
        size = write_fragment(self.run.fragments / f"{id}{SUFFIX}", fragment)
        return FragmentRecord.of(id, header_of(fragment), size)

    def _make(self, policy: CrossViewPolicy, group: int) -> Rollout:
        """A group's worlds."""
        experiment = self.run.experiment
        source = source_named(experiment.suite, experiment.randomise)
        seed = self._seed + group
        environments = experiment.rollout.environments // self.run.settings.groups.groups
        config = dataclasses.replace(experiment.rollout, environments=environments)
        table = actions_for(source, policy)
        envs = CrossViewEnvs(config.environments, policy.config.image_size, config.threads, table)
        sampler = TaskSampler(experiment.sampling, source, seed)
        return Rollout(config, envs, policy, self._reference, sampler, seed, not experiment.learner.sees)
