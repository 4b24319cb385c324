"""Whether something stands where the base would come to a stop.

The footprint is moved along the present velocity for as far as the base needs to stop. What comes closer to it than
the margin on that way is in the way; what the base moves away from is not, so that a robot can leave a wall. Frame:
the base's, metres, x forward and y left. Knows neither ROS nor sensors (`safety.ranging` makes the points).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from xview_deploy.bases.velocity import Velocity, VelocityLimits
from xview_deploy.spec import ContractError

Points = NDArray[np.float64]  # (N, 2)
STEP_M = 0.03  # between the poses that are looked at
MOST_POSES = 64


@dataclasses.dataclass(frozen=True)
class Footprint:
    """A rectangle around the base's origin: distances in metres, none negative."""

    front: float
    back: float
    left: float
    right: float

    def __post_init__(self) -> None:
        sides = (self.front, self.back, self.left, self.right)
        if (
            not all(0.0 <= side < math.inf for side in sides)
            or self.front + self.back <= 0
            or self.left + self.right <= 0
        ):
            raise ContractError(
                f"footprint: expected metres [front, back, left, right] of a rectangle, got {list(sides)}"
            )

    @property
    def reach_m(self) -> float:
        """From the origin to the farthest corner."""
        return math.hypot(max(self.front, self.back), max(self.left, self.right))

    def distance_m(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """From points to the rectangle; 0 inside."""
        dx = np.maximum(np.maximum(x - self.front, -self.back - x), 0.0)
        dy = np.maximum(np.maximum(y - self.left, -self.right - y), 0.0)
        distance: NDArray[np.float64] = np.hypot(dx, dy)
        return distance


def stopping_s(velocity: Velocity, limits: VelocityLimits, reaction_s: float) -> float:
    """For how long the velocity would go on, were it constant and then zero, to give the stopping path."""
    braking_s = max(abs(axis) / -decel for axis, decel in zip(velocity, limits.max_decel, strict=True))
    return reaction_s + braking_s / 2


def in_the_way(
    points: Points, footprint: Footprint, velocity: Velocity, seconds: float, margin_m: float
) -> tuple[float, float] | None:
    """The nearest of the points, (N, 2), that the base comes too close to; None where the way is free.

    Points inside the footprint are the base's own body.
    """
    turn_m = abs(velocity.theta) * footprint.reach_m
    path_m = (math.hypot(velocity.x, velocity.y) + turn_m) * seconds
    if path_m == 0.0 or not len(points):
        return None
    near = points[np.hypot(points[:, 0], points[:, 1]) <= footprint.reach_m + margin_m + path_m]
    now_m = footprint.distance_m(near[:, 0], near[:, 1])
    near, now_m = near[now_m > 0.0], now_m[now_m > 0.0]
    closest_m = now_m.copy()
    poses = min(math.ceil(path_m / STEP_M), MOST_POSES)
    for time_s in np.linspace(0.0, seconds, poses + 1)[1:]:
        x, y = _seen_from(near, velocity, float(time_s))
        closest_m = np.minimum(closest_m, footprint.distance_m(x, y))
    blocking = (closest_m < margin_m) & (closest_m < now_m - 1e-6)
    if not blocking.any():
        return None
    x_m, y_m = near[blocking][np.argmin(now_m[blocking])]
    return float(x_m), float(y_m)


def _seen_from(points: Points, velocity: Velocity, time_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The points in the base's frame after it moved at a constant velocity of its own axes."""
    angle = velocity.theta * time_s
    sine, cosine = math.sin(angle), math.cos(angle)
    # sin(a)/a and (1 - cos(a))/a, also where the angle is 0
    along, across = (sine / angle, (1 - cosine) / angle) if abs(angle) > 1e-9 else (1.0, 0.0)
    x = points[:, 0] - (velocity.x * along - velocity.y * across) * time_s
    y = points[:, 1] - (velocity.x * across + velocity.y * along) * time_s
    return cosine * x + sine * y, cosine * y - sine * x
