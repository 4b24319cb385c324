"""The policy that PPO is leashed to, run beside the rollout with a warm memory of its own.

It reads a fragment's pictures at once when the fragment is closed, in the order in which they were seen: the same
numbers as beside each decision, at a third of the cost. Axis letters: N environments, T decisions, A logits.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from xview_training.policy.cross_view import CrossViewPolicy, Goal

FRAMES_AT_ONCE = 512  # pictures that go through the policy together


class Reference:
    """A frozen policy with one memory an environment."""

    def __init__(self, policy: CrossViewPolicy, environments: int, bf16: bool):
        self.policy = policy.eval().requires_grad_(False)
        self._state = policy.initial_state(environments)
        self._device = self._state.valid.device
        self._bf16 = bf16
        self._goal: Goal | None = None

    @torch.inference_mode()
    def begin(self, slots: Tensor, goal_image: Tensor, goal_mask: Tensor) -> None:
        """New episodes in these slots int64 (K,): empty memories, goals uint8 (K, S, S, 3) and (K, S, S)."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            fresh = self.policy.encode_goal(goal_image, goal_mask)
        if self._goal is None:
            self._goal = Goal(*(part.new_zeros(len(self._state.valid), *part.shape[1:]) for part in fresh))
        for held, new in zip(self._goal, fresh, strict=True):
            held[slots] = new
        for part in self._state:
            part[slots] = 0

    @torch.inference_mode()
    def read(self, slots: np.ndarray, images: np.ndarray, event: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """Logits float16 (K, T, A) for the next T pictures uint8 (K, T, S, S, 3) of K slots; memories move on."""
        rows = max(1, FRAMES_AT_ONCE // images.shape[1])
        parts = [slice(k, k + rows) for k in range(0, len(slots), rows)]
        return np.concatenate([self._read(slots[p], images[p], event[p], previous[p]) for p in parts])

    def _read(self, slots: np.ndarray, images: np.ndarray, event: np.ndarray, previous: np.ndarray) -> np.ndarray:
        assert self._goal is not None
        index, *inputs = (torch.from_numpy(a).to(self._device) for a in (slots, images, event, previous))
        goal = Goal(*(part[index] for part in self._goal))
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            output, state = self.policy(inputs[0], goal, inputs[1], inputs[2], self._state.rows(index))
        for held, new in zip(self._state, state, strict=True):
            held[index] = new
        logits = torch.cat([output.buttons, output.pitch, output.yaw], -1)
        return logits.half().cpu().numpy()
