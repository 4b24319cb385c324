"""What a learner's process does: takes fragments by name, reads them, learns, publishes weights under a new version.

Its counter of decisions is its checkpoint's: after a kill it goes on from the newest one under a new name, which
makes the index count what came after as lost, and newer versions than the lost ones. Knows no rollouts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from ray.exceptions import ActorDiedError

from xview_training import checkpoints
from xview_training.policy.architectures import build, config_from
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.cluster.actors import Hosts, ask
from xview_training.ppo.cluster.plan import ClusterRun
from xview_training.ppo.cluster.sharing import SharingLearner, least_of, sum_of, told_by_first
from xview_training.ppo.cluster.weights import weights_of
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.fragment_files import SUFFIX, FragmentError, read_fragment
from xview_training.ppo.learner_state import learner_record, learner_tensors, restore_learner
from xview_training.ppo.ledger import Ledger
from xview_training.ppo.store_ledger import Handed
from xview_training.runs import progress
from xview_training.runs.budget import share_done
from xview_training.runs.scalars import ScalarLog, grouped
from xview_training.validating import Validating

LOG = logging.getLogger(__name__)
ASK_EVERY_S = 0.05  # for a batch, while too few fragments wait
REMIND_EVERY_S = 2.0  # looks whether the weights are still there, while nothing comes
STORAGE_BACK_WITHIN_S = 300.0  # what does not answer for longer ends the learner, which goes on from its checkpoint
ASK_STORAGE_EVERY_S = 2.0


def reference_policy(run: ClusterRun) -> CrossViewPolicy:
    """The policy that the run starts from and stays near."""
    newest = checkpoints.newest(run.reference)
    if newest is None:
        raise ValueError(f"{run.reference}: expected the policy that the run starts from, found none")
    tensors, state = checkpoints.load(newest)
    policy = build(config_from(state["experiment"]["policy"]))
    checkpoints.restore_module(policy, tensors, "policy")
    return policy


class ClusterLearner:
    """One of `world` learners. The first of them talks to the index and writes what is kept."""

    def __init__(self, run: ClusterRun, hosts: Hosts, rank: int, world: int, device: torch.device):
        torch.manual_seed(run.experiment.seed)
        torch.set_num_threads(run.threads)
        self.run, self.rank, self.world, self.device = run, rank, world, device
        self._index, self._weights = hosts.index, hosts.weights
        reference = reference_policy(run).to(device)
        self.learner = SharingLearner(run.experiment.learner, reference, run.experiment.seed)
        self.ledger = Ledger()
        experiment = run.experiment
        self._validating = Validating(experiment.validation, experiment.randomise, run.look, reference)
        self.trained = 0  # decisions, of all learners together, each counted once
        self.elapsed_s = 0.0  # over all sessions
        self.name = f"learner-{uuid.uuid4().hex[:12]}"
        self.version = 0
        self._batch = 0

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0..1."""
        return told_by_first(share_done(self.run.experiment, self.trained, self.elapsed_s))

    def train(self) -> dict[str, float]:
        """From the newest checkpoint to the run's end, or until the driver stops it; the last figures."""
        self._resume()
        if not self._begin():
            return {}
        with ScalarLog(self.run.folder, self.run.wandb, self.trained) if self.rank == 0 else _Silence() as log:
            saved = time.monotonic()
            figures: dict[str, float] = {}
            while self.progress < 1:
                before = self.trained
                latest = self.iterate()
                if latest is None:
                    break
                figures = latest
                ended = self.progress >= 1
                if self.rank == 0:
                    figures |= self._validate(before, ended)
                    self._report(log, figures)
                    if time.monotonic() - saved > self.run.experiment.checkpoint_every_s:
                        self.save()
                        saved = time.monotonic()
        if self.rank == 0:
            self.save()
        return figures | {"trained": float(self.trained)}

    def iterate(self) -> dict[str, float] | None:
        """One batch: waited for, read, learnt from, its weights published.

        None where the driver stopped the run: what was learnt until then still makes a checkpoint.
        """
        started = time.monotonic()
        batch = self._from_index(self._take)
        if batch is None:
            return None
        waited_s = time.monotonic() - started
        read = self._read(batch[self.rank :: self.world])
        fragments, fresh = [f for f, _ in read], [f for f, first in read if first]
        read_s = time.monotonic() - started - waited_s
        common = int(least_of(len(fragments), self.device))  # all make equally many steps
        figures = self.learner.learn(fragments[:common], self.progress) if common else {}
        self.learner.leash.coefficient = told_by_first(self.learner.leash.coefficient)
        self.trained += int(sum_of(sum(map(len, fresh)), self.device))
        self.ledger.book(fresh)
        self.elapsed_s += time.monotonic() - started
        figures |= {"seconds_waited": waited_s, "seconds_read": read_s, "batch_fragments": float(len(batch))}
        version = self._from_index(lambda: self._hand_over(figures))
        if version is None:
            return None
        self.version = version
        return figures

    def _from_index(self, first: Callable[[], Any]) -> Any:
        """What the first learner hears from the index, told to all; None where the driver has ended it: all stop."""
        heard = None
        if self.rank == 0:
            try:
                heard = first()
            except ActorDiedError:
                LOG.warning("the driver has ended the run")
        return told_by_first(heard)

    def _validate(self, before: int, ended: bool) -> dict[str, float]:
        """Figures of held-out worlds where it is time for them; meanwhile the other learners wait."""
        where = self.run.folder, before, self.trained, ended
        return self._validating.after(*where, self.learner.average, self.save)

    def _begin(self) -> bool:
        """Whether the run goes on: the driver may have stopped it before it began."""
        version = self._from_index(self._first_version)
        if version is None:
            return False
        self.version = version
        self._offset = self.version - self.learner.iteration  # versions never come again, iterations do
        return True

    def _first_version(self) -> int:
        self.version = ask(self._index.begin.remote, self.name, self.trained)
        self._publish({})
        return self.version

    def _hand_over(self, figures: dict[str, float]) -> int:
        """The batch is done with, its weights are there; their version."""
        ask(self._index.release.remote, self.name, self._batch)
        self.version = ask(self._index.next_version.remote, self.name, self.version)
        self._publish(figures)
        return self.version

    def _publish(self, figures: dict[str, float]) -> None:
        shown = figures | self.ledger.figures() | {"trained": float(self.trained), "elapsed_s": self.elapsed_s}
        shown["pid"] = float(os.getpid())
        ask(self._weights.publish.remote, self.version, weights_of(self.learner.policy), shown)

    def _take(self) -> list[Handed]:
        """The next batch, as soon as enough fragments wait."""
        self._batch += 1
        reminded = time.monotonic()
        while not (batch := ask(self._index.take.remote, self.name, self._batch, self.run.batch)):
            time.sleep(ASK_EVERY_S)
            if time.monotonic() - reminded > REMIND_EVERY_S:
                reminded = time.monotonic()
                self._remind()
        return batch

    def _remind(self) -> None:
        """A weights' actor that was restarted has none: new rollouts would wait for them, and this for new rollouts."""
        if ask(self._weights.figures.remote)[1] < self.version:
            self._publish({})

    def _read(self, batch: list[Handed]) -> list[tuple[Fragment, bool]]:
        """These fragments, their versions in iterations, and whether each was handed out for the first time.

        What is damaged is reported and left out.
        """
        read = []
        for id, first in batch:
            try:
                fragment = _read_when_there(self.run.fragments / f"{id}{SUFFIX}")
            except FragmentError as error:
                with contextlib.suppress(ActorDiedError):  # that the run is stopped, all hear together
                    ask(self._index.damaged.remote, id, str(error))
            else:
                iteration = fragment.policy_version - self._offset
                read.append((dataclasses.replace(fragment, policy_version=iteration), first))
        return read

    def _report(self, log: ScalarLog, figures: dict[str, float]) -> None:
        rates = self.ledger.figures()
        charts = {"decisions_per_second": self.trained / max(self.elapsed_s, 1e-9), "version": float(self.version)}
        log.write(
            self.trained,
            grouped(figures) | {f"charts/{name}": value for name, value in (rates | charts).items()},
        )
        row = {"step": self.trained, "seconds": self.elapsed_s, "iteration": self.learner.iteration}
        with (self.run.folder / progress.FILE).open("a") as file:
            file.write(json.dumps(row | figures | rates | charts) + "\n")

    def save(self) -> Path:
        """Writes a checkpoint that the next learner goes on from."""
        policy = dataclasses.asdict(self.learner.policy.config)  # type: ignore[call-overload]
        state = learner_record(self.learner) | {
            "experiment": dataclasses.asdict(self.run.experiment) | {"policy": policy},
            "origin": self.run.origin,
            "global_step": self.trained,
            "seconds": self.elapsed_s,
            "ledger": self.ledger.record(),
        }
        keep = self.run.experiment.keep_checkpoints
        return checkpoints.save(self.run.checkpoints, self.trained, learner_tensors(self.learner), state, keep)

    def _resume(self) -> None:
        """From the newest checkpoint, where there is one. The log's lines beyond it are cut off: curves join."""
        newest = told_by_first(checkpoints.newest(self.run.checkpoints))
        if newest is not None:
            tensors, state = checkpoints.load(newest)
            restore_learner(self.learner, tensors, state)
            self.trained, self.elapsed_s = state["global_step"], state["seconds"]
            self.ledger.restore(state["ledger"])
        if self.rank == 0:
            progress.cut(self.run.folder, self.trained)


def _read_when_there(path: Path) -> Fragment:
    """Waits for storage that does not answer: the fragment is handed out, and good as far as anyone knows.

    OSError where it stays away for STORAGE_BACK_WITHIN_S.
    """
    ends = time.monotonic() + STORAGE_BACK_WITHIN_S
    while True:
        try:
            return read_fragment(path)
        except OSError as error:
            if time.monotonic() > ends:
                raise
            LOG.warning("%s: %s; it is read as soon as the storage answers", path, error)
            time.sleep(ASK_STORAGE_EVERY_S)


class _Silence:
    """The log of learners that write none."""

    def __enter__(self) -> Any:
        return None

    def __exit__(self, *_: object) -> None:
        pass
