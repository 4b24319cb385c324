"""A bundle's graphs for one robot, with goal and memory kept where the network runs.

A goal is encoded once and stays on the device. The memory lies there twice: a step reads one copy and writes the
other, and keeping its result means no more than changing their roles. So a tick moves only the picture, the
previous action and the answers, all through buffers that never move. On the CPU the device is the same memory, and the
same code runs.

Why two copies and never one in and out: ONNX Runtime records a CUDA graph on a run that it repeats (twice to warm
up, once to record), and a memory written in place would have lived through ticks that never were; also a step whose
answer is refused must leave the memory as it was. With two copies a step changes nothing that it reads, so it may run
any number of times. A recording is tied to addresses: each direction has its own, told apart by `gpu_graph_id`, and
both are made on loading, with everything else that a first run prepares, so that no tick waits for it.

Measured on the CPU provider only; on CUDA and TensorRT, and with CUDA graphs, this has not been run by its authors.

    graphs = ResidentGraphs(bundle, Execution(provider="cuda", cuda_graph=True))
    graphs.set_goal(goal_image, goal_mask, event)
    answer = graphs.step(image, previous_action)
    graphs.keep()
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from xview_deploy.bundle import Bundle
from xview_deploy.runtime.execution import CPU, Execution, loaded
from xview_deploy.runtime.network import Floats, StepAnswer
from xview_deploy.runtime.onnx_graphs import ANSWERS, Sessions, refuse_nonsense, run
from xview_deploy.spec import GOAL_INPUTS, GOAL_OUTPUTS, STATE_NAMES, STEP_INPUTS, STEP_OUTPUTS, ContractError

WARM_UPS = 2  # runs of each direction on loading: memory is planned after the first
TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int64)": np.int64}


class Buffer:
    """One tensor of fixed shape and address on the device."""

    def __init__(self, node: Any, device: str) -> None:
        self.name, self.shape, self.dtype = node.name, tuple(node.shape), TYPES[node.type]
        self.value = ort.OrtValue.ortvalue_from_numpy(np.zeros(self.shape, self.dtype), device, 0)

    def write(self, array: NDArray[Any]) -> None:
        """Copies it to the device; ContractError where it does not fit."""
        if array.dtype != self.dtype or array.shape != self.shape:
            raise ContractError(
                f"{self.name}: expected {np.dtype(self.dtype)} {self.shape}, got {array.dtype} {array.shape}"
            )
        self.value.update_inplace(np.ascontiguousarray(array))

    def view(self) -> NDArray[Any]:
        """What lies on the device: on the CPU the very memory, which the next step may write."""
        array: NDArray[Any] = self.value.numpy()
        return array

    def clear(self) -> None:
        """All zeros."""
        self.value.update_inplace(np.zeros(self.shape, self.dtype))


@dataclasses.dataclass(frozen=True)
class Direction:
    """One of the two ways a step goes through the memory's copies."""

    binding: Any
    options: ort.RunOptions
    after: dict[str, Buffer]  # the memory that it writes, by the name of the output


class ResidentGraphs:
    """One row of a bundle's network, its goal and its memory."""

    def __init__(self, bundle: Bundle, execution: Execution | None = None) -> None:
        self.metadata = bundle.metadata
        self._sessions = Sessions(bundle, execution or Execution(), batch=1)
        device = "cpu" if self.provider == CPU else "cuda"
        inputs = {node.name: node for node in self._sessions.step.get_inputs()}
        outputs = {node.name: node for node in self._sessions.step.get_outputs()}
        self._inputs = {name: Buffer(inputs[name], device) for name in STEP_INPUTS if name not in STATE_NAMES}
        self._answers = {name: Buffer(outputs[name], device) for name in STEP_OUTPUTS[:ANSWERS]}
        self._memory = [{name: Buffer(inputs[name], device) for name in STATE_NAMES} for _ in range(2)]
        self._directions = [self._bind(before) for before in range(2)]
        self._now = 0  # which copy of the memory holds the present one
        self._warm_up()

    @property
    def provider(self) -> str:
        """The execution provider that really runs the step graph."""
        return loaded(self._sessions.step)

    def set_goal(self, goal_image: NDArray[np.uint8], goal_mask: NDArray[np.uint8], event: int) -> None:
        """Encodes the goal, once, and empties the memory; where it raises, goal and memory stay.

        goal_image uint8 (1, S, S, 3) RGB, goal_mask uint8 (1, S, S) of 0 and 1, event: row of the embedding.
        """
        feeds = dict(zip(GOAL_INPUTS, (goal_image, goal_mask), strict=True))
        encoded = run(self._sessions.goal, GOAL_OUTPUTS, feeds)
        for name, array in zip(GOAL_OUTPUTS, encoded, strict=True):
            self._inputs[name].write(array)
        self._inputs["event"].write(np.array([event], np.int64))
        self.forget()

    def forget(self) -> None:
        """Empties the memory; the goal stays."""
        for part in self._memory[self._now].values():
            part.clear()

    def step(self, image: NDArray[np.uint8], previous_action: NDArray[np.int64]) -> StepAnswer:
        """The answers (B = 1) to the present picture uint8 (1, S, S, 3) RGB; previous_action: int64 (1, 3).

        The memory goes on only when `keep` is called. Raises InferenceError where an answer is not finite, and
        where the next memory is not if that lies on the CPU: a GPU's is not fetched to be looked at, and what is
        wrong in it is wrong in the answers that read it. ContractError where an input does not fit.
        """
        self._inputs["image"].write(image)
        self._inputs["previous_action"].write(previous_action)
        direction = self._directions[self._now]
        self._run(direction)
        answers: dict[str, Floats] = {name: buffer.view().copy() for name, buffer in self._answers.items()}
        looked_at = answers | ({n: b.view() for n, b in direction.after.items()} if self.provider == CPU else {})
        for name, array in looked_at.items():
            refuse_nonsense(name, array)
        return StepAnswer(**answers)

    def keep(self) -> None:
        """Makes the last step part of the memory."""
        self._now = 1 - self._now

    def _bind(self, before: int) -> Direction:
        binding = self._sessions.step.io_binding()
        after = {f"next_{name}": buffer for name, buffer in self._memory[1 - before].items()}
        for name, buffer in (self._inputs | self._memory[before]).items():
            binding.bind_ortvalue_input(name, buffer.value)
        for name, buffer in (self._answers | after).items():
            binding.bind_ortvalue_output(name, buffer.value)
        options = ort.RunOptions()
        options.add_run_config_entry("gpu_graph_id", str(1 + before))
        return Direction(binding, options, after)

    def _run(self, direction: Direction) -> None:
        try:
            self._sessions.step.run_with_iobinding(direction.binding, direction.options)
            direction.binding.synchronize_outputs()
        except Exception as error:  # ONNX Runtime raises a dozen unrelated classes
            raise ContractError(f"expected a step on {self.provider}, got: {error}") from None

    def _warm_up(self) -> None:
        for direction in self._directions * WARM_UPS:
            self._run(direction)
        self.forget()
