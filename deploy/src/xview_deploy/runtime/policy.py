"""What every policy offers to the robot: the network of a bundle, and the random ones it is measured against.

Whoever drives the loop (the ROS node, an evaluation, a trial) knows this and no more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xview_deploy.spec import ActionTable, Belief, CameraModel, Event

HeadMasks = Sequence[NDArray[np.bool_]]  # one a head, in the order of ACTION_HEADS; True: may be chosen

# A policy that believes nothing: the target may be anywhere.
NO_BELIEF = Belief(visible=0.0, point=(0.5, 0.5), box=(0.0, 0.0, 1.0, 1.0), bearing=(0.0, 1.0))


@dataclasses.dataclass(frozen=True, eq=False)
class Decision:
    """What a policy answers to one picture.

    action: int64 (3,), rows of the ActionTable's heads. value: discounted return that it expects. ms: time
    that the decision took.
    """

    action: NDArray[np.int64]
    value: float
    belief: Belief
    ms: float


class Policy(Protocol):
    """Pursues one goal at a time, one picture after the other, with a memory of what it saw."""

    @property
    def name(self) -> str:
        """What status messages and tables call it."""

    @property
    def provider(self) -> str:
        """What runs the network, as ONNX Runtime calls it; empty where there is none."""

    @property
    def actions(self) -> ActionTable:
        """The table that its actions index; its rate is the rate to call `act` at."""

    @property
    def events(self) -> tuple[str, ...]:
        """The events it can be asked for."""

    @property
    def camera(self) -> CameraModel:
        """The camera that it was trained with."""

    @property
    def image_size(self) -> int:
        """Pixels a side of the square that it sees."""

    def set_goal(self, image: NDArray[np.uint8], mask: NDArray[np.bool_], event: Event) -> None:
        """Pursue this goal from now on, with an empty memory. image: (H, W, 3) RGB; mask: (H, W)."""

    def reset(self) -> None:
        """Forget what was seen, keep the goal."""

    def act(
        self,
        image: NDArray[np.uint8],
        allowed: HeadMasks | None = None,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
    ) -> Decision:
        """The decision for the robot's present picture, (H, W, 3) RGB.

        Sampled with `rng` at `temperature`; the most likely action where there is no `rng`. Only choices
        that `allowed` marks are taken.
        """
