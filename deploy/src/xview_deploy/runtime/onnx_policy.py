"""The policy of a bundle, driven picture by picture on one robot: ONNX Runtime, neither torch nor ROS.

policy = OnnxPolicy.load("policy.xview")
policy.set_goal(goal_image, goal_mask, Event.APPROACH)
decision = policy.act(picture, rng=np.random.default_rng())
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xview_deploy.bundle import BundleError, read_bundle
from xview_deploy.preprocessing import squeeze_goal, squeeze_picture
from xview_deploy.runtime.execution import Execution
from xview_deploy.runtime.network import StepAnswer
from xview_deploy.runtime.policy import Decision, HeadMasks
from xview_deploy.runtime.resident_graphs import ResidentGraphs
from xview_deploy.runtime.sampling import choose_actions
from xview_deploy.spec import ActionTable, Belief, BundleMetadata, CameraModel, ContractError, Event


class OnnxPolicy:
    """A bundle's network with one robot's goal and memory; a `Policy`."""

    def __init__(self, graphs: ResidentGraphs) -> None:
        self._graphs = graphs
        self._has_goal = False
        self.reset()

    @classmethod
    def load(cls, path: str | Path, execution: Execution | None = None) -> OnnxPolicy:
        """The policy of that bundle.

        BundleError says what is wrong with the file, ExecutionError what the machine does not offer.
        """
        bundle = read_bundle(path)
        try:
            return cls(ResidentGraphs(bundle, execution))
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from None

    @property
    def metadata(self) -> BundleMetadata:
        """What the bundle says of itself."""
        return self._graphs.metadata

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.metadata.name

    @property
    def provider(self) -> str:
        """The execution provider that really loaded."""
        return self._graphs.provider

    @property
    def actions(self) -> ActionTable:
        """The table that its actions index."""
        return self.metadata.actions

    @property
    def events(self) -> tuple[str, ...]:
        """The events it was trained on."""
        return self.metadata.events

    @property
    def camera(self) -> CameraModel:
        """The camera that it was trained with."""
        return self.metadata.camera

    @property
    def image_size(self) -> int:
        """Pixels a side of the square that it sees."""
        return self.metadata.image_size

    def set_goal(self, image: NDArray[np.uint8], mask: NDArray[np.bool_], event: Event) -> None:
        """Pursue this goal from now on, with an empty memory. image: uint8 (H, W, 3) RGB; mask: (H, W).

        Raises ContractError, and keeps the goal it had, where they do not fit or the event was never trained.
        """
        if event.value not in self.events:
            raise ContractError(
                f"event: expected one that {self.name} was trained on, {', '.join(self.events)}; got {event.value}"
            )
        picture, marked = squeeze_goal(image, mask, self.metadata.image_size)
        self._graphs.set_goal(picture[None], marked[None], event.interaction_index)
        self._has_goal = True
        self.reset()

    def reset(self) -> None:
        """Forget what was seen, keep the goal."""
        self._graphs.forget()
        self._previous = np.array([self.actions.noop], np.int64)

    def act(
        self,
        image: NDArray[np.uint8],
        allowed: HeadMasks | None = None,
        rng: np.random.Generator | None = None,
        temperature: float = 1.0,
    ) -> Decision:
        """The decision for the present picture, uint8 (H, W, 3) RGB; see `Policy.act`.

        Raises ContractError without a goal or for a bad picture, InferenceError for an answer that is not
        finite; the memory then stays as it was.
        """
        if not self._has_goal:
            raise ContractError("policy: expected a goal before the first picture, got none; call set_goal")
        start_s = time.perf_counter()
        picture = squeeze_picture(image, self.metadata.image_size)[None]
        answer = self._graphs.step(picture, self._previous)
        uniform = None if rng is None else rng.random((1, 3))
        action = choose_actions(answer.logits, allowed, uniform, temperature)
        self._graphs.keep()
        self._previous = action
        elapsed_ms = (time.perf_counter() - start_s) * 1000
        return Decision(action[0], float(answer.value[0]), belief_of(answer, 0), elapsed_ms)


def belief_of(answer: StepAnswer, row: int) -> Belief:
    """One row's belief as plain numbers."""
    x, y = answer.point[row].tolist()
    x0, y0, x1, y1 = answer.box[row].tolist()
    right, forward = answer.bearing[row].tolist()
    return Belief(float(answer.visible[row]), (x, y), (x0, y0, x1, y1), (right, forward))
