"""The sub-commands of the training machine: train, evaluate, export, tasks, bench.

Functions import what they need when they run, so that `xview --help` stays quick.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tyro
from xview_deploy.spec import ContractError


def commands() -> Mapping[str, Any]:
    """The table of sub-commands (entry-point group xview.commands)."""
    return {
        "train": {"imitation": train_imitation, "curve": train_curve},
        "evaluate": evaluate,
        "export": export,
        "tasks": {"show": tasks_show},
        "bench": {"endings": bench_endings, "policy": bench_policy, "sim": bench_sim},
    }


def train_imitation(
    experiment: str = "cpu",
    run: Path | None = None,
    seed: int | None = None,
    frames: int | None = None,
    resume: bool = True,
    threads: int = 2,
) -> None:
    """Imitation learning with DAgger: demonstrations from the expert, progress, TensorBoard, checkpoints.

    Args:
        experiment: named settings, see xview_training/experiments.py (debug, cpu).
        run: folder of the run; runs/EXPERIMENT by default.
        seed: instead of the experiment's.
        frames: trained frames, instead of the experiment's.
        resume: continue from the run's newest checkpoint if there is one.
        threads: processor threads.
    """
    from xview_training import checkpoints
    from xview_training.experiments import experiment_named
    from xview_training.imitation.trainer import ImitationTrainer

    settings = _checked(experiment_named, experiment)
    changes = {"seed": seed, "frames": frames}
    settings = dataclasses.replace(settings, **{k: v for k, v in changes.items() if v is not None})
    folder = run or Path("runs") / experiment
    trainer = ImitationTrainer(settings, folder, threads)
    newest = checkpoints.newest(folder / "checkpoints") if resume else None
    if newest is not None:
        print(f"resuming from {newest}")
        _checked(trainer.resume, newest)
    trainer.train()
    print(f"trained {trainer.global_step:,} frames in {trainer.seconds / 60:.1f} min: {folder}")


def train_curve(run: Path, out: Path) -> None:
    """Draws a run's learning curves.

    Args:
        run: folder of the run.
        out: picture to write, *.png or *.svg.
    """
    from xview_training.evaluation.curve import draw

    _checked(draw, run, out)
    print(out)


def export(
    checkpoint: Path,
    out: Path,
    name: str = "small",
    results: tuple[Path, ...] = (),
    precision: str = "fp32",
    suite: str = "robot",
    episodes: int | None = None,
    json: Path | None = None,
) -> None:
    """Writes a checkpoint's averaged policy as a bundle, after comparing it with torch over rollouts.

    Args:
        checkpoint: a run folder, or one of its checkpoint folders.
        out: the bundle to write (*.xview).
        name: what the bundle calls itself.
        results: JSON files of `xview evaluate` whose success rates the bundle shall carry.
        precision: fp32, fp16 (for GPUs) or int8 (for processors).
        suite: where the frames and tasks of the comparison come from.
        episodes: tasks that torch and bundle both play; by default 200, none for fp32, whose actions are the same.
        json: write the comparison's report to this file.
    """
    from xview_training.parity.check import ParitySettings
    from xview_training.release import describe, export_checkpoint

    tasks = episodes if episodes is not None else 0 if precision == "fp32" else 200
    settings = ParitySettings(suite=suite, episodes=tasks)
    report = _checked(export_checkpoint, checkpoint, out, name, results, precision, settings)
    print("\n".join(describe(report)))
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB")
    if json is not None:
        _write_json(json, report.as_json())


def evaluate(
    policy: str | None = None,
    suite: str = "heldout",
    event: str | None = None,
    difficulty: str | None = None,
    episodes: int = 200,
    seed: int = 0,
    strict: bool = False,
    json: Path | None = None,
) -> None:
    """Plays a suite's tasks with a policy and prints success by event, difficulty and first-frame visibility.

    Args:
        policy: a bundle, "random", "forward_biased_random" or "expert"; the shipped bundle by default.
        suite: train, heldout, robot or twin.
        event: approach or break; what the suite draws by default.
        difficulty: near, easy, medium or hard; what the suite draws by default.
        episodes: how many tasks, each another world.
        seed: chooses the tasks, and the random numbers of the policy.
        strict: an arrival at a wrong candidate ends the episode.
        json: write everything to this file.
    """
    from rich.console import Console

    from xview_training.evaluation import table
    from xview_training.evaluation.episodes import Selection, play
    from xview_training.evaluation.players import player_named
    from xview_training.tasks.events import TaskEvent
    from xview_training.tasks.suites import suite_named
    from xview_training.tasks.task import DIFFICULTIES

    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise ContractError(f"difficulty: expected one of {', '.join(DIFFICULTIES)}, got {difficulty!r}")
    chosen = dataclasses.replace(_checked(suite_named, suite), strict=strict)
    wanted = None if event is None else TaskEvent.parse(event)
    selection = Selection(chosen, episodes, seed, wanted, difficulty)
    player = _checked(player_named, policy, seed)
    results = _checked(play, player, selection)
    Console().print(table.as_text(player.name, suite, results))
    if json is not None:
        _write_json(json, table.as_json(player.name, suite, seed, results) | {"strict": strict})


def tasks_show(suite: tyro.conf.Positional[str], out: Path, count: int = 16) -> None:
    """Writes a contact sheet of a suite: first view, goal view with its mask, map from above.

    Args:
        suite: train, heldout, robot or twin.
        out: folder for SUITE.png and SUITE.jsonl.
        count: how many tasks.
    """
    from xview_training.tasks import contact_sheet
    from xview_training.tasks.suites import suite_named

    if count < 1:
        raise ContractError(f"count: expected at least 1, got {count}")
    sheet, records = contact_sheet.write(_checked(suite_named, suite), out, count)
    print(f"{sheet}\n{records}")


def bench_sim(
    size: int | None = None,
    environments: int | None = None,
    seconds: float = 5.0,
    seed: int = 0,
    device: str = "cpu",
    json: Path | None = None,
) -> None:
    """Steps per core-second of the whole environment step, beside drawing alone and the ray caster.

    On a GPU: steps per second of batches, with the shares of drawing and rules.

    Args:
        size: pixels a side; 128 on the CPU, 128 and 224 on a GPU.
        environments: how many worlds; 16 on the CPU, 64, 512 and 4096 on a GPU.
        seconds: of each loop: processor time on the CPU, wall-clock time on a GPU.
        seed: of the worlds and actions.
        device: cpu, cuda or cuda:NUMBER.
        json: write the figures to this file.
    """
    figures: Any
    if device == "cpu":
        figures = _bench_sim_on_cpu(size or 128, environments or 16, seconds, seed)
    else:
        figures = _checked(_bench_sim_on_gpu, size, environments, seconds, seed, device)
    if json is not None:
        _write_json(json, figures)


def _bench_sim_on_cpu(size: int, environments: int, seconds: float, seed: int) -> dict[str, Any]:
    from xview_training.bench.sim import measure

    rates = measure(size, environments, seconds, seed)
    print(f"{environments} worlds, {size} x {size}, colour + object id + depth, one thread, per core-second:")
    print(f"  whole step            {rates.steps_per_core_second:8,.0f}")
    print(f"  drawing, merged quads {rates.render_only:8,.0f}")
    print(f"  drawing, ray caster   {rates.ray_caster:8,.0f}")
    print(f"  whole step / ray caster {rates.steps_per_core_second / rates.ray_caster:.2f}")
    print(f"  memory per environment {rates.bytes_per_env / 2**20:.2f} MiB")
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

    figures = _checked(measure_endings, bundle, trials, seed, difficulty)
    print(figures)
    if json is not None:
        _write_json(json, figures.as_json())


def bench_policy(
    policies: tuple[str, ...] = (),
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
        policies: architectures, such as small; all by default.
        provider: what runs ONNX Runtime's part (cpu, cuda, tensorrt); torch takes the same kind of device.
        threads: processor threads of every contestant.
        rounds: turns of each contestant.
        steps: counted steps of a turn.
        compile_limit: seconds after which torch.compile is left out.
        seed: of weights and pictures.
        json: write the figures to this file.
    """
    from xview_training.bench.policy import BenchSettings, as_json, as_text, measure
    from xview_training.policy.architectures import ARCHITECTURES

    settings = _checked(BenchSettings, provider, threads, rounds, steps, 5, compile_limit, seed)
    times = []
    for policy in policies or ARCHITECTURES:
        times.append(_checked(measure, policy, settings))
        print("\n".join(as_text(times[-1], settings)))
    if json is not None:
        _write_json(json, as_json(times, settings))


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
    print(path)


def _checked(function: Any, *arguments: Any) -> Any:
    """Calls a function; a ValueError becomes the one-line error of the command line."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise ContractError(str(error)) from error
