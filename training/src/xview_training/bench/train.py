"""Frames a second of the whole PPO loop, beside the loop of CleanRL's script: same worlds, same network, turn about.

    xview bench train --json FILE

Ours is what `xview train ppo --in-process` runs, reference policy, belief losses and averaged weights included; the
other has none of these (bench/flat_ppo.py). Both make updates of equally many frames, in one epoch, from untrained
weights.
Sample Factory cannot stand here: its releases since 2.0 want an older Gymnasium and NumPy than ours.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from xview_training.bench.flat_ppo import FlatPpo, FlatPpoSettings
from xview_training.bench.turns import Contestant, take_turns
from xview_training.envs.vector import CrossViewVectorEnv
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.ppo.experiments import EXPERIMENTS, PpoExperiment
from xview_training.ppo.trainer import PpoTrainer
from xview_training.tasks.events import table_for
from xview_training.tasks.sources import source_named

OURS, THEIRS = "ours", "CleanRL's structure"


@dataclasses.dataclass(frozen=True)
class TrainBenchSettings:
    """What both loops are given."""

    suite: str = "train"
    environments: int = 32
    steps: int = 32  # decisions that each environment plays before the loop learns
    minibatch: int = 8  # environments' steps in one update
    seconds: float = 40.0  # of each loop
    rounds: int = 4  # turns that they come in
    threads: int = 2
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.environments, self.steps, self.minibatch, self.rounds, self.threads) < 1 or self.seconds <= 0:
            raise ValueError(f"expected numbers of 1 or more and seconds above 0, got {self}")
        if self.environments % self.minibatch:
            raise ValueError(f"expected environments in whole minibatches of {self.minibatch}, got {self.environments}")


@dataclasses.dataclass(frozen=True)
class TrainRates:
    """Frames (decisions) per second of wall-clock time, and where it goes."""

    frames_per_second: float
    baseline_frames_per_second: float
    ratio: float
    frames_per_core_second: float  # of processor time: what else a shared machine does hardly counts
    baseline_frames_per_core_second: float
    ratio_per_core_second: float
    shares: dict[str, float]  # of our time; what is left is the loop itself
    baseline_shares: dict[str, float]


def measure(settings: TrainBenchSettings) -> TrainRates:
    """Lets both loops play and learn in turn. ValueError for an unknown suite or limits that fit nothing."""
    with tempfile.TemporaryDirectory() as folder:
        ours = PpoTrainer(_experiment(settings), Path(folder), None, "", settings.threads, settings.device)
    theirs = _baseline(settings)

    def ours_once() -> int:
        before = ours.global_step
        ours.iterate()
        return ours.global_step - before

    loops = {OURS: Loop(ours_once), THEIRS: Loop(theirs.iterate)}
    for loop in loops.values():  # compiles, makes the first worlds
        loop.once()
        loop.frames, loop.core_s = 0, 0.0
    ours.seconds = dict.fromkeys(ours.seconds, 0.0)
    theirs.stopwatch.lap()
    played = {name: Contestant(loop.once, time.perf_counter) for name, loop in loops.items()}
    try:
        rates = take_turns(played, settings.seconds, settings.rounds)
    finally:
        ours.rollout.close()
        theirs.envs.close()
    of_cores = {name: loop.frames / loop.core_s for name, loop in loops.items()}
    return TrainRates(
        frames_per_second=rates[OURS],
        baseline_frames_per_second=rates[THEIRS],
        ratio=rates[OURS] / rates[THEIRS],
        frames_per_core_second=of_cores[OURS],
        baseline_frames_per_core_second=of_cores[THEIRS],
        ratio_per_core_second=of_cores[OURS] / of_cores[THEIRS],
        shares=_shares(ours.seconds),
        baseline_shares=_shares(theirs.stopwatch.lap()),
    )


class Loop:
    """One of the loops, its frames and its processor time counted."""

    def __init__(self, iterate: Callable[[], int]):
        self.iterate = iterate
        self.frames, self.core_s = 0, 0.0

    def once(self) -> int:
        """Plays and learns once; how many frames."""
        started = time.process_time()
        frames = self.iterate()
        self.core_s += time.process_time() - started
        self.frames += frames
        return frames


def _experiment(settings: TrainBenchSettings) -> PpoExperiment:
    """The experiment `cpu`, with tasks drawn as the vector environment draws them and no warm-up of the critic."""
    known = EXPERIMENTS["cpu"]
    rollout = dataclasses.replace(
        known.rollout, environments=settings.environments, fragment=settings.steps, threads=settings.threads
    )
    sampling = dataclasses.replace(known.sampling, even_difficulties=False, strict_share=0.0)
    learner = dataclasses.replace(known.learner, critic_warmup=0, minibatch=settings.minibatch, segment=settings.steps)
    return dataclasses.replace(
        known,
        suite=settings.suite,
        seed=settings.seed,
        policy=_policy(settings),
        rollout=rollout,
        sampling=sampling,
        learner=learner,
    )


def _policy(settings: TrainBenchSettings) -> SmallPolicyConfig:
    return SmallPolicyConfig(action_sizes=table_for(source_named(settings.suite).events).sizes)


def _baseline(settings: TrainBenchSettings) -> FlatPpo:
    config = _policy(settings)
    envs = CrossViewVectorEnv(
        settings.environments,
        settings.suite,
        image_size=config.image_size,
        autoreset_mode="SameStep",
        threads=settings.threads,
        copy=False,
    )
    torch.manual_seed(settings.seed)
    policy = SmallPolicy(config).to(settings.device)
    return FlatPpo(FlatPpoSettings(settings.steps, settings.minibatch), envs, policy, settings.seed)


def _shares(seconds: dict[str, float]) -> dict[str, float]:
    whole = sum(seconds.values()) or 1.0
    return {name: taken / whole for name, taken in seconds.items()}


def as_text(settings: TrainBenchSettings, rates: TrainRates) -> Iterator[str]:
    """Lines to print."""
    yield (
        f"PPO on suite {settings.suite}, {settings.environments} worlds x {settings.steps} decisions, updates of "
        f"{settings.minibatch * settings.steps} frames, policy small, {settings.device}, {settings.threads} threads, "
        f"{settings.rounds} turns of {settings.seconds / settings.rounds:.0f} s each:"
    )
    yield "                      frames/s  a core-second"
    for name, rate, of_cores, shares in (
        (OURS, rates.frames_per_second, rates.frames_per_core_second, rates.shares),
        (THEIRS, rates.baseline_frames_per_second, rates.baseline_frames_per_core_second, rates.baseline_shares),
    ):
        parts = "  ".join(f"{n} {100 * s:.0f} %" for n, s in shares.items())
        yield f"  {name:20}{rate:8,.0f}  {of_cores:13,.0f}  {parts}"
    yield f"  ratio               {rates.ratio:8.2f}  {rates.ratio_per_core_second:13.2f}"
