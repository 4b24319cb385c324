"""What the training machine adds to `xview bench`. Imported for every `xview`: functions import what they need."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from xview_deploy.spec import ContractError

from xview_training.command_line import checked, let_waiting_threads_sleep, write_json


def bench_sim(
    size: int | None = None,
    environments: int | None = None,
    scaling: tuple[int, ...] = (1, 4, 16, 64, 256),
    seconds: float = 5.0,
    seed: int = 0,
    device: str = "cpu",
    json: Path | None = None,
) -> None:
    """Steps per core-second of the whole environment step, beside drawing alone, the ray caster and ViZDoom.

    On a GPU: steps per second of batches, with the shares of drawing and rules.

    Args:
        size: pixels a side; 128 on the CPU, 128 and 224 on a GPU.
        environments: how many worlds; 16 on the CPU, 64, 512 and 4096 on a GPU.
        scaling: on the CPU, batches whose whole steps are measured too.
        seconds: of each loop: processor time on the CPU, wall-clock time on a GPU.
        seed: of the worlds and actions.
        device: cpu, cuda or cuda:NUMBER.
        json: write the figures to this file.
    """
    figures: Any
    if device == "cpu":
        figures = checked(_bench_sim_on_cpu, size or 128, environments or 16, scaling, seconds, seed)
    else:
        figures = checked(_bench_sim_on_gpu, size, environments, seconds, seed, device)
    if json is not None:
        write_json(json, figures)


def _bench_sim_on_cpu(
    size: int, environments: int, scaling: tuple[int, ...], seconds: float, seed: int
) -> dict[str, Any]:
    from xview_training.bench.sim import SimBenchSettings, as_text, measure

    rates = measure(SimBenchSettings(size, environments, seconds, seed=seed, scaling=scaling))
    print("\n".join(as_text(rates)))
    return dataclasses.asdict(rates)


def _bench_sim_on_gpu(
    size: int | None, environments: int | None, seconds: float, seed: int, device: str
) -> list[dict[str, Any]]:
    try:
        from xview_training.bench import cuda
        from xview_training.sim.cuda import gpu
    except ModuleNotFoundError as error:
        raise ContractError(str(error)) from error

    gpu(device)
    sizes = (size,) if size else cuda.SIZES
    batches = (environments,) if environments else cuda.ENVIRONMENTS
    print(f"{device}, colour + object id + depth of every step, per second of wall-clock time:")
    print("  worlds  pixels      steps  drawing  rules  MiB a world")
    figures = []
    for r in cuda.measure_all(batches, sizes, seconds, seed, device):
        print(
            f"  {r.environments:6,}  {r.size:6} {r.steps_per_second:10,.0f} {r.rendering_share:8.0%} "
            f"{r.rules_share:6.0%} {r.bytes_per_env / 2**20:12.2f}"
        )
        figures.append(dataclasses.asdict(r))
    return figures


def bench_endings(
    trials: int = 100,
    seed: int = 0,
    difficulty: str = "near",
    bundle: Path | None = None,
    json: Path | None = None,
) -> None:
    """Whether a robot's own verdicts, reached, lost and stuck, agree with the simulated room's truth.

    Args:
        trials: rooms, each played to its time limit.
        seed: of the rooms and of the sampling.
        difficulty: near, easy, medium or hard.
        bundle: another policy than the shipped one.
        json: write the figures to this file.
    """
    from xview_training.bench.endings import measure_endings

    figures = checked(measure_endings, bundle, trials, seed, difficulty)
    print(figures)
    if json is not None:
        write_json(json, figures.as_json())


def bench_fuzz_sim(
    policies: int = 24,
    steps: int = 100_000,
    seed: int = 0,
    processes: int = 1,
    json: Path | None = None,
) -> None:
    """Random policies that try to break the world: nothing crashes, no number is lost, nobody ends inside a block.

    Args:
        policies: how many, each with its own habits.
        steps: ticks of each.
        seed: of worlds and habits.
        processes: that share the policies out; one a core at most.
        json: write what was played and what broke to this file.
    """
    from xview_training.bench.fuzz import FuzzSettings, as_text, fuzz
    from xview_training.tasks.goal_views import GOAL_SIDE

    report = checked(fuzz, checked(FuzzSettings, policies, steps, seed, GOAL_SIDE, processes))
    print("\n".join(as_text(report)))
    if json is not None:
        write_json(json, dataclasses.asdict(report))
    if report.breaches:
        raise ContractError(f"{len(report.breaches)} broken laws, see above")


def bench_policy(
    policies: tuple[str, ...] = ("small",),
    only: tuple[str, ...] = (),
    provider: str = "cpu",
    threads: int = 2,
    rounds: int = 20,
    steps: int = 25,
    compile_limit: float = 240.0,
    seed: int = 0,
    json: Path | None = None,
) -> None:
    """Time of one decision: torch eager and compiled, ONNX Runtime with and without each of our measures.

    Args:
        policies: small, rocket2, rocket2-xl or rocket2-small.
        only: these ways to take a step, such as torch_eager and onnx_resident; all by default. A large policy needs
            some gigabytes for each.
        provider: what runs ONNX Runtime's part (cpu, cuda, tensorrt); torch takes the same kind of device.
        threads: processor threads of every contestant.
        rounds: turns of each contestant.
        steps: counted steps of a turn.
        compile_limit: seconds after which torch.compile is left out.
        seed: of weights and pictures.
        json: write the figures to this file.
    """
    from xview_training.bench.policy import BenchSettings, as_json, as_text, measure

    settings = checked(BenchSettings, provider, threads, rounds, steps, min(5, steps), compile_limit, seed, only)
    times = []
    for policy in policies:
        times.append(checked(measure, policy, settings))
        print("\n".join(as_text(times[-1], settings)))
    if json is not None:
        write_json(json, as_json(times, settings))


def bench_fragments(
    policies: tuple[str, ...] = ("small", "rocket2"),
    steps: int = 256,
    suite: str = "train-v1",
    folder: Path | None = None,
    seed: int = 0,
    json: Path | None = None,
) -> None:
    """What a fragment costs on the disk beside a recurrent state at every step, and the index of fragments.

    Args:
        policies: whose sizes: small, rocket2, rocket2-xl or rocket2-small.
        steps: decisions of a fragment.
        suite: whose worlds the pictures show.
        folder: where to write, such as shared storage; the system's folder for temporary files by default.
        seed: of pushes and noise.
        json: write the figures to this file.
    """
    from xview_training.bench.fragments import FragmentBenchSettings, as_json, as_text, measure_all

    settings = checked(FragmentBenchSettings, steps, suite, 4, 5, 300, seed)
    costs, index = checked(measure_all, policies, settings, folder)
    print("\n".join(as_text(costs, index, settings)))
    if json is not None:
        write_json(json, as_json(costs, index, settings))


def bench_links(policy: str = "small", calls: int = 100, folder: Path | None = None, json: Path | None = None) -> None:
    """Round trips over Ray on this machine: calls of the fragments' index, pulls of the weights.

    Args:
        policy: whose weights: small, rocket2, rocket2-xl or rocket2-small.
        calls: of the index.
        folder: where the index writes, such as shared storage; the system's folder for temporary files by default.
        json: write the figures to this file.
    """
    from xview_training.bench.links import as_text, measure_below

    costs = checked(measure_below, policy, calls, folder)
    print("\n".join(as_text(policy, costs)))
    if json is not None:
        write_json(json, {"policy": policy} | dataclasses.asdict(costs))


def bench_train(
    suite: str = "train",
    environments: int = 32,
    steps: int = 32,
    minibatch: int = 8,
    seconds: float = 40.0,
    rounds: int = 4,
    threads: int = 2,
    device: str = "cpu",
    seed: int = 0,
    json: Path | None = None,
) -> None:
    """Frames a second of the whole PPO loop and where its time goes, beside CleanRL's structure in the same worlds.

    Args:
        suite: whose tasks both play.
        environments: worlds of each loop.
        steps: decisions that each world plays before a loop learns.
        minibatch: worlds whose steps make one update.
        seconds: of each loop, wall-clock time.
        rounds: turns that the loops come in.
        threads: processor threads of both.
        device: where both policies compute: cpu, cuda or cuda:NUMBER.
        seed: of tasks, weights and actions.
        json: write the figures to this file.
    """
    let_waiting_threads_sleep()

    from xview_training.bench.train import TrainBenchSettings, as_text, measure

    settings = checked(
        TrainBenchSettings, suite, environments, steps, minibatch, seconds, rounds, threads, device, seed
    )
    rates = checked(measure, settings)
    print("\n".join(as_text(settings, rates)))
    if json is not None:
        write_json(json, dataclasses.asdict(settings) | dataclasses.asdict(rates))
