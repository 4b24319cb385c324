"""The gate's parameters: limits, ages, what must be there. Those in tables may change while it runs, all or none.

They bear the names of Nav2's velocity smoother where it has one, and of ros2_control's limiters for the jerk.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from rclpy.node import Node
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.velocity import VelocityLimits
from xview_deploy.safety.gate_settings import GateSettings
from xview_deploy.spec import ContractError

from xview_agent.parameters import Described, changed_settings, checked, declared, declared_settings

LIMITS = {
    "max_velocity": "[x, y, theta], m/s, m/s, rad/s, not negative",
    "min_velocity": "[x, y, theta], m/s, m/s, rad/s, not positive",
    "max_accel": "[x, y, theta], m/s2, m/s2, rad/s2, away from zero",
    "max_decel": "[x, y, theta], negative, towards zero",
    "max_jerk": "[x, y, theta], m/s3, m/s3, rad/s3; 0: no limit",
}
TOLERANCES = {
    "future_tolerance": Described("s, that a stamp may lie ahead of this clock, or behind its predecessor", 0.0, 1.0),
    "clock_step_tolerance": Described("s, by which this machine's clock may be stepped", 0.01, 10.0),
    "picture_timeout": Described("s, oldest picture to drive by", 0.01, 10.0),
    "picture_frozen_timeout": Described("s of the same picture while the robot moves; 0: not looked for", 0.0, 60.0),
    "picture_frozen_distance": Described("m, path on which a picture must change", 0.001, 100.0),
    "picture_frozen_turn": Described("rad, turn on which a picture must change", 0.001, 100.0),
    "velocity_timeout": Described("s, longest silence of the policy", 0.05, 10.0),
    "command_picture_timeout": Described("s, oldest picture that a command may answer", 0.01, 10.0),
    "goal_timeout": Described("s, oldest picture that a goal may be marked on", 1.0, 86400.0),
    "heartbeat_timeout": Described("s, oldest heartbeat of the operator to drive by", 0.05, 60.0),
    "odometry_timeout": Described("s, oldest odometry to go by", 0.01, 60.0),
    "odometry_frozen_timeout": Described(
        "s of the same odometry while motion goes out, where odometry is required; 0: not looked for", 0.0, 60.0
    ),
    "odometry_frozen_distance": Described("m, commanded path on which odometry must change", 0.001, 100.0),
    "odometry_frozen_turn": Described("rad, commanded turn on which odometry must change", 0.001, 100.0),
    "still_speed": Described("m/s, up to which odometry says that the base stands", 0.0001, 1.0),
    "still_turn": Described("rad/s, up to which odometry says that the base stands", 0.0001, 1.0),
    "joy_timeout": Described("s, oldest message of the joystick to drive by", 0.05, 10.0),
    "obstacle_timeout": Described("s, oldest scan to drive by", 0.01, 10.0),
    "obstacle_margin": Described("m, that the base keeps from what is in its way", 0.0, 10.0),
    "obstacle_reaction": Described("s, that base and sensor take to answer", 0.0, 5.0),
}
FIXED = {
    "smoothing_frequency": Described("Hz, of the velocities", 1.0, 1000.0),
    "odometry_required": Described("whether nothing moves without odometry"),
}
FOOTPRINT = "[front, back, left, right], m, from the base's origin to the sides of the rectangle around it"


class GateParameters:
    """The settings as they stand."""

    def __init__(self, node: Node, mapping: ActionMapping, deadman: bool, ranging: bool) -> None:
        """Declares all; ContractError where they make no sense. deadman, ranging: whether there is such a source."""
        limits = VelocityLimits(minimum_turning_radius=mapping.base.turning_radius_m)
        lists: dict[str, Any] = {
            name: tuple(declared(node, name, list(getattr(limits, name)), text, read_only=False))
            for name, text in LIMITS.items()
        }
        footprint = tuple(declared(node, "footprint", list(GateSettings().footprint), FOOTPRINT))
        required = GateSettings(
            limits=dataclasses.replace(limits, **lists),
            footprint=footprint,
            deadman_required=deadman,
            obstacle_required=ranging,
        )
        fixed = declared_settings(node, required, FIXED)
        self.settings = declared_settings(node, fixed, TOLERANCES, read_only=False)

    def changed(self, values: Mapping[str, Any]) -> GateSettings:
        """The settings with these values, unknown names left aside; ContractError where they make no sense."""
        limits: dict[str, Any] = {
            name: tuple(checked(name, value, list(getattr(self.settings.limits, name)), Described(LIMITS[name])))
            for name, value in values.items()
            if name in LIMITS
        }
        settings = changed_settings(self.settings, values, TOLERANCES)
        return dataclasses.replace(settings, limits=dataclasses.replace(settings.limits, **limits))


def numbers(node: Node, name: str, default: list[float], description: str, length: int) -> tuple[float, ...]:
    """A parameter of that many finite numbers."""
    values = tuple(declared(node, name, default, description))
    if len(values) != length or not all(math.isfinite(value) for value in values):
        raise ContractError(f"parameter {name}: expected {length} finite numbers, got {list(values)}")
    return values
