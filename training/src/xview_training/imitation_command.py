"""What imitation learning adds to `xview train`. Imported for every `xview`, so functions import what they need."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from xview_training.command_line import checked


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

    settings = checked(experiment_named, experiment)
    changes = {"seed": seed, "frames": frames}
    settings = dataclasses.replace(settings, **{k: v for k, v in changes.items() if v is not None})
    folder = run or Path("runs") / experiment
    trainer = ImitationTrainer(settings, folder, threads)
    newest = checkpoints.newest(folder / "checkpoints") if resume else None
    if newest is not None:
        print(f"resuming from {newest}")
        checked(trainer.resume, newest)
    trainer.train()
    print(f"trained {trainer.global_step:,} frames in {trainer.seconds / 60:.1f} min: {folder}")
