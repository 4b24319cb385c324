"""Velocities of a base on the floor, and how fast they may be and may change.

REP-103 axes: x forward and y left in m/s, theta counter-clockwise in rad/s. The limits carry the names and
signs that Nav2's velocity smoother gave them. Knows neither time, nor ROS, nor who commands.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from xview_deploy.spec import ContractError


class Velocity(NamedTuple):
    """Forward m/s, left m/s, counter-clockwise rad/s."""

    x: float
    y: float
    theta: float

    @property
    def is_finite(self) -> bool:
        """Neither NaN nor infinite in any axis."""
        return all(math.isfinite(axis) for axis in self)


STILL = Velocity(0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class VelocityLimits:
    """One value an axis, [x, y, theta]. An axis that the base lacks has the velocities 0."""

    max_velocity: tuple[float, ...] = (0.5, 0.5, 1.0)  # m/s, m/s, rad/s; not negative
    min_velocity: tuple[float, ...] = (-0.25, -0.5, -1.0)  # not positive
    max_accel: tuple[float, ...] = (1.0, 1.0, 3.0)  # m/s2, m/s2, rad/s2; positive: away from zero
    max_decel: tuple[float, ...] = (-2.0, -2.0, -6.0)  # negative: towards zero

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            values = getattr(self, field.name)
            if len(values) != 3 or not all(math.isfinite(value) for value in values):
                raise ContractError(f"{field.name}: expected 3 finite numbers [x, y, theta], got {values}")
        _check_sign("max_velocity", self.max_velocity, lowest=0.0)
        _check_sign("min_velocity", [-value for value in self.min_velocity], lowest=0.0, sign="negative")
        _check_sign("max_accel", self.max_accel, lowest=1e-6)
        _check_sign("max_decel", [-value for value in self.max_decel], lowest=1e-6, sign="negative")

    def clamp(self, velocity: Velocity) -> Velocity:
        """The nearest velocity within the limits."""
        bounds = zip(velocity, self.min_velocity, self.max_velocity, strict=True)
        return Velocity(*(min(max(axis, low), high) for axis, low, high in bounds))

    def approach(self, current: Velocity, target: Velocity, dt_s: float) -> Velocity:
        """Where `current` may be after `dt_s` on its way to `target`, within every limit."""
        axes = zip(current, self.clamp(target), self.max_accel, self.max_decel, strict=True)
        return Velocity(*(_approach_axis(now, goal, up, down, dt_s) for now, goal, up, down in axes))


def _approach_axis(current: float, target: float, max_accel: float, max_decel: float, dt_s: float) -> float:
    speeds_up = abs(target) >= abs(current) and current * target >= 0.0
    step = (max_accel if speeds_up else -max_decel) * dt_s
    return min(max(target, current - step), current + step)


def _check_sign(name: str, values: tuple[float, ...] | list[float], lowest: float, sign: str = "positive") -> None:
    if min(values) < lowest:
        allowed = sign if lowest > 0 else f"{sign} numbers or 0"
        raise ContractError(f"{name}: expected {allowed} for [x, y, theta]; axis {values.index(min(values))} is not")
