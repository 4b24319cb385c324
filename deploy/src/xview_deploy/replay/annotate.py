"""What a policy believed and chose, drawn on the picture that it saw.

Below the picture: the probability that the target is in it, an arrow to where it is believed to be (up is ahead of
the robot), the chosen keys and turn, and the time that the decision took. Knows neither policy nor video.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.goal import CrossViewGoal
from xview_deploy.preprocessing import Pixels
from xview_deploy.runtime.policy import Decision
from xview_deploy.spec import TICK_HZ, ActionTable, Belief

WIDTH_PX = 640  # of the drawn picture
STRIP_PX = 96  # below it
INSET_SHARE = 0.3  # of the width, for the goal
LIKELY = 0.5  # from this probability on, point and box are drawn boldly

INK, DIM, BACK = (240, 240, 240), (130, 130, 130), (24, 24, 28)
BELIEF, TARGET = (90, 220, 120), (255, 60, 160)
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclasses.dataclass(frozen=True)
class Caption:
    """What is written beside the belief."""

    time_s: float
    policy: str


class Annotator:
    """Draws for one video and one goal. `size` is (width, height) of what comes out, both even."""

    def __init__(self, width: int, height: int, goal: CrossViewGoal, table: ActionTable) -> None:
        self._picture_size = (WIDTH_PX, max(2 * round(height * WIDTH_PX / width / 2), 2))
        self.size = (WIDTH_PX, self._picture_size[1] + STRIP_PX)
        self._table = table
        self._inset = _inset(goal)

    def draw(self, picture: Pixels, decision: Decision, caption: Caption) -> Pixels:
        """RGB (H, W, 3) of the video -> RGB of `size`."""
        smaller = picture.shape[1] > WIDTH_PX
        drawn = cv2.resize(picture, self._picture_size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
        canvas = np.empty((self.size[1], self.size[0], 3), np.uint8)
        canvas[: drawn.shape[0]], canvas[drawn.shape[0] :] = drawn, BACK
        _draw_belief(canvas[: drawn.shape[0]], decision.belief)
        self._paste_goal(canvas)
        self._draw_strip(canvas[drawn.shape[0] :], decision, caption)
        return canvas

    def _paste_goal(self, canvas: Pixels) -> None:
        height, width = self._inset.shape[:2]
        height = min(height, self._picture_size[1] - 16)
        if height > 0:
            canvas[8 : 8 + height, WIDTH_PX - 8 - width : WIDTH_PX - 8] = self._inset[:height]

    def _draw_strip(self, strip: Pixels, decision: Decision, caption: Caption) -> None:
        belief = decision.belief
        _write(strip, f"target in view {belief.visible:4.0%}", (12, 26))
        _bar(strip, (12, 36), (170, 16), belief.visible)
        took = f"{decision.ms:.1f} ms   " if decision.ms > 0 else ""  # 0: nobody measured it
        _write(strip, f"{caption.time_s:6.2f} s   {took}{caption.policy}", (12, 82), DIM)
        _arrow(strip, (248, 40), 30, belief.bearing)
        for number, (name, value) in enumerate(chosen(decision.action, self._table)):
            _write(strip, name, (310, 26 + 24 * number), DIM)
            _write(strip, value, (390, 26 + 24 * number))


def chosen(action: NDArray[np.int64], table: ActionTable) -> tuple[tuple[str, str], ...]:
    """What the action means, in words: (name, value) of keys, turn and look."""
    buttons, pitch, yaw = (int(row) for row in action)
    keys = " + ".join(table.buttons[buttons]) or "no key"
    turn, look = table.camera_deg[yaw] * TICK_HZ, table.camera_deg[pitch] * TICK_HZ
    return (
        ("keys", keys),
        ("turn", _sided(turn, "right", "left", "none")),
        ("look", _sided(look, "down", "up", "level")),
    )


def _sided(degrees_per_s: float, positive: str, negative: str, neither: str) -> str:
    if abs(degrees_per_s) < 0.05:
        return neither
    return f"{abs(degrees_per_s):.0f} deg/s {positive if degrees_per_s > 0 else negative}"


def _inset(goal: CrossViewGoal) -> Pixels:
    """The goal picture, small, with the target outlined and tinted."""
    height, width = goal.image.shape[:2]
    inner_width = round(WIDTH_PX * INSET_SHARE)
    size = (inner_width, max(round(height * inner_width / width), 1))
    picture = cv2.resize(goal.image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(goal.mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 0
    picture[mask] = (0.5 * picture[mask] + 0.5 * np.array(TARGET)).astype(np.uint8)
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, TARGET, 1)
    framed = np.asarray(cv2.copyMakeBorder(picture, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=INK), np.uint8)
    cv2.rectangle(framed, (2, framed.shape[0] - 22), (12 + 9 * len(goal.event.value), framed.shape[0] - 3), BACK, -1)
    _write(framed, goal.event.value, (7, framed.shape[0] - 8))
    return framed


def _draw_belief(picture: Pixels, belief: Belief) -> None:
    """Box and point, bold where the target is likely in view, thin where it hardly is."""
    height, width = picture.shape[:2]
    scale = np.array([width, height])
    likely = belief.visible >= LIKELY
    colour, thick = (BELIEF, 2) if likely else (DIM, 1)
    first, second = (_pixel(scale * corner) for corner in (belief.box[:2], belief.box[2:]))
    cv2.rectangle(picture, first, second, colour, thick, cv2.LINE_AA)
    cv2.drawMarker(picture, _pixel(scale * belief.point), colour, cv2.MARKER_CROSS, 18, thick, cv2.LINE_AA)


def _arrow(strip: Pixels, centre: tuple[int, int], radius: int, bearing: tuple[float, float]) -> None:
    """Right and forward as right and up."""
    cv2.circle(strip, centre, radius + 6, DIM, 1, cv2.LINE_AA)
    length = math.hypot(*bearing)
    if not length > 0:
        return
    along = np.array([bearing[0], -bearing[1]]) / length * radius
    first, second = _pixel(np.array(centre) - along), _pixel(np.array(centre) + along)
    cv2.arrowedLine(strip, first, second, BELIEF, 3, cv2.LINE_AA, tipLength=0.35)


def _bar(strip: Pixels, corner: tuple[int, int], size: tuple[int, int], share: float) -> None:
    x, y = corner
    filled = round(size[0] * (min(share, 1.0) if share > 0 else 0.0))
    cv2.rectangle(strip, (x, y), (x + filled, y + size[1]), BELIEF if share >= LIKELY else DIM, -1)
    cv2.rectangle(strip, (x, y), (x + size[0], y + size[1]), INK, 1)


def _write(canvas: Pixels, text: str, origin: tuple[int, int], colour: tuple[int, int, int] = INK) -> None:
    cv2.putText(canvas, text, origin, FONT, 0.5, colour, 1, cv2.LINE_AA)


def _pixel(place: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.clip(np.nan_to_num(place), -9999, 9999).round().astype(int).tolist()
    return x, y
