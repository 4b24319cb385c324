"""A policy's network as two functions on arrays, whatever computes it: a goal is encoded once, then step after step.

Bundles on ONNX Runtime and policies in torch both answer to `Network`, so evaluation and the comparison of the two
are written once. Nothing is remembered here: the state goes in and comes out. Axis letters: B batch, S image side,
L tokens, D width.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False)
class EncodedGoal:
    """What the goal graph made of a goal."""

    tokens: Floats  # (B, L, D)
    vector: Floats  # (B, D)

    def rows(self, index: NDArray[np.int64] | slice) -> EncodedGoal:
        """Some rows of the batch."""
        return EncodedGoal(self.tokens[index], self.vector[index])


@dataclasses.dataclass(frozen=True, eq=False)
class GraphState:
    """The memory between two steps; all zeros is an empty one."""

    keys: Floats
    values: Floats
    valid: Floats

    def rows(self, index: NDArray[np.int64] | slice) -> GraphState:
        """Some rows of the batch."""
        return GraphState(self.keys[index], self.values[index], self.valid[index])

    def forget(self, rows: NDArray[np.bool_]) -> GraphState:
        """A copy whose memory is empty where `rows` (B,) is true."""
        return GraphState(
            *(
                np.where(rows.reshape(-1, *[1] * (part.ndim - 1)), np.float32(0), part)
                for part in (self.keys, self.values, self.valid)
            )
        )


@dataclasses.dataclass(frozen=True, eq=False)
class StepAnswer:
    """What the step graph answers to B pictures, in the units of the contract."""

    buttons: Floats  # (B, rows) logits
    pitch: Floats  # (B, bins) logits
    yaw: Floats  # (B, bins) logits
    value: Floats  # (B,)
    visible: Floats  # (B,) probability
    point: Floats  # (B, 2)
    box: Floats  # (B, 4)
    bearing: Floats  # (B, 2) unit vectors right, forward

    @property
    def logits(self) -> tuple[Floats, Floats, Floats]:
        """The action heads in their order."""
        return self.buttons, self.pitch, self.yaw


class Network(Protocol):
    """Encodes goals and steps, B rows at a time."""

    def initial_state(self, batch: int) -> GraphState:
        """An empty memory for `batch` rows."""

    def encode_goal(self, goal_image: NDArray[np.uint8], goal_mask: NDArray[np.uint8]) -> EncodedGoal:
        """goal_image uint8 (B, S, S, 3) RGB, goal_mask uint8 (B, S, S) of 0 and 1."""

    def step(
        self,
        image: NDArray[np.uint8],
        goal: EncodedGoal,
        event: NDArray[np.int64],
        previous_action: NDArray[np.int64],
        state: GraphState,
    ) -> tuple[StepAnswer, GraphState]:
        """One decision for B rows: image uint8 (B, S, S, 3) RGB, event (B,), previous_action (B, 3)."""
