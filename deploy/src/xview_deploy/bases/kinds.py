"""Kinds of bases: which keys each can act out, and what of a velocity it can drive.

Keys that a base lacks are masked, so that no policy samples them. Above all a base that cannot step aside has no
"left" and "right". To turn by 90 degrees and drive instead would swing the camera away from what the policy was
looking at, which no key did in its training: it is not offered.
"""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from xview_deploy.bases.robot_file import check_range
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.spec import ContractError

DIRECTIONS = {"forward": (1.0, 0.0), "back": (-1.0, 0.0), "left": (0.0, 1.0), "right": (0.0, -1.0)}  # x, y
ALONG = ("forward", "back")


@dataclasses.dataclass(frozen=True)
class Base:
    """What all kinds share. `keys`: those of its kind that this one should act out."""

    keys: tuple[str, ...] = ()

    possible: ClassVar[tuple[str, ...]] = tuple(DIRECTIONS)
    turns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        unknown = [key for key in self.keys if key not in self.possible]
        if unknown:
            possible = list(self.possible) or "none"
            raise ContractError(f"keys: expected some of {possible} for this kind of base, got {unknown}")

    @property
    def turning_radius_m(self) -> float:
        """Radius of the tightest curve, m; 0: it turns on the spot."""
        return 0.0

    def drivable(self, velocity: Velocity) -> Velocity:
        """What it can drive of that velocity."""
        return velocity


@dataclasses.dataclass(frozen=True)
class OmniBase(Base):
    """Mecanum or omni wheels: any direction, and any turn beside it."""

    keys: tuple[str, ...] = tuple(DIRECTIONS)


@dataclasses.dataclass(frozen=True)
class DifferentialBase(Base):
    """Two driven wheels or tracks: along its axis, and turns on the spot."""

    keys: tuple[str, ...] = ALONG
    possible: ClassVar[tuple[str, ...]] = ALONG

    def drivable(self, velocity: Velocity) -> Velocity:
        """Nothing sideways."""
        return velocity._replace(y=0.0)


@dataclasses.dataclass(frozen=True)
class AckermannBase(Base):
    """Steered wheels: turns only while it rolls, and no tighter than its steering allows.

    standing_turn says what becomes of a turn without a walk, which such a base cannot do: "stand" ignores it,
    "arc" drives the tightest forward curve at creep_m_per_s, so that the policy can look around where there is room.
    """

    wheelbase_m: float = dataclasses.field(kw_only=True)
    max_steering_rad: float = dataclasses.field(kw_only=True)  # of the wheel that a bicycle would have
    standing_turn: str = dataclasses.field(kw_only=True)
    min_turning_radius_m: float = dataclasses.field(kw_only=True, default=0.0)  # where it is larger than the steering's
    creep_m_per_s: float = dataclasses.field(kw_only=True, default=0.0)
    keys: tuple[str, ...] = ALONG
    possible: ClassVar[tuple[str, ...]] = ALONG

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("wheelbase_m", self.wheelbase_m, 0.0, 10.0, "metres")
        check_range("max_steering_rad", self.max_steering_rad, 0.0, 1.4, "radians")
        if self.standing_turn not in ("stand", "arc"):
            raise ContractError(f"standing_turn: expected 'stand' or 'arc', got {self.standing_turn!r}")
        if (self.standing_turn == "arc") != (self.creep_m_per_s > 0.0):
            raise ContractError("creep_m_per_s: expected a positive number with standing_turn: arc, else none")
        if 0.0 < self.min_turning_radius_m < self._steering_radius_m or self.min_turning_radius_m < 0.0:
            raise ContractError(
                f"min_turning_radius_m: expected at least {self._steering_radius_m:.3f} m, the radius of wheelbase_m "
                f"at max_steering_rad, got {self.min_turning_radius_m:g}"
            )

    @property
    def _steering_radius_m(self) -> float:
        return self.wheelbase_m / math.tan(self.max_steering_rad)

    @property
    def turning_radius_m(self) -> float:
        """Of the rear axle's middle."""
        return max(self.min_turning_radius_m, self._steering_radius_m)

    def drivable(self, velocity: Velocity) -> Velocity:
        """The same speed along the axis, on the wanted curve or the tightest."""
        speed = velocity.x
        if speed == 0.0 and velocity.theta != 0.0 and self.standing_turn == "arc":
            speed = self.creep_m_per_s
        fastest = abs(speed) / self.turning_radius_m
        return Velocity(speed, 0.0, min(max(velocity.theta, -fastest), fastest))


@dataclasses.dataclass(frozen=True)
class LeggedBase(Base):
    """Legs that take velocities in any direction, but whose gait does nothing useful below some speed."""

    deadband_m_per_s: float = dataclasses.field(kw_only=True)  # slower is standing
    deadband_rad_per_s: float = dataclasses.field(kw_only=True)
    keys: tuple[str, ...] = tuple(DIRECTIONS)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("deadband_m_per_s", "deadband_rad_per_s"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ContractError(f"{name}: expected 0 to 1, got {getattr(self, name):g}")

    def drivable(self, velocity: Velocity) -> Velocity:
        """Without what would only make it tread on the spot."""
        x, y, theta = velocity
        if math.hypot(x, y) < self.deadband_m_per_s:
            x = y = 0.0
        return Velocity(x, y, theta if abs(theta) >= self.deadband_rad_per_s else 0.0)


@dataclasses.dataclass(frozen=True)
class FixedBase(Base):
    """Stands where it stands: a pan-tilt camera on a mast, say."""

    possible: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[bool] = False

    def drivable(self, velocity: Velocity) -> Velocity:
        """Nothing."""
        return STILL


BASES: dict[str, type[Base]] = {
    "mecanum": OmniBase,
    "omni": OmniBase,
    "differential": DifferentialBase,
    "ackermann": AckermannBase,
    "legged": LeggedBase,
    "fixed": FixedBase,
}
