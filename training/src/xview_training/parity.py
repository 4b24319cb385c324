"""Does a bundle do what the policy does? Both play one random rollout, each with its own memory.

Random pictures and goals, because zeros would hide a memory that is not carried. Knows bundles and policies,
nothing of worlds.

    report = check_parity(policy, bundle, ParitySettings())
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from xview_deploy.bundle import Bundle
from xview_deploy.execution import Execution
from xview_deploy.network import EncodedGoal, GraphState, StepAnswer
from xview_deploy.onnx_graphs import Graphs
from xview_deploy.sampling import choose_actions
from xview_deploy.spec import ACTION_HEADS, INTERACTION_ROWS, STATE_NAMES

from xview_training.policy.graphs import GoalGraph, StepGraph
from xview_training.policy.memory import State
from xview_training.policy.small import SmallPolicy

ANSWERS = ("value", "visible", "point", "box", "bearing")


class ExportError(RuntimeError):
    """The bundle would not do what the policy does; none was written."""


@dataclasses.dataclass(frozen=True)
class ParitySettings:
    """The random rollout that compares both runtimes."""

    steps: int = 200
    batch: int = 3
    goal_every: int = 50  # steps until all rows get new goals, with their memories kept
    forget_every: int = 70  # steps until the first row starts with an empty memory
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class ParityReport:
    """How far bundle and policy were apart in a rollout in which every action agreed."""

    steps: int
    actions: int  # choices compared, most likely and sampled ones
    logits: float  # largest absolute difference of any action logit
    answers: float  # of value, visible, point, box and bearing
    state: float  # of keys, values and valid
    provider: str


class RandomInputs:
    """Random inputs of the contract's shapes, reproducible by their seed."""

    def __init__(self, policy: SmallPolicy, batch: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.batch = batch
        self.side = policy.config.image_size
        self.sizes = policy.config.action_sizes

    def image(self) -> Tensor:
        """uint8 (B, S, S, 3): patches of colour of a random size, as pictures have, under pixel noise."""
        cell = int(self.rng.choice([1, 4, 16]))
        cells = -(-self.side // cell)
        patches = self.rng.integers(0, 256, (self.batch, cells, cells, 3)).repeat(cell, 1).repeat(cell, 2)
        noise = self.rng.integers(-20, 21, (self.batch, self.side, self.side, 3))
        return torch.from_numpy((patches[:, : self.side, : self.side] + noise).clip(0, 255).astype(np.uint8))

    def goal(self) -> tuple[Tensor, Tensor]:
        """A picture, and a mask uint8 (B, S, S) of one rectangle a row."""
        mask = np.zeros((self.batch, self.side, self.side), np.uint8)
        for row in mask:
            y, x = self.rng.integers(0, self.side, 2)
            height, width = self.rng.integers(1, self.side // 2, 2)
            row[y : y + height, x : x + width] = 1
        return self.image(), torch.from_numpy(mask)

    def event(self) -> Tensor:
        """int64 (B,) rows of the interaction embedding."""
        return torch.from_numpy(self.rng.integers(0, INTERACTION_ROWS, self.batch))

    def action(self) -> Tensor:
        """int64 (B, 3)"""
        return torch.from_numpy(np.stack([self.rng.integers(0, size, self.batch) for size in self.sizes], 1))


def check_parity(policy: SmallPolicy, bundle: Bundle, settings: ParitySettings) -> ParityReport:
    """Compares the actions of each step; ExportError names the first step and head that differ."""
    # The policy is on the CPU too: what differs is the export's doing.
    graphs = Graphs(bundle, Execution(provider="cpu"))
    with _one_thread():
        rollout = _Rollout(policy, graphs, settings)
        for step in range(settings.steps):
            rollout.advance(step)
    return ParityReport(
        steps=settings.steps,
        actions=settings.steps * settings.batch * len(ACTION_HEADS) * 2,
        logits=rollout.logits_apart,
        answers=rollout.answers_apart,
        state=rollout.state_apart,
        provider=graphs.provider,
    )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Batches this small gain nothing from threads, and beside a busy process they wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Rollout:
    """Both runtimes side by side, each with its own goal encoding and its own memory."""

    def __init__(self, policy: SmallPolicy, graphs: Graphs, settings: ParitySettings) -> None:
        self.settings = settings
        self.graphs = graphs
        self.torch_goal_graph = GoalGraph(policy)
        self.torch_step_graph = StepGraph(policy)
        self.inputs = RandomInputs(policy, settings.batch, settings.seed)
        self.torch_state = policy.initial_state(settings.batch)
        self.onnx_state = graphs.initial_state(settings.batch)
        self.previous = self.inputs.action()
        self.logits_apart = self.answers_apart = self.state_apart = 0.0

    def advance(self, step: int) -> None:
        """One step of both; ExportError where they part."""
        if step % self.settings.goal_every == 0:
            self._change_goal()
        if step and step % self.settings.forget_every == 0:
            first = np.arange(self.settings.batch) == 0
            self.torch_state = self.torch_state.forget(torch.from_numpy(first))
            self.onnx_state = self.onnx_state.forget(first)
        image = self.inputs.image()
        expected = self._torch_step(image)
        answer, self.onnx_state = self.graphs.step(
            image.numpy(), self.onnx_goal, self.event.numpy(), self.previous.numpy(), self.onnx_state
        )
        self._compare_actions(step, expected, answer)
        self._measure(expected, answer)

    def _change_goal(self) -> None:
        image, mask = self.inputs.goal()
        self.event = self.inputs.event()
        with torch.no_grad():
            self.torch_goal = self.torch_goal_graph(image, mask)
        self.onnx_goal: EncodedGoal = self.graphs.encode_goal(image.numpy(), mask.numpy())

    def _torch_step(self, image: Tensor) -> StepAnswer:
        with torch.no_grad():
            outputs = self.torch_step_graph(image, *self.torch_goal, self.event, self.previous, *self.torch_state)
        answers = len(outputs) - len(STATE_NAMES)
        self.torch_state = State(*outputs[answers:])
        return StepAnswer(*(part.numpy() for part in outputs[:answers]))

    def _compare_actions(self, step: int, expected: StepAnswer, answer: StepAnswer) -> None:
        most_likely = choose_actions(expected.logits)
        _refuse_difference(f"step {step}, most likely", expected, answer, most_likely, choose_actions(answer.logits))
        uniform = self.inputs.rng.random((self.settings.batch, len(ACTION_HEADS)))
        sampled = choose_actions(expected.logits, uniform=uniform)
        got = choose_actions(answer.logits, uniform=uniform)
        _refuse_difference(f"step {step}, sampled", expected, answer, sampled, got)
        self.previous = torch.from_numpy(sampled)

    def _measure(self, expected: StepAnswer, answer: StepAnswer) -> None:
        memory = GraphState(*(part.numpy() for part in self.torch_state))
        self.logits_apart = max(self.logits_apart, _apart(expected, answer, ACTION_HEADS))
        self.answers_apart = max(self.answers_apart, _apart(expected, answer, ANSWERS))
        self.state_apart = max(self.state_apart, _apart(memory, self.onnx_state, STATE_NAMES))


def _refuse_difference(
    when: str, expected: StepAnswer, answer: StepAnswer, wanted: np.ndarray, got: np.ndarray
) -> None:
    if np.array_equal(wanted, got):
        return
    row, head = (int(index) for index in np.argwhere(wanted != got)[0])
    raise ExportError(
        f"{when} action, row {row}, head {ACTION_HEADS[head]}: torch chose {wanted[row, head]}, ONNX Runtime chose "
        f"{got[row, head]}; torch's logits are {np.array2string(expected.logits[head][row], precision=6)}, "
        f"ONNX Runtime's {np.array2string(answer.logits[head][row], precision=6)}; no bundle was written. "
        "Does the policy keep anything between steps outside its state?"
    )


def _apart(one: StepAnswer | GraphState, other: StepAnswer | GraphState, names: tuple[str, ...]) -> float:
    return max(float(np.abs(getattr(one, name) - getattr(other, name)).max()) for name in names)
