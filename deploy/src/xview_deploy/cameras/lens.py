"""How a live camera bends the world: its calibration, as CameraInfo or a calibration file states it.

Only what the picture needs is kept: size, pinhole, distortion, and the pinhole of the straightened picture. The
meaning is that of sensor_msgs/CameraInfo; (0, 0) is the centre of the top left pixel, as in OpenCV. This module
knows neither ROS nor what a policy was trained with.

    lens = load_calibration("camera.yaml")  # what ROS's camera_calibration writes
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from xview_deploy.spec import ContractError

# Distortion models by the names that CameraInfo uses, with the numbers of coefficients that each may have.
COEFFICIENTS = {
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "equidistant": (4,),
    "fisheye": (4,),  # what some drivers call equidistant
}
FISHEYE = ("equidistant", "fisheye")
UNBENT = ("", "plumb_bob", "rational_polynomial")  # where all coefficients are zero or absent
MAX_SIDE = 32766  # pixels; OpenCV's remap takes no more
SAME_ASPECT = 0.02  # relative difference up to which a picture may be another size of the calibrated one
PROFILE_STEPS = 4096  # of the search for the angle at which a distortion folds back


@dataclasses.dataclass(frozen=True)
class Pinhole:
    """A camera that does not bend: focal lengths and principal point in pixels."""

    fx: float
    fy: float
    cx: float
    cy: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3), as OpenCV takes it."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def scaled(self, x: float, y: float) -> Pinhole:
        """The same camera with that many times the pixels along each axis; pixels are areas, not points."""
        return Pinhole(self.fx * x, self.fy * y, (self.cx + 0.5) * x - 0.5, (self.cy + 0.5) * y - 0.5)

    def moved(self, x: float, y: float) -> Pinhole:
        """The same camera where that many pixels are cut off at the left and at the top."""
        return Pinhole(self.fx, self.fy, self.cx - x, self.cy - y)


@dataclasses.dataclass(frozen=True)
class Lens:
    """One calibrated camera. Raises ContractError for numbers that are no camera."""

    width: int  # of the picture, pixels
    height: int
    pinhole: Pinhole  # K of CameraInfo
    model: str = "plumb_bob"
    coefficients: tuple[float, ...] = ()  # D, in the order that the model has in CameraInfo; empty: none
    straight: Pinhole | None = None  # P: the pinhole of the straightened picture; None: the same as `pinhole`

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise ContractError(f"lens: expected sides of 1 to {MAX_SIDE} pixels, got {self.width}x{self.height}")
        for pinhole in (self.pinhole, self.straight or self.pinhole):
            numbers = dataclasses.astuple(pinhole)
            if not all(map(math.isfinite, numbers)) or min(pinhole.fx, pinhole.fy) <= 0:
                raise ContractError(f"lens: expected finite pixels and focal lengths above 0, got {pinhole}")
        if not all(map(math.isfinite, self.coefficients)):
            raise ContractError(f"lens: expected finite distortion coefficients, got {self.coefficients}")
        if not any(self.coefficients) and self.model in UNBENT:
            return
        if self.model not in COEFFICIENTS:
            raise ContractError(f"distortion model: expected one of {', '.join(COEFFICIENTS)}, got {self.model!r}")
        if len(self.coefficients) not in COEFFICIENTS[self.model]:
            allowed = " or ".join(map(str, COEFFICIENTS[self.model]))
            raise ContractError(f"{self.model}: expected {allowed} coefficients, got {len(self.coefficients)}")

    @property
    def is_fisheye(self) -> bool:
        """The angle itself is what grows with the distance from the centre, not its tangent."""
        return self.model in FISHEYE

    @property
    def bends(self) -> bool:
        """Straight lines come out curved. An equidistant lens does so with zeros, too."""
        return self.is_fisheye or any(self.coefficients)

    def sized(self, width: int, height: int) -> Lens:
        """This lens for pictures of another size; ContractError where they cannot be of this camera."""
        if (width, height) == (self.width, self.height):
            return self
        if abs(width * self.height / (height * self.width) - 1) > SAME_ASPECT:
            raise ContractError(
                f"camera calibration: expected pictures of {self.width}x{self.height} or of the same shape, "
                f"got {width}x{height}: calibrate in the mode that the camera runs in"
            )
        x, y = width / self.width, height / self.height
        straight = None if self.straight is None else self.straight.scaled(x, y)
        return dataclasses.replace(
            self, width=width, height=height, pinhole=self.pinhole.scaled(x, y), straight=straight
        )

    def straightened(self) -> Lens:
        """The pinhole camera whose picture this one's becomes when it is undistorted."""
        return Lens(self.width, self.height, self.straight or self.pinhole)

    def turned(self, degrees: int) -> Lens:
        """The lens of the picture turned clockwise by 0, 90, 180 or 270 degrees."""
        lens = self
        for _ in range(quarters(degrees)):
            lens = _turned_once(lens)
        return lens

    def source_pixels(self, view: Pinhole, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where each pixel of a pinhole picture lies in this camera's: x and y, float32 (height, width) each.

        Both look along the same axis. NaN where this camera does not see, its distortion's far side included.
        """
        size = (width, height)
        bend = np.array(self.coefficients if any(self.coefficients) else (0.0,) * 4)  # OpenCV refuses a lone zero
        matrices = (self.pinhole.matrix, bend, np.eye(3), view.matrix)
        if self.is_fisheye:
            x, y = cv2.fisheye.initUndistortRectifyMap(*matrices, size, cv2.CV_32FC1)
        else:
            x, y = cv2.initUndistortRectifyMap(*matrices, size, cv2.CV_32FC1)
        seen = (x >= -0.5) & (x <= self.width - 0.5) & (y >= -0.5) & (y <= self.height - 0.5)
        with np.errstate(all="ignore"):  # absurd coefficients overflow, and are seen nowhere
            seen &= _tangents(view, width, height) < self._fold(view, width, height)
        return np.where(seen, x, np.nan).astype(np.float32), np.where(seen, y, np.nan).astype(np.float32)

    def _fold(self, view: Pinhole, width: int, height: int) -> float:
        """Tangent of the angle from the axis beyond which the polynomial turns back, and would show ghosts."""
        tangents = np.linspace(0.0, _tangents(view, width, height).max() + 1e-6, PROFILE_STEPS)
        grows = np.diff(_radii(self, tangents)) > 0
        return math.inf if grows.all() else float(tangents[int(np.argmin(grows))])


def quarters(degrees: int) -> int:
    """Quarter turns clockwise; ContractError for an angle that is none."""
    if isinstance(degrees, bool) or degrees not in (0, 90, 180, 270):
        raise ContractError(f"rotation: expected 0, 90, 180 or 270 degrees clockwise, got {degrees!r}")
    return int(degrees) // 90


def is_calibrated(k: Sequence[float]) -> bool:
    """CameraInfo says with a zero focal length that nobody has calibrated the camera."""
    return len(k) == 9 and k[0] != 0.0


def lens_of(
    *,
    width: int,
    height: int,
    model: str,
    k: Sequence[float],
    d: Sequence[float],
    p: Sequence[float] = (),
    binning: tuple[int, int] = (1, 1),
    roi: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Lens:
    """The lens of CameraInfo's fields; ContractError says which of them makes no camera.

    binning and roi (x, y, width, height) relate the calibrated size to the pictures that are sent; zeros in
    either mean that nothing is cut or binned, as in the message.
    """
    if len(k) != 9 or len(p) not in (0, 12):
        raise ContractError(f"camera calibration: expected K of 9 and P of 12 numbers, got {len(k)} and {len(p)}")
    straight = Pinhole(p[0], p[5], p[2], p[6]) if len(p) == 12 and p[0] != 0.0 else None
    pinhole = Pinhole(k[0], k[4], k[2], k[5])
    straight = None if straight == pinhole else straight
    lens = Lens(int(width), int(height), pinhole, model, _trimmed(model, d), straight)
    x, y, roi_width, roi_height = roi
    if roi_width and roi_height:
        moved = None if straight is None else straight.moved(x, y)
        lens = dataclasses.replace(
            lens, width=roi_width, height=roi_height, pinhole=lens.pinhole.moved(x, y), straight=moved
        )
    return lens.sized(max(lens.width // max(binning[0], 1), 1), max(lens.height // max(binning[1], 1), 1))


def load_calibration(path: str | Path) -> Lens:
    """The lens of a YAML file as ROS's camera_calibration writes it; ContractError names what is wrong with it."""
    try:
        fields = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ContractError(f"camera calibration: expected a readable YAML file, got {error}") from None
    if not isinstance(fields, dict):
        raise ContractError(f"camera calibration {path}: expected names and values, got {type(fields).__name__}")
    try:
        return lens_of(
            width=_whole(fields, "image_width"),
            height=_whole(fields, "image_height"),
            model=str(fields.get("distortion_model", "plumb_bob")),
            k=_numbers(fields, "camera_matrix"),
            d=_numbers(fields, "distortion_coefficients"),
            p=_numbers(fields, "projection_matrix") if "projection_matrix" in fields else (),
        )
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None


def _whole(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ContractError(f"{name}: expected a whole number of pixels, got {value!r}")
    return value


def _numbers(fields: Mapping[str, Any], name: str) -> list[float]:
    matrix = fields.get(name)
    data = matrix.get("data") if isinstance(matrix, dict) else None
    if not isinstance(data, list) or not all(type(value) in (int, float) for value in data):
        raise ContractError(f"{name}: expected rows, cols and data of numbers, got {matrix!r}")
    try:
        return [float(value) for value in data]
    except OverflowError:
        raise ContractError(f"{name}: expected numbers of a sensible size, got {data!r}") from None


def _trimmed(model: str, d: Sequence[float]) -> tuple[float, ...]:
    """Without the zeros that drivers pad D with."""
    coefficients = tuple(float(value) for value in d)
    counts = COEFFICIENTS.get(model, ())
    for count in () if len(coefficients) in counts else sorted(counts, reverse=True):
        if len(coefficients) > count and not any(coefficients[count:]):
            return coefficients[:count]
    return coefficients


def _turned_once(lens: Lens) -> Lens:
    """A quarter turn clockwise: what was at (x, y) comes to (height - 1 - y, x)."""

    def turn(pinhole: Pinhole) -> Pinhole:
        return Pinhole(pinhole.fy, pinhole.fx, lens.height - 1 - pinhole.cy, pinhole.cx)

    straight = None if lens.straight is None else turn(lens.straight)
    coefficients = lens.coefficients if lens.is_fisheye else _turned_coefficients(lens.coefficients)
    return Lens(lens.height, lens.width, turn(lens.pinhole), lens.model, coefficients, straight)


def _turned_coefficients(d: tuple[float, ...]) -> tuple[float, ...]:
    """(p2, p1), (s1, s3) and (s2, s4) are vectors in the picture's plane; all else is the same all around."""
    if len(d) == 14 and any(d[12:]):
        raise ContractError("rotation: expected a lens whose sensor is not tilted, got tilt coefficients; use 0")
    turned = list(d)
    for x, y in ((3, 2), (8, 10), (9, 11)):
        if len(d) > max(x, y):
            turned[x], turned[y] = -d[y], d[x]
    return tuple(turned)


def _tangents(view: Pinhole, width: int, height: int) -> NDArray[np.float64]:
    """Of the angle between each pixel's ray and the axis: (height, width)."""
    x = (np.arange(width) - view.cx) / view.fx
    y = (np.arange(height) - view.cy) / view.fy
    return np.hypot(x[None, :], y[:, None])


def _radii(lens: Lens, tangents: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from the centre, in focal lengths, at which rays of those angles arrive."""
    d = np.zeros(14)
    d[: len(lens.coefficients)] = lens.coefficients
    if lens.is_fisheye:
        theta = np.arctan(tangents)
        return np.asarray(theta * np.polynomial.polynomial.polyval(theta**2, (1.0, *d[:4])))
    square = tangents**2
    above = np.polynomial.polynomial.polyval(square, (1.0, d[0], d[1], d[4]))
    below = np.polynomial.polynomial.polyval(square, (1.0, d[5], d[6], d[7]))
    return np.asarray(tangents * above / np.where(below == 0, np.nan, below))
