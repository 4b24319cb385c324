"""Checkpoints: tensors in safetensors, everything else in JSON, written whole or not at all.

A checkpoint is a folder `step-N` with `tensors.safetensors` and `state.json`; the newest k are kept. A folder appears
under its name only when complete, so a stop in mid-write leaves the previous one in force.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer


def save(folder: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any], keep: int) -> Path:
    """Writes folder/step-N and removes the oldest others beyond `keep`."""
    final = folder / f"step-{step}"
    partial = folder / f".partial-{step}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, partial / "tensors.safetensors")
    (partial / "state.json").write_text(json.dumps(state, indent=1))
    shutil.rmtree(final, ignore_errors=True)
    os.replace(partial, final)
    others = [other for other in _steps(folder) if other != step]
    for old in others[: max(0, len(others) + 1 - keep)]:
        shutil.rmtree(folder / f"step-{old}")
    return final


def optimizer_tensors(optimizer: Optimizer, prefix: str = "optimizer") -> dict[str, Tensor]:
    """An optimiser's moments by name, `PREFIX.INDEX.NAME`, for `save`."""
    moments = optimizer.state_dict()["state"].items()
    return {f"{prefix}.{index}.{name}": value for index, parts in moments for name, value in parts.items()}


def restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor], prefix: str = "optimizer") -> None:
    """Gives an optimiser over the same parameters the moments that `optimizer_tensors` took."""
    packed = optimizer.state_dict()
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}."):
            _, index, key = name.split(".", 2)
            packed["state"].setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict(packed)


def module_tensors(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """A module's parameters by name after `prefix.`, for `save`."""
    return {f"{prefix}.{name}": tensor for name, tensor in module.state_dict().items()}


def restore_module(module: nn.Module, tensors: dict[str, Tensor], prefix: str) -> None:
    """Gives a module what `module_tensors` took."""
    module.load_state_dict(
        {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
    )


def _steps(folder: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in folder.glob("step-*") if path.name[5:].isdigit())


def newest(folder: Path) -> Path | None:
    """The newest complete checkpoint of a run, None where there is none."""
    steps = _steps(folder)
    return folder / f"step-{steps[-1]}" if steps else None


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and state of one checkpoint folder; ValueError says what is missing or damaged."""
    for name in ("tensors.safetensors", "state.json"):
        if not (path / name).is_file():
            raise ValueError(f"{path} is no checkpoint: expected a file {name} in it")
    try:
        return load_file(path / "tensors.safetensors"), json.loads((path / "state.json").read_text())
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path} is damaged, remove it to go on from an older checkpoint: {error}") from error
