"""PPO in one process: play, learn, repeat; on processors alone or with one GPU; resume where it stopped.

    xview train ppo --in-process --experiment cpu --from runs/cpu --run runs/ppo

Simulator, policy and learner take turns. Knows neither Ray nor files of fragments.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import time
from pathlib import Path

import torch

from xview_training import checkpoints
from xview_training.actions import actions_for
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.policy.architectures import build, config_from
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.experiments import PpoExperiment
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.learner import Learner
from xview_training.ppo.learner_state import learner_record, learner_tensors, restore_learner
from xview_training.ppo.ledger import Ledger
from xview_training.ppo.rollout import Rollout
from xview_training.ppo.sampling import TaskSampler
from xview_training.runs import progress
from xview_training.runs.budget import Spending, share_done
from xview_training.runs.line import Line
from xview_training.runs.manifest import record_start
from xview_training.runs.scalars import ScalarLog, WandbSettings, grouped
from xview_training.tasks.sources import source_named
from xview_training.tasks.task import Task
from xview_training.validating import Look, Validating

SHOWN = ("rollout_success", "rollout_first_right", "kl", "explained_variance", "clip_fraction", "staleness")


class PpoTrainer:
    """One run: rollout, learner, ledger and clock."""

    def __init__(
        self,
        experiment: PpoExperiment,
        run: Path,
        start: CrossViewPolicy | None = None,
        origin: str = "",
        threads: int = 2,
        device: str = "cpu",
        wandb: WandbSettings | None = None,
        look: Look | None = None,
    ):
        """start: the policy to begin with and to stay near; a new one of the experiment's where there is none.

        origin: where that came from. look: at held-out worlds, as often as the experiment says. ValueError where the
        policy does not fit the tasks' events, or is another than the experiment's.
        """
        _prepare_torch(experiment, threads)
        self.experiment, self.run, self.origin = experiment, run, origin
        self.device = torch.device(device)
        source = source_named(experiment.suite, experiment.randomise)
        policy = (start or build(experiment.policy)).to(self.device)
        table = actions_for(source, policy)
        self._validating = Validating(experiment.validation, experiment.randomise, look, policy)
        config = experiment.rollout
        envs = CrossViewEnvs(config.environments, policy.config.image_size, config.threads, table)
        self.learner = Learner(experiment.learner, policy, experiment.seed)
        self.sampler = TaskSampler(experiment.sampling, source, experiment.seed)
        sampler, reference, seed = self.sampler, copy.deepcopy(policy), experiment.seed
        self.rollout = Rollout(config, envs, policy, reference, sampler, seed, not experiment.learner.sees)
        self.ledger = Ledger()
        # Over all sessions.
        self.seconds = {"simulate": 0.0, "infer": 0.0, "store": 0.0, "reference": 0.0, "learn": 0.0}
        self.spent = Spending()
        self.figures: dict[str, float] = {}
        self._kept: list[tuple[Fragment, int]] = []  # fragments that may be used again, and how often they were
        self._wandb = wandb

    @property
    def global_step(self) -> int:
        """Decisions that were learnt from, each counted once."""
        return self.ledger.decisions

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0..1."""
        return share_done(self.experiment, self.global_step, self.spent.seconds, self.spent.core_seconds)

    def train(self, resumed_from: Path | None = None) -> None:
        """Runs to the end, with checkpoints on the way."""
        record_start(self.run, "ppo", self.experiment, resumed_from)
        progress.cut(self.run, self.global_step)
        saved = time.monotonic()
        with ScalarLog(self.run, self._wandb, self.global_step) as log, Line("playing") as line:
            while self.progress < 1:
                before = self.global_step
                with self.spent:
                    self.iterate()
                self._validate(before)
                self._report(log)
                line.show(self.line())
                if time.monotonic() - saved > self.experiment.checkpoint_every_s:
                    self.save()
                    saved = time.monotonic()
        self.save()
        self.rollout.close()

    def iterate(self) -> None:
        """Every environment plays one fragment's length; then the learner learns from what was played."""
        fragments: list[Fragment] = []
        for _ in range(self.experiment.rollout.fragment):
            fragments += self.rollout.step()
        fragments += self.rollout.cut()
        self.ledger.book(fragments)
        before_learning = time.perf_counter()
        self.figures = self.learner.learn(self._with_kept(fragments), self.progress)
        self.seconds["learn"] += time.perf_counter() - before_learning
        self.rollout.refresh(self.learner.iteration)
        for name, seconds in self.rollout.stopwatch.lap().items():
            self.seconds[name] += seconds

    def _with_kept(self, fresh: list[Fragment]) -> list[Fragment]:
        """The fresh fragments, and older ones that may still be used."""
        settings, version = self.experiment.learner, self.learner.iteration
        usable = [
            (f, uses)
            for f, uses in self._kept
            if uses < settings.max_reuse and version - f.policy_version <= settings.max_staleness
        ]
        batch = [(f, 0) for f in fresh] + usable
        self._kept = [(f, uses + 1) for f, uses in batch] if settings.max_reuse > 1 else []
        return [f for f, _ in batch]

    def _validate(self, before: int) -> None:
        """Adds figures of held-out worlds where it is time for them; `before`: decisions before this iteration."""
        where = self.run, before, self.global_step, self.progress >= 1
        self.figures |= self._validating.after(*where, self.learner.average, self.save)

    def _report(self, log: ScalarLog) -> None:
        rates = self.ledger.figures()
        charts = {
            "decisions_per_second": self.global_step / max(self.spent.seconds, 1e-9),
            "episodes": float(self.ledger.episodes),
        }
        parts = {f"seconds_{name}": seconds for name, seconds in self.seconds.items()}
        log.write(
            self.global_step,
            grouped(self.figures)
            | {f"charts/{name}": value for name, value in (rates | charts).items()}
            | {f"time/{name}": value for name, value in parts.items()}
            | {f"tasks/{name}": value for name, value in self.sampler.rates().items()},
        )
        row = {"step": self.global_step, **self.spent.record(), "iteration": self.learner.iteration}
        with (self.run / progress.FILE).open("a") as file:
            file.write(json.dumps(row | self.figures | rates | charts | parts) + "\n")

    def line(self) -> str:
        """How it goes, for the terminal."""
        rate = self.global_step / max(self.spent.seconds, 1e-9)
        left_s = self.spent.seconds * (1 - self.progress) / max(self.progress, 1e-9)
        known = self.figures | self.ledger.figures()
        shown = " ".join(f"{n.removeprefix('rollout_')} {known[n]:.3f}" for n in SHOWN if n in known)
        whole = sum(self.seconds.values()) or 1.0
        parts = " ".join(f"{n} {100 * s / whole:.0f}%" for n, s in self.seconds.items())
        return (
            f"{100 * self.progress:5.1f} %  {self.global_step:,} decisions  {rate:,.0f}/s  "
            f"ETA {left_s / 60:.0f} min  {shown}  [{parts}]"
        )

    def save(self) -> Path:
        """Writes a checkpoint that `resume` continues from."""
        learner = self.learner
        tensors = learner_tensors(learner) | {"rollout_rng": self.rollout.generator.get_state()}
        tensors |= checkpoints.module_tensors(self.rollout.reference.policy, "reference")
        state = learner_record(learner) | {
            "experiment": dataclasses.asdict(self.experiment),
            "origin": self.origin,
            "global_step": self.global_step,
            **self.spent.record(),
            "seconds_of": self.seconds,
            "rollout": self.rollout.record(),
            "sampler": self.sampler.record(),
            "ledger": self.ledger.record(),
            "under_way": [task.to_json() for task in self.rollout.under_way()],
        }
        keep = self.experiment.keep_checkpoints
        return checkpoints.save(self.run / "checkpoints", self.global_step, tensors, state, keep)

    def resume(self, path: Path) -> None:
        """Continues from a checkpoint: weights, reference, optimiser, leash, counters, random streams.

        Episodes that were under way are played anew, from their beginning: none is lost, none was counted yet.
        """
        tensors, state = checkpoints.load(path)
        learner = self.learner
        if config_from(state["experiment"]["policy"]) != learner.policy.config:
            raise ValueError(f"{path} holds another policy than this run's: start a new run in another folder")
        restore_learner(learner, tensors, state)
        checkpoints.restore_module(self.rollout.reference.policy, tensors, "reference")
        self.rollout.generator.set_state(tensors["rollout_rng"])
        self.rollout.restore(state["rollout"])
        self.sampler.restore(state["sampler"])
        self.sampler.again([Task.from_json(line) for line in state["under_way"]])
        self.ledger.restore(state["ledger"])
        self.origin = state["origin"]
        self.spent.restore(state)
        self.seconds |= state["seconds_of"]
        self.rollout.refresh(learner.iteration)


def _prepare_torch(experiment: PpoExperiment, threads: int) -> None:
    torch.manual_seed(experiment.seed)
    torch.set_num_threads(threads)
    if experiment.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
