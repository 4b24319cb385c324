"""What every policy of the project answers to: a goal is encoded once, then pictures follow one another.

Training, evaluation, export and the robot know this and no more; `policy/architectures.py` lists who answers. The
state is explicit (`policy/memory.py`), the answers are `policy/heads.py`'s.
"""

from __future__ import annotations

import abc
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State


class Goal(NamedTuple):
    """An encoded goal, made once a goal and used at each step."""

    tokens: Tensor  # (B, L, D): the goal view's places and the mask
    vector: Tensor  # (B, K): what is known of the target as a whole


class PolicyConfig(Protocol):
    """A frozen dataclass of sizes."""

    @property
    def architecture(self) -> str:
        """Which policy it is of."""

    @property
    def image_size(self) -> int:
        """S, pixels a side of the pictures."""

    @property
    def action_sizes(self) -> tuple[int, int, int]:
        """Choices of each action head."""

    @property
    def side(self) -> int:
        """Cells a side of the heat-map."""


class CrossViewPolicy(nn.Module, abc.ABC):
    """Pictures, goal, event, previous action and memory in; actions, value, belief and memory out."""

    config: PolicyConfig
    # Modules that see, by the start of their parameters' names: all that percepts depend on. A policy that names some
    # answers with percepts, and has `act_on`.
    perception: tuple[str, ...] = ()
    percept_width: int = 0  # P, numbers of a percept
    # Parameters without a gradient that an update moves all the same, by the start of their names.
    moved: tuple[str, ...] = ()

    @abc.abstractmethod
    def initial_state(self, batch: int) -> State:
        """An empty memory for `batch` rows, on the parameters' device."""

    @abc.abstractmethod
    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Goal:
        """goal_image uint8 (B, S, S, 3) RGB, goal_mask (B, S, S) of 0 and 1 -> Goal."""

    @abc.abstractmethod
    def forward(
        self,
        images: Tensor,
        goal: Goal,
        event: Tensor,
        previous_action: Tensor,
        state: State,
        hidden: Tensor | None = None,
    ) -> tuple[PolicyOutput, State]:
        """T steps of B rows.

        images: uint8 (B, T, S, S, 3) RGB. event: int64 (B,), `Event.interaction_index`.
        previous_action: int64 (B, T, 3), the action before each picture; `ActionTable.noop` at the start.
        state: the memory before the first picture. hidden: bool (B, T), where the previous action is not told.
        Returns outputs (B, T, ...) and the memory after the last.
        """

    def value_unit(self, returns: Tensor) -> Tensor:
        """What errors of the value are divided by before they are squared, a scalar: one, where they are taken plainly.

        returns: (n,) that an update is about to learn from; asked once an update, before the pictures are answered.
        """
        return returns.new_ones(())

    def act_on(
        self, percept: Tensor, event: Tensor, previous_action: Tensor, state: State
    ) -> tuple[PolicyOutput, State]:
        """`forward` from what was seen, (B, T, P) of its outputs, without the pictures and the goal again."""
        raise ValueError(f"policy {self.config.architecture} keeps no percepts: expected one that does, such as small")
