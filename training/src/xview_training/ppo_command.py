"""`xview train ppo`. Imported for every `xview`, so the function imports what it needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from xview_deploy.spec import ContractError

from xview_training.command_line import checked
from xview_training.ppo.cluster.settings import ClusterSettings

if TYPE_CHECKING:
    from xview_training.policy.cross_view import CrossViewPolicy
    from xview_training.ppo.experiments import PpoExperiment
    from xview_training.runs.scalars import WandbSettings


def _changed(settings: Any, changes: dict[str, Any]) -> Any:
    """A frozen dataclass with those fields changed that are not None."""
    return dataclasses.replace(settings, **{name: value for name, value in changes.items() if value is not None})


def train_ppo(
    experiment: str = "cpu",
    start: Annotated[Path | None, tyro.conf.arg(name="from")] = None,
    run: Path | None = None,
    suite: str | None = None,
    seed: int | None = None,
    frames: int | None = None,
    minutes: float | None = None,
    strict_share: float | None = None,
    wrong_arrival_reward: float | None = None,
    cluster: str | None = None,
    layout: ClusterSettings = ClusterSettings(),
    in_process: bool = False,
    deterministic: bool = False,
    resume: bool = True,
    threads: int = 2,
    device: str = "auto",
    wandb: bool = False,
) -> None:
    """PPO with a KL leash to the policy that it starts from. Progress, TensorBoard and checkpoints lie in the run.

    Over Ray, on this machine or on a cluster (docs/cluster.md), or in one process.

    Args:
        experiment: named settings, see xview_training/ppo/experiments.py (debug, cpu, h200, paper).
        start: run folder or checkpoint of the policy to begin with, usually of imitation; a new one without it.
        run: folder of the run; runs/ppo-EXPERIMENT by default.
        suite: tasks to train on, instead of the experiment's.
        seed: instead of the experiment's.
        frames: decisions until the end, instead of the experiment's limits.
        minutes: wall time until the end, instead of the experiment's limits; schedules run over it.
        strict_share: share of tasks that a wrong arrival ends, instead of the experiment's.
        wrong_arrival_reward: for arriving at a wrong object first, instead of the experiment's.
        cluster: address of a Ray cluster, such as HOST:6379; without it, Ray is started on this machine.
        layout: processes of the cluster, and what each reserves.
        in_process: without Ray: simulator, policy and learner take turns in this process.
        deterministic: the same losses to the last bit with the same seed; needs --frames where the experiment is timed.
        resume: continue from the run's newest checkpoint if there is one.
        threads: processor threads of policy and simulator.
        device: where policy and learner run in one process: cpu, cuda, cuda:NUMBER, or auto. Over Ray, the layout says.
        wandb: also log to Weights & Biases.
    """
    from xview_training import checkpoints
    from xview_training.ppo.experiments import ppo_experiment_named
    from xview_training.runs.scalars import WandbSettings
    from xview_training.trained import load_policy

    if in_process and cluster is not None:
        raise ContractError("expected either --cluster or --in-process, got both")
    if deterministic and not in_process:
        raise ContractError("--deterministic: expected --in-process too, for processes meet each other by chance")
    settings = checked(ppo_experiment_named, experiment)
    rollout = {"wrong_arrival_reward": wrong_arrival_reward, "threads": threads}
    changes: dict[str, Any] = {
        "suite": suite,
        "seed": seed,
        "deterministic": deterministic or settings.deterministic,
        "rollout": _changed(settings.rollout, rollout),
        "sampling": _changed(settings.sampling, {"strict_share": strict_share}),
    }
    if frames is not None or minutes is not None:
        changes |= {"frames": frames or 0, "minutes": minutes or 0.0}
    folder = run or Path("runs") / f"ppo-{experiment}"
    newest = checkpoints.newest(folder / "checkpoints") if resume else None
    source = newest or start
    policy = None
    if source is not None:
        policy, _ = checked(load_policy, source)
        changes["policy"] = policy.config
    settings = checked(_changed, settings, changes)
    logged = WandbSettings() if wandb else None
    if in_process:
        _train_here(settings, folder, policy, str(start or ""), threads, device, logged, newest)
    else:
        _train_over_ray(settings, folder, policy, str(start or ""), threads, cluster, layout, logged, resume)


def _train_here(
    settings: PpoExperiment,
    folder: Path,
    policy: CrossViewPolicy | None,
    origin: str,
    threads: int,
    device: str,
    wandb: WandbSettings | None,
    newest: Path | None,
) -> None:
    import torch

    from xview_training.ppo.trainer import PpoTrainer

    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    trainer = checked(PpoTrainer, settings, folder, policy, origin, threads, where, wandb)
    if newest is not None:
        print(f"resuming from {newest}")
        checked(trainer.resume, newest)
    checked(trainer.train, newest)
    print(f"{trainer.line()}\n{folder}")


def _train_over_ray(
    settings: PpoExperiment,
    folder: Path,
    policy: CrossViewPolicy | None,
    origin: str,
    threads: int,
    address: str | None,
    layout: ClusterSettings,
    wandb: WandbSettings | None,
    resume: bool,
) -> None:
    import torch

    from xview_training.policy.architectures import build

    try:
        from xview_training.ppo.cluster.command import train_on_ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise ContractError(
            "expected Ray to be installed, it is not: pip install 'xview-training[ray]', or --in-process"
        ) from None
    from xview_training.ppo.cluster.plan import ClusterRun

    torch.manual_seed(settings.seed)
    run = checked(ClusterRun, settings, layout, folder.resolve(), origin, threads, wandb)
    checked(train_on_ray, run, address, policy or build(settings.policy), resume)
