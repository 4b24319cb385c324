"""Imitation learning: sequences with an expert's word for each frame, collected on the way or read from disk.

    xview train imitation --experiment cpu --run runs/cpu

It knows the policy, where lessons come from and the losses; not what becomes of the policy afterwards.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from xview_training import checkpoints, gradients
from xview_training.actions import actions_for
from xview_training.datasets.dataset import Dataset
from xview_training.experiments import ImitationExperiment
from xview_training.imitation.beginning import is_frozen_at_random, missing_backbone, wear_backbones, wear_weights
from xview_training.imitation.collector import Collector
from xview_training.imitation.dagger import Dagger
from xview_training.imitation.lessons import Chunk, Lessons
from xview_training.imitation.losses import imitation_losses
from xview_training.imitation.recorded import Recorded
from xview_training.policy.architectures import build, config_from
from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.tables import table_of
from xview_training.runs import progress
from xview_training.runs.budget import Spending, share_done
from xview_training.runs.line import Line
from xview_training.runs.manifest import record_start
from xview_training.runs.scalars import ScalarLog, WandbSettings
from xview_training.tasks.sources import source_named
from xview_training.validating import Look, Validating

LEARNT_FROM = ("an expert that labels what the policy plays", "a data set")


class ImitationTrainer:
    """One run: policy, its average, optimiser, lessons and counters."""

    def __init__(
        self,
        experiment: ImitationExperiment,
        run: Path,
        threads: int = 2,
        device: str = "cpu",
        look: Look | None = None,
        wandb: WandbSettings | None = None,
        start: CrossViewPolicy | None = None,
    ):
        """look: at held-out worlds, as often as the experiment says. start: the policy to begin with; else a new one.

        ValueError where the policy does not fit the tasks.
        """
        torch.manual_seed(experiment.seed)
        torch.set_num_threads(threads)
        self.experiment, self.run, self.device = experiment, run, torch.device(device)
        self.policy = (copy.deepcopy(start) if start else build(experiment.policy)).to(self.device)
        self._blind = start is None and is_frozen_at_random(self.policy)
        self.average = copy.deepcopy(self.policy).eval()
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), lr=experiment.learning_rate, betas=(0.9, 0.98))
        self.rng = np.random.default_rng(experiment.seed)
        self.lessons = self._lessons()
        self._validating = Validating(experiment.validation, experiment.randomise, look, self.policy)
        self._wandb = wandb
        self.global_step = 0  # trained frames, dead ones included
        self.updates = 0
        self.spent = Spending()
        self.figures: dict[str, float] = {}  # of the last validation
        self._means: dict[str, float] = {}

    def _lessons(self) -> Lessons:
        settings, size = self.experiment, self.policy.config.image_size
        if settings.dataset:
            if not settings.randomise:
                raise ValueError("a data set's episodes say whose body acts; randomise is for suites")
            dataset, table = Dataset(Path(settings.dataset)), table_of(self.policy.config)
            return Recorded(settings.recorded, dataset, size, table, settings.seed)
        source = source_named(settings.suite, settings.randomise)
        actions_for(source, self.policy)  # complains where the tasks need another table
        return Dagger(settings.dagger, Collector(settings.collector, source, size, self.rng), self.rng)

    def start_from(self, weights: Path) -> None:
        """Begins with published ROCKET-2 weights; see `wear_weights`."""
        wear_weights((self.policy, self.average), weights)
        self._blind = False

    def see_with(self, view: Path | None, mask: Path | None) -> None:
        """Begins with published vision transformers; see `wear_backbones`."""
        wear_backbones((self.policy, self.average), view, mask)
        self._blind = self._blind and view is None

    def _parameter_groups(self) -> list[dict]:
        """Weight decay on matrices only; what is frozen is left out."""
        learnt = [p for p in self.policy.parameters() if p.requires_grad]
        return [
            {"params": [p for p in learnt if p.ndim > 1], "weight_decay": self.experiment.weight_decay},
            {"params": [p for p in learnt if p.ndim <= 1], "weight_decay": 0.0},
        ]

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0..1."""
        return share_done(self.experiment, self.global_step, self.spent.seconds, self.spent.core_seconds)

    def train(self, resumed_from: Path | None = None) -> None:
        """Runs to the end, with checkpoints on the way.

        ValueError where the folder holds another kind of run, or the policy would keep random weights.
        """
        if self._blind and not self.experiment.random_backbone:
            raise missing_backbone(self.policy)
        record_start(self.run, "imitation", self.experiment, resumed_from)
        progress.cut(self.run, self.global_step)
        with ScalarLog(self.run, self._wandb, self.global_step) as log, Line("preparing") as line:
            saved = time.monotonic()
            while self.progress < 1:
                step = self.global_step
                with self.spent:
                    self._iterate()
                self._validate(step)
                self._report(log)
                line.show(self._line())
                if time.monotonic() - saved > self.experiment.checkpoint_every_s:
                    self.save()
                    saved = time.monotonic()
        self.save()
        self.lessons.close()

    def _iterate(self) -> None:
        """Lessons, then the updates that belong to them."""
        self.policy.eval()
        self.lessons.prepare(self.policy, self.progress)
        self.policy.train()
        for batch in self.lessons.batches():
            self._update(batch.to(self.device))

    def _update(self, batch: Chunk) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.experiment.learning_rate * self._schedule()
        unit = self.policy.value_unit(batch.labels.value[batch.labels.alive.bool()])
        with bfloat16(self.device):
            goal = self.policy.encode_goal(batch.goal_image, batch.goal_mask)
            inputs = batch.images, goal, batch.event, batch.previous_action, batch.state, self._hidden(batch)
            output, state = self.policy(*inputs)
        losses = imitation_losses(output, batch.labels, self.experiment.weights, unit)
        self.lessons.remember(state.detach())
        self.optimizer.zero_grad()
        losses["total"].backward()
        norm = gradients.clip(self.policy.parameters(), self.experiment.max_grad_norm)
        self.optimizer.step()
        self.updates += 1
        self.global_step += batch.labels.alive.numel()
        self._average()
        for name, tensor in (losses | {"grad_norm": norm}).items():
            value = float(tensor.detach())
            self._means[name] = 0.98 * self._means.get(name, value) + 0.02 * value

    def _hidden(self, batch: Chunk) -> torch.Tensor | None:
        """Frames (B, T) whose previous action is not told: a learner that is told it learns to go on as before."""
        share = self.experiment.hide_previous_action
        return torch.rand(batch.previous_action.shape[:2], device=self.device) < share if share else None

    def _schedule(self) -> float:
        """Warm-up, then cosine down to a thirtieth."""
        cosine = 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * self.progress))
        return min(1.0, (self.updates + 1) / self.experiment.warmup_updates) * cosine

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential average of the weights, starting as a plain one."""
        keep = min(self.experiment.ema, (1 + self.updates) / (10 + self.updates))
        for ours, theirs in zip(self.average.parameters(), self.policy.parameters(), strict=True):
            ours.lerp_(theirs, 1 - keep)

    def _validate(self, before: int) -> None:
        """Looks at held-out worlds where it is time to; `before`: frames before this iteration."""
        where = self.run, before, self.global_step, self.progress >= 1
        self.figures = self._validating.after(*where, self.average, self.save)

    def _report(self, log: ScalarLog) -> None:
        statistics = self.lessons.statistics()
        charts = statistics | {"frames_per_second": self.global_step / max(self.spent.seconds, 1e-9)}
        log.write(
            self.global_step,
            {f"losses/{name}": value for name, value in self._means.items()}
            | {f"charts/{name}": value for name, value in charts.items()}
            | {name.replace("_", "/", 1): value for name, value in self.figures.items()},
        )
        self._means |= statistics
        row = {"step": self.global_step} | self.spent.record() | self._means | self.figures
        with (self.run / progress.FILE).open("a") as file:
            file.write(json.dumps(row) + "\n")

    def _line(self) -> str:
        rate = self.global_step / max(self.spent.seconds, 1e-9)
        left = self.spent.seconds * (1 - self.progress) / max(self.progress, 1e-9)
        shown = " ".join(
            f"{n} {self._means[n]:.3f}" for n in ("total", "yaw", "heatmap", "rollout_success") if n in self._means
        )
        return f"{100 * self.progress:5.1f} %  {rate:,.0f} frames/s  ETA {left / 60:.0f} min  {shown}"

    def save(self) -> Path:
        """Writes a checkpoint that `resume` continues from."""
        tensors = checkpoints.module_tensors(self.policy, "policy") | checkpoints.module_tensors(
            self.average, "average"
        )
        tensors |= checkpoints.optimizer_tensors(self.optimizer)
        tensors["torch_rng"] = torch.get_rng_state()
        state = {
            "experiment": dataclasses.asdict(self.experiment),
            "global_step": self.global_step,
            "updates": self.updates,
            **self.spent.record(),
            "lessons": self.lessons.record(),
            "rng": self.rng.bit_generator.state,
        }
        return checkpoints.save(
            self.run / "checkpoints", self.global_step, tensors, state, self.experiment.keep_checkpoints
        )

    def resume(self, path: Path) -> None:
        """Continues from a checkpoint: weights, average, optimiser, counters, random streams.

        What was under way is not kept: the lessons say what they begin anew.
        """
        tensors, state = checkpoints.load(path)
        if config_from(state["experiment"]["policy"]) != self.experiment.policy:
            raise ValueError(f"{path} holds another policy than experiment {self.experiment.name!r}: start a new run")
        if "lessons" not in state:
            raise ValueError(f"{path} was written by an earlier version, which kept no lessons: start a new run")
        if bool(state["experiment"].get("dataset")) != bool(self.experiment.dataset):
            raise ValueError(
                f"{path} learnt from {LEARNT_FROM[not self.experiment.dataset]}: start a new run --from it"
            )
        checkpoints.restore_module(self.policy, tensors, "policy")
        checkpoints.restore_module(self.average, tensors, "average")
        checkpoints.restore_optimizer(self.optimizer, tensors)
        self._blind = False
        torch.set_rng_state(tensors["torch_rng"])
        self.rng.bit_generator.state = state["rng"]
        self.global_step, self.updates = state["global_step"], state["updates"]
        self.spent.restore(state)
        self.lessons.restore(state["lessons"])
