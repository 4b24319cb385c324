"""What a policy would have seen through the camera it was trained with, out of the picture of another one.

With a calibrated lens each cell of the policy's square averages the pixels that the trained pinhole would have
gathered there; the two look along the same axis. What the live camera does not see is black: repeating its edge
would paint floors and walls that are not there, and a policy would drive by them. Without a calibration the
centre of the picture is taken, cut to the trained width to height, so that things keep their trained shape.

Goal pictures are not the business of this module: policies are trained with goal cameras of many fields of view
and shapes, so those are squeezed as they are (`preprocessing`), once they are straight (`Straightener`).

    view = view_of(metadata.camera, metadata.image_size, 640, 480, lens)
    square = view.square(picture)
    x, y = view.spot(0.5, 0.5)  # where the square's centre lies in the picture
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.cameras.lens import Lens, Pinhole
from xview_deploy.preprocessing import Pixels, check_picture, squeeze_picture
from xview_deploy.spec import Belief, CameraModel, ContractError

SAME_CELLS = 0.1  # difference to the trained camera, in cells of the square, that is not worth a remapping
MAX_SAMPLES = 1024  # along each side of the square; a picture that has more pixels there is made smaller first
SPARE_PIXELS = 1.5  # along a cell, that a picture made smaller must keep: averaged, they hold what the cell shows
OUTSIDE = -2.0  # a pixel that no interpolation touches
INWARDS = np.linspace(1.0, 0.0, 65)  # steps to the centre from a spot that the camera does not see


class View(Protocol):
    """The way from one camera's pictures to one policy's squares, and back for what the policy points at."""

    @property
    def covered(self) -> float:
        """Share of the square that the camera sees, 0..1."""

    @property
    def spare(self) -> int:
        """A picture with one pixel for so many along each side shows the policy as much (`decode_picture`)."""

    def square(self, picture: Pixels) -> Pixels:
        """RGB uint8 (H, W, 3) of the view's size -> (S, S, 3)."""

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """A place of the square, 0..1 from the top left, as a place of the picture, 0..1."""


@functools.lru_cache(maxsize=8)
def view_of(camera: CameraModel, side: int, width: int, height: int, lens: Lens | None = None) -> View:
    """The view of a policy with that camera and square through pictures of width x height pixels.

    ContractError where the lens is that of other pictures, or shows nothing of what the policy should see.
    """
    if lens is None:
        return CutView(side, *_centre(camera, width, height), width, height)
    lens = lens.sized(width, height)
    if _is_trained(camera, side, lens):
        return CutView(side, 0, 0, width, height, width, height)
    return LensView(camera, side, lens)


def located(view: View, belief: Belief) -> Belief:
    """The belief about a square as one about the picture that it was made of."""
    x0, y0, x1, y1 = belief.box
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    rim = [view.spot(x, y) for x in (x0, middle_x, x1) for y in (y0, middle_y, y1)]
    xs, ys = zip(*rim, strict=True)
    return dataclasses.replace(belief, point=view.spot(*belief.point), box=(min(xs), min(ys), max(xs), max(ys)))


def trained_pinhole(camera: CameraModel, side_x: int, side_y: int) -> Pinhole:
    """The trained camera with a picture of that many pixels."""
    tangent = math.tan(math.radians(camera.vertical_fov_deg) / 2)
    focal_x, focal_y = side_x / 2 / (tangent * camera.aspect), side_y / 2 / tangent
    return Pinhole(focal_x, focal_y, (side_x - 1) / 2, (side_y - 1) / 2)


@dataclasses.dataclass(frozen=True)
class CutView:
    """A rectangle of the picture, squeezed."""

    side: int
    left: int  # of the rectangle, pixels
    top: int
    cut_width: int
    cut_height: int
    width: int  # of the picture, pixels
    height: int

    @property
    def covered(self) -> float:
        """All of it."""
        return 1.0

    @property
    def spare(self) -> int:
        """See `View.spare`."""
        return _spare(min(self.cut_width, self.cut_height) / self.side)

    def square(self, picture: Pixels) -> Pixels:
        """See `View.square`."""
        _check_size(picture, self.width, self.height)
        cut = picture[self.top : self.top + self.cut_height, self.left : self.left + self.cut_width]
        return squeeze_picture(cut, self.side)

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """See `View.spot`."""
        return (self.left + x * self.cut_width) / self.width, (self.top + y * self.cut_height) / self.height


