"""A policy in torch as a `Network`: what a bundle is compared with, played by the same code.

Knows neither ONNX nor worlds.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from xview_deploy.runtime.network import EncodedGoal, GraphState, StepAnswer
from xview_deploy.spec import STATE_NAMES

from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.graphs import GoalGraph, StepGraph


class TorchNetwork:
    """The policy where its parameters are, arrays in and arrays out."""

    def __init__(self, policy: CrossViewPolicy) -> None:
        self._policy = policy
        self._goal_graph, self._step_graph = GoalGraph(policy), StepGraph(policy)

    def initial_state(self, batch: int) -> GraphState:
        """An empty memory for `batch` rows."""
        return GraphState(*_arrays(self._policy.initial_state(batch)))

    def encode_goal(self, goal_image: np.ndarray, goal_mask: np.ndarray) -> EncodedGoal:
        """See `Network.encode_goal`."""
        with torch.inference_mode():
            return EncodedGoal(*_arrays(self._goal_graph(*self._tensors(goal_image, goal_mask))))

    def step(
        self, image: np.ndarray, goal: EncodedGoal, event: np.ndarray, previous_action: np.ndarray, state: GraphState
    ) -> tuple[StepAnswer, GraphState]:
        """See `Network.step`."""
        inputs = (image, goal.tokens, goal.vector, event, previous_action, state.keys, state.values, state.valid)
        with torch.inference_mode():
            outputs = _arrays(self._step_graph(*self._tensors(*inputs)))
        answers = len(outputs) - len(STATE_NAMES)
        return StepAnswer(*outputs[:answers]), GraphState(*outputs[answers:])

    def _tensors(self, *arrays: np.ndarray) -> list[Tensor]:
        device = next(self._policy.parameters()).device
        return [torch.from_numpy(array).to(device) for array in arrays]


def _arrays(tensors: tuple[Tensor, ...]) -> list[np.ndarray]:
    return [tensor.cpu().numpy() for tensor in tensors]
