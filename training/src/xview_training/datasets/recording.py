"""One demonstrated episode, whole in memory: what was seen, what was done, and where the target was in each picture.

What writers take and readers of foreign formats give. Knows numpy only: neither files nor how it was demonstrated.

Axis letters: T frames, S side of a picture.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from xview_deploy.spec import Event


class DatasetError(ValueError):
    """A data set cannot be used as it is; the message names the file, what was expected and what came."""


@dataclasses.dataclass(frozen=True)
class About:
    """What is known of an episode beside its frames."""

    source: str  # names it among all episodes, such as "train-17"
    event: str  # what the policy is told; see xview_deploy.spec.Event
    first: int  # of the event's range: from this frame on ...
    last: int  # ... to this one the same target is pursued
    success: bool
    task: str = ""  # the task record, one line of JSON; empty where there is none

    def __post_init__(self) -> None:
        Event.parse(self.event)
        if not 0 <= self.first <= self.last:
            raise DatasetError(f"{self.source}: expected a range of frames, got {self.first} to {self.last}")


# Name, type and shape beyond T of what is kept of every frame.
COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "action": ("int16", (3,)),  # taken: buttons row, pitch bin, yaw bin
    "label": ("int16", (3,)),  # what the expert would have taken
    "visible": ("bool", ()),  # the target is in the picture
    "point": ("float32", (2,)),  # its centre x, y in 0..1 from the top left; zeros where it is not
    "box": ("float32", (4,)),  # x0, y0, x1, y1, same units
    "bearing": ("float32", (2,)),  # unit vector right, forward on the ground towards it
    "bearing_known": ("bool", ()),  # the agent could know the bearing
    "value": ("float32", ()),  # discounted success by the way that is left
}
MASKS, GOAL_MASK = "masks", "goal_mask"


@dataclasses.dataclass(frozen=True, eq=False)
class Recording:
    """An episode of T frames; DatasetError where its parts do not fit each other.

    A goal view of its own is what the task was given with; without one, frames of the event serve.
    """

    about: About
    pictures: tuple[bytes, ...]  # T encoded squares, see datasets/pictures.py
    columns: dict[str, np.ndarray]  # those of COLUMNS, each (T, ...)
    masks: np.ndarray  # bool (T, S, S): the target's pixels
    goal_picture: bytes | None = None
    goal_mask: np.ndarray | None = None  # bool (S, S)

    def __len__(self) -> int:
        """T, frames."""
        return len(self.pictures)

    @property
    def shows_goal(self) -> bool:
        """Whether it has a goal view: its own, or a frame of the event with the target in it."""
        return self.goal_picture is not None or bool(self.masks[self.about.first : self.about.last + 1].any())

    def __post_init__(self) -> None:
        where, frames = self.about.source, len(self.pictures)
        if frames == 0 or self.about.last >= frames:
            raise DatasetError(f"{where}: expected frames up to {self.about.last}, got {frames} pictures")
        if self.columns.keys() != COLUMNS.keys():
            raise DatasetError(f"{where}: expected the columns {', '.join(COLUMNS)}, got {', '.join(self.columns)}")
        for name, (dtype, shape) in COLUMNS.items():
            _check(f"{where}, {name}", self.columns[name], dtype, (frames, *shape))
        side = self.masks.shape[-1]
        _check(f"{where}, masks", self.masks, "bool", (frames, side, side))
        if (self.goal_picture is None) != (self.goal_mask is None):
            raise DatasetError(f"{where}: expected a goal picture and its mask, or neither")
        if self.goal_mask is not None:
            _check(f"{where}, goal mask", self.goal_mask, "bool", (side, side))


def _check(what: str, array: np.ndarray, dtype: str, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise DatasetError(f"{what}: expected {dtype} {shape}, got {array.dtype} {array.shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DatasetError(f"{what}: expected finite numbers")


def places_of(masks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks bool (T, S, S) -> visible bool (T,), centres float32 (T, 2), boxes float32 (T, 4), as COLUMNS says."""
    side = masks.shape[-1]
    visible = np.asarray(masks.any((1, 2)))
    points, boxes = np.zeros((len(masks), 2), np.float32), np.zeros((len(masks), 4), np.float32)
    for t in np.flatnonzero(visible):
        rows, columns = np.nonzero(masks[t])
        points[t] = (columns.mean() + 0.5) / side, (rows.mean() + 0.5) / side
        boxes[t] = columns.min() / side, rows.min() / side, (columns.max() + 1) / side, (rows.max() + 1) / side
    return visible, points, boxes
