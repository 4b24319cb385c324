"""A bundle's two graphs on ONNX Runtime, batch by batch: arrays in, arrays out, no memory of its own.

Evaluation without torch and the robot's policy both run through here. Knows no camera and no robot. Axis
letters: B batch, S image side, L tokens, D width.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from xview_deploy.bundle import Bundle, BundleError, read_bundle
from xview_deploy.signatures import GraphSignature, check_signatures
from xview_deploy.spec import (
    GOAL_INPUTS,
    GOAL_OUTPUTS,
    STATE_NAMES,
    STEP_INPUTS,
    STEP_OUTPUTS,
    BundleMetadata,
    ContractError,
    TensorSpec,
)

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}
QUIET, WARNING = 4, 2  # ONNX Runtime's severities: a missing GPU is told by `provider`, not by a scare in the log

Floats = NDArray[np.float32]


class InferenceError(ContractError):
    """The network ran and its answer is no answer: NaN or infinity. Nothing may move on it."""


@dataclasses.dataclass(frozen=True, eq=False)
class EncodedGoal:
    """What the goal graph made of a goal."""

    tokens: Floats  # (B, L, D)
    vector: Floats  # (B, D)

    def rows(self, index: NDArray[np.int64] | slice) -> EncodedGoal:
        """Some rows of the batch."""
        return EncodedGoal(self.tokens[index], self.vector[index])


@dataclasses.dataclass(frozen=True, eq=False)
class GraphState:
    """The memory between two steps; all zeros is an empty one."""

    keys: Floats
    values: Floats
    valid: Floats

    def rows(self, index: NDArray[np.int64] | slice) -> GraphState:
        """Some rows of the batch."""
        return GraphState(self.keys[index], self.values[index], self.valid[index])

    def forget(self, rows: NDArray[np.bool_]) -> GraphState:
        """A copy whose memory is empty where `rows` (B,) is true."""
        return GraphState(
            *(
                np.where(rows.reshape(-1, *[1] * (part.ndim - 1)), np.float32(0), part)
                for part in (self.keys, self.values, self.valid)
            )
        )


@dataclasses.dataclass(frozen=True, eq=False)
class StepAnswer:
    """What the step graph answers to B pictures, in the units of the contract."""

    buttons: Floats  # (B, rows) logits
    pitch: Floats  # (B, bins) logits
    yaw: Floats  # (B, bins) logits
    value: Floats  # (B,)
    visible: Floats  # (B,) probability
    point: Floats  # (B, 2)
    box: Floats  # (B, 4)
    bearing: Floats  # (B, 2) unit vectors right, forward

    @property
    def logits(self) -> tuple[Floats, Floats, Floats]:
        """The action heads in their order."""
        return self.buttons, self.pitch, self.yaw


class Graphs:
    """The goal and step sessions of a bundle, checked against the contract."""

    def __init__(self, bundle: Bundle, require_gpu: bool = False, threads: int = 1, cpu_only: bool = False) -> None:
        self.metadata: BundleMetadata = bundle.metadata
        providers = [CPU] if cpu_only else _wanted_providers()
        self._goal = _session("goal.onnx", bundle.goal, threads, providers)
        self._step = _session("step.onnx", bundle.step, threads, providers)
        check_signatures(self.metadata, _signature(self._goal), _signature(self._step))
        if require_gpu and self.provider == CPU:
            raise BundleError(
                f"expected the policy to run on a GPU, got {self.provider}: check the driver with nvidia-smi and "
                "that onnxruntime-gpu matches the installed CUDA, or do without require_gpu"
            )

    @classmethod
    def load(cls, path: str | Path, require_gpu: bool = False, threads: int = 1) -> Graphs:
        """The graphs of that file. BundleError: damaged, foreign, or no GPU where one is required."""
        bundle = read_bundle(path)
        try:
            return cls(bundle, require_gpu, threads)
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from None

    @property
    def provider(self) -> str:
        """The execution provider that really runs the step graph; listing one does not mean that it loads."""
        return str(self._step.get_providers()[0])

    def initial_state(self, batch: int) -> GraphState:
        """An empty memory for `batch` rows."""
        shapes = {spec.name: spec.shape[1:] for spec in self.metadata.state}
        return GraphState(**{name: np.zeros((batch, *shapes[name]), np.float32) for name in STATE_NAMES})

    def encode_goal(self, goal_image: NDArray[np.uint8], goal_mask: NDArray[np.uint8]) -> EncodedGoal:
        """goal_image uint8 (B, S, S, 3) RGB, goal_mask uint8 (B, S, S) of 0 and 1."""
        feeds = dict(zip(GOAL_INPUTS, (goal_image, goal_mask), strict=True))
        return EncodedGoal(*_run(self._goal, GOAL_OUTPUTS, feeds))

    def step(
        self,
        image: NDArray[np.uint8],
        goal: EncodedGoal,
        event: NDArray[np.int64],
        previous_action: NDArray[np.int64],
        state: GraphState,
    ) -> tuple[StepAnswer, GraphState]:
        """One decision for B rows: image uint8 (B, S, S, 3) RGB, event (B,), previous_action (B, 3).

        Raises InferenceError where an output is not finite, ContractError where an input does not fit.
        """
        inputs = (image, goal.tokens, goal.vector, event, previous_action, *dataclasses.astuple(state))
        outputs = _run(self._step, STEP_OUTPUTS, dict(zip(STEP_INPUTS, inputs, strict=True)))
        answers = len(STEP_OUTPUTS) - len(STATE_NAMES)
        return StepAnswer(*outputs[:answers]), GraphState(*outputs[answers:])


def _session(member: str, model: bytes, threads: int, providers: list[Any]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A spinning pool starves whatever else the robot computes, and runs slower itself beside a busy process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = QUIET
    ort.set_default_logger_severity(QUIET)
    try:
        return ort.InferenceSession(model, options, providers=providers)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes for a bad model
        raise BundleError(f"{member}: expected a model that ONNX Runtime loads, got: {error}") from None
    finally:
        ort.set_default_logger_severity(WARNING)


def _wanted_providers() -> list[Any]:
    if CUDA not in ort.get_available_providers():
        return [CPU]
    if hasattr(ort, "preload_dlls"):  # CUDA that came as Python packages is found only this way
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
            ort.preload_dlls()
    # Full precision: a robot should choose the actions that its policy was exported with.
    return [(CUDA, {"use_tf32": "0"}), CPU]


def _signature(session: ort.InferenceSession) -> GraphSignature:
    return GraphSignature(
        inputs={node.name: _tensor(node) for node in session.get_inputs()},
        outputs={node.name: _tensor(node) for node in session.get_outputs()},
    )


def _tensor(node: Any) -> TensorSpec:
    """A dynamic axis, which ONNX Runtime calls by a name or None, becomes -1."""
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    return TensorSpec(node.name, DTYPES.get(node.type, node.type), shape)


def _run(session: ort.InferenceSession, names: tuple[str, ...], feeds: dict[str, NDArray[Any]]) -> list[Floats]:
    try:
        outputs: list[Floats] = session.run(list(names), feeds)
    except Exception as error:  # as above: no common base class
        shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in feeds.items())
        raise ContractError(f"expected inputs that fit the graph, got {shapes}: {error}") from None
    for name, array in zip(names, outputs, strict=True):
        if not np.isfinite(array).all():
            raise InferenceError(f"{name}: expected finite numbers, got NaN or infinity")
    return outputs
