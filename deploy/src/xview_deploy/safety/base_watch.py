"""What odometry says of the base: whether it stands, and whether the camera must see something else by now.

Knows neither ROS nor a clock.
"""

from __future__ import annotations

import math
from enum import Enum

from xview_deploy.bases.velocity import Velocity
from xview_deploy.safety.freshness import FrozenWatch, Source
from xview_deploy.safety.gate_settings import GateSettings

Pose = tuple[float, ...]  # in any frame: only compared


class BaseState(str, Enum):
    """As odometry tells it."""

    UNKNOWN = "unknown"
    STILL = "still"
    MOVING = "moving"


class BaseWatch:
    """Listens to odometry."""

    def __init__(self, settings: GateSettings) -> None:
        self.source = Source("odometry", settings.odometry_timeout, settings.future_tolerance)
        self.frozen = FrozenWatch("odometry", "the base was told to move")
        self._velocity: Velocity | None = None

    def on_odometry(self, velocity: Velocity, pose: Pose, age_s: float, now_s: float, settings: GateSettings) -> str:
        """What the base does, by its odometry of that age; why that cannot be, or an empty string."""
        if fault := self.source.take(age_s, now_s):
            return fault
        if not (velocity.is_finite and all(math.isfinite(value) for value in pose)):
            self._velocity = None
            self.source.fault = f"odometry is not finite: {tuple(velocity)}"
            return self.source.fault
        self._velocity = velocity
        return self.frozen.on_content((velocity, pose), now_s, settings.odometry_frozen)

    def velocity(self, now_s: float) -> Velocity | None:
        """What the base does now; None where nothing fresh tells."""
        return None if self.source.overdue(now_s) else self._velocity

    def state(self, now_s: float, settings: GateSettings) -> BaseState:
        """Whether it stands."""
        velocity = self.velocity(now_s)
        if velocity is None:
            return BaseState.UNKNOWN
        slow = math.hypot(velocity.x, velocity.y) <= settings.still_speed
        return BaseState.STILL if slow and abs(velocity.theta) <= settings.still_turn else BaseState.MOVING

    def confirms_stop(self, since_s: float, now_s: float, settings: GateSettings) -> bool:
        """Whether odometry that was measured after `since_s` says that the base stands."""
        taken_s = self.source.taken_s
        return taken_s is not None and taken_s > since_s and self.state(now_s, settings) is BaseState.STILL
