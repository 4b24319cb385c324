"""Imitation learning: collect a chunk, learn from it and from replayed ones, repeat; resume where it stopped.

    xview train imitation --experiment cpu --run runs/cpu

It knows the policy, the collector and the losses; not what becomes of the policy afterwards.
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
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from torch.utils.tensorboard import SummaryWriter

from xview_training import checkpoints
from xview_training.experiments import ImitationExperiment
from xview_training.imitation.collector import Chunk, Collector
from xview_training.imitation.losses import imitation_losses
from xview_training.policy.small import SmallPolicy
from xview_training.tasks.suites import suite_named


class ImitationTrainer:
    """One run: policy, its average, optimiser, collector, replay and counters."""

    def __init__(self, experiment: ImitationExperiment, run: Path, threads: int = 2):
        torch.manual_seed(experiment.seed)
        torch.set_num_threads(threads)
        self.experiment, self.run = experiment, run
        self.policy = SmallPolicy(experiment.policy)
        self.average = copy.deepcopy(self.policy).eval()
        self.optimizer = torch.optim.AdamW(self._parameter_groups(), lr=experiment.learning_rate, betas=(0.9, 0.98))
        self.rng = np.random.default_rng(experiment.seed)
        self.collector = Collector(
            experiment.collector, suite_named(experiment.suite), experiment.policy.image_size, self.rng
        )
        self.replay: list[Chunk] = []
        self.global_step = 0  # trained frames, dead ones included
        self.updates = 0
        self.seconds = 0.0  # of training, over all sessions
        self._means: dict[str, float] = {}

    def _parameter_groups(self) -> list[dict]:
        """Weight decay on matrices only."""
        matrices = [p for p in self.policy.parameters() if p.ndim > 1]
        rest = [p for p in self.policy.parameters() if p.ndim <= 1]
        return [
            {"params": matrices, "weight_decay": self.experiment.weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]

    @property
    def progress(self) -> float:
        """Share of the run that is done, 0..1."""
        return min(1.0, self.global_step / self.experiment.frames)

    def train(self) -> None:
        """Runs to the end, with checkpoints on the way."""
        self.run.mkdir(parents=True, exist_ok=True)
        (self.run / "experiment.json").write_text(json.dumps(dataclasses.asdict(self.experiment), indent=1))
        writer = SummaryWriter(str(self.run / "tensorboard"))
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, refresh_per_second=1) as bar:
            shown = bar.add_task("collecting", total=None)
            saved = time.monotonic()
            while self.progress < 1:
                started = time.monotonic()
                self._iterate()
                self.seconds += time.monotonic() - started
                self._report(writer)
                bar.update(shown, description=self._line())
                if time.monotonic() - saved > self.experiment.checkpoint_every_s:
                    self.save()
                    saved = time.monotonic()
        self.save()
        writer.close()
        self.collector.envs.close()

    def _iterate(self) -> None:
        """One chunk collected, then the updates that belong to it."""
        share = max(0.0, 1 - self.progress / self.experiment.expert_until)
        self.policy.eval()
        self.replay.append(self.collector.collect(self.policy, share))
        self.replay = self.replay[-self.experiment.replay_chunks :]
        self.policy.train()
        order = torch.from_numpy(self.rng.permutation(self.experiment.collector.environments))
        half = self.experiment.sequences // 2
        for k in range(self.experiment.updates_per_chunk):
            old = self.replay[self.rng.integers(len(self.replay))]
            picked = torch.from_numpy(self.rng.permutation(len(order))[:half])
            fresh = order[torch.arange(k * half, (k + 1) * half) % len(order)]
            self._update(Chunk.join([self.replay[-1].rows(fresh), old.rows(picked)]))

    def _update(self, batch: Chunk) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.experiment.learning_rate * self._schedule()
        with torch.autocast("cpu", torch.bfloat16):
            goal = self.policy.encode_goal(batch.goal_image, batch.goal_mask)
            output, _ = self.policy(batch.images, goal, batch.event, batch.previous_action, batch.state)
        losses = imitation_losses(output, batch.labels, self.experiment.weights)
        self.optimizer.zero_grad()
        losses["total"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.experiment.max_grad_norm)
        self.optimizer.step()
        self.updates += 1
        self.global_step += batch.labels.alive.numel()
        self._average()
        for name, tensor in (losses | {"grad_norm": norm}).items():
            value = float(tensor.detach())
            self._means[name] = 0.98 * self._means.get(name, value) + 0.02 * value

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

    def _report(self, writer: SummaryWriter) -> None:
        for name, value in self._means.items():
            writer.add_scalar(f"losses/{name}", value, self.global_step)
        writer.add_scalar("charts/frames_per_second", self.global_step / max(self.seconds, 1e-9), self.global_step)
        if self.collector.episodes >= 200:
            rate = self.collector.successes / self.collector.episodes
            writer.add_scalar("charts/rollout_success", rate, self.global_step)
            self._means["rollout_success"] = rate
            self.collector.episodes = self.collector.successes = 0
        with (self.run / "progress.jsonl").open("a") as log:
            log.write(json.dumps({"step": self.global_step, "seconds": self.seconds} | self._means) + "\n")

    def _line(self) -> str:
        rate = self.global_step / max(self.seconds, 1e-9)
        left = (self.experiment.frames - self.global_step) / rate
        shown = " ".join(
            f"{n} {self._means[n]:.3f}" for n in ("total", "yaw", "heatmap", "rollout_success") if n in self._means
        )
        return f"{100 * self.progress:5.1f} %  {rate:,.0f} frames/s  ETA {left / 60:.0f} min  {shown}"

    def save(self) -> Path:
        """Writes a checkpoint that `resume` continues from."""
        tensors = {f"policy.{n}": t for n, t in self.policy.state_dict().items()}
        tensors |= {f"average.{n}": t for n, t in self.average.state_dict().items()}
        packed = self.optimizer.state_dict()
        for index, moments in packed["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in moments.items()}
        tensors["torch_rng"] = torch.get_rng_state()
        state = {
            "experiment": dataclasses.asdict(self.experiment),
            "global_step": self.global_step,
            "updates": self.updates,
            "seconds": self.seconds,
            "tasks_given": self.collector.tasks_given,
            "rng": self.rng.bit_generator.state,
        }
        return checkpoints.save(
            self.run / "checkpoints", self.global_step, tensors, state, self.experiment.keep_checkpoints
        )

    def resume(self, path: Path) -> None:
        """Continues from a checkpoint: weights, average, optimiser, counters, random streams.

        The replay and the episodes under way are not kept: they are collected anew.
        """
        tensors, state = checkpoints.load(path)
        if state["experiment"]["policy"] != json.loads(json.dumps(dataclasses.asdict(self.experiment.policy))):
            raise ValueError(f"{path} holds another policy than experiment {self.experiment.name!r}: start a new run")
        for module, prefix in ((self.policy, "policy."), (self.average, "average.")):
            module.load_state_dict({n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)})
        packed = self.optimizer.state_dict()
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                packed["state"].setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict(packed)
        torch.set_rng_state(tensors["torch_rng"])
        self.rng.bit_generator.state = state["rng"]
        self.global_step, self.updates = state["global_step"], state["updates"]
        self.seconds, self.collector.tasks_given = state["seconds"], state["tasks_given"]
