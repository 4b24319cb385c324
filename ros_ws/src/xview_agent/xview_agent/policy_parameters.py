"""The policy node's parameters: which policy, how it is sampled, when a goal is over. Those in tables may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rclpy.node import Node
from xview_deploy.pursuit.motion import MotionSettings
from xview_deploy.pursuit.outcome import StopSettings
from xview_deploy.pursuit.pursuit import PursuitSettings

from xview_agent.parameters import Described, changed_settings, declared_settings

PURSUIT = {
    "picture_timeout": Described("s, oldest picture to decide by", 0.01, 10.0),
    "temperature": Described("of the sampling; 0: the most likely action", 0.0, 10.0),
    "goal_timeout": Described("s, oldest picture that a goal may be marked on", 1.0, 86400.0),
    "future_tolerance": Described("s, that a goal's stamp may lie ahead of this clock", 0.0, 1.0),
}
STOP = {
    "reached_visible": Described("probability of being in the picture from which nearness counts", 0.0, 1.0),
    "reached_width": Described("width of the target's box from which it is near, share of the picture's", 0.0, 1.0),
    "reached_bottom": Described("lower edge of the target's box from which it is near, 0 top to 1 bottom", 0.0, 1.0),
    "reached_release": Described("share of these thresholds that keeps it near once it is", 0.0, 1.0),
    "reached_decisions": Described("decisions that must say near; 0: never reached", 0, 1000),
    "reached_window": Described("among so many last ones", 1, 1000),
    "reached_rest": Described("s that it must have stood, pushed in vain or turned in place; 0: no need", 0.0, 60.0),
    "reached_rest_distance": Described("m, longest path in that time", 0.0, 10.0),
    "seen_visible": Described("probability from which the target counts as seen", 0.0, 1.0),
    "lost_visible": Described("probability below which it counts as out of sight, once seen", 0.0, 1.0),
    "lost_timeout": Described("s out of sight until it is lost; 0: never", 0.0, 3600.0),
}
MOTION = {
    "stuck_timeout": Described("s without the commanded motion until the base is stuck; 0: never", 0.0, 600.0),
    "stuck_share": Described("of the commanded path: less than that is no motion", 0.001, 0.999),
    "stuck_distance": Described("m, shortest commanded path that says anything", 0.0, 100.0),
    "stuck_turn": Described("rad, smallest commanded turn that says anything", 0.0, 100.0),
    "stuck_picture_change": Described("mean grey levels of 255 that speak for motion without odometry", 0.0, 255.0),
    "odometry_timeout": Described("s, age at which odometry counts as missing", 0.05, 60.0),
}


class Thresholds(NamedTuple):
    """What of the policy node's parameters may change while it runs, but for the policy itself."""

    pursuit: PursuitSettings
    stop: StopSettings
    motion: MotionSettings

    @classmethod
    def declared(cls, node: Node) -> Thresholds:
        """Declares them all; ContractError where they make no sense."""
        return cls(
            declared_settings(node, PursuitSettings(), PURSUIT, read_only=False),
            declared_settings(node, StopSettings(), STOP, read_only=False),
            declared_settings(node, MotionSettings(), MOTION, read_only=False),
        )

    def changed(self, values: Mapping[str, Any]) -> Thresholds:
        """With these values, unknown names left aside; ContractError where they make no sense."""
        return Thresholds(
            changed_settings(self.pursuit, values, PURSUIT),
            changed_settings(self.stop, values, STOP),
            changed_settings(self.motion, values, MOTION),
        )
