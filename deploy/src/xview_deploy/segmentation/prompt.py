"""What the operator pointed at: a box, points on the target, points beside it. Pixels of one picture.

Knows nothing of how a mask is found; a segmenter gets a picture and a `Prompt`.
"""

from __future__ import annotations

import dataclasses
import math

from xview_deploy.spec import ContractError

MIN_BOX_SIDE_PX = 4
MAX_POINTS = 64

Point = tuple[float, float]  # (x, y), pixels from the top left
Box = tuple[float, float, float, float]  # (x0, y0, x1, y1)


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A box, clicks on the target (`positive`) and clicks beside it (`negative`)."""

    box: Box | None = None
    positive: tuple[Point, ...] = ()
    negative: tuple[Point, ...] = ()

    def check(self, width: int, height: int) -> None:
        """ContractError unless it says something, inside a picture of this size."""
        if self.box is None and not self.positive:
            raise ContractError("prompt: expected a box or a click on the target, got neither")
        if len(self.positive) + len(self.negative) > MAX_POINTS:
            raise ContractError(f"prompt: expected at most {MAX_POINTS} clicks, got more: start again")
        for x, y in (*self.positive, *self.negative):
            if not (math.isfinite(x) and math.isfinite(y) and 0 <= x < width and 0 <= y < height):
                raise ContractError(f"click: expected a point inside {width}x{height}, got ({x:g}, {y:g})")
        if self.box is not None:
            _check_box(self.box, width, height)


def _check_box(box: Box, width: int, height: int) -> None:
    x0, y0, x1, y1 = box
    said = f"({x0:g}, {y0:g}) to ({x1:g}, {y1:g})"
    if not all(map(math.isfinite, box)) or min(x0, y0) < 0 or x1 > width or y1 > height:
        raise ContractError(f"box: expected one inside {width}x{height}, got {said}")
    if min(x1 - x0, y1 - y0) < MIN_BOX_SIDE_PX:
        raise ContractError(f"box: expected sides of at least {MIN_BOX_SIDE_PX} pixels, got {said}")
