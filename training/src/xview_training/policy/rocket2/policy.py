"""The published ROCKET-2 policy: 187 million parameters, 224 x 224 pictures, Minecraft's keys and camera.

Layout, parameter names and arithmetic are the published ones, so that published weights give the published answers.
Memory is explicit state, as everywhere here; the goal is encoded once and used at each step. Knows neither files
nor tasks. Axis letters: B batch, T time, S image side, P patches of a view, D width.

    policy = Rocket2Policy(RELEASED).eval()
    goal = policy.encode_goal(goal_image, goal_mask)
    output, state = policy.step(image, goal, event, PreviousAction.none(1, 1, device), policy.initial_state(1))
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from xview_deploy.spec import INTERACTION_ROWS

from xview_training.policy.autocast import full_precision
from xview_training.policy.memory import State
from xview_training.policy.rocket2.fusion import Encoder
from xview_training.policy.rocket2.heads import (
    ActionEmbedding,
    PreviousAction,
    Rocket2Output,
    ValueHead,
    action_heads,
)
from xview_training.policy.rocket2.layout import RELEASED, Rocket2Layout
from xview_training.policy.rocket2.recurrence import Recurrence, normed_relu_layer
from xview_training.policy.vit import IMAGE_SIDE, PATCHES_A_SIDE, VisionTransformer, normalise_pictures, vit_named

BELIEF_SIZES = (1, 2, 4)  # visible, point, box


class Rocket2Goal(NamedTuple):
    """An encoded goal, made once a goal and used at each step."""

    tokens: Tensor  # (B, P, D), or (B, T, P, D) where the goal changes within a sequence


class Backbone(nn.Module):
    """A vision transformer under the published prefix."""

    def __init__(self, name: str, channels: int) -> None:
        super().__init__()
        self.size = vit_named(name)
        self.model = VisionTransformer(self.size, channels)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, channels, S, S) -> a map of features (N, width, S / 16, S / 16)."""
        patches: Tensor = self.model(pictures)
        return patches.transpose(1, 2).unflatten(2, (PATCHES_A_SIDE, PATCHES_A_SIDE))


