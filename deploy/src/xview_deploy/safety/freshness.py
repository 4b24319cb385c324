"""Whether what arrives can be trusted: dead, late, frozen, from the future, or of a clock that jumps.

Each is another illness with another cure, so each is named. Knows neither ROS nor a clock: `now_s` is any steady
clock's time, an age is how old something was by its stamp when it arrived.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable

from xview_deploy.bases.velocity import Velocity

FROZEN_COPIES = 3  # of the same content in a row, at least
FASTEST_SIMULATION = 10.0  # times real time
SIMULATED_STEP_S = 1.0  # longest between two messages of a simulated clock, on its own time


@dataclasses.dataclass
class Source:
    """One of the things that must keep coming."""

    name: str
    timeout_s: float  # greatest age
    future_tolerance_s: float = 0.05  # that a stamp may lie ahead, or behind its predecessor
    lease_s: float = 0.0  # that the newest one was announced to last beyond its age
    arrived_s: float | None = None  # the newest one
    taken_s: float | None = None  # when the newest good one was taken, on the gate's clock
    fault: str = ""  # what was wrong with the newest one; empty where it was good
    _stamped_s: float | None = None  # when the newest one was taken, good or not

    def take(self, age_s: float, now_s: float) -> str:
        """One arrived; why it cannot be true, or an empty string. What is merely old is not refused here."""
        self.fault = self._stamp_fault(age_s, now_s)
        self.arrived_s = now_s
        if math.isfinite(age_s):
            self._stamped_s = now_s - age_s
        if not self.fault:
            taken_s = now_s - max(age_s, 0.0)
            self.taken_s = taken_s if self.taken_s is None else max(self.taken_s, taken_s)
        return self.fault

    def age_s(self, now_s: float) -> float | None:
        """Age of the newest good one; None before the first."""
        return None if self.taken_s is None else max(now_s - self.taken_s, 0.0)

    def overdue(self, now_s: float) -> str:
        """Why the newest good one no longer counts; empty while it does."""
        age_s = self.age_s(now_s)
        if age_s is None or self.arrived_s is None:
            return self.fault or f"no {self.name} has come yet"
        allowed_s = self.timeout_s + self.lease_s
        if age_s <= allowed_s:
            return ""
        silent_s = now_s - self.arrived_s
        # What was fresh when it came grew old in silence; what was old when it came is late.
        if self.fault or self._stamped_s is None or self.arrived_s - self._stamped_s > self.timeout_s:
            overdue = f"{self.name} is late: the newest good one is {age_s:.2f} s old, allowed {allowed_s:.2f} s"
        else:
            old = f"the newest is {age_s:.2f} s old, allowed {allowed_s:.2f} s"
            overdue = f"{self.name} is dead: none has come for {silent_s:.2f} s and {old}"
        return f"{overdue} ({self.fault})" if self.fault else overdue

    def complaint(self, now_s: float) -> str:
        """Why it cannot be relied on for arming; empty where it can."""
        return self.overdue(now_s) or self.fault

    def _stamp_fault(self, age_s: float, now_s: float) -> str:
        allowed_s = self.future_tolerance_s
        if not math.isfinite(age_s) or age_s < -allowed_s:
            ahead = f"{self.name} is stamped {-age_s:.2f} s in the future, allowed {allowed_s:.2f} s"
            return f"{ahead}: synchronise the clocks"
        back_s = 0.0 if self._stamped_s is None else self._stamped_s - (now_s - age_s)
        if back_s > allowed_s:
            return f"{self.name} jumped in time: stamped {back_s:.2f} s before its predecessor"
        return ""


class ClockWatch:
    """Notices when the clock that stamps messages is stepped against the steady one.

    A simulated clock may run up to FASTEST_SIMULATION times as fast, or not at all, and moves in steps of its own; so
    only great ones count, and all that go back.
    """

    def __init__(self) -> None:
        self._before_s: tuple[float, float] | None = None

    def step_s(self, stamping_s: float, now_s: float, tolerance_s: float, simulated: bool = False) -> float:
        """How far the stamping clock was stepped since the last call; 0 where no further than allowed."""
        before_s, self._before_s = self._before_s, (stamping_s, now_s)
        if before_s is None:
            return 0.0
        moved_s, passed_s = stamping_s - before_s[0], now_s - before_s[1]
        slowest_s, fastest_s = passed_s, passed_s
        if simulated:
            slowest_s, fastest_s = 0.0, FASTEST_SIMULATION * passed_s + SIMULATED_STEP_S
        step_s = moved_s - min(max(moved_s, slowest_s), fastest_s)
        return step_s if abs(step_s) > tolerance_s else 0.0


@dataclasses.dataclass(frozen=True)
class FrozenLimits:
    """What must come together until repeated content counts as frozen. timeout_s 0: never."""

    timeout_s: float
    distance_m: float
    turn_rad: float


class FrozenWatch:
    """Notices content that stays the same while the robot moves.

    A robot that stands may see the same for ever, and a simulated camera then sends the same bytes. So repeated
    content counts only together with motion since it first came: FROZEN_COPIES in a row over `timeout_s`, and a
    path of `distance_m` or a turn of `turn_rad` meanwhile.
    """

    def __init__(self, name: str, moved: str) -> None:
        self._name = name
        self._moved = moved  # how the motion is known, for people
        self._content: Hashable = None
        self.restart()

    def restart(self) -> None:
        """Motion so far counts no more."""
        self._copies = 0
        self._since_s: float | None = None
        self._path_m = self._turned_rad = 0.0

    def on_motion(self, velocity: Velocity, dt_s: float) -> None:
        """The robot moved so for `dt_s`."""
        self._path_m += math.hypot(velocity.x, velocity.y) * dt_s
        self._turned_rad += abs(velocity.theta) * dt_s

    def on_content(self, content: Hashable, now_s: float, limits: FrozenLimits) -> str:
        """Something came; why it is frozen, or an empty string. content: equal means the same."""
        if content != self._content or self._since_s is None:
            self.restart()
            self._content, self._since_s = content, now_s
        self._copies += 1
        lasted_s = now_s - self._since_s
        moved = self._path_m >= limits.distance_m or self._turned_rad >= limits.turn_rad
        if limits.timeout_s == 0.0 or self._copies < FROZEN_COPIES or lasted_s < limits.timeout_s or not moved:
            return ""
        path = f"{self._path_m:.2f} m and {self._turned_rad:.2f} rad"
        return f"{self._name} is frozen: the same for {lasted_s:.2f} s, while {self._moved} {path}"
