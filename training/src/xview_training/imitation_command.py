"""`xview train imitation`: trainer and validation. Functions import what they need: every `xview` loads this."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

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


def train_imitation(
    experiment: str = "cpu",
    start: Annotated[Path | None, tyro.conf.arg(name="from")] = None,
    run: Path | None = None,
    dataset: Path | None = None,
    weights: Path | None = None,
    backbone: Path | None = None,
    mask_backbone: Path | None = None,
    seed: int | None = None,
    suite: str | None = None,
    randomise: bool = True,
    frames: int | None = None,
    minutes: float | None = None,
    core_minutes: float | None = None,
    set: tuple[str, ...] = (),
    validate_every: int | None = None,
    resume: str = "auto",
    threads: int | None = None,
    device: str = "auto",
    wandb: bool = False,
) -> None:
    """Imitation learning, of an expert that labels what the learner plays (DAgger) or of recorded episodes.

    Progress, TensorBoard and checkpoints lie in the run's folder.

    Args:
        experiment: named settings, see xview_training/experiments.py (debug, cpu, control, five,
            h200, rocket2, and paper, which is the same).
        start: run folder, checkpoint or bundle of a policy to begin with, its averaged weights; a new one without it. A
            policy that lacks keys which the tasks need is given them.
        run: folder of the run; runs/EXPERIMENT by default.
        dataset: learn from the episodes in this folder, see `xview dataset record`. The policy acts by their table.
        weights: begin with these published ROCKET-2 weights; with a policy rocket2. A folder names its layout; for a
            file that has another than the released one, --set policy.layout.hiddim=1536 and the like do.
        backbone: begin with this vision transformer, a safetensors file of timm's; with a new policy rocket2, whose
            backbone is frozen.
        mask_backbone: the same for the one that sees the goal's mask, which learns and may begin anew.
        seed: instead of the experiment's.
        suite: tasks to train on, instead of the experiment's.
        randomise: --no-randomise gives everyone of the suite the published player's body, eye and start.
        frames: trained frames until the end, instead of the experiment's limits.
        minutes: of training until the end, instead of the experiment's limits; schedules run over them.
        core_minutes: the same in time of the processor, all threads together: on a busy machine the fair measure.
        set: any other setting by its name, such as learning_rate=1e-4 or dagger.replay_chunks=12.
        validate_every: trained frames between two looks at held-out worlds, instead of the experiment's; 0: never.
        resume: auto (from the run's newest checkpoint if there is one), never, or the folder of a checkpoint.
        threads: processor threads of policy and simulator; two and the experiment's by default.
        device: where the policy learns: cpu, cuda, cuda:NUMBER, or auto, a GPU where there is one.
        wandb: also log to Weights & Biases.
    """
    let_waiting_threads_sleep()

    from xview_training.datasets.dataset import Manifest
    from xview_training.experiments import experiment_named
    from xview_training.imitation.beginning import in_layout_of
    from xview_training.imitation.trainer import ImitationTrainer
    from xview_training.policy.more_keys import with_keys_of
    from xview_training.policy.tables import acting_by
    from xview_training.runs.resuming import IMITATION, resumed_from
    from xview_training.runs.scalars import WandbSettings
    from xview_training.tasks.events import table_for
    from xview_training.tasks.sources import source_named
    from xview_training.unpacking import starting_policy
    from xview_training.validation import HeldOut

    if sum(each is not None for each in (start, weights, backbone or mask_backbone)) > 1:
        raise ContractError("expected one of --from, --weights and --backbone (with --mask-backbone), got several")
    settings = checked(experiment_named, experiment)
    folder_of_episodes = None if dataset is None else str(dataset.resolve())
    table = table_for(checked(source_named, suite or settings.suite).events)
    if dataset is not None:
        table = checked(Manifest.read, dataset).actions
    looks = settings.validation
    if validate_every is not None:
        looks = dataclasses.replace(looks, every=validate_every)
    elif dataset is not None and looks.every and table != table_for(source_named(looks.suite).events):
        print(f"no looks at held-out worlds: the tasks of {looks.suite} are played with another table of actions")
        looks = dataclasses.replace(looks, every=0)
    changes: dict[str, Any] = {"seed": seed, "suite": suite, "dataset": folder_of_episodes, "validation": looks}
    changes["randomise"] = randomise and settings.randomise
    changes["collector"] = changed(settings.collector, {"threads": threads})
    if (frames, minutes, core_minutes) != (None, None, None):
        changes |= {"frames": frames or 0, "minutes": minutes or 0.0, "core_minutes": core_minutes or 0.0}
    policy = None
    if start is not None:
        policy = checked(starting_policy, start)
        policy = checked(with_keys_of, policy, table)
        changes["policy"] = policy.config
    elif dataset is not None:
        changes["policy"] = checked(acting_by, settings.policy, table)
    if weights is not None:
        changes["policy"] = checked(in_layout_of, changes.get("policy", settings.policy), weights)
    settings = checked(overridden, checked(changed, settings, changes), set)
    check_start(settings.policy, policy, start)
    folder = run or Path("runs") / experiment
    held_out = HeldOut(settings.validation, settings.weights, settings.randomise)
    logged = WandbSettings() if wandb else None
    trainer = checked(ImitationTrainer, settings, folder, threads or 2, device_named(device), held_out, logged, policy)
    newest = checked(resumed_from, folder, resume, IMITATION)
    if newest is None and weights is not None:
        checked(trainer.start_from, weights)
    if newest is None and (backbone or mask_backbone) is not None:
        checked(trainer.see_with, backbone, mask_backbone)
    if newest is not None:
        print(f"resuming from {newest}")
        checked(trainer.resume, newest)
    checked(trainer.train, newest)
    print(f"trained {trainer.global_step:,} frames in {trainer.spent.seconds / 60:.1f} min: {folder}")
