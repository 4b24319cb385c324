"""From which checkpoint a run goes on: `--resume auto`, `never`, or a checkpoint's folder.

Nothing that a run has written is ever overwritten or left behind by another one in its folder, and no run goes on as
one of another kind: their checkpoints hold different things.
"""

from __future__ import annotations

from pathlib import Path

from xview_training import checkpoints
from xview_training.runs import manifest

AUTO, NEVER = "auto", "never"
IMITATION, IN_PROCESS, OVER_RAY = "imitation", "ppo --in-process", "ppo over Ray"  # kinds of runs
REFERENCE = "reference"  # RUN/reference, the policy that a run over Ray starts from; other runs have no such folder


def resumed_from(run: Path, wanted: str, kind: str) -> Path | None:
    """The checkpoint to go on from, None for a new run of that kind; ValueError where the folder is in the way.

    auto: the run's newest one, where there is one. never: the folder must hold no run. Else a checkpoint's folder: the
    run's newest one, or for a folder without any, any run's: a branch with the same optimiser and counters.
    """
    newest = checkpoints.newest(run / "checkpoints")
    held = kind_of(run)
    if wanted == NEVER:
        if newest is not None or held is not None:
            raise ValueError(f"{run} holds a run{_until(newest)}: expected another --run, or --resume {AUTO}")
        return None
    _check_kind(run, held, kind)
    if wanted == AUTO:
        return newest
    chosen = Path(wanted)
    if not (chosen / "state.json").is_file():
        raise ValueError(f"--resume: expected {AUTO}, {NEVER} or the folder of a checkpoint, got {wanted!r}")
    if newest is not None and newest.resolve() != chosen.resolve():
        raise ValueError(f"{run} holds a run{_until(newest)}: expected another --run to go on from {chosen} in")
    for folder in chosen.resolve().parents[:2]:  # RUN of RUN/best and of RUN/checkpoints/step-N
        _check_kind(folder, kind_of(folder), kind)
    return chosen


def kind_of(run: Path) -> str | None:
    """What kind of run the folder holds, None where it holds none; ValueError where its manifest is damaged."""
    if checkpoints.newest(run / REFERENCE) is not None:
        return OVER_RAY
    known = manifest.read(run)
    if known is None:
        return None
    return IN_PROCESS if known["kind"] == "ppo" else str(known["kind"])


def _check_kind(run: Path, held: str | None, kind: str) -> None:
    if held not in (None, kind):
        raise ValueError(
            f"{run} holds a run of {held}, which goes on only so: for {kind} choose another --run, and --from {run} "
            "to begin with its policy"
        )


def _until(newest: Path | None) -> str:
    return f", up to {newest.name}" if newest else " that has no checkpoint yet"
