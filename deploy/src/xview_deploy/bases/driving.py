"""How a decision moves a robot: at a velocity until the next decision, or by one step of a given length.

A policy walks 4.317 blocks a second and turns by degrees a tick; a robot has metres and radians. Both kinds here
answer the same question: how fast, and for how long. Knows neither keys nor kinds of bases.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

from xview_deploy.bases.robot_file import check_range
from xview_deploy.spec import ContractError

WALK_BLOCKS_PER_S = 4.317  # the speed at which policies learn to walk


class Pace(NamedTuple):
    """speed_m_per_s: of a walk. seconds: in which the decision's angles are turned. hold_s: see RobotCommand."""

    speed_m_per_s: float
    seconds: float
    hold_s: float


@dataclasses.dataclass(frozen=True)
class Velocities:
    """Walks and turns as fast as in training, scaled, until the next decision."""

    meters_per_block: float = 0.25  # length on the floor of one block of the training world, m
    walk_gain: float = 1.0  # multiplies the walking speed
    turn_gain: float = 1.0  # multiplies the turning speed

    settle_s: ClassVar[float] = 0.0  # nothing ends before the next decision

    def __post_init__(self) -> None:
        check_range("meters_per_block", self.meters_per_block, 0.0, 10.0, "metres")
        check_range("walk_gain", self.walk_gain, 0.0, 10.0, "a factor")
        check_range("turn_gain", self.turn_gain, 0.0, 10.0, "a factor")

    @property
    def walk_m_per_s(self) -> float:
        """Speed while a direction key is held."""
        return WALK_BLOCKS_PER_S * self.meters_per_block * self.walk_gain

    def pace(self, walks: bool, angle_rad: float, period_s: float) -> Pace:
        """Of a decision that walks or not and turns by `angle_rad`, where decisions come every `period_s`."""
        return Pace(self.walk_m_per_s, period_s, 0.0)


@dataclasses.dataclass(frozen=True)
class Steps:
    """Drives step_m and turns the decision's angle, both in the same time, then stands until the next decision.

    The next decision is made by a picture that was taken `settle_s` after the step: the gate's ramps make it longer
    than planned, though not farther. Nothing measures what the base really drove.
    """

    step_m: float  # m a decision
    speed_m_per_s: float  # of a step
    turn_rad_per_s: float  # of a turn, also of the camera's
    turn_gain: float = 1.0  # multiplies the angle
    settle_s: float = 0.3  # until pictures show the end of a step

    def __post_init__(self) -> None:
        check_range("step_m", self.step_m, 0.0, 1.0, "metres")
        check_range("speed_m_per_s", self.speed_m_per_s, 0.0, 5.0, "metres a second")
        check_range("turn_rad_per_s", self.turn_rad_per_s, 0.0, 6.3, "radians a second")
        check_range("turn_gain", self.turn_gain, 0.0, 10.0, "a factor")
        if not 0.0 <= self.settle_s <= 5.0:
            raise ContractError(f"settle_s: expected 0 to 5 seconds, got {self.settle_s:g}")

    def pace(self, walks: bool, angle_rad: float, period_s: float) -> Pace:
        """Of a step that walks or not and turns by `angle_rad`: as long as the slower of the two takes."""
        seconds = max(self.step_m / self.speed_m_per_s if walks else 0.0, angle_rad / self.turn_rad_per_s)
        return Pace(self.step_m / seconds if walks else 0.0, seconds or period_s, seconds)


Motion = Velocities | Steps
MOTIONS: dict[str, type[Velocities] | type[Steps]] = {"velocities": Velocities, "steps": Steps}
