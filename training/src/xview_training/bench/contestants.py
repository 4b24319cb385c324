"""The ways to run one policy, each ready to take a step: torch, and ONNX Runtime with one thing changed at a time.

All see the same pictures in the same order, remember what they saw, and end a step with the answers as arrays in the
machine's memory. A way that is not to be had here says why. Weights are untrained: they do not change the time.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor, nn
from xview_deploy.bundle import Bundle
from xview_deploy.runtime.execution import CPU, Execution
from xview_deploy.runtime.onnx_graphs import ANSWERS, Graphs
from xview_deploy.runtime.resident_graphs import ResidentGraphs

from xview_training.export import BundleOrigin, to_bundle
from xview_training.parity.scenes import RandomInputs
from xview_training.policy.architectures import untrained
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.graphs import GoalGraph, StepGraph
from xview_training.precision import in_precision

Step = Callable[[], object]
PICTURES = 32  # seen in turn


class OutOfTime(BaseException):
    """Compilation took too long; no Exception, which a compiler would catch and go on."""


class Inputs:
    """One row's pictures in turn, and what stays the same beside them."""

    def __init__(self, policy: CrossViewPolicy, seed: int) -> None:
        random = RandomInputs(policy.config.image_size, policy.config.action_sizes, 1, seed)
        self.goal, self.event, self.action = random.goal(), random.event(), random.action()
        self._pictures = [random.image() for _ in range(PICTURES)]
        self._turn = 0

    def picture(self) -> np.ndarray:
        """uint8 (1, S, S, 3)"""
        self._turn = (self._turn + 1) % PICTURES
        return self._pictures[self._turn]


def contestants(
    name: str, provider: str, threads: int, seed: int, compile_limit_s: float
) -> tuple[dict[str, Step], dict[str, str]]:
    """(ways to step by name, reasons by the name of those left out) of the policy of that name.

    provider: of ONNX Runtime, see `Execution`; torch computes where that really loaded.
    """
    torch.manual_seed(seed)
    policy = untrained(name).eval()
    inputs = Inputs(policy, seed)
    bundle = to_bundle(policy, BundleOrigin(name, events=("approach",), policy=name))
    execution = Execution(provider, threads=threads)
    graphs = Graphs(bundle, execution, batch=1)
    device = torch.device("cpu" if graphs.provider == CPU else "cuda")
    steps: dict[str, Step] = {
        "torch_eager": torch_step(policy, StepGraph(policy), inputs, device),
        "onnx_free_batch": plain_step(Graphs(bundle, execution), inputs),
        "onnx_plain": plain_step(graphs, inputs),
        "onnx_unsplit": unsplit_step(graphs, inputs),
        "onnx_resident": resident_step(bundle, inputs, execution),
        "onnx_resident_fp16": resident_step(in_precision(bundle, "fp16"), inputs, execution),
    }
    missing: dict[str, str] = {}
    try:
        steps["torch_compile"] = compiled_step(policy, inputs, device, compile_limit_s)
    except (OutOfTime, Exception) as problem:  # compilers fail in many ways, all of them worth telling
        missing["torch_compile"] = " ".join(str(problem).split())[:200] or type(problem).__name__
    if device.type == "cpu":
        steps["onnx_resident_int8"] = resident_step(in_precision(bundle, "int8"), inputs, execution)
    else:
        missing["onnx_resident_int8"] = "int8 is for processors"
    if provider == "cuda":
        steps["onnx_cuda_graph"] = resident_step(bundle, inputs, Execution("cuda", threads=threads, cuda_graph=True))
    return steps, missing


def torch_step(
    policy: CrossViewPolicy, graph: Callable[..., tuple[Tensor, ...]], inputs: Inputs, device: torch.device
) -> Step:
    """The step graph in torch; the memory stays on the device, as tensors."""
    policy.to(device)
    with torch.inference_mode():
        goal = GoalGraph(policy)(*(torch.from_numpy(array).to(device) for array in inputs.goal))
        event = torch.from_numpy(inputs.event).to(device)
        memory: tuple[Tensor, ...] = tuple(policy.initial_state(1))

    def step() -> list[np.ndarray]:
        nonlocal memory
        with torch.inference_mode():
            image, action = (torch.from_numpy(array).to(device) for array in (inputs.picture(), inputs.action))
            outputs = graph(image, *goal, event, action, *memory)
        memory = outputs[ANSWERS:]
        return [answer.cpu().numpy() for answer in outputs[:ANSWERS]]

    return step


def compiled_step(policy: CrossViewPolicy, inputs: Inputs, device: torch.device, limit_s: float) -> Step:
    """The same through torch.compile; raises OutOfTime where that takes longer than `limit_s`."""
    graph: nn.Module = StepGraph(policy)
    step = torch_step(policy, torch.compile(graph, dynamic=False), inputs, device)
    with time_limit(limit_s):
        for _ in range(3):  # the first memory is a fresh tensor, later ones are outputs
            step()
    return step


def plain_step(graphs: Graphs, inputs: Inputs) -> Step:
    """ONNX Runtime's run: all arrays go in and come out at each step."""
    goal, state = graphs.encode_goal(*inputs.goal), graphs.initial_state(1)

    def step() -> object:
        nonlocal state
        answer, state = graphs.step(inputs.picture(), goal, inputs.event, inputs.action, state)
        return answer

    return step


def unsplit_step(graphs: Graphs, inputs: Inputs) -> Step:
    """As if goal and step were one graph: the goal is encoded anew at each step."""
    state = graphs.initial_state(1)

    def step() -> object:
        nonlocal state
        goal = graphs.encode_goal(*inputs.goal)
        answer, state = graphs.step(inputs.picture(), goal, inputs.event, inputs.action, state)
        return answer

    return step


def resident_step(bundle: Bundle, inputs: Inputs, execution: Execution) -> Step:
    """What a robot runs: goal and memory bound where the network computes."""
    graphs = ResidentGraphs(bundle, execution)
    graphs.set_goal(*inputs.goal, int(inputs.event[0]))

    def step() -> object:
        answer = graphs.step(inputs.picture(), inputs.action)
        graphs.keep()
        return answer

    return step


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Raises OutOfTime in the block after that long; for the main thread."""

    def stop(*_: object) -> NoReturn:
        raise OutOfTime(f"not ready after {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
