"""One policy for several groups of environments: each asks in its own thread, one thread answers, some at a time.

A group that asks waits; meanwhile the others' worlds go on, so that simulators and policy work at the same time. When
enough of them have asked, their pictures go through the policy as one batch (ROCKET-3, distributed RL). It knows
neither rollouts nor environments.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import torch
from torch import Tensor

from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State


class Retired(RuntimeError):
    """A group that was given up asks all the same."""


@dataclasses.dataclass
class Request:
    """What a group asks; the answer is the future's."""

    group: int
    function: str  # encode_goal or forward
    inputs: tuple[Any, ...]
    answer: Future = dataclasses.field(default_factory=Future)


class QueuedPolicy(CrossViewPolicy):
    """What a group's rollout takes for the policy. Autocast and evaluation mode are the answering side's."""

    def __init__(self, policy: CrossViewPolicy, group: int, requests: queue.SimpleQueue[Request]):
        super().__init__()
        self.config = policy.config
        self.percept_width = policy.percept_width
        self.retired = False
        self._initial_state: Callable[[int], State] = policy.initial_state
        self._group, self._requests = group, requests

    def initial_state(self, batch: int) -> State:
        """The policy's."""
        return self._initial_state(batch)

    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Goal:
        """The policy's answer, after a while."""
        return self._ask("encode_goal", goal_image, goal_mask)

    def forward(
        self,
        images: Tensor,
        goal: Goal,
        event: Tensor,
        previous_action: Tensor,
        state: State,
        hidden: Tensor | None = None,
    ) -> tuple[PolicyOutput, State]:
        """The policy's answer, after a while."""
        return self._ask("forward", images, goal, event, previous_action, state, hidden)

    def _ask(self, function: str, *inputs: Any) -> Any:
        if self.retired:
            raise Retired(f"group {self._group} was given up")
        request = Request(self._group, function, inputs)
        self._requests.put(request)
        return request.answer.result()


class Answering:
    """Answers the groups' requests, `at_once` groups' steps together."""

    def __init__(self, policy: CrossViewPolicy, bf16: bool, at_once: int):
        self.policy, self.bf16, self.at_once = policy, bf16, at_once
        self.requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._answered_s: dict[int, float] = {}  # group -> when its last answer was given, monotonic
        self._waiting: list[Request] = []

    def proxy(self, group: int) -> QueuedPolicy:
        """The policy for a new group of that number."""
        self.answered(group)
        return QueuedPolicy(self.policy, group, self.requests)

    def answered(self, group: int) -> None:
        """From now on the group's time runs."""
        self._answered_s[group] = time.monotonic()

    def serve(self, playing: set[int], wait_s: float) -> None:
        """Answers what has come, after waiting for something up to `wait_s`; `playing` are the groups that may ask."""
        with contextlib.suppress(queue.Empty):
            self._take(self.requests.get(timeout=wait_s), playing)
        self._waiting = [request for request in self._waiting if request.group in playing]
        if self._waiting and len(self._waiting) >= min(self.at_once, len(playing)):
            requests, self._waiting = self._waiting, []
            self._answer(requests)

    def _take(self, request: Request, playing: set[int]) -> None:
        """Goals are encoded at once, steps wait for each other."""
        if request.group not in playing:
            request.answer.set_exception(Retired(f"group {request.group} was given up"))
        elif request.function == "encode_goal":
            self._answer([request])
        else:
            self._waiting.append(request)

    def silent_s(self, group: int) -> float:
        """For how long this group has had its answer and has not asked again."""
        if any(request.group == group for request in self._waiting):
            return 0.0
        return time.monotonic() - self._answered_s[group]

    def _answer(self, requests: list[Request]) -> None:
        try:
            answers = self._infer(requests)
        except Exception as error:
            for request in requests:
                request.answer.set_exception(error)
            raise
        for request, answer in zip(requests, answers, strict=True):
            self.answered(request.group)
            request.answer.set_result(answer)

    @torch.inference_mode()
    def _infer(self, requests: list[Request]) -> list[Any]:
        device = next(self.policy.parameters()).device
        with bfloat16(device, self.bf16):
            function = getattr(self.policy, requests[0].function)
            if len(requests) == 1:
                return [function(*requests[0].inputs)]
            rows = [len(request.inputs[0]) for request in requests]
            together = [_join(parts) for parts in zip(*(request.inputs for request in requests), strict=True)]
            return _split(function(*together), rows)


def _join(parts: tuple[Any, ...]) -> Any:
    """Tensors, or named tuples of them, one below the other; nothing where all bring nothing."""
    if parts[0] is None:
        return None
    if isinstance(parts[0], Tensor):
        return torch.cat(parts)
    return type(parts[0])(*(torch.cat(same) for same in zip(*parts, strict=True)))


def _split(answer: tuple[Any, ...], rows: list[int]) -> list[Any]:
    """(PolicyOutput, State) of all rows -> one of each group."""

    def pieces(whole: Tensor | None) -> Sequence[Tensor | None]:
        return [None] * len(rows) if whole is None else whole.split(rows)

    split = [[type(part)(*piece) for piece in zip(*map(pieces, part), strict=True)] for part in answer]
    return list(zip(*split, strict=True))
