"""The joints that turn a camera on its base: from rates to positions that end by themselves.

Positions and not rates, because a joint that was told a position stops there when nobody speaks any more. Knows
neither ROS nor a clock; the gate says when a rate may act.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from xview_deploy.bases.robot_command import CameraRate
from xview_deploy.bases.robot_file import check_range
from xview_deploy.spec import ContractError

FIRST_MOVE_S = 1.0  # time for the first move of a joint that never said where it stands
PERIODS_AHEAD = 2.0  # a target's time, in periods: so that the next one comes while the joint still moves


@dataclasses.dataclass(frozen=True)
class CameraJoint:
    """One joint. positive: where a growing angle looks, "down" or "up" for the pitch, "left" or "right" for the yaw."""

    joint: str  # its name, as in the robot's description
    positive: str
    min_rad: float
    max_rad: float
    max_rad_per_s: float
    home_rad: float = 0.0  # where it is taken to stand until joint_states tell

    def __post_init__(self) -> None:
        if not -2 * math.pi <= self.min_rad < self.max_rad <= 2 * math.pi:
            raise ContractError(
                f"min_rad, max_rad: expected radians, the smaller first, got {self.min_rad:g} and {self.max_rad:g}"
            )
        if not self.min_rad <= self.home_rad <= self.max_rad:
            raise ContractError(f"home_rad: expected one between min_rad and max_rad, got {self.home_rad:g}")
        check_range("max_rad_per_s", self.max_rad_per_s, 0.0, 20.0, "radians a second")

    def moved(self, position_rad: float, rate: float, dt_s: float) -> float:
        """Where it may be `dt_s` later at that rate, which counts downwards or counter-clockwise."""
        rate = min(max(rate, -self.max_rad_per_s), self.max_rad_per_s)
        signed = rate if self.positive in ("down", "left") else -rate
        return min(max(position_rad + signed * dt_s, self.min_rad), self.max_rad)


@dataclasses.dataclass(frozen=True)
class Gimbal:
    """The joints that a robot has; without any its camera looks where the base does."""

    pitch: CameraJoint | None = None
    yaw: CameraJoint | None = None

    def __post_init__(self) -> None:
        for name, joint, signs in (("pitch", self.pitch, ("down", "up")), ("yaw", self.yaw, ("left", "right"))):
            if joint is not None and joint.positive not in signs:
                raise ContractError(f"{name}.positive: expected one of {list(signs)}, got {joint.positive!r}")

    @property
    def joints(self) -> tuple[CameraJoint, ...]:
        """Pitch first."""
        return tuple(joint for joint in (self.pitch, self.yaw) if joint is not None)


class JointTarget(NamedTuple):
    """Where the joints should be, and in what time."""

    joints: tuple[str, ...]
    positions_rad: tuple[float, ...]
    seconds: float


class CameraMount:
    """Follows the camera's joints; what comes from `advance` is meant for a joint trajectory controller."""

    def __init__(self, gimbal: Gimbal) -> None:
        self._gimbal = gimbal
        self._positions = {joint.joint: joint.home_rad for joint in gimbal.joints}
        self._known: set[str] = set()
        self._moving = False

    def on_joint(self, joint: str, position_rad: float) -> None:
        """A joint was measured. While it moves by our targets the measurement lags behind them, and is not used."""
        if joint in self._positions and math.isfinite(position_rad) and not self._moving:
            self._positions[joint] = position_rad
            self._known.add(joint)

    def advance(self, rate: CameraRate, dt_s: float) -> JointTarget | None:
        """The joints' next target at these rates; None where they stay."""
        pitch, yaw = self._gimbal.pitch, self._gimbal.yaw
        rates = {joint.joint: one for joint, one in ((pitch, rate.pitch), (yaw, rate.yaw)) if joint is not None}
        self._moving = any(rates.values())
        if not self._moving:
            return None
        unknown = self._positions.keys() - self._known
        for joint in self._gimbal.joints:
            self._positions[joint.joint] = joint.moved(self._positions[joint.joint], rates[joint.joint], dt_s)
        self._known.update(self._positions)
        seconds = FIRST_MOVE_S if unknown else PERIODS_AHEAD * dt_s
        return JointTarget(tuple(self._positions), tuple(self._positions.values()), seconds)
