"""Acting out commands: the newest one, within all limits, a step to its end and no farther.

Knows neither ROS nor a clock, nor whether the robot may move at all: that is the gate's business.
"""

from __future__ import annotations

import dataclasses

from xview_deploy.bases.robot_command import HELD, STAND, CameraRate, RobotCommand
from xview_deploy.bases.velocity import STILL, Velocity, VelocityLimits, VelocityRamp
from xview_deploy.safety.step_drive import StepDrive, longest_s


class Acting:
    """At rest until it is asked for something."""

    def __init__(self) -> None:
        self._asked = STAND
        self._asked_s = 0.0  # when
        self._longest_s = 0.0  # that a step may take
        self._step: StepDrive | None = None
        self._ramp = VelocityRamp()

    def ask(self, command: RobotCommand, limits: VelocityLimits, now_s: float) -> float:
        """From now on this is wanted. How long it lasts by itself, s; 0: until the next one."""
        self._asked = dataclasses.replace(command, velocity=limits.clamp(command.velocity))
        self._asked_s = now_s
        self._step = StepDrive(command.velocity, command.hold_s) if command.hold_s else None
        self._longest_s = longest_s(command.velocity, command.hold_s, limits) if command.hold_s else 0.0
        return self._longest_s

    def stand(self) -> None:
        """Nothing is wanted any more: slows down."""
        self._asked, self._step = STAND, None

    def stop(self) -> None:
        """At rest at once."""
        self.stand()
        self._ramp.stop()

    def velocity(self, limits: VelocityLimits, now_s: float, elapsed_s: float, period_s: float) -> Velocity:
        """The base's velocity now, `elapsed_s` after the last one; the next come every `period_s`."""
        wanted = self._asked.velocity
        if self._step is not None:
            over = now_s >= self._asked_s + self._longest_s
            wanted = STILL if over else self._step.wanted(self._ramp, limits, period_s)
        velocity = self._ramp.step(wanted, limits, elapsed_s)
        if self._step is not None:
            self._step.drove(velocity, elapsed_s)
        return velocity

    def camera_rate(self, now_s: float) -> CameraRate:
        """How the camera turns against the base now."""
        over = self._asked.hold_s > 0.0 and now_s >= self._asked_s + self._asked.hold_s
        return HELD if over else self._asked.camera
