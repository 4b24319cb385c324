"""The gate between a policy and a base: limits what passes, and stops when it is unsure.

It starts disarmed and passes nothing. Armed, it passes limited commands while picture, command and the
operator's heartbeat are all fresh; the first doubt stops the robot at once, latches with its reason, and only
a new arming lets it drive again. Stopped means zeros, not silence: a base that keeps its last command must be
told.

It knows neither ROS nor a clock. `now_s` is any steady clock's time; an age is how old something was, by its
stamp, when it arrived. So a stamping clock that jumps shows as an age that is too great or negative.

    gate = SafetyGate(GateSettings())
    gate.on_picture(age_s, now_s), gate.on_heartbeat(age_s, now_s)
    gate.on_command(velocity, picture_age_s, now_s)
    refusal = gate.arm(now_s)
    velocity = gate.output(now_s)  # at smoothing_frequency
"""

from __future__ import annotations

import dataclasses
import math
from enum import Enum

from xview_deploy.spec import ContractError
from xview_deploy.velocity import STILL, Velocity, VelocityLimits


@dataclasses.dataclass(frozen=True)
class GateSettings:
    """When to trust what arrives. Zeros follow a dead camera within picture_timeout and one period."""

    limits: VelocityLimits = dataclasses.field(default_factory=VelocityLimits)
    smoothing_frequency: float = 30.0  # Hz, of the output
    picture_timeout: float = 0.2  # s, age of the newest picture by its stamp
    velocity_timeout: float = 0.5  # s, since the newest command arrived
    heartbeat_timeout: float = 1.0  # s, age of the operator's newest heartbeat by its stamp
    command_picture_timeout: float = 0.3  # s, age of the picture that a command answers, when it arrives
    future_tolerance: float = 0.05  # s, how far ahead of this clock a stamp may be

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "limits" and not 0.0 < value < math.inf:
                raise ContractError(f"gate {field.name}: expected a positive number, got {value!r}")


class GateState(str, Enum):
    """Only ARMED moves the robot."""

    DISARMED = "disarmed"
    ARMED = "armed"
    STOPPED = "stopped"


@dataclasses.dataclass
class Source:
    """One of the things that must keep coming."""

    name: str
    timeout_s: float
    taken_s: float | None = None  # when the newest one was taken, on the gate's clock
    fault: str = ""  # what was wrong with the newest one; empty where it was good

    def take(self, age_s: float, now_s: float) -> None:
        """A good one of that age; one that is older than its predecessor changes nothing."""
        taken_s = now_s - max(age_s, 0.0)
        self.taken_s = taken_s if self.taken_s is None else max(self.taken_s, taken_s)
        self.fault = ""

    def age_s(self, now_s: float) -> float | None:
        """Age of the newest good one; None before the first."""
        return None if self.taken_s is None else max(now_s - self.taken_s, 0.0)

    def overdue(self, now_s: float) -> str:
        """Why the newest good one no longer counts; empty while it does."""
        age_s = self.age_s(now_s)
        if age_s is None:
            return self.fault or f"no {self.name} has come yet"
        if age_s <= self.timeout_s:
            return ""
        overdue = f"{self.name} is {age_s:.2f} s old, allowed {self.timeout_s:.2f} s"
        return f"{overdue} ({self.fault})" if self.fault else overdue

    def complaint(self, now_s: float) -> str:
        """Why it cannot be relied on for arming; empty where it can."""
        return self.overdue(now_s) or self.fault


