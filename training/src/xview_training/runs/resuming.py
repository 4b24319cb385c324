"""From which checkpoint a run goes on: `--resume auto`, `never`, or a checkpoint's folder.

Nothing that a run has written is ever overwritten or left behind by another one in its folder.
"""

from __future__ import annotations

from pathlib import Path

from xview_training import checkpoints

AUTO, NEVER = "auto", "never"


def resumed_from(run: Path, wanted: str) -> Path | None:
    """The checkpoint to go on from, None for a new run; ValueError where the folder is in the way.

    auto: the run's newest one, where there is one. never: the folder must hold none. Else a checkpoint's folder: the
    run's newest one, or for a folder without any, any run's: a branch with the same optimiser and counters.
    """
    newest = checkpoints.newest(run / "checkpoints")
    if wanted == AUTO:
        return newest
    if wanted == NEVER:
        if newest is not None:
            raise ValueError(f"{run} holds a run, up to {newest.name}: expected another --run, or --resume {AUTO}")
        return None
    chosen = Path(wanted)
    if not (chosen / "state.json").is_file():
        raise ValueError(f"--resume: expected {AUTO}, {NEVER} or the folder of a checkpoint, got {wanted!r}")
    if newest is not None and newest.resolve() != chosen.resolve():
        raise ValueError(f"{run} holds a run, up to {newest.name}: expected another --run to go on from {chosen} in")
    return chosen
