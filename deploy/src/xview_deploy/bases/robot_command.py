"""What one decision asks of a robot, whatever its kind: the base, the camera on it, what it triggers.

The mapping of actions makes it, the gate limits it. Knows no policy and no robot.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from xview_deploy.bases.velocity import STILL, Velocity

MAX_HOLD_S = 1.0  # longest step: whoever commands it may die meanwhile, and it is driven to its end


class CameraRate(NamedTuple):
    """Turning of the camera against the base, rad/s: pitch positive downwards, yaw counter-clockwise (REP-103)."""

    pitch: float
    yaw: float


HELD = CameraRate(0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class RobotCommand:
    """The velocities hold for `hold_s`, then all stands still; 0: until the next command.

    presses: keys of the training world that are down and trigger something.
    """

    velocity: Velocity = STILL
    camera: CameraRate = HELD
    hold_s: float = 0.0
    presses: tuple[str, ...] = ()

    @property
    def fault(self) -> str:
        """Why no robot should act on it; empty where it is sound."""
        numbers = (*self.velocity, *self.camera, self.hold_s)
        if not all(math.isfinite(number) for number in numbers):
            return f"command is not finite: {numbers}"
        if not 0.0 <= self.hold_s <= MAX_HOLD_S:
            return f"command lasts {self.hold_s:.2f} s, allowed 0 to {MAX_HOLD_S:.2f} s"
        return ""


STAND = RobotCommand()
