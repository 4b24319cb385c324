"""ROCKET-2 weights on disk: published files in, and files out that published code reads.

Reads safetensors files as the hub keeps them, and Lightning checkpoints whose policy lies under `mine_policy.`.
Nothing of a file is executed: objects of foreign classes are read as empty ones. Every parameter must be there, of
its shape and finite, and nothing else. Knows nothing of runs or of the hub.

    policy = load_rocket2("model.safetensors")
    policy = load_rocket2("weight-epoch=6-step=220000.ckpt", hiddim=1536, num_heads=16)
"""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from xview_training.policy.rocket2.layout import Rocket2Layout, fields_told_by, layout_from
from xview_training.policy.rocket2.policy import Rocket2Policy

WEIGHTS_NAME = "model.safetensors"
CONFIG_NAME = "config.json"
LIGHTNING_PREFIX = "mine_policy."
ZIP_MAGIC = b"PK\x03\x04"
NEWLINE = "\n"
LISTED = 6  # names in an error, of each kind
# What tensors and dictionaries of them are made with. Torch reading weights alone stops at objects beside them.
OF_TENSORS = {
    *(f"torch._utils.{name}" for name in ("_rebuild_tensor_v2", "_rebuild_parameter")),
    *("collections.OrderedDict", "torch.Size"),
}

Shape = tuple[int, ...]


def load_rocket2(path: str | os.PathLike[str], **layout: str | int | bool) -> Rocket2Policy:
    """The policy in a safetensors file, a Lightning checkpoint or a folder as the hub has it, on the CPU, in
    evaluation mode and in float32.

    layout: fields of Rocket2Layout that differ from the released one; a folder's own config.json names them
    already. `Rocket2Policy.step` says how to run it frame by frame. ValueError lists what is missing, unexpected,
    of another shape or not finite, and names the layout that the file's own shapes tell.
    """
    place = Path(path)
    fields: dict[str, object] = dict(layout)
    if place.is_dir():
        place, fields = place / WEIGHTS_NAME, {**_published_fields(place / CONFIG_NAME), **fields}
    wanted = layout_from(fields)
    tensors = _read(place)
    with torch.device("meta"):
        policy = Rocket2Policy(wanted)
    _check(place, tensors, {name: tuple(tensor.shape) for name, tensor in policy.state_dict().items()})
    # Copies: the tensors of a file are mapped into memory, and would change with it.
    weights = {name: tensor.to(torch.float32, copy=True).contiguous() for name, tensor in tensors.items()}
    broken = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if broken:
        raise ValueError(f"{place} is damaged: values that are not finite in {_some(broken)}")
    policy.load_state_dict(weights, assign=True)
    return policy.eval()


def layout_of(folder: Path) -> Rocket2Layout:
    """The layout that a folder as the hub has it names; ValueError where it names none."""
    return layout_from(_published_fields(folder / CONFIG_NAME))


def save_rocket2(policy: Rocket2Policy, folder: Path) -> Path:
    """Writes weights and layout as the hub keeps them, each file whole or not at all; returns the weights' path."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".partial-{WEIGHTS_NAME}"
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in policy.state_dict().items()}
    save_file(weights, partial, metadata={"format": "pt"})
    os.replace(partial, folder / WEIGHTS_NAME)
    partial = folder / f".partial-{CONFIG_NAME}"
    partial.write_text(json.dumps(dataclasses.asdict(policy.layout), indent=2, sort_keys=True))
    os.replace(partial, folder / CONFIG_NAME)
    return folder / WEIGHTS_NAME


def _published_fields(path: Path) -> dict[str, object]:
    """The layout that a configuration beside published weights names; those without a value are the default's."""
    try:
        fields = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no readable configuration: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError(f"{path} holds a {type(fields).__name__}: expected the fields of a layout")
    return {name: value for name, value in fields.items() if value is not None}


def _read(path: Path) -> dict[str, Tensor]:
    """The parameters in a file, by their published names."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    lightning = start.startswith(ZIP_MAGIC)
    if not lightning and start[8:] != b"{":
        raise ValueError(f"{path} is neither a safetensors file nor a Lightning checkpoint")
    try:
        return _policy_of(_unpickle(path)) if lightning else load_file(path)
    except Exception as error:  # strange bytes fail in a parser in as many ways as there are errors
        raise ValueError(f"{path} is damaged or of another kind: {str(error).partition(NEWLINE)[0]}") from error


class _Foreign:
    """Stands for an object of any class that a checkpoint holds beside its tensors, and for any function it calls."""

    def __new__(cls, *_: object, **__: object) -> _Foreign:
        return super().__new__(cls)

    def __call__(self, *_: object, **__: object) -> _Foreign:
        return self

    def _ignore(self, *_: object) -> None:
        pass

    __setstate__ = __setitem__ = append = extend = add = _ignore  # of dictionaries, lists and sets


class _TensorsOnly:
    """What torch unpickles with: classes and functions other than those of tensors are never looked up."""

    class Unpickler(pickle.Unpickler):
        """See `pickle.Unpickler`."""

        def find_class(self, module: str, name: str) -> Any:
            """What a checkpoint asks for by name."""
            return super().find_class(module, name) if f"{module}.{name}" in OF_TENSORS else _Foreign


def _unpickle(path: Path) -> object:
    return torch.load(path, map_location="cpu", pickle_module=_TensorsOnly, weights_only=False, mmap=True)


def _policy_of(checkpoint: object) -> dict[str, Tensor]:
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict):
        raise ValueError("expected a Lightning checkpoint with an entry 'state_dict'")
    strange = [str(name) for name, value in state.items() if not (isinstance(name, str) and isinstance(value, Tensor))]
    if strange:
        raise ValueError(f"expected tensors by name in 'state_dict', came {_some(strange)}")
    return {name.removeprefix(LIGHTNING_PREFIX): tensor for name, tensor in state.items()}


def _check(path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Shape]) -> None:
    """ValueError unless the tensors are exactly the expected ones."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    shared = expected.keys() & shapes.keys()
    if not shared:
        raise ValueError(f"{path} holds no parameter of a ROCKET-2 policy: it holds {_some(shapes)}")
    lists = {
        "missing": expected.keys() - shapes.keys(),
        "unexpected": shapes.keys() - expected.keys(),
        "of another shape": {
            f"{name} {shapes[name]} instead of {expected[name]}" for name in shared if shapes[name] != expected[name]
        },
        "no floating point": {name for name in shared if not tensors[name].is_floating_point()},
    }
    problems = "".join(f"\n  {what}: {_some(names)}" for what, names in lists.items() if names)
    if problems:
        raise ValueError(f"{path} does not fit the layout{problems}{_hint(shapes)}")


def _hint(shapes: Mapping[str, Shape]) -> str:
    told = fields_told_by(shapes)
    defaults = dataclasses.asdict(Rocket2Layout())
    defaults |= {name: str(defaults[name]).removeprefix("timm/").split(".")[0] for name in told if "backbone" in name}
    changed = [f"{name}={value!r}" for name, value in told.items() if value != defaults[name]]
    return f"\n  its shapes are those of load_rocket2(path{''.join(f', {each}' for each in changed)})" if told else ""


def _some(names: Iterable[str]) -> str:
    """The first few names, and how many there are beyond."""
    ordered = sorted(names)
    rest = f" and {len(ordered) - LISTED} more" if len(ordered) > LISTED else ""
    return ", ".join(ordered[:LISTED]) + rest