class LensView:
    """A calibrated lens, sampled densely enough that no pixel is skipped, then averaged cell by cell."""

    def __init__(self, camera: CameraModel, side: int, lens: Lens) -> None:
        self._side, self._width, self._height = side, lens.width, lens.height
        across, down, least, self._covered = _density(camera, side, lens)
        self._spare = _spare(least)
        fewer = math.ceil(max(across, down) / max(MAX_SAMPLES // side, 2))
        self._small = lens.sized(-(-lens.width // fewer), -(-lens.height // fewer))
        columns, rows = side * math.ceil(across / fewer), side * math.ceil(down / fewer)
        self._x, self._y = self._small.source_pixels(trained_pinhole(camera, columns, rows), columns, rows)
        self._maps = _fixed_maps(self._x, self._y, self._small)

    @property
    def covered(self) -> float:
        """See `View.covered`."""
        return self._covered

    @property
    def spare(self) -> int:
        """See `View.spare`."""
        return self._spare

    def square(self, picture: Pixels) -> Pixels:
        """See `View.square`."""
        _check_size(picture, self._width, self._height)
        small = (self._small.width, self._small.height)
        if small != (self._width, self._height):
            picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        return squeeze_picture(_remap(picture, self._maps, cv2.INTER_LINEAR), self._side)

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """See `View.spot`. A place that the camera does not see becomes the last one seen on the way to it."""
        rows, columns = self._x.shape
        across, down = 0.5 + (x - 0.5) * INWARDS, 0.5 + (y - 0.5) * INWARDS
        column = np.clip((across * columns).astype(int), 0, columns - 1)
        row = np.clip((down * rows).astype(int), 0, rows - 1)
        seen = np.flatnonzero(np.isfinite(self._x[row, column]))
        if len(seen) == 0:
            return 0.5, 0.5
        at = row[seen[0]], column[seen[0]]
        return (float(self._x[at]) + 0.5) / self._small.width, (float(self._y[at]) + 0.5) / self._small.height


class Straightener:
    """Undistorts pictures of one lens, and masks that were drawn on them, without changing their size."""

    def __init__(self, lens: Lens) -> None:
        self.lens = lens.straightened()
        x, y = lens.source_pixels(self.lens.pinhole, lens.width, lens.height)
        self._maps = _fixed_maps(x, y, lens)

    def picture(self, picture: Pixels) -> Pixels:
        """RGB uint8 (H, W, 3) -> the same, straight; black where the camera does not see."""
        _check_size(picture, self.lens.width, self.lens.height)
        return _remap(picture, self._maps, cv2.INTER_LINEAR)

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool (H, W) -> the same, straight."""
        return _remap(mask.astype(np.uint8), self._maps, cv2.INTER_NEAREST) > 0


def _centre(camera: CameraModel, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the largest rectangle in the middle that has the trained shape."""
    cut_width = min(width, max(round(height * camera.aspect), 1))
    cut_height = min(height, max(round(width / camera.aspect), 1))
    return (width - cut_width) // 2, (height - cut_height) // 2, cut_width, cut_height


def _is_trained(camera: CameraModel, side: int, lens: Lens) -> bool:
    """Whether the square would be the whole picture squeezed, as far as its cells can tell."""
    if lens.bends:
        return False
    here = lens.pinhole.scaled(side / lens.width, side / lens.height)
    wanted = trained_pinhole(camera, side, side)
    for focal, centre, focal_wanted, centre_wanted in (
        (here.fx, here.cx, wanted.fx, wanted.cx),
        (here.fy, here.cy, wanted.fy, wanted.cy),
    ):
        rim = side / 2 * abs(focal / focal_wanted - 1)
        if rim + abs(centre - centre_wanted) > SAME_CELLS:
            return False
    return True


def _spare(pixels: float) -> int:
    """See `View.spare`, for a square whose least dense cell spans so many pixels."""
    return max(int(pixels / SPARE_PIXELS), 1)


def _density(camera: CameraModel, side: int, lens: Lens) -> tuple[int, int, float, float]:
    """Pixels of the picture that the densest cell spans across and down and the least dense one either way, and the
    share of cells that are seen.
    """
    x, y = lens.source_pixels(trained_pinhole(camera, side, side), side, side)
    seen = np.isfinite(x)
    if not seen.any():
        raise ContractError(
            "camera calibration: expected a camera that sees a part of what the policy was trained to see, "
            f"got {lens}: look after its principal point and focal lengths"
        )
    steps = [np.hypot(np.diff(x, axis=axis), np.diff(y, axis=axis)) for axis in (1, 0)]
    steps = [step[np.isfinite(step)] for step in steps]
    across, down = (max(math.ceil(np.max(step, initial=1.0) - 1e-3), 1) for step in steps)
    least = min(float(np.min(step, initial=np.inf)) for step in steps)
    return across, down, least if math.isfinite(least) else 1.0, float(seen.mean())


def _fixed_maps(
    x: NDArray[np.float32], y: NDArray[np.float32], lens: Lens
) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """The maps in OpenCV's quick form. Half a pixel at the picture's rim belongs to its outermost pixels."""
    whole_x = np.where(np.isnan(x), OUTSIDE, np.clip(x, 0, lens.width - 1)).astype(np.float32)
    whole_y = np.where(np.isnan(y), OUTSIDE, np.clip(y, 0, lens.height - 1)).astype(np.float32)
    pixels, fractions = cv2.convertMaps(whole_x, whole_y, cv2.CV_16SC2)
    return np.asarray(pixels, np.int16), np.asarray(fractions, np.uint16)


def _remap(picture: Pixels, maps: tuple[NDArray[np.int16], NDArray[np.uint16]], how: int) -> Pixels:
    return np.asarray(cv2.remap(picture, *maps, how, borderMode=cv2.BORDER_CONSTANT, borderValue=0), np.uint8)


def _check_size(picture: Pixels, width: int, height: int) -> None:
    check_picture(picture)
    if picture.shape[:2] != (height, width):
        raise ContractError(f"picture: expected {width}x{height}, got {picture.shape[1]}x{picture.shape[0]}")
