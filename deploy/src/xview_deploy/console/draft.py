"""A target in the making: one frozen picture, the mask proposed for it, and the operator's corrections.

Corrections by hand survive further clicks; a new box starts afresh. Knows no socket and no robot.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from xview_deploy.console.robot import Frame
from xview_deploy.goal import CrossViewGoal, Mask
from xview_deploy.picture import decode_picture
from xview_deploy.segmentation.grabcut import propose
from xview_deploy.segmentation.mask_editing import fill_polygon, paint
from xview_deploy.segmentation.prompt import Box, Point, Prompt
from xview_deploy.spec import ContractError, Event

MAX_UNDO = 40


@dataclasses.dataclass(frozen=True, eq=False)
class Marking:
    """One state of a draft: what was pointed at, what was proposed, what was painted over it."""

    prompt: Prompt
    proposals: tuple[Mask, ...]  # best first
    chosen: int
    added: Mask
    erased: Mask

    @property
    def mask(self) -> Mask:
        """bool (H, W): the proposal with the corrections on top."""
        return (self.proposals[self.chosen] | self.added) & ~self.erased


class Draft:
    """The marking of one target on one picture, with undo. Raises ContractError for what it cannot do."""

    def __init__(self, number: int, frame: Frame, made_s: float) -> None:
        self.number = number
        self.frame = frame
        self.made_s = made_s
        self.image = decode_picture(frame.jpeg, f"picture of {frame.camera!r}")
        self._states: list[Marking] = []

    @property
    def marking(self) -> Marking:
        """The present state; ContractError before the first click or box."""
        if not self._states:
            raise ContractError("draft: expected a click or a box first, got none")
        return self._states[-1]

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to return to."""
        return len(self._states) > 1

    def click(self, point: Point, on_target: bool) -> None:
        """Adds a click and proposes anew from all clicks and the box."""
        prompt = self.marking.prompt if self._states else Prompt()
        if on_target:
            prompt = dataclasses.replace(prompt, positive=(*prompt.positive, point))
        else:
            prompt = dataclasses.replace(prompt, negative=(*prompt.negative, point))
        added, erased = (self.marking.added, self.marking.erased) if self._states else self._no_corrections()
        self._push(Marking(prompt, tuple(propose(self.image, prompt)), 0, added, erased))

    def draw_box(self, box: Box) -> None:
        """Starts afresh from a box."""
        prompt = Prompt(box=box)
        self._push(Marking(prompt, tuple(propose(self.image, prompt)), 0, *self._no_corrections()))

    def paint(self, points: tuple[Point, ...], radius_px: float, add: bool) -> None:
        """A brush stroke that marks or erases."""
        now = self.marking
        self._push(
            dataclasses.replace(
                now,
                added=paint(now.added, points, radius_px, add),
                erased=paint(now.erased, points, radius_px, not add),
            )
        )

    def fill(self, corners: tuple[Point, ...], add: bool) -> None:
        """An area that is marked or erased."""
        now = self.marking
        self._push(
            dataclasses.replace(
                now,
                added=fill_polygon(now.added, corners, add),
                erased=fill_polygon(now.erased, corners, not add),
            )
        )

    def another(self) -> None:
        """The next proposal for the same clicks; after the last one the first again."""
        now = self.marking
        if len(now.proposals) < 2:
            raise ContractError("another proposal: expected two or more for these clicks, got one: draw a box")
        self._push(dataclasses.replace(now, chosen=(now.chosen + 1) % len(now.proposals)))

    def undo(self) -> None:
        """Back to the state before."""
        if not self.can_undo:
            raise ContractError("undo: expected an earlier state, got none")
        self._states.pop()

    def goal(self, goal_id: str, event: str) -> CrossViewGoal:
        """The goal as it would be sent; ContractError where it is not sound."""
        return CrossViewGoal(
            id=goal_id,
            event=Event.parse(event),
            image=self.image,
            mask=self.marking.mask,
            stamp_ns=self.frame.stamp_ns,
            source_camera=self.frame.camera,
        )

    def _push(self, marking: Marking) -> None:
        self._states = [*self._states[-MAX_UNDO:], marking]

    def _no_corrections(self) -> tuple[Mask, Mask]:
        shape = self.image.shape[:2]
        return np.zeros(shape, bool), np.zeros(shape, bool)


def outline(mask: Mask) -> list[list[list[int]]]:
    """The mask's contours as [[x, y], ...] each, holes included, to be filled by the even-odd rule."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    return [[[int(x), int(y)] for x, y in contour.reshape(-1, 2)] for contour in contours]
