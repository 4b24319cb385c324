"""Whether a base moves, and does as it is told: the commanded path against odometry, or against change in its picture.

Odometry, where it is fresh, answers by itself. Without it, a picture that stays as it was although motion was
commanded speaks for a base that stands; a blank wall may look the same, so odometry is worth having. It knows
neither ROS nor a clock: `now_s` is any steady clock's time.

    watch = MotionWatch(MotionSettings())
    watch.on_odometry(Pose(x_m, y_m, yaw_rad), now_s)
    watch.on_decision(velocity, picture, now_s)
    reason = watch.stuck(now_s)
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.spec import ContractError

THUMB_SIZE = (32, 24)  # pixels: what is left of a picture is its large shapes, without a sensor's noise
FARTHEST = 1e9  # m and rad
LONGEST_HOLD_S = 0.5  # a command counts no longer than a base acts on it


@dataclasses.dataclass(frozen=True)
class MotionSettings:
    """When a base counts as stuck."""

    stuck_timeout: float = 4.0  # s without the commanded motion; 0: never stuck
    stuck_share: float = 0.1  # of the commanded path: less than that is no motion
    stuck_distance: float = 0.4  # m, shortest commanded path that says anything
    stuck_turn: float = 1.0  # rad, smallest commanded turn that says anything
    stuck_picture_change: float = 2.0  # mean grey levels of 255: less is no motion, where odometry is missing
    odometry_timeout: float = 1.0  # s, age at which odometry counts as missing

    def __post_init__(self) -> None:
        check_not_negative(self)
        if self.odometry_timeout == 0.0 or not 0.0 < self.stuck_share < 1.0:
            raise ContractError(
                "expected an odometry_timeout above 0 s and a stuck_share between 0 and 1, "
                f"got {self.odometry_timeout} and {self.stuck_share}"
            )


class Pose(NamedTuple):
    """Where odometry sees the base, in its own frame: metres, radians counter-clockwise."""

    x_m: float
    y_m: float
    yaw_rad: float

    @property
    def is_plausible(self) -> bool:
        """Somewhere on a planet: neither NaN nor a number whose differences overflow."""
        return all(abs(value) < FARTHEST for value in self)


class Sample(NamedTuple):
    """The state of things at one decision; paths and turns are sums since the start."""

    taken_s: float
    commanded_m: float
    commanded_rad: float
    covered_m: float
    turned_rad: float
    thumb: NDArray[np.float32] | None  # (24, 32) grey; None where odometry answers


class MotionWatch:
    """Remembers some seconds of commands, odometry and pictures: `memory_s`, or `stuck_timeout` if that is longer."""

    def __init__(self, settings: MotionSettings, memory_s: float = 0.0) -> None:
        self.settings = settings
        self.memory_s = memory_s
        self._pose: Pose | None = None
        self._pose_s = -math.inf
        self.restart()

    def restart(self) -> None:
        """Forget what was commanded: from here on it counts anew."""
        self._samples: deque[Sample] = deque()
        self._velocity = STILL
        self._sampled_pose: Pose | None = None

    def on_odometry(self, pose: Pose, now_s: float) -> None:
        """A word of the base's odometry; one that cannot be is none."""
        if pose.is_plausible:
            self._pose, self._pose_s = pose, now_s

    def on_decision(self, velocity: Velocity, picture: NDArray[np.uint8], now_s: float) -> None:
        """From now on `velocity` is commanded. picture: (H, W, 3), the one that was decided by."""
        before = self._samples[-1] if self._samples else Sample(now_s, 0.0, 0.0, 0.0, 0.0, None)
        held_s = min(max(now_s - before.taken_s, 0.0), LONGEST_HOLD_S)
        fresh = now_s - self._pose_s <= self.settings.odometry_timeout
        covered_m, turned_rad = self._moved() if fresh else (0.0, 0.0)
        self._samples.append(
            Sample(
                taken_s=now_s,
                commanded_m=before.commanded_m + held_s * math.hypot(self._velocity.x, self._velocity.y),
                commanded_rad=before.commanded_rad + held_s * abs(self._velocity.theta),
                covered_m=before.covered_m + covered_m,
                turned_rad=before.turned_rad + turned_rad,
                thumb=None if fresh else thumb(picture),
            )
        )
        self._velocity = velocity
        self._forget(now_s)

    def stuck(self, now_s: float) -> str:
        """Why the base counts as stuck, with figures; empty where it does not, or too little is known."""
        timeout_s = self.settings.stuck_timeout
        samples = self._last(timeout_s, now_s) if timeout_s else []
        if not samples:
            return ""
        first, last = samples[0], samples[-1]
        asked_m, asked_rad = last.commanded_m - first.commanded_m, last.commanded_rad - first.commanded_rad
        if thumbs := [sample.thumb for sample in samples if sample.thumb is not None]:
            whole = len(thumbs) == len(samples)  # odometry came or went in between: too little is known
            return self._stuck_by_picture(asked_m, asked_rad, thumbs) if whole else ""
        share = self.settings.stuck_share
        did_m, did_rad = last.covered_m - first.covered_m, last.turned_rad - first.turned_rad
        if asked_m >= self.settings.stuck_distance and did_m < share * asked_m:
            return f"told to drive {asked_m:.2f} m in {timeout_s:g} s, odometry says {did_m:.2f} m"
        if asked_rad >= self.settings.stuck_turn and did_rad < share * asked_rad:
            return f"told to turn {asked_rad:.2f} rad in {timeout_s:g} s, odometry says {did_rad:.2f} rad"
        return ""

    def rests(self, for_s: float, within_m: float, now_s: float) -> bool:
        """Whether it covered less than `within_m` in that time, standing or pushing in vain; turning is no motion here.

        Without odometry it rests where no more was commanded, or where the picture stays as it is.
        """
        samples = self._last(for_s, now_s)
        if not samples:
            return False
        first, last = samples[0], samples[-1]
        thumbs = [sample.thumb for sample in samples if sample.thumb is not None]
        if not thumbs:
            return last.covered_m - first.covered_m < within_m
        return last.commanded_m - first.commanded_m < within_m or (
            len(thumbs) == len(samples) and _change(thumbs) < self.settings.stuck_picture_change
        )

    def _last(self, seconds: float, now_s: float) -> list[Sample]:
        """The samples that cover so long a time up to now; none where the memory does not reach back so far."""
        samples: list[Sample] = []
        for sample in reversed(self._samples):
            samples.append(sample)
            if now_s - sample.taken_s >= seconds:
                return samples[::-1]
        return []

    def _stuck_by_picture(self, asked_m: float, asked_rad: float, thumbs: list[NDArray[np.float32]]) -> str:
        if asked_m < self.settings.stuck_distance and asked_rad < self.settings.stuck_turn:
            return ""
        change = _change(thumbs)
        if change >= self.settings.stuck_picture_change:
            return ""
        told = f"told to drive {asked_m:.2f} m and turn {asked_rad:.2f} rad in {self.settings.stuck_timeout:g} s"
        return f"{told}, the picture changed by {change:.1f} grey levels only"

    def _moved(self) -> tuple[float, float]:
        """Metres and radians since the last decision's pose."""
        before, self._sampled_pose = self._sampled_pose, self._pose
        if before is None or self._pose is None:
            return 0.0, 0.0
        turned = self._pose.yaw_rad - before.yaw_rad
        return math.dist(before[:2], self._pose[:2]), abs(math.atan2(math.sin(turned), math.cos(turned)))

    def _forget(self, now_s: float) -> None:
        """Keeps one sample that is old enough, and those after it."""
        memory_s = max(self.settings.stuck_timeout, self.memory_s)
        while len(self._samples) > 1 and now_s - self._samples[1].taken_s >= memory_s:
            self._samples.popleft()


def thumb(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The large shapes of a picture, (H, W, 3): float32 (24, 32) grey."""
    small = cv2.resize(picture, THUMB_SIZE, interpolation=cv2.INTER_AREA)
    grey: NDArray[np.float32] = small.astype(np.float32).mean(axis=2)
    return grey


def _change(thumbs: list[NDArray[np.float32]]) -> float:
    """How far the pictures went from the first, mean grey levels."""
    return float(np.abs(np.stack(thumbs) - thumbs[0]).mean(axis=(1, 2)).max())


def check_not_negative(settings: object) -> None:
    """ContractError unless every field of the dataclass is a finite number, 0 or more."""
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value < math.inf:
            raise ContractError(f"{field.name}: expected a number, 0 or more, got {value!r}")
