"""Corrections by hand: brush strokes, polygons, and cleaning up what a segmenter left behind.

Every function takes a bool (H, W) mask and returns a new one; none knows how the mask was proposed.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.segmentation.prompt import Point
from xview_deploy.spec import ContractError

Mask = NDArray[np.bool_]  # (H, W)
MAX_BRUSH_RADIUS_PX = 200.0
MAX_STROKE_POINTS = 5000


def paint(mask: Mask, stroke: Sequence[Point], radius_px: float, add: bool) -> Mask:
    """A round brush of `radius_px` drawn along the stroke: marks where `add`, else erases."""
    if not 0 < radius_px <= MAX_BRUSH_RADIUS_PX:
        raise ContractError(f"brush: expected a radius in (0, {MAX_BRUSH_RADIUS_PX:g}], got {radius_px:g}")
    points = _pixels(stroke, "stroke", 1)
    touched = np.zeros(mask.shape, np.uint8)
    thickness = max(1, round(2 * radius_px))
    cv2.polylines(touched, [points], False, 1, thickness)
    for end in (points[0], points[-1]):
        cv2.circle(touched, (int(end[0]), int(end[1])), round(radius_px), 1, -1)
    return _combined(mask, touched > 0, add)


def fill_polygon(mask: Mask, corners: Sequence[Point], add: bool) -> Mask:
    """The area inside the corners, marked where `add`, else erased."""
    inside = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(inside, [_pixels(corners, "polygon", 3)], 1)
    return _combined(mask, inside > 0, add)


def keep_component(mask: Mask, points: Sequence[Point] = ()) -> Mask:
    """Only the connected parts under the points; the largest part where no point hits one.

    Connected by sides: two cubes that touch at a corner stay two.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 1:
        return mask.copy()
    hit = {int(labels[int(y), int(x)]) for x, y in points} - {0}
    return np.isin(labels, sorted(hit or {1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())}))


def fill_holes(mask: Mask) -> Mask:
    """Everything inside an outer contour belongs to it: dark dots on a cube are the cube's."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, -1)
    return filled > 0


def close_gaps(mask: Mask, width_px: int = 5) -> Mask:
    """Cracks narrower than `width_px` are closed: the dark rims between a cube's faces."""
    kernel = np.ones((width_px, width_px), np.uint8)
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0


def _combined(mask: Mask, touched: Mask, add: bool) -> Mask:
    return mask | touched if add else mask & ~touched


def _pixels(points: Sequence[Point], what: str, least: int) -> NDArray[np.int32]:
    if not least <= len(points) <= MAX_STROKE_POINTS:
        raise ContractError(f"{what}: expected {least} to {MAX_STROKE_POINTS} points, got {len(points)}")
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not np.all(np.abs(array) < 1e5):
        raise ContractError(f"{what}: expected (x, y) points near the picture, got {array.shape}")
    return np.round(array).astype(np.int32)
