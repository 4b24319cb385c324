"""A bundle's two graphs on ONNX Runtime, batch by batch: arrays in, arrays out, no memory of its own; a `Network`.

Evaluation without torch runs through here; a robot keeps goal and memory beside the network instead
(resident_graphs.py). Knows no camera and no robot.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from xview_deploy.bundle import Bundle, BundleError, read_bundle
from xview_deploy.runtime.execution import Execution, loaded, open_session
from xview_deploy.runtime.network import EncodedGoal, Floats, GraphState, StepAnswer
from xview_deploy.runtime.signatures import GraphSignature, check_signatures
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

DTYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}
ANSWERS = len(STEP_OUTPUTS) - len(STATE_NAMES)  # a step's outputs are its answers, then the next state


class InferenceError(ContractError):
    """The network ran and its answer is no answer: NaN or infinity. Nothing may move on it."""


class Sessions:
    """The goal and step sessions of a bundle, opened as wished and checked against the contract.

    batch: fixes the batch axis of both. Raises BundleError or ExecutionError where that cannot be.
    """

    def __init__(self, bundle: Bundle, execution: Execution, batch: int | None = None) -> None:
        execution = _suited(bundle.metadata, execution)
        half = bundle.metadata.precision == "fp16"
        # A goal comes too seldom, and with too few repetitions, to be worth a recording.
        once = dataclasses.replace(execution, cuda_graph=False)
        self.goal = open_session("goal.onnx", bundle.goal, once, batch, half)
        self.step = open_session("step.onnx", bundle.step, execution, batch, half)
        check_signatures(bundle.metadata, _signature(self.goal, batch), _signature(self.step, batch))


class Graphs:
    """A bundle's network for any number of rows, or for `batch` of them; a `Network`."""

    def __init__(self, bundle: Bundle, execution: Execution | None = None, batch: int | None = None) -> None:
        self.metadata: BundleMetadata = bundle.metadata
        self._sessions = Sessions(bundle, execution or Execution(), batch)

    @classmethod
    def load(cls, path: str | Path, execution: Execution | None = None) -> Graphs:
        """The graphs of that file. BundleError: damaged or foreign; ExecutionError: not run as wished."""
        bundle = read_bundle(path)
        try:
            return cls(bundle, execution)
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from None

    @property
    def provider(self) -> str:
        """The execution provider that really runs the step graph; listing one does not mean that it loads."""
        return loaded(self._sessions.step)

    def initial_state(self, batch: int) -> GraphState:
        """An empty memory for `batch` rows."""
        shapes = {spec.name: spec.shape[1:] for spec in self.metadata.state}
        return GraphState(**{name: np.zeros((batch, *shapes[name]), np.float32) for name in STATE_NAMES})

    def encode_goal(self, goal_image: NDArray[np.uint8], goal_mask: NDArray[np.uint8]) -> EncodedGoal:
        """See `Network.encode_goal`; raises as `step` does."""
        feeds = dict(zip(GOAL_INPUTS, (goal_image, goal_mask), strict=True))
        return EncodedGoal(*run(self._sessions.goal, GOAL_OUTPUTS, feeds))

    def step(
        self,
        image: NDArray[np.uint8],
        goal: EncodedGoal,
        event: NDArray[np.int64],
        previous_action: NDArray[np.int64],
        state: GraphState,
    ) -> tuple[StepAnswer, GraphState]:
        """See `Network.step`.

        Raises InferenceError where an output is not finite, ContractError where an input does not fit.
        """
        inputs = (image, goal.tokens, goal.vector, event, previous_action, state.keys, state.values, state.valid)
        outputs = run(self._sessions.step, STEP_OUTPUTS, dict(zip(STEP_INPUTS, inputs, strict=True)))
        return StepAnswer(*outputs[:ANSWERS]), GraphState(*outputs[ANSWERS:])


def run(session: ort.InferenceSession, names: tuple[str, ...], feeds: dict[str, NDArray[Any]]) -> list[Floats]:
    """The named outputs, all of them finite; InferenceError or ContractError otherwise."""
    try:
        outputs: list[Floats] = session.run(list(names), feeds)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated classes
        shapes = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in feeds.items())
        raise ContractError(f"expected inputs that fit the graph, got {shapes}: {error}") from None
    for name, array in zip(names, outputs, strict=True):
        refuse_nonsense(name, array)
    return outputs


def refuse_nonsense(name: str, array: Floats) -> None:
    """InferenceError where the output of that name is not finite."""
    if not np.isfinite(array).all():
        raise InferenceError(f"{name}: expected finite numbers, got NaN or infinity")


def _suited(metadata: BundleMetadata, execution: Execution) -> Execution:
    """Where the bundle's precision runs: int8 as it is made here has fast kernels on processors alone."""
    if metadata.precision != "int8":
        return execution
    if execution.provider != "auto" or execution.require_gpu:
        if execution.provider == "cpu":
            return execution
        raise ContractError(
            f"provider: expected cpu or auto for a bundle of precision int8, got {execution.provider}"
            f"{' with require_gpu' if execution.require_gpu else ''}; export it as fp16 or fp32 for a GPU"
        )
    return dataclasses.replace(execution, provider="cpu")


def _signature(session: ort.InferenceSession, batch: int | None) -> GraphSignature:
    return GraphSignature(
        inputs={node.name: _tensor(node, batch) for node in session.get_inputs()},
        outputs={node.name: _tensor(node, batch) for node in session.get_outputs()},
    )


def _tensor(node: Any, batch: int | None) -> TensorSpec:
    """A free axis, which ONNX Runtime calls by a name or None, becomes -1; so does the first where it was fixed."""
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    if batch is not None and shape[:1] == (batch,):
        shape = (-1, *shape[1:])
    return TensorSpec(node.name, DTYPES.get(node.type, node.type), shape)
