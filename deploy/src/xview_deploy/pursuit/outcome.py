"""When a pursuit is over: the target is reached, lost, or the base does not move as it is told.

Judged by what the policy itself believes, by its commands and by the base's odometry; nothing here knows the truth.
A single decision never ends a goal: evidence has to last, and once the target counts as near or as seen, weaker
evidence keeps it so. Near is not yet there: an agent on its way is let go on until it rests. While the gate holds the
robot, nothing counts but the goal's own time. It knows neither ROS nor a clock: `now_s` is any steady clock's time.

    stop = StopCondition(StopSettings(), MotionSettings())
    stop.begin(now_s, PursuitLimits(timeout_s=60.0))
    verdict = stop.on_decision(belief, velocity, picture, now_s)
"""

from __future__ import annotations

import dataclasses
from collections import deque
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from xview_deploy.bases.velocity import Velocity
from xview_deploy.pursuit.motion import MotionSettings, MotionWatch, Pose, check_not_negative
from xview_deploy.runtime.policy import NO_BELIEF
from xview_deploy.spec import Belief, ContractError


class Ending(str, Enum):
    """How a goal may end."""

    REACHED = "reached"
    LOST = "lost"
    STUCK = "stuck"
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    REFUSED = "refused"
    REPLACED = "replaced"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """An ending with its reason in words."""

    ending: Ending
    reason: str

    def __str__(self) -> str:
        return f"{self.ending.value}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class StopSettings:
    """Thresholds of the policy's belief. Shares of the picture run from 0 to 1, from the top left."""

    reached_visible: float = 0.4  # probability of being in the picture from which nearness counts
    reached_width: float = 0.25  # width of the target's box, share of the picture's
    reached_bottom: float = 0.8  # its lower edge: what is near lies low in the picture
    reached_release: float = 0.8  # share of these thresholds that still counts as near once it is near
    reached_decisions: int = 3  # that must say near; 0: never reached
    reached_window: int = 10  # among so many last ones: an agent that arrives looks around
    reached_rest: float = 0.6  # s that it must have stood, pushed in vain or turned in place; 0: no need
    reached_rest_distance: float = 0.15  # m, longest path in that time
    seen_visible: float = 0.5  # probability from which the target counts as seen
    lost_visible: float = 0.3  # probability below which it counts as out of sight, once it was seen
    lost_timeout: float = 20.0  # s out of sight; 0: never lost

    def __post_init__(self) -> None:
        check_not_negative(self)
        for name in ("reached_visible", "reached_width", "reached_bottom", "reached_release", "seen_visible"):
            if getattr(self, name) > 1.0:
                raise ContractError(f"{name}: expected a share from 0 to 1, got {getattr(self, name)}")
        if not self.reached_decisions <= self.reached_window:
            raise ContractError(
                "reached_window: expected no less than reached_decisions, "
                f"got {self.reached_window} and {self.reached_decisions}"
            )
        if self.lost_visible > self.seen_visible:
            raise ContractError(
                "lost_visible: expected no more than seen_visible, else it would be seen and out of sight at once, "
                f"got {self.lost_visible} and {self.seen_visible}"
            )


@dataclasses.dataclass(frozen=True)
class PursuitLimits:
    """What one goal may take. 0: no limit of its own, that of the settings holds."""

    timeout_s: float = 0.0  # from its acceptance
    lost_timeout_s: float = 0.0
    stuck_timeout_s: float = 0.0

    def __post_init__(self) -> None:
        check_not_negative(self)


class StopCondition:
    """Watches one goal at a time; see the module's docstring for its rules."""

    def __init__(self, settings: StopSettings | None = None, motion: MotionSettings | None = None) -> None:
        self._settings = settings or StopSettings()
        self._motion_settings = motion or MotionSettings()
        self._watch = MotionWatch(self._motion_settings)
        self.begin(0.0)

    def begin(self, now_s: float, limits: PursuitLimits | None = None) -> None:
        """A new goal, accepted now."""
        self._limits = limits or PursuitLimits()
        self.settings = dataclasses.replace(
            self._settings, lost_timeout=self._limits.lost_timeout_s or self._settings.lost_timeout
        )
        self._watch.memory_s = self.settings.reached_rest
        self._watch.settings = dataclasses.replace(
            self._motion_settings, stuck_timeout=self._limits.stuck_timeout_s or self._motion_settings.stuck_timeout
        )
        self._begun_s = now_s
        self.hold()

    def use(self, settings: StopSettings, motion: MotionSettings) -> None:
        """Other thresholds; the running goal is judged by them from now on."""
        self._settings, self._motion_settings = settings, motion
        self.begin(self._begun_s, self._limits)

    def hold(self) -> None:
        """The robot does not act out what is decided: evidence begins anew when it does."""
        self._near: deque[bool] = deque(maxlen=max(self.settings.reached_window, 1))
        self._seen = False
        self._seen_s: float | None = None
        self._watch.restart()

    def on_odometry(self, pose: Pose, now_s: float) -> None:
        """A word of the base's odometry."""
        self._watch.on_odometry(pose, now_s)

    def timed_out(self, now_s: float) -> Verdict | None:
        """The end of a goal whose own time is over."""
        limit_s = self._limits.timeout_s
        if limit_s == 0.0 or now_s - self._begun_s < limit_s:
            return None
        return Verdict(Ending.TIMEOUT, f"not reached within {limit_s:g} s")

    def on_decision(
        self, belief: Belief, velocity: Velocity, picture: NDArray[np.uint8], now_s: float
    ) -> Verdict | None:
        """What the policy believes and commands by `picture`, uint8 (H, W, 3); how that ends the goal, if it does."""
        self._watch.on_decision(velocity, picture, now_s)
        if belief is not NO_BELIEF and (verdict := self._reached(belief, now_s) or self._lost(belief, now_s)):
            return verdict
        if reason := self._watch.stuck(now_s):
            return Verdict(Ending.STUCK, reason)
        return self.timed_out(now_s)

    def _reached(self, belief: Belief, now_s: float) -> Verdict | None:
        settings = self.settings
        share = settings.reached_release if any(self._near) else 1.0
        x0, _, x1, bottom = belief.box
        near = (
            belief.visible >= share * settings.reached_visible
            and x1 - x0 >= share * settings.reached_width
            and bottom >= share * settings.reached_bottom
        )
        self._near.append(near)
        enough = 0 < settings.reached_decisions <= sum(self._near)
        if not (enough and self._watch.rests(settings.reached_rest, settings.reached_rest_distance, now_s)):
            return None
        seen = f"visible {belief.visible:.2f}, box {x1 - x0:.2f} wide and down to {bottom:.2f}"
        return Verdict(Ending.REACHED, f"near in {sum(self._near)} of {len(self._near)} decisions, now {seen}; at rest")

    def _lost(self, belief: Belief, now_s: float) -> Verdict | None:
        settings = self.settings
        self._seen = belief.visible >= (settings.lost_visible if self._seen else settings.seen_visible)
        if self._seen or self._seen_s is None:
            self._seen_s = now_s
        unseen_s = now_s - self._seen_s
        if settings.lost_timeout == 0.0 or unseen_s < settings.lost_timeout:
            return None
        return Verdict(Ending.LOST, f"not seen for {unseen_s:.1f} s, visible {belief.visible:.2f}")
