"""How long a decision takes: every way to run a policy, in turns of one run, so that a busy machine disturbs all alike.

    xview bench policy --json FILE

A turn's first steps are not counted: they wake sleeping threads and fetch weights that the others drove out of the
caches. Each speed-up is a quotient of medians and changes one thing: eager torch against what a robot runs; the goal
encoded at each step or once; arrays passed or bound; fp32 or fewer bits.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from xview_training.bench.contestants import Step, contestants

SPEEDUPS = {  # figure -> (slow, fast)
    "speedup_vs_eager": ("torch_eager", "onnx_resident"),
    "speedup_vs_compile": ("torch_compile", "onnx_resident"),
    "fixed_batch_speedup": ("onnx_free_batch", "onnx_plain"),
    "goal_split_speedup": ("onnx_unsplit", "onnx_plain"),
    "io_binding_speedup": ("onnx_plain", "onnx_resident"),
    "fp16_speedup": ("onnx_resident", "onnx_resident_fp16"),
    "int8_speedup": ("onnx_resident", "onnx_resident_int8"),
    "cuda_graph_speedup": ("onnx_resident", "onnx_cuda_graph"),
}


@dataclasses.dataclass(frozen=True)
class BenchSettings:
    """How to measure."""

    provider: str = "cpu"
    threads: int = 2  # of torch and of ONNX Runtime
    rounds: int = 20
    steps: int = 25  # counted, of each contestant in each round
    uncounted: int = 5  # before them
    compile_limit_s: float = 240.0
    seed: int = 0
    only: tuple[str, ...] = ()  # contestants; all where none is named

    def __post_init__(self) -> None:
        if min(self.rounds, self.steps) < 1:
            raise ValueError(f"rounds and steps: expected 1 or more, got {self.rounds} and {self.steps}")


@dataclasses.dataclass(frozen=True)
class Latency:
    """Of one step, in milliseconds."""

    median_ms: float
    p99_ms: float
    steps: int


@dataclasses.dataclass(frozen=True)
class PolicyTimes:
    """One policy's figures."""

    policy: str
    latencies: dict[str, Latency]  # by contestant
    missing: dict[str, str]  # contestant -> why it was left out

    def speedups(self) -> dict[str, float]:
        """The figures of SPEEDUPS whose contestants both ran."""
        median = {name: latency.median_ms for name, latency in self.latencies.items()}
        return {
            name: median[slow] / median[fast]
            for name, (slow, fast) in SPEEDUPS.items()
            if slow in median and fast in median
        }


def measure(policy: str, settings: BenchSettings) -> PolicyTimes:
    """Times every way to run the policy of that name; ValueError names the nearest one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        steps, missing = contestants(
            policy, settings.provider, settings.threads, settings.seed, settings.compile_limit_s, settings.only
        )
        taken_s: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(settings.rounds):
            for name, step in steps.items():
                taken_s[name] += _turn(step, settings)
    finally:
        torch.set_num_threads(threads)
    return PolicyTimes(policy, {name: _latency(taken) for name, taken in taken_s.items()}, missing)


def _turn(step: Step, settings: BenchSettings) -> Iterator[float]:
    """Seconds of each counted step."""
    for _ in range(settings.uncounted):
        step()
    for _ in range(settings.steps):
        start_s = time.perf_counter()
        step()
        yield time.perf_counter() - start_s


def _latency(taken_s: list[float]) -> Latency:
    median, p99 = np.percentile(taken_s, (50, 99)) * 1000
    return Latency(float(median), float(p99), len(taken_s))


def as_json(times: list[PolicyTimes], settings: BenchSettings) -> dict[str, Any]:
    """Everything; the first policy's speed-ups also under their own names."""
    named = {f"{one.policy}_{name}": figure for one in times for name, figure in one.speedups().items()}
    policies = {one.policy: dataclasses.asdict(one) for one in times}
    return {"settings": dataclasses.asdict(settings)} | named | times[0].speedups() | {"policies": policies}


def as_text(times: PolicyTimes, settings: BenchSettings) -> Iterator[str]:
    """Lines to print."""
    yield f"{times.policy} on {settings.provider}, threads: {settings.threads}, one step in ms"
    yield f"  {'':<44}   median    p99"
    for name, latency in sorted(times.latencies.items(), key=lambda item: -item[1].median_ms):
        yield f"  {name:<44}{latency.median_ms:9.2f} {latency.p99_ms:6.2f}"
    for name, reason in times.missing.items():
        yield f"  {name:<44}left out: {reason}"
    for name, figure in times.speedups().items():
        yield f"  {name:<44}{figure:9.2f}"
