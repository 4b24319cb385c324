"""Where a trainer's numbers go: TensorBoard's files in the run's folder, and Weights & Biases where it is asked for.

    with ScalarLog(run, wandb=WandbSettings("xview"), after=global_step) as log:
        log.write(global_step, {"losses/total": 1.2})

A resumed run goes on with the same curves in both; TensorBoard shows none of what was written beyond the checkpoint
that it goes on from. Knows no trainer.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from xview_training.runs import manifest

STEP = "global_step"
WANDB_FILE = "wandb.json"


@dataclasses.dataclass(frozen=True)
class WandbSettings:
    """Which project of Weights & Biases gets the run. WANDB_MODE=offline keeps it in the run's folder."""

    project: str = "xview"
    entity: str | None = None


class ScalarLog:
    """Writes numbers of a run; a context manager."""

    def __init__(self, run: Path, wandb: WandbSettings | None = None, after: int | None = None) -> None:
        """after: the step that the run goes on from; what older files say of later ones is not shown any more."""
        self._wandb = None if wandb is None else _open_wandb(run, wandb)
        self._writer = SummaryWriter(str(run / "tensorboard"), purge_step=None if after is None else after + 1)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name, "group/name", at that many trained frames."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log({**values, STEP: step})

    def close(self) -> None:
        """Writes what is left."""
        self._writer.close()
        if self._wandb is not None:
            self._wandb.finish()

    def __enter__(self) -> ScalarLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def grouped(figures: Mapping[str, float]) -> dict[str, float]:
    """A learner's figures under TensorBoard's names: validation_success as validation/success, the others as losses."""
    validation = "validation_"
    return {
        name.replace("_", "/", 1) if name.startswith(validation) else f"losses/{name}": value
        for name, value in figures.items()
    }


def _open_wandb(run: Path, settings: WandbSettings) -> Any:
    """The run at Weights & Biases: the one that it was before, or a new one with the manifest's experiment."""
    try:
        import wandb
    except ModuleNotFoundError as error:
        if error.name != "wandb":
            raise
        raise ValueError(
            "--wandb: expected Weights & Biases to be installed, it is not: pip install 'xview-training[wandb]'"
        ) from None
    run.mkdir(parents=True, exist_ok=True)
    known = run / WANDB_FILE
    identity = json.loads(known.read_text())["id"] if known.is_file() else secrets.token_hex(4)
    known.write_text(json.dumps({"id": identity}))
    held = manifest.read(run) or {}
    opened = wandb.init(
        project=settings.project,
        entity=settings.entity,
        id=identity,
        name=run.name,
        dir=str(run),
        resume="allow",
        config=held.get("experiment"),
    )
    opened.define_metric("*", step_metric=STEP)
    return opened
