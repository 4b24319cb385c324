"""Classifier-free guidance: the policy asked with its goal and without, and its choice pushed along the difference.

Its authors' own demonstration asks the published policy this way. That needs a policy which learnt what to do without a
goal; what is trained here never does. Each question has a memory of its own. Knows neither files nor tasks. Twice the
fusion and the recurrence; pictures are looked at once.

    guided = GuidedRocket2(policy, scale=1.5)
    output, state = guided.step(image, goal, event, previous_action, guided.initial_state(1))
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from xview_training.policy.memory import State
from xview_training.policy.rocket2.heads import PreviousAction, Rocket2Output
from xview_training.policy.rocket2.policy import Rocket2Goal, Rocket2Policy
from xview_training.policy.vit import IMAGE_SIDE

NO_EVENT = 0  # row of the interaction embedding


class GuidedState(NamedTuple):
    """The memories of both questions."""

    asked: State  # with the goal
    free: State  # without

    def forget(self, rows: Tensor) -> GuidedState:
        """A copy whose memories are empty where `rows` (B,) bool is true."""
        return GuidedState(self.asked.forget(rows), self.free.forget(rows))


class GuidedRocket2(nn.Module):
    """A policy with goal guidance, to be used in its place; for rollouts only: having no goal was encoded once.

    scale: zero is the policy itself, 1.5 the published habit. Logits are (1 + scale) * with - scale * without.
    """

    no_goal: Tensor

    def __init__(self, policy: Rocket2Policy, scale: float = 1.5) -> None:
        super().__init__()
        if not 0 <= scale < float("inf"):
            raise ValueError(f"scale is {scale}: expected a number from zero on")
        self.policy = policy
        self.scale = scale
        device = policy.view_cls_tokens.device
        picture = torch.zeros(1, IMAGE_SIDE, IMAGE_SIDE, 3, dtype=torch.uint8, device=device)
        with torch.no_grad():
            self.register_buffer("no_goal", policy.encode_goal(picture, picture[..., 0]).tokens, persistent=False)

    def initial_state(self, batch: int) -> GuidedState:
        """Empty memories for `batch` rows."""
        return GuidedState(self.policy.initial_state(batch), self.policy.initial_state(batch))

    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Rocket2Goal:
        """As the policy's."""
        return self.policy.encode_goal(goal_image, goal_mask)

    def forward(
        self, images: Tensor, goal: Rocket2Goal, event: Tensor, previous_action: PreviousAction, state: GuidedState
    ) -> tuple[Rocket2Output, GuidedState]:
        """As the policy's; value and belief are those of the question with the goal."""
        seen = self.policy.look(images)
        output, asked = self.policy.decide(seen, goal, event, previous_action, state.asked)
        nothing = Rocket2Goal(self.no_goal.expand(images.shape[0], -1, -1))
        no_event = torch.full_like(event, NO_EVENT)
        blind, free = self.policy.decide(seen, nothing, no_event, previous_action, state.free)
        buttons = self._push(output.buttons, blind.buttons)
        camera = self._push(output.camera, blind.camera)
        return output._replace(buttons=buttons, camera=camera), GuidedState(asked, free)

    def step(
        self, image: Tensor, goal: Rocket2Goal, event: Tensor, previous_action: PreviousAction, state: GuidedState
    ) -> tuple[Rocket2Output, GuidedState]:
        """As the policy's."""
        output, state = self(image.unsqueeze(1), goal, event, previous_action, state)
        return Rocket2Output(*(answer.squeeze(1) for answer in output)), state

    def _push(self, asked: Tensor, blind: Tensor) -> Tensor:
        return ((1 + self.scale) * asked - self.scale * blind).log_softmax(-1)
