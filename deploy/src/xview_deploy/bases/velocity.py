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
AT_REST = 1e-6  # m/s or rad/s
LONGEST_BRAKING = 500  # periods that are looked ahead


@dataclasses.dataclass(frozen=True)
class VelocityLimits:
    """One value an axis, [x, y, theta]. An axis that the base lacks has the velocities 0.

    Nav2's smoother knows no limit of the jerk; `max_jerk` is what ros2_control's controllers call theirs.
    """

    max_velocity: tuple[float, ...] = (0.5, 0.5, 1.0)  # m/s, m/s, rad/s; not negative
    min_velocity: tuple[float, ...] = (-0.25, -0.5, -1.0)  # not positive
    max_accel: tuple[float, ...] = (1.0, 1.0, 3.0)  # m/s2, m/s2, rad/s2; positive: away from zero
    max_decel: tuple[float, ...] = (-2.0, -2.0, -6.0)  # negative: towards zero
    max_jerk: tuple[float, ...] = (0.0, 0.0, 0.0)  # m/s3, m/s3, rad/s3; 0: no limit
    minimum_turning_radius: float = 0.0  # m, of the tightest curve; 0: turns on the spot

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            values = getattr(self, field.name)
            if field.name == "minimum_turning_radius":
                if not 0.0 <= values < math.inf:
                    raise ContractError(f"minimum_turning_radius: expected 0 or more metres, got {values}")
            elif len(values) != 3 or not all(math.isfinite(value) for value in values):
                raise ContractError(f"{field.name}: expected 3 finite numbers [x, y, theta], got {values}")
        _check_sign("max_velocity", self.max_velocity, lowest=0.0)
        _check_sign("min_velocity", [-value for value in self.min_velocity], lowest=0.0, sign="negative")
        _check_sign("max_accel", self.max_accel, lowest=1e-6)
        _check_sign("max_decel", [-value for value in self.max_decel], lowest=1e-6, sign="negative")
        _check_sign("max_jerk", self.max_jerk, lowest=0.0)

    def of_axis(self, axis: int) -> tuple[float, float, float]:
        """One axis' greatest acceleration, deceleration (negative) and jerk."""
        return self.max_accel[axis], self.max_decel[axis], self.max_jerk[axis]

    def clamp(self, velocity: Velocity) -> Velocity:
        """The nearest velocity within the limits."""
        bounds = zip(velocity, self.min_velocity, self.max_velocity, strict=True)
        return Velocity(*(min(max(axis, low), high) for axis, low, high in bounds))

    def on_curve(self, velocity: Velocity) -> Velocity:
        """The same speed, turning no tighter than the base can."""
        if self.minimum_turning_radius == 0.0:
            return velocity
        fastest = abs(velocity.x) / self.minimum_turning_radius
        return velocity._replace(theta=min(max(velocity.theta, -fastest), fastest))


class VelocityRamp:
    """A velocity on its way to another, within all limits. It starts at rest."""

    def __init__(self) -> None:
        self.velocity = STILL
        self._acceleration = STILL

    def step(self, target: Velocity, limits: VelocityLimits, dt_s: float) -> Velocity:
        """Where the velocity may be after `dt_s`."""
        if dt_s <= 0.0:
            return self.velocity
        goal = limits.clamp(target)
        self._acceleration = Velocity(
            *(
                _acceleration(speed, change, limits.of_axis(axis), goal[axis], dt_s)
                for axis, (speed, change) in enumerate(zip(self.velocity, self._acceleration, strict=True))
            )
        )
        moved = Velocity(*(now + change * dt_s for now, change in zip(self.velocity, self._acceleration, strict=True)))
        if limits.clamp(self.velocity) == self.velocity:  # else they were lowered meanwhile, and it is on its way
            moved = limits.clamp(moved)
        self.velocity = limits.on_curve(moved)
        return self.velocity

    def path_to_rest(self, axis: int, target: float, limits: VelocityLimits, dt_s: float) -> float:
        """How far that axis still moves, m or rad, if it goes for `target` for one `dt_s` and then for rest."""
        speed, acceleration, path = self.velocity[axis], self._acceleration[axis], 0.0
        bounds = limits.of_axis(axis)
        for _ in range(LONGEST_BRAKING):
            acceleration = _acceleration(speed, acceleration, bounds, target, dt_s)
            speed += acceleration * dt_s
            path += speed * dt_s
            target = 0.0
            if abs(speed) < AT_REST:
                break
        return path

    def stop(self) -> None:
        """At rest at once: limits are for driving, not for stopping."""
        self.velocity = self._acceleration = STILL


def _acceleration(
    speed: float, acceleration: float, bounds: tuple[float, float, float], target: float, dt_s: float
) -> float:
    """Of one axis for the next `dt_s`. To the other side of zero it goes by way of rest."""
    max_accel, max_decel, max_jerk = bounds
    if speed * target < 0.0:
        target = 0.0
    gap = target - speed
    greatest = min(max_accel if abs(target) > abs(speed) else -max_decel, abs(gap) / dt_s)
    if max_jerk == 0.0:
        return math.copysign(greatest, gap)
    change = max_jerk * dt_s
    greatest = min(greatest, change * _steps_to_ease_off(abs(gap) / (change * dt_s)))
    return min(max(math.copysign(greatest, gap), acceleration - change), acceleration + change)


def _steps_to_ease_off(gap: float) -> float:
    """The greatest n, whole or not, with n + (n - 1) + ... down to the last positive term no more than `gap`."""
    whole = math.floor((math.sqrt(1 + 8 * gap) - 1) / 2)
    return whole / 2 + gap / (whole + 1)


def _check_sign(name: str, values: tuple[float, ...] | list[float], lowest: float, sign: str = "positive") -> None:
    if min(values) < lowest:
        allowed = sign if lowest > 0 else f"{sign} numbers or 0"
        raise ContractError(f"{name}: expected {allowed} for [x, y, theta]; axis {values.index(min(values))} is not")
