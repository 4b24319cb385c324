"""A policy as the two functions of the contract: positional tensors in and out, one step, no T axis.

What is exported, and what the exported graphs are compared with. Knows neither ONNX nor files.
"""

from __future__ import annotations

from torch import Tensor, nn

from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.memory import State


class GoalGraph(nn.Module):
    """GOAL_INPUTS -> GOAL_OUTPUTS."""

    def __init__(self, policy: CrossViewPolicy) -> None:
        super().__init__()
        self.policy = policy

    def forward(self, goal_image: Tensor, goal_mask: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (B, S, S, 3) and (B, S, S) -> tokens (B, L, D), vector (B, D)."""
        goal = self.policy.encode_goal(goal_image, goal_mask)
        return goal.tokens, goal.vector


class StepGraph(nn.Module):
    """STEP_INPUTS -> STEP_OUTPUTS."""

    def __init__(self, policy: CrossViewPolicy) -> None:
        super().__init__()
        self.policy = policy

    def forward(
        self,
        image: Tensor,
        goal_tokens: Tensor,
        goal_vector: Tensor,
        event: Tensor,
        previous_action: Tensor,
        keys: Tensor,
        values: Tensor,
        valid: Tensor,
    ) -> tuple[Tensor, ...]:
        """One decision: the answers in the contract's units, then the next state."""
        output, state = self.policy(
            image.unsqueeze(1),
            Goal(goal_tokens, goal_vector),
            event,
            previous_action.unsqueeze(1),
            State(keys, values, valid),
        )
        answers = (
            *(output.buttons, output.pitch, output.yaw, output.value, output.visible),
            *(output.point.clamp(0, 1), output.box.clamp(0, 1), output.bearing_unit),
        )
        return (*(answer.squeeze(1) for answer in answers), *state)
