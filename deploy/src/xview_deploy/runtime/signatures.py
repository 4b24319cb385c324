"""What a bundle's graphs take and give, checked against the contract and the bundle's own metadata.

Knows names, types and shapes; neither ONNX nor any runtime.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from xview_deploy.bundle import BundleError
from xview_deploy.spec import (
    ACTION_HEADS,
    GOAL_INPUTS,
    GOAL_OUTPUTS,
    STEP_INPUTS,
    STEP_OUTPUTS,
    BundleMetadata,
    TensorSpec,
)

Signature = Mapping[str, TensorSpec]  # by name


@dataclasses.dataclass(frozen=True)
class GraphSignature:
    """The tensors that a graph takes and gives."""

    inputs: Signature
    outputs: Signature


def check_signatures(metadata: BundleMetadata, goal: GraphSignature, step: GraphSignature) -> None:
    """BundleError names the first tensor that is not as the contract and the metadata say."""
    _check_names("goal graph's inputs", GOAL_INPUTS, goal.inputs)
    _check_names("goal graph's outputs", GOAL_OUTPUTS, goal.outputs)
    _check_names("step graph's inputs", STEP_INPUTS, step.inputs)
    _check_names("step graph's outputs", STEP_OUTPUTS, step.outputs)
    side = metadata.image_size
    _check_tensor("goal graph", goal.inputs["goal_image"], "uint8", (-1, side, side, 3))
    _check_tensor("goal graph", goal.inputs["goal_mask"], "uint8", (-1, side, side))
    encoded = {name: goal.outputs[name] for name in GOAL_OUTPUTS}
    for (name, spec), rank in zip(encoded.items(), (3, 2), strict=True):
        # How many tokens and how wide is the policy's own affair, as long as both graphs agree.
        expected = spec.shape[1:] if len(spec.shape) == rank and min(spec.shape[1:]) > 0 else ("?",) * (rank - 1)
        _check_tensor("goal graph", goal.outputs[name], "float32", (-1, *expected))
    for name, (dtype, shape) in _step_inputs(metadata, encoded).items():
        _check_tensor("step graph", step.inputs[name], dtype, shape)
    for name, shape in _step_outputs(metadata).items():
        _check_tensor("step graph", step.outputs[name], "float32", shape)


def _step_inputs(metadata: BundleMetadata, encoded: Signature) -> dict[str, tuple[str, tuple[int, ...]]]:
    side = metadata.image_size
    return {
        "image": ("uint8", (-1, side, side, 3)),
        "event": ("int64", (-1,)),
        "previous_action": ("int64", (-1, len(ACTION_HEADS))),
        **{name: ("float32", spec.shape) for name, spec in encoded.items()},
        **{spec.name: (spec.dtype, spec.shape) for spec in metadata.state},
    }


def _step_outputs(metadata: BundleMetadata) -> dict[str, tuple[int, ...]]:
    heads = dict(zip(ACTION_HEADS, metadata.actions.sizes, strict=True))
    return {
        **{name: (-1, size) for name, size in heads.items()},
        **{"value": (-1,), "visible": (-1,), "point": (-1, 2), "box": (-1, 4), "bearing": (-1, 2)},
        **{f"next_{spec.name}": spec.shape for spec in metadata.state},
    }


def _check_names(what: str, expected: tuple[str, ...], found: Signature) -> None:
    if set(found) != set(expected):
        raise BundleError(f"{what}: expected {', '.join(expected)}, got {', '.join(found) or 'none'}")


def _check_tensor(graph: str, found: TensorSpec, dtype: str, shape: tuple[int | str, ...]) -> None:
    if (found.dtype, found.shape) != (dtype, shape):
        raise BundleError(
            f"{graph}, {found.name}: expected {dtype} {shape}, got {found.dtype} {found.shape} (-1 is the batch axis)"
        )