class Rocket2Policy(nn.Module):
    """Pictures, goal, event, previous action and memory in; actions, value, belief and memory out."""

    def __init__(self, layout: Rocket2Layout = RELEASED) -> None:
        super().__init__()
        self.layout = layout
        width = layout.hiddim
        self.view_backbone = Backbone(layout.view_backbone, channels=3).requires_grad_(False)
        self.mask_backbone = Backbone(layout.mask_backbone, channels=1)
        seen, marked = self.view_backbone.size.width, self.mask_backbone.size.width
        self.updim_obs = nn.Conv2d(seen, width, 1, bias=False)
        self.updim_cross = nn.Conv2d(seen + marked, width, 1, bias=False)
        self.view_cls_tokens = nn.Parameter(torch.randn(1, layout.num_view_tokens, width) * 1e-3)
        self.view_resampler = Encoder(width, layout.num_heads, layout.num_layers)
        self.interaction = nn.Embedding(INTERACTION_ROWS, width)
        if layout.use_prev_action:
            self.action_embedding_layer = ActionEmbedding(width)
        self.dropout_embedding = nn.Parameter(torch.randn(1, 1, width) * 1e-3)
        self.recurrent = Recurrence(width, layout.num_heads, layout.num_layers, layout.memory_tokens)
        self.lastlayer = normed_relu_layer(width, width)
        self.final_ln = nn.LayerNorm(width)
        self.pi_head = action_heads(width)
        self.value_head = ValueHead(width)
        self.aux_vis_head = nn.Linear(width, sum(BELIEF_SIZES))

    def initial_state(self, batch: int) -> State:
        """An empty memory for `batch` rows: window M = layout.memory_tokens, width D, one layer a block."""
        return self.recurrent.initial_state(batch, like=self.view_cls_tokens.detach())

    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Rocket2Goal:
        """goal_image uint8 (B, S, S, 3) RGB, goal_mask (B, S, S) of 0 and 1 -> one goal a row."""
        _check_shape("goal_image", goal_image, (IMAGE_SIDE, IMAGE_SIDE, 3))
        _check_shape("goal_mask", goal_mask, (IMAGE_SIDE, IMAGE_SIDE))
        seen = self.view_backbone(normalise_pictures(goal_image))
        marked = self.mask_backbone(goal_mask.float().unsqueeze(1))
        return Rocket2Goal(_as_tokens(self.updim_cross(torch.cat([seen, marked.to(seen.dtype)], 1))))

    def look(self, images: Tensor) -> Tensor:
        """Pictures uint8 (B, T, S, S, 3) RGB -> their tokens before any goal (B, T, P, D)."""
        _check_shape("images", images, (IMAGE_SIDE, IMAGE_SIDE, 3))
        seen = self.updim_obs(self.view_backbone(normalise_pictures(images.flatten(0, 1))))
        return _as_tokens(seen).unflatten(0, images.shape[:2])

    def forward(
        self, images: Tensor, goal: Rocket2Goal, event: Tensor, previous_action: PreviousAction, state: State
    ) -> tuple[Rocket2Output, State]:
        """T steps of B rows; the same numbers come out whether they are given at once or one by one.

        images: uint8 (B, T, S, S, 3) RGB, S = 224. event: int64 (B,) or (B, T), `Event.interaction_index`.
        state: the memory before the first picture. Returns outputs (B, T, ...) and the memory after the last.
        """
        return self.decide(self.look(images), goal, event, previous_action, state)

    def step(
        self, image: Tensor, goal: Rocket2Goal, event: Tensor, previous_action: PreviousAction, state: State
    ) -> tuple[Rocket2Output, State]:
        """One picture, one answer.

        image: uint8 (B, S, S, 3) RGB, S = 224, the whole picture squeezed to a square. goal: of `encode_goal`.
        event: int64 (B,), `Event.interaction_index`. previous_action: of one step, (B, 1, ...);
        `PreviousAction.none` before the first. state: what the last step returned, `initial_state(B)` at the start
        of an episode. Returns the answers without their time axis, and the state to pass to the next step.
        """
        output, state = self(image.unsqueeze(1), goal, event, previous_action, state)
        return Rocket2Output(*(answer.squeeze(1) for answer in output)), state

    def decide(
        self, seen: Tensor, goal: Rocket2Goal, event: Tensor, previous_action: PreviousAction, state: State
    ) -> tuple[Rocket2Output, State]:
        """`forward` from what `look` returned on."""
        steps = seen.shape[1]
        tokens = [self._fuse(seen, goal.tokens), self._tell_event(event, steps)]
        if self.layout.use_prev_action:
            tokens.append(self._tell_action(previous_action))
        x = torch.cat([part.to(seen.dtype) for part in tokens], 2)  # (B, T, step_tokens, D)
        x, state = self.recurrent(x.flatten(1, 2), state)
        return self._answer(x.unflatten(1, (steps, self.layout.step_tokens))), state

    def _fuse(self, seen: Tensor, goal: Tensor) -> Tensor:
        """Tokens of pictures (B, T, P, D) and of their goals -> view tokens (B, T, V, D)."""
        goal = goal if goal.dim() == seen.dim() else goal.unsqueeze(1)
        goal = goal.to(seen.dtype).expand_as(seen)
        shared = self.view_cls_tokens.to(seen.dtype).expand(*seen.shape[:2], -1, -1)
        together = torch.cat([shared, seen, goal], 2).flatten(0, 1)
        fused: Tensor = self.view_resampler(together, wanted=self.layout.num_view_tokens)
        return fused.unflatten(0, seen.shape[:2])

    def _tell_event(self, event: Tensor, steps: int) -> Tensor:
        """Events (B,) or (B, T) -> (B, T, 1, D)."""
        event = event if event.dim() == 2 else event.unsqueeze(1).expand(-1, steps)
        told: Tensor = self.interaction(event)
        return told.unsqueeze(2)

    def _tell_action(self, action: PreviousAction) -> Tensor:
        """Previous actions -> (B, T, 1, D), a learned token where they are hidden."""
        told = self.action_embedding_layer(action)
        if action.hidden is not None:
            told = torch.where(action.hidden.unsqueeze(-1), self.dropout_embedding.to(told.dtype), told)
        return told.unsqueeze(2)

    def _answer(self, x: Tensor) -> Rocket2Output:
        """Remembered tokens (B, T, step_tokens, D) -> answers, of the last view token and of the last token."""
        read = torch.stack([x[:, :, self.layout.num_view_tokens - 1], x[:, :, -1]])
        with full_precision():
            read = read.to(self.final_ln.weight.dtype)
            view, last = self.final_ln(self.lastlayer(F.relu(read)))
            visible, point, box = self.aux_vis_head(view).split(BELIEF_SIZES, -1)
            value = self.value_head(last)
            buttons, camera = self.pi_head["buttons"](last), self.pi_head["camera"](last)
            returns = self.value_head.normalizer.denormalise(value)
        return Rocket2Output(buttons, camera, returns, value, visible.squeeze(-1), point, box)


def _as_tokens(features: Tensor) -> Tensor:
    """(N, D, h, w) -> (N, P, D), row by row."""
    return features.flatten(2).transpose(1, 2)


def _check_shape(name: str, tensor: Tensor, tail: tuple[int, ...]) -> None:
    if tuple(tensor.shape[-len(tail) :]) != tail:
        raise ValueError(f"{name} is {tuple(tensor.shape)}: expected (..., {', '.join(map(str, tail))})")
