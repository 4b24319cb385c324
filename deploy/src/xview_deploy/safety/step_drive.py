"""A step: a path of given length, whatever the limits of the acceleration make of its beginning and end.

A velocity that is held for a time and then dropped would fall short of its path where the base needs longer to get
there. So a step keeps account of what was driven, and brakes when the rest is needed for that. It is open-loop: the
base is taken to do what it is told.
"""

from __future__ import annotations

from xview_deploy.bases.velocity import Velocity, VelocityLimits, VelocityRamp

HALVINGS = 8  # until the speed of one period is found: 1/256 of the speed that was asked for


class StepDrive:
    """Drives `velocity` times `hold_s`, each axis for itself."""

    def __init__(self, velocity: Velocity, hold_s: float) -> None:
        self._velocity = velocity
        self._left = [axis * hold_s for axis in velocity]

    def wanted(self, ramp: VelocityRamp, limits: VelocityLimits, period_s: float) -> Velocity:
        """The velocity to go for during the next period: as asked, but no faster than can be braked on what is left."""
        return Velocity(*(self._brakable(axis, ramp, limits, period_s) for axis in range(3)))

    def drove(self, velocity: Velocity, dt_s: float) -> None:
        """So much was driven."""
        self._left = [left - axis * dt_s for left, axis in zip(self._left, velocity, strict=True)]

    def _brakable(self, axis: int, ramp: VelocityRamp, limits: VelocityLimits, period_s: float) -> float:
        asked, left = self._velocity[axis], self._left[axis]
        if asked * left <= 0.0:  # there, or a little beyond
            return 0.0

        def too_far(speed: float) -> bool:
            return abs(ramp.path_to_rest(axis, speed, limits, period_s)) > abs(left)

        if not too_far(asked):
            return asked
        slow, fast = 0.0, asked
        for _ in range(HALVINGS):
            middle = (slow + fast) / 2
            slow, fast = (slow, middle) if too_far(middle) else (middle, fast)
        return slow


def longest_s(asked: Velocity, hold_s: float, limits: VelocityLimits) -> float:
    """By when a step is over at the latest, with all its ramps and at the speed that is allowed."""
    times = []
    for axis, (wanted, speed) in enumerate(zip(asked, limits.clamp(asked), strict=True)):
        accel, decel, jerk = limits.of_axis(axis)
        if speed:
            ramps_s = abs(speed) * (1 / accel - 1 / decel) + (2 * max(accel, -decel) / jerk if jerk else 0.0)
            times.append(hold_s * wanted / speed + ramps_s)
    return max(times, default=hold_s)
