"""`xview export`. Imported for every `xview`, so the function imports what it needs."""

from __future__ import annotations

from pathlib import Path

from xview_deploy.spec import ContractError

from xview_training.command_line import checked, write_json


def export(
    out: Path,
    checkpoint: Path | None = None,
    weights: Path | None = None,
    layout: str = "released",
    table: str = "walk",
    guidance: float = 0.0,
    name: str = "small",
    results: tuple[Path, ...] = (),
    precision: str = "fp32",
    suite: str = "robot",
    episodes: int | None = None,
    json: Path | None = None,
) -> None:
    """Writes a checkpoint's averaged policy, or published weights, as a bundle, compared with torch over rollouts.

    Args:
        out: the bundle to write (*.xview).
        checkpoint: a run folder, or one of its checkpoint folders.
        weights: instead of a checkpoint, published ROCKET-2 weights: a safetensors file, a Lightning checkpoint, or
            a folder as the hub has it.
        layout: of such a file (released, xl, small); a folder says it itself.
        table: of actions, by which such weights act (walk, full, minecraft).
        guidance: push such weights' choices towards the goal, as far as this says (1.5 is their authors' habit): each
            picture is then answered with the goal and without. Policies that are trained here know no lack of a goal.
        name: what the bundle calls itself.
        results: JSON files of `xview evaluate` whose success rates the bundle shall carry.
        precision: fp32, fp16 (for GPUs) or int8 (for processors).
        suite: where the frames and tasks of the comparison come from.
        episodes: tasks that torch and bundle both play; by default 200, none for fp32, whose actions are the same.
        json: write the comparison's report to this file.
    """
    from xview_training.parity.check import ParitySettings
    from xview_training.release import describe, export_checkpoint, export_published

    if (checkpoint is None) == (weights is None):
        raise ContractError("expected --checkpoint or --weights, one of them")
    if guidance and weights is None:
        raise ContractError("--guidance: expected --weights too, for our training never leaves out the goal")

    tasks = episodes if episodes is not None else 0 if precision == "fp32" else 200
    settings = ParitySettings(suite=suite, episodes=tasks)
    if weights is not None:
        report = checked(export_published, weights, out, name, layout, table, precision, settings, guidance)
    else:
        report = checked(export_checkpoint, checkpoint, out, name, results, precision, settings)
    print("\n".join(describe(report)))
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB")
    if json is not None:
        write_json(json, report.as_json())
