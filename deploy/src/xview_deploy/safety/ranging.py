"""Range sensors' messages as points around the base: a planar scan, a cloud of points.

Where the sensor sits is given, not looked up: the gate must not wait for a tree of transforms. Knows no ROS; what a
message holds comes as numbers and bytes. Values as in REP 117: -inf is too close to measure, +inf is free, NaN is no
measurement; what lies outside the sensor's range is discarded.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xview_deploy.safety.obstacles import Points
from xview_deploy.spec import ContractError

MOST_POINTS = 1_000_000  # a larger cloud would keep the gate from its work


@dataclasses.dataclass(frozen=True)
class Mounting:
    """Where a sensor sits in the base's frame, and which heights it looks for. Metres, radians (REP-103)."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0
    lowest: float = -math.inf  # height above the base's origin
    highest: float = math.inf

    def placed(self, points: NDArray[np.float64]) -> Points:
        """Points (N, 3) of the sensor's frame as (N, 2) of the base's, those between the heights."""
        (sr, cr), (sp, cp), (sy, cy) = ((math.sin(a), math.cos(a)) for a in (self.roll, self.pitch, self.yaw))
        turn = np.array(
            [
                [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
                [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
                [-sp, cp * sr, cp * cr],
            ]
        )
        placed = points @ turn.T + (self.x, self.y, self.z)
        kept: Points = placed[(placed[:, 2] >= self.lowest) & (placed[:, 2] <= self.highest), :2]
        return kept


def scan_points(
    ranges: NDArray[np.floating], angle_min: float, angle_increment: float, range_min: float, range_max: float
) -> NDArray[np.float64]:
    """What a planar scan saw, (N, 3) in its own frame; ContractError where it measured nothing at all."""
    if not all(math.isfinite(value) for value in (angle_min, angle_increment, range_min)) or math.isnan(range_max):
        raise ContractError("obstacle scan: expected finite angles and a range from a finite distance on")
    measured = ~np.isnan(ranges)
    if not measured.any():
        raise ContractError(f"obstacle scan: expected measurements, got {len(ranges)} without any")
    seen = np.where(np.isneginf(ranges), range_min, ranges).astype(np.float64)
    angles = angle_min + angle_increment * np.arange(len(ranges))
    kept = np.isfinite(seen) & (seen >= range_min) & (seen <= range_max)
    return np.stack(
        [seen[kept] * np.cos(angles[kept]), seen[kept] * np.sin(angles[kept]), np.zeros(int(kept.sum()))], axis=1
    )


def cloud_points(
    data: bytes, count: int, point_step: int, offsets: Mapping[str, int], big_endian: bool = False
) -> NDArray[np.float64]:
    """The finite points of a cloud of float32 x, y, z at those offsets: (N, 3) in its own frame."""
    missing = [axis for axis in "xyz" if axis not in offsets]
    if missing:
        raise ContractError(f"obstacle cloud: expected float32 fields x, y, z, got none for {missing}")
    if not 0 <= count <= MOST_POINTS or count * point_step > len(data):
        raise ContractError(f"obstacle cloud: expected {count} points of {point_step} bytes, got {len(data)} bytes")
    if count == 0:
        return np.zeros((0, 3))
    if not all(0 <= offsets[axis] <= point_step - 4 for axis in "xyz"):
        raise ContractError(f"obstacle cloud: expected offsets within {point_step} bytes, got {dict(offsets)}")
    number = np.dtype(">f4" if big_endian else "<f4")
    layout = np.dtype(
        {"names": list("xyz"), "formats": [number] * 3, "offsets": [offsets[a] for a in "xyz"], "itemsize": point_step}
    )
    records = np.frombuffer(data, layout, count)
    points = np.stack([records[axis] for axis in "xyz"], axis=1).astype(np.float64)
    return points[np.isfinite(points).all(axis=1)]
