"""`xview train imitation`: trainer and validation. Functions import what they need: every `xview` loads this."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from xview_training.command_line import checked


def train_imitation(
    experiment: str = "cpu",
    run: Path | None = None,
    dataset: Path | None = None,
    seed: int | None = None,
    frames: int | None = None,
    validate_every: int | None = None,
    resume: bool = True,
    threads: int = 2,
    device: str = "cpu",
) -> None:
    """Imitation learning, of an expert that labels what the learner plays (DAgger) or of recorded episodes.

    Progress, TensorBoard and checkpoints lie in the run's folder.

    Args:
        experiment: named settings, see xview_training/experiments.py (debug, cpu, rocket2).
        run: folder of the run; runs/EXPERIMENT by default.
        dataset: learn from the episodes in this folder, see `xview dataset record`.
        seed: instead of the experiment's.
        frames: trained frames, instead of the experiment's.
        validate_every: trained frames between two looks at held-out worlds, instead of the experiment's; 0: never.
        resume: continue from the run's newest checkpoint if there is one.
        threads: processor threads.
        device: where the policy learns: cpu, cuda or cuda:NUMBER.
    """
    from xview_training import checkpoints
    from xview_training.experiments import experiment_named
    from xview_training.imitation.trainer import ImitationTrainer
    from xview_training.validation import HeldOut

    settings = checked(experiment_named, experiment)
    folder_of_episodes = None if dataset is None else str(dataset.resolve())
    looks = settings.validation
    if validate_every is not None:
        looks = dataclasses.replace(looks, every=validate_every)
    changes = {"seed": seed, "frames": frames, "dataset": folder_of_episodes, "validation": looks}
    settings = dataclasses.replace(settings, **{k: v for k, v in changes.items() if v is not None})
    folder = run or Path("runs") / experiment
    trainer = checked(ImitationTrainer, settings, folder, threads, device, HeldOut(looks, settings.weights))
    newest = checkpoints.newest(folder / "checkpoints") if resume else None
    if newest is not None:
        print(f"resuming from {newest}")
        checked(trainer.resume, newest)
    trainer.train()
    print(f"trained {trainer.global_step:,} frames in {trainer.seconds / 60:.1f} min: {folder}")
