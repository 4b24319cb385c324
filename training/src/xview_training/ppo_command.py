"""`xview train ppo`. Imported for every `xview`, so the function imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from xview_deploy.spec import ContractError

from xview_training.command_line import (
    changed,
    check_start,
    checked,
    device_named,
    let_waiting_threads_sleep,
    overridden,
)
from xview_training.ppo.cluster.settings import ClusterSettings

if TYPE_CHECKING:
    from xview_training.policy.cross_view import CrossViewPolicy
    from xview_training.ppo.experiments import PpoExperiment
    from xview_training.runs.scalars import WandbSettings
    from xview_training.validating import Look


def train_ppo(
    experiment: str = "cpu",
    start: Annotated[Path | None, tyro.conf.arg(name="from")] = None,
    run: Path | None = None,
    suite: str | None = None,
    randomise: bool = True,
    seed: int | None = None,
    frames: int | None = None,
    minutes: float | None = None,
    core_minutes: float | None = None,
    strict_share: float | None = None,
    wrong_arrival_reward: float | None = None,
    set: tuple[str, ...] = (),
    validate_every: int | None = None,
    cluster: str | None = None,
    layout: ClusterSettings = ClusterSettings(),
    in_process: bool = False,
    deterministic: bool = False,
    resume: str = "auto",
    threads: int | None = None,
    device: str = "auto",
    wandb: bool = False,
) -> None:
    """PPO with a KL leash to the policy that it starts from. Progress, TensorBoard and checkpoints lie in the run.

    Over Ray, on this machine or on a cluster (docs/cluster.md), or in one process.

    Args:
        experiment: named settings, see xview_training/ppo/experiments.py (debug, cpu, five, h200, paper).
        start: run folder, checkpoint or bundle of the policy to begin with, usually of imitation; a new one without it.
            It is given keys that the tasks need and it lacks.
        run: folder of the run; runs/ppo-EXPERIMENT by default.
        suite: tasks to train on, a suite or a file of `xview tasks make`, instead of the experiment's.
        randomise: --no-randomise gives everyone of the suite the published player's body, eye and start.
        seed: instead of the experiment's.
        frames: decisions until the end, instead of the experiment's limits.
        minutes: of playing and learning until the end, instead of the experiment's limits; schedules run over them.
        core_minutes: the same in time of the processor, all threads together: on a busy machine the fair measure. Only
            with --in-process.
        strict_share: share of tasks that a wrong arrival ends, instead of the experiment's.
        wrong_arrival_reward: for arriving at a wrong object first, instead of the experiment's.
        set: any other setting by its name, such as learner.leash.target=0.05 or learner.frozen='["image_encoder."]'.
        validate_every: decisions between two looks at held-out worlds, instead of the experiment's; 0: never. The
            checkpoint that succeeded most is kept in RUN/best.
        cluster: address of a Ray cluster, such as HOST:6379; without it, Ray is started on this machine.
        layout: processes of the cluster, and what each reserves.
        in_process: without Ray: simulator, policy and learner take turns in this process.
        deterministic: the same losses to the last bit with the same seed; needs --frames where the experiment is timed.
        resume: auto (from the run's newest checkpoint if there is one), never, or with --in-process the folder of a
            checkpoint.
        threads: processor threads of policy and simulator; two and the experiment's by default.
        device: where policy and learner run in one process: cpu, cuda, cuda:NUMBER, or auto. Over Ray, the layout says.
        wandb: also log to Weights & Biases.
    """
    let_waiting_threads_sleep()

    from xview_training.imitation.losses import LossWeights
    from xview_training.policy.more_keys import with_keys_of
    from xview_training.ppo.experiments import ppo_experiment_named
    from xview_training.runs.resuming import AUTO, IN_PROCESS, NEVER, OVER_RAY, resumed_from
    from xview_training.runs.scalars import WandbSettings
    from xview_training.tasks.events import table_for
    from xview_training.tasks.sources import source_named
    from xview_training.unpacking import starting_policy
    from xview_training.validation import HeldOut

    if in_process and cluster is not None:
        raise ContractError("expected either --cluster or --in-process, got both")
    if core_minutes is not None and not in_process:
        raise ContractError("--core-minutes: expected --in-process too, for it counts the work of one process")
    if deterministic and not in_process:
        raise ContractError("--deterministic: expected --in-process too, for processes meet each other by chance")
    if resume not in (AUTO, NEVER) and not in_process:
        raise ContractError(f"--resume {resume}: expected --in-process too; over Ray, {AUTO} or {NEVER}")
    settings = checked(ppo_experiment_named, experiment)
    rollout = {"wrong_arrival_reward": wrong_arrival_reward, "threads": threads}
    changes: dict[str, Any] = {
        "suite": _on_all_nodes(suite),
        "randomise": randomise and settings.randomise,
        "seed": seed,
        "deterministic": deterministic or settings.deterministic,
        "rollout": changed(settings.rollout, rollout),
        "sampling": changed(settings.sampling, {"strict_share": strict_share}),
        "validation": changed(settings.validation, {"every": validate_every}),
    }
    if (frames, minutes, core_minutes) != (None, None, None):
        changes |= {"frames": frames or 0, "minutes": minutes or 0.0, "core_minutes": core_minutes or 0.0}
    folder = run or Path("runs") / f"ppo-{experiment}"
    newest = checked(resumed_from, folder, resume, IN_PROCESS if in_process else OVER_RAY)
    source = newest or start
    policy = None
    if source is not None:
        policy = checked(starting_policy, source)
        changes["policy"] = policy.config
    settings = checked(overridden, checked(changed, settings, changes), set)
    check_start(settings.policy, policy, source)
    if policy is not None:
        policy = checked(with_keys_of, policy, table_for(checked(source_named, settings.suite).events))
        settings = changed(settings, {"policy": policy.config})
    elif settings.policy.architecture == "rocket2":
        raise ContractError(
            "a new rocket2 would see with random weights, for ever: expected --from and a policy that sees"
        )
    logged, look = WandbSettings() if wandb else None, HeldOut(settings.validation, LossWeights(), settings.randomise)
    if in_process:
        _train_here(settings, folder, policy, str(start or ""), threads or 2, device, logged, look, newest)
    else:
        _train_over_ray(
            settings, folder, policy, str(start or ""), threads or 2, cluster, layout, logged, look, resume == NEVER
        )


def _on_all_nodes(suite: str | None) -> str | None:
    """A file of tasks by its whole path: other processes may start in other folders."""
    return str(Path(suite).resolve()) if suite is not None and Path(suite).is_file() else suite


def _train_here(
    settings: PpoExperiment,
    folder: Path,
    policy: CrossViewPolicy | None,
    origin: str,
    threads: int,
    device: str,
    wandb: WandbSettings | None,
    look: Look,
    newest: Path | None,
) -> None:
    from xview_training.ppo.trainer import PpoTrainer

    trainer = checked(PpoTrainer, settings, folder, policy, origin, threads, device_named(device), wandb, look)
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
    look: Look,
    new: bool,
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
    run = checked(ClusterRun, settings, layout, folder.resolve(), origin, threads, wandb, look)
    checked(train_on_ray, run, address, policy or build(settings.policy), new)
