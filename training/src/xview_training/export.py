"""From a trained policy to a bundle, proved before it is written.

The policy becomes two ONNX graphs (goal encoder and step, state in and out) with a free batch axis, on wish in fewer
bits (precision.py). Torch and ONNX Runtime then play the same rollouts (parity/check.py): where they act otherwise,
no bundle is written. The figures travel in its metadata.

    report = export_bundle(policy, "policy.xview", BundleOrigin(name="cpu", events=("approach",)))
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from xview_deploy.bundle import Bundle, write_bundle
from xview_deploy.spec import (
    BATCH_AXIS,
    GOAL_INPUTS,
    GOAL_OUTPUTS,
    STATE_NAMES,
    STEP_INPUTS,
    STEP_OUTPUTS,
    ActionTable,
    BundleMetadata,
    CameraModel,
    TensorSpec,
)

from xview_training.parity.check import ExportError, ParityReport, ParitySettings, check_parity
from xview_training.parity.scenes import RandomInputs
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.graphs import GoalGraph, StepGraph
from xview_training.precision import in_precision

OPSET = 20
EXAMPLE_BATCH = 2  # torch.export would take a batch of one for a constant


@dataclasses.dataclass(frozen=True)
class BundleOrigin:
    """What the bundle will say of where it came from; the rest of its metadata is read off the policy."""

    name: str
    events: tuple[str, ...]  # the events it was trained on
    policy: str = "small"  # architecture
    actions: ActionTable = dataclasses.field(default_factory=ActionTable)
    camera: CameraModel = dataclasses.field(default_factory=CameraModel)
    training: dict[str, str] = dataclasses.field(default_factory=dict)
    measured: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)


def export_bundle(
    policy: CrossViewPolicy,
    path: str | Path,
    origin: BundleOrigin,
    parity: ParitySettings | None = None,
    precision: str = "fp32",
) -> ParityReport:
    """Writes the policy to `path` if its bundle acts as it does; ExportError otherwise, and no file."""
    policy = copy.deepcopy(policy).cpu().eval()
    bundle = in_precision(to_bundle(policy, origin), precision)
    report = check_parity(policy, bundle, parity or ParitySettings())
    metadata = dataclasses.replace(bundle.metadata, parity=report.figures())
    write_bundle(path, dataclasses.replace(bundle, metadata=metadata))
    return report


def to_bundle(policy: CrossViewPolicy, origin: BundleOrigin) -> Bundle:
    """The policy, on the CPU and in evaluation mode, as an fp32 bundle that nothing has compared with it yet."""
    return Bundle(metadata_of(policy, origin), *export_graphs(policy))


def metadata_of(policy: CrossViewPolicy, origin: BundleOrigin) -> BundleMetadata:
    """The bundle's metadata; ExportError if the action table is not the one that the heads have."""
    if policy.config.action_sizes != origin.actions.sizes:
        raise ExportError(
            f"action table: expected the sizes {policy.config.action_sizes} of the policy's heads, "
            f"got {origin.actions.sizes}"
        )
    state = policy.initial_state(1)._asdict()
    return BundleMetadata(
        name=origin.name,
        policy=origin.policy,
        image_size=policy.config.image_size,
        camera=origin.camera,
        actions=origin.actions,
        state=tuple(TensorSpec(name, "float32", (-1, *state[name].shape[1:])) for name in STATE_NAMES),
        events=origin.events,
        training=origin.training,
        measured=origin.measured,
    )


def export_graphs(policy: CrossViewPolicy) -> tuple[bytes, bytes]:
    """The goal and step graphs as serialised ONNX models with a free batch axis."""
    inputs = RandomInputs(policy.config.image_size, policy.config.action_sizes, EXAMPLE_BATCH, seed=0)
    goal_inputs = tuple(torch.from_numpy(array) for array in inputs.goal())
    with torch.no_grad():
        goal = policy.encode_goal(*goal_inputs)
    image, event, action = (torch.from_numpy(a) for a in (inputs.image(), inputs.event(), inputs.action()))
    step_inputs = (image, *goal, event, action, *policy.initial_state(EXAMPLE_BATCH))
    return (
        _to_onnx(GoalGraph(policy), goal_inputs, GOAL_INPUTS, GOAL_OUTPUTS),
        _to_onnx(StepGraph(policy), step_inputs, STEP_INPUTS, STEP_OUTPUTS),
    )


def _to_onnx(
    graph: nn.Module, inputs: tuple[Tensor, ...], input_names: tuple[str, ...], output_names: tuple[str, ...]
) -> bytes:
    batch = torch.export.Dim(BATCH_AXIS, min=1, max=4096)
    with _quiet_exporter():
        program = torch.onnx.export(
            graph,
            inputs,
            input_names=list(input_names),
            output_names=list(output_names),
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # only the older exporter returns nothing
    return bytes(program.model_proto.SerializeToString())


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter prints progress and warns of its own internals; errors still raise."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
