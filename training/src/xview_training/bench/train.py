"""Frames a second of the whole PPO loop, beside the loop of CleanRL's script: same worlds, same network, turn about.

    xview bench train --json FILE

Ours is what `xview train ppo --in-process` runs, reference policy, belief losses and averaged weights included; the
other has none of these (bench/flat_ppo.py). All make updates of equally many frames, in one epoch, from untrained
weights. Ours comes in twice: with the whole network learning, as in the other, and with perception staying as it is.
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

OURS, STAYS, THEIRS = "ours", "ours, perception stays", "CleanRL's structure"


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
class LoopRates:
    """Frames (decisions) per second of one loop, and where its time goes."""

    frames_per_second: float
    frames_per_core_second: float  # of processor time: what else a shared machine does hardly counts
    shares: dict[str, float]  # of its time; what is left is the loop itself


@dataclasses.dataclass(frozen=True)
class TrainRates:
    """Each loop's rates, and how many times the other's frames ours makes where both learn the whole network."""

    ours: LoopRates
    ours_perception_stays: LoopRates
    baseline: LoopRates
    ratio: float
    ratio_per_core_second: float


def measure(settings: TrainBenchSettings) -> TrainRates:
    """Lets the loops play and learn in turn. ValueError for an unknown suite or limits that fit nothing."""
    ours = {name: _ours(settings, sees) for name, sees in ((OURS, True), (STAYS, False))}
    theirs = _baseline(settings)
    loops = {name: Loop(_iterating(trainer)) for name, trainer in ours.items()} | {THEIRS: Loop(theirs.iterate)}
    for loop in loops.values():  # compiles, makes the first worlds
        loop.once()
        loop.frames, loop.core_s = 0, 0.0
    for trainer in ours.values():
        trainer.seconds = dict.fromkeys(trainer.seconds, 0.0)
    theirs.stopwatch.lap()
    played = {name: Contestant(loop.once, time.perf_counter) for name, loop in loops.items()}
    try:
        rates = take_turns(played, settings.seconds, settings.rounds)
    finally:
        for trainer in ours.values():
            trainer.rollout.close()
        theirs.envs.close()
    parts = {name: trainer.seconds for name, trainer in ours.items()} | {THEIRS: theirs.stopwatch.lap()}
    found = {
        name: LoopRates(rates[name], loop.frames / loop.core_s, _shares(parts[name])) for name, loop in loops.items()
    }
    return TrainRates(
        ours=found[OURS],
        ours_perception_stays=found[STAYS],
        baseline=found[THEIRS],
        ratio=found[OURS].frames_per_second / found[THEIRS].frames_per_second,
        ratio_per_core_second=found[OURS].frames_per_core_second / found[THEIRS].frames_per_core_second,
    )


def _ours(settings: TrainBenchSettings, sees: bool) -> PpoTrainer:
    with tempfile.TemporaryDirectory() as folder:
        return PpoTrainer(_experiment(settings, sees), Path(folder), None, "", settings.threads, settings.device)


def _iterating(trainer: PpoTrainer) -> Callable[[], int]:
    def once() -> int:
        before = trainer.global_step
        trainer.iterate()
        return trainer.global_step - before

    return once


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


def _experiment(settings: TrainBenchSettings, sees: bool) -> PpoExperiment:
    """The experiment `cpu`, with tasks drawn as the vector environment draws them and no warm-up of the critic.

    sees: whether perception learns too.
    """
    known = EXPERIMENTS["cpu"]
    rollout = dataclasses.replace(
        known.rollout,
        environments=settings.environments,
        fragment=settings.steps,
        threads=settings.threads,
    )
    sampling = dataclasses.replace(known.sampling, even_difficulties=False, strict_share=0.0)
    learner = dataclasses.replace(
        known.learner, critic_warmup=0, minibatch=settings.minibatch, segment=settings.steps, sees=sees
    )
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
    yield "                             frames/s  a core-second"
    for name, loop in ((OURS, rates.ours), (STAYS, rates.ours_perception_stays), (THEIRS, rates.baseline)):
        parts = "  ".join(f"{part} {100 * share:.0f} %" for part, share in loop.shares.items())
        yield f"  {name:26}{loop.frames_per_second:9,.0f}  {loop.frames_per_core_second:13,.0f}  {parts}"
    yield f"  ratio of first to last    {rates.ratio:9.2f}  {rates.ratio_per_core_second:13.2f}"
