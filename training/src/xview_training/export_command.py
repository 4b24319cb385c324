"""`xview export`. Imported for every `xview`, so the function imports what it needs."""

from __future__ import annotations

from pathlib import Path

from xview_training.command_line import checked, write_json


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
    report = checked(export_checkpoint, checkpoint, out, name, results, precision, settings)
    print("\n".join(describe(report)))
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB")
    if json is not None:
        write_json(json, report.as_json())
