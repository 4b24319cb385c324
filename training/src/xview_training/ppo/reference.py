"""The policy that PPO is leashed to, run beside the rollout with a warm memory of its own.

It reads a fragment's pictures at once when the fragment is closed, in the order in which they were seen: the same
numbers as beside each decision, for a quarter less of the processor's time. Axis letters: N environments, T
decisions, A logits.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from xview_training.policy.autocast import bfloat16
from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.ppo.losses import heads

LEAST_LOGIT = -100.0  # of a choice that is as good as never made: half precision knows no -1e9
FRAMES_AT_ONCE = 512  # pictures that go through the policy together


class Reference:
    """A frozen policy with one memory an environment."""

    def __init__(self, policy: CrossViewPolicy, environments: int, bf16: bool, keeps_percepts: bool):
        """keeps_percepts: the policy beside it sees as this one does, so it is given percepts, no pictures."""
        self.policy = policy.eval().requires_grad_(False)
        self._state = policy.initial_state(environments)
        self._device = self._state.valid.device
        self._bf16 = bf16
        self._keeps_percepts = keeps_percepts
        self._goal: Goal | None = None

    @torch.inference_mode()
    def begin(self, slots: Tensor, goal_image: Tensor, goal_mask: Tensor) -> None:
        """New episodes in these slots int64 (K,): empty memories, goals uint8 (K, S, S, 3) and (K, S, S)."""
        for part in self._state:
            part[slots] = 0
        if self._keeps_percepts:
            return
        with bfloat16(self._device, self._bf16):
            fresh = self.policy.encode_goal(goal_image, goal_mask)
        if self._goal is None:
            self._goal = Goal(*(part.new_zeros(len(self._state.valid), *part.shape[1:]) for part in fresh))
        for held, new in zip(self._goal, fresh, strict=True):
            held[slots] = new

    @torch.inference_mode()
    def read(self, slots: np.ndarray, seen: np.ndarray, event: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """Logits float16 (K, T, A) for the next T pictures uint8 (K, T, S, S, 3) of K slots; memories move on.

        seen: the pictures, or their percepts float32 (K, T, P) where those are kept.
        """
        rows = max(1, FRAMES_AT_ONCE // seen.shape[1])
        parts = [slice(k, k + rows) for k in range(0, len(slots), rows)]
        return np.concatenate([self._read(slots[p], seen[p], event[p], previous[p]) for p in parts])

    def _read(self, slots: np.ndarray, seen: np.ndarray, event: np.ndarray, previous: np.ndarray) -> np.ndarray:
        index, *inputs = (torch.from_numpy(a).to(self._device) for a in (slots, seen, event, previous))
        with bfloat16(self._device, self._bf16):
            output, state = self._answer(index, *inputs)
        for held, new in zip(self._state, state, strict=True):
            held[index] = new
        logits = torch.cat([torch.log_softmax(head, -1) for head in heads(output)], -1)
        return logits.clamp(min=LEAST_LOGIT).half().cpu().numpy()

    def _answer(self, index: Tensor, seen: Tensor, event: Tensor, previous: Tensor) -> tuple[PolicyOutput, State]:
        state = self._state.rows(index)
        if self._keeps_percepts:
            return self.policy.act_on(seen, event, previous, state)
        assert self._goal is not None
        answer: tuple[PolicyOutput, State] = self.policy(
            seen, Goal(*(part[index] for part in self._goal)), event, previous, state
        )
        return answer
