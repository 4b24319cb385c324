"""The ways to run one policy, each ready to take a step: torch, and ONNX Runtime with one thing changed at a time.

All see the same pictures in the same order, remember what they saw, and end a step with the answers as arrays in the
machine's memory. A way that is not to be had here says why. Weights are untrained: they do not change the time.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable, Collection, Iterator
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
from xview_training.naming import named
from xview_training.parity.scenes import RandomInputs
from xview_training.policy.architectures import untrained
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.graphs import GoalGraph, StepGraph
from xview_training.precision import in_precision

Step = Callable[[], object]
PICTURES = 32  # seen in turn
STRIKES_AGAIN_S = 0.5
WAYS = (
    "torch_eager", "onnx_free_batch", "onnx_plain", "onnx_unsplit", "onnx_resident", "onnx_resident_fp16",
    "onnx_resident_int8", "torch_compile", "onnx_cuda_graph",
)  # fmt: skip


class OutOfTime(BaseException):
    """Compilation took too long; no Exception, which a compiler would catch and go on."""


class NotHere(Exception):
    """This way to take a step is not to be had here; the message says why."""


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
    name: str, provider: str, threads: int, seed: int, compile_limit_s: float, only: Collection[str] = ()
) -> tuple[dict[str, Step], dict[str, str]]:
    """(ways to step by name, reasons by the name of those left out) of the policy of that name.

    provider: of ONNX Runtime, see `Execution`; torch computes where that really loaded. only: the ways that are wanted,
    all where none is named; a large policy has not room for all of them. ValueError names the nearest one.
    """
    wanted = [named(dict(zip(WAYS, WAYS, strict=True)), way, "way to step") for way in only] or WAYS
    torch.manual_seed(seed)
    policy = untrained(name).eval()
    inputs = Inputs(policy, seed)
    bundle = to_bundle(policy, BundleOrigin(name, events=("approach",), policy=policy.config.architecture))
    execution = Execution(provider, threads=threads)
    graphs = Graphs(bundle, execution, batch=1)
    device = torch.device("cpu" if graphs.provider == CPU else "cuda")
    makers: dict[str, Callable[[], Step]] = {
        "torch_eager": lambda: torch_step(policy, StepGraph(policy), inputs, device),
        "onnx_free_batch": lambda: plain_step(Graphs(bundle, execution), inputs),
        "onnx_plain": lambda: plain_step(graphs, inputs),
        "onnx_unsplit": lambda: unsplit_step(graphs, inputs),
        "onnx_resident": lambda: resident_step(bundle, inputs, execution),
        "onnx_resident_fp16": lambda: resident_step(in_precision(bundle, "fp16"), inputs, execution),
        "onnx_resident_int8": lambda: eight_bit_step(bundle, inputs, execution, device),
        "torch_compile": lambda: compiled_step(policy, inputs, device, compile_limit_s),
        "onnx_cuda_graph": lambda: recorded_step(bundle, inputs, execution),
    }
    steps: dict[str, Step] = {}
    missing: dict[str, str] = {}
    for way in wanted:
        try:
            steps[way] = makers[way]()
        except NotHere as reason:
            missing[way] = str(reason)
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
    """The same through torch.compile; raises NotHere where that fails or takes longer than `limit_s`."""
    graph: nn.Module = StepGraph(policy)
    step = torch_step(policy, torch.compile(graph, dynamic=False), inputs, device)
    try:
        with time_limit(limit_s):
            for _ in range(3):  # the first memory is a fresh tensor, later ones are outputs
                step()
    except (OutOfTime, Exception) as problem:  # compilers fail in many ways, all of them worth telling
        raise NotHere(" ".join(str(problem).split())[:200] or type(problem).__name__) from problem
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


def eight_bit_step(bundle: Bundle, inputs: Inputs, execution: Execution, device: torch.device) -> Step:
    """What a robot runs, in eight bits; raises NotHere on a GPU."""
    if device.type != "cpu":
        raise NotHere("int8 is for processors")
    return resident_step(in_precision(bundle, "int8"), inputs, execution)


def recorded_step(bundle: Bundle, inputs: Inputs, execution: Execution) -> Step:
    """What a robot runs, replayed as a CUDA graph; raises NotHere on another provider."""
    if execution.provider != "cuda":
        raise NotHere("CUDA graphs are the provider cuda's")
    return resident_step(bundle, inputs, dataclasses.replace(execution, cuda_graph=True))


@contextmanager
def time_limit(limit_s: float) -> Iterator[None]:
    """Raises OutOfTime in the block after that long; for the main thread.

    Again and again until the block ends: Python drops an exception that strikes in a finalizer or in a callback of
    its garbage collector, and says so as "Exception ignored in".
    """

    def stop(*_: object) -> NoReturn:
        raise OutOfTime(f"not ready after {limit_s:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s, STRIKES_AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