class SafetyGate:
    """Limits and stops; see the module's docstring for its rules."""

    def __init__(self, settings: GateSettings | None = None) -> None:
        self.settings = settings or GateSettings()
        self.state = GateState.DISARMED
        self.picture = Source("picture", self.settings.picture_timeout)
        self.command = Source("command", self.settings.velocity_timeout)
        self.heartbeat = Source("operator heartbeat", self.settings.heartbeat_timeout)
        self._stop_reason = ""
        self._target = STILL
        self._velocity = STILL
        self._last_output_s: float | None = None

    def on_picture(self, age_s: float, now_s: float) -> None:
        """An onboard picture arrived; `age_s` by its stamp."""
        self._take(self.picture, age_s, now_s)

    def on_heartbeat(self, age_s: float, now_s: float) -> None:
        """The operator is there; `age_s` by the heartbeat's stamp."""
        self._take(self.heartbeat, age_s, now_s)

    def on_command(self, velocity: Velocity, picture_age_s: float, now_s: float) -> None:
        """A policy's command; `picture_age_s` of the picture it answers.

        Not finite, or answering a picture from the future: stops. Answering an old picture: refused, the
        robot slows down, and the next good command may come in time.
        """
        allowed_s = self.settings.command_picture_timeout
        if not velocity.is_finite:
            self._reject(self.command, f"command is not finite: {tuple(velocity)}")
        elif fault := self._stamp_fault("picture that the command answers", picture_age_s):
            self._reject(self.command, fault)
        elif picture_age_s > allowed_s:
            self._target = STILL
            age = f"{picture_age_s:.2f} s old, allowed {allowed_s:.2f} s"
            self.command.fault = f"command answers a picture {age}"
        else:
            self.command.take(0.0, now_s)
            self._target = self.settings.limits.clamp(velocity)

    def arm(self, now_s: float) -> str:
        """Lets commands pass from now on; returns why it will not, or an empty string when it does."""
        refusal = "; ".join(self.complaints(now_s))
        if not refusal and self.state is not GateState.ARMED:
            self.state = GateState.ARMED
            self._stop_reason = ""
            self._last_output_s = now_s
        return refusal

    def stop(self, reason: str) -> None:
        """Zeros from now on, until armed anew. The first reason is kept."""
        if self.state is not GateState.STOPPED:
            self.state = GateState.STOPPED
            self._stop_reason = reason
        self._target = self._velocity = STILL

    def output(self, now_s: float) -> Velocity:
        """The velocity to publish now; checks all ages first."""
        overdue = [reason for source in self._sources if (reason := source.overdue(now_s))]
        if self.state is GateState.ARMED and overdue:
            self.stop("; ".join(overdue))
        if self.state is not GateState.ARMED:
            self._velocity = STILL
        else:
            self._velocity = self.settings.limits.approach(self._velocity, self._target, self._elapsed_s(now_s))
        self._last_output_s = now_s
        return self._velocity

    def complaints(self, now_s: float) -> list[str]:
        """What would refuse arming now."""
        return [complaint for source in self._sources if (complaint := source.complaint(now_s))]

    def reason(self, now_s: float) -> str:
        """Why it does not drive, for people; empty while armed."""
        if self.state is GateState.ARMED:
            return ""
        if self.state is GateState.STOPPED:
            return self._stop_reason
        return "; ".join(self.complaints(now_s)) or "ready: waiting for the operator to arm"

    @property
    def _sources(self) -> tuple[Source, Source, Source]:
        return self.picture, self.command, self.heartbeat

    def _elapsed_s(self, now_s: float) -> float:
        """Since the last output, but no more than two periods: a stall must not permit a jump."""
        last_s = now_s if self._last_output_s is None else self._last_output_s
        return min(max(now_s - last_s, 0.0), 2.0 / self.settings.smoothing_frequency)

    def _take(self, source: Source, age_s: float, now_s: float) -> None:
        if fault := self._stamp_fault(source.name, age_s):
            self._reject(source, fault)
        else:
            source.take(age_s, now_s)

    def _stamp_fault(self, name: str, age_s: float) -> str:
        tolerance_s = self.settings.future_tolerance
        if math.isfinite(age_s) and age_s >= -tolerance_s:
            return ""
        ahead = f"{name} is stamped {-age_s:.2f} s in the future, allowed {tolerance_s:.2f} s"
        return f"{ahead}: synchronise the clocks"

    def _reject(self, source: Source, fault: str) -> None:
        """Doubt about what is true now: stops at once where the robot drives."""
        source.fault = fault
        self._target = STILL
        if self.state is GateState.ARMED:
            self.stop(fault)
