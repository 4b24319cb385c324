"""The gate between a policy and a base: limits what passes, and stops when it is unsure.

It starts disarmed and passes nothing. Armed, it passes limited commands while everything that must keep coming is
fresh: picture, command and the operator's heartbeat always; odometry, a joystick's button and a range sensor where
they are required. The first doubt stops the robot at once, latches with its reason, and only a new arming lets it
drive again. Stopped means zeros, not silence: a base that keeps its last command must be told.

A command that answers too old a picture is refused and the robot slows down; where the next ones are no better the
policy counts as silent. A goal that replaces another while the robot drives is a doubt too.

It knows neither ROS nor a clock. `now_s` is any steady clock's time; an age is how old something was, by its
stamp, when it arrived.

    gate = SafetyGate(GateSettings())
    gate.on_clock(stamping_s, now_s)
    gate.on_picture(age_s, now_s, digest), gate.on_heartbeat(age_s, now_s)
    gate.on_command(command, Answered(picture_age_s, decided_age_s, goal_id, goal_age_s), now_s)
    refusal = gate.arm(now_s)
    velocity = gate.output(now_s)  # at smoothing_frequency
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable
from enum import Enum

import numpy as np

from xview_deploy.bases.robot_command import HELD, CameraRate, RobotCommand
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.goal import age_fault
from xview_deploy.safety.acting import Acting
from xview_deploy.safety.base_watch import BaseState, BaseWatch, Pose
from xview_deploy.safety.freshness import ClockWatch, FrozenWatch, Source
from xview_deploy.safety.gate_settings import GateSettings
from xview_deploy.safety.goal_ledger import GoalLedger
from xview_deploy.safety.obstacles import Points, in_the_way, stopping_s

BRAKING_S = 0.5  # after a stop, until a base that still moves is worth a word


class GateState(str, Enum):
    """Only ARMED moves the robot."""

    DISARMED = "disarmed"
    ARMED = "armed"
    STOPPED = "stopped"


@dataclasses.dataclass(frozen=True)
class Answered:
    """What a command answers: ages by the stamps it carries, when it arrives."""

    picture_age_s: float
    decided_age_s: float = 0.0
    goal_id: str = ""
    goal_age_s: float = 0.0


class SafetyGate:
    """Limits and stops; see the module's docstring for its rules."""

    def __init__(self, settings: GateSettings | None = None) -> None:
        self.settings = settings = settings or GateSettings()
        self.state = GateState.DISARMED
        self.picture = Source("picture", settings.picture_timeout)
        self.command = Source("command", settings.velocity_timeout)
        self.heartbeat = Source("operator heartbeat", settings.heartbeat_timeout)
        self.joystick = Source("joystick", settings.joy_timeout)
        self.obstacles = Source("obstacle scan", settings.obstacle_timeout)
        self.base = BaseWatch(settings)
        self.goal = GoalLedger()
        self._clock = ClockWatch()
        self._frozen_picture = FrozenWatch("picture", "the robot moved")
        self._held_button = False
        self._points: Points = np.zeros((0, 2))
        self._stop_reason = ""
        self._stopped_s = 0.0
        self._acting = Acting()
        self._last_output_s: float | None = None
        self.use(settings)

    def use(self, settings: GateSettings) -> None:
        """Other settings from now on; what is under way goes on within them."""
        self.settings = settings
        timeouts = {
            "picture": settings.picture_timeout,
            "command": settings.velocity_timeout,
            "heartbeat": settings.heartbeat_timeout,
            "joystick": settings.joy_timeout,
            "obstacles": settings.obstacle_timeout,
        }
        sources = {name: getattr(self, name) for name in timeouts}
        for name, source in sources.items():
            source.timeout_s = timeouts[name]
        self.base.source.timeout_s = settings.odometry_timeout
        for source in (*sources.values(), self.base.source):
            source.future_tolerance_s = settings.future_tolerance

    def on_clock(self, stamping_s: float, now_s: float, simulated: bool = False) -> None:
        """The time of the clock that stamps messages: to be told before any age is, and at every output."""
        step_s = self._clock.step_s(stamping_s, now_s, self.settings.clock_step_tolerance, simulated)
        if step_s:
            self._doubt(f"clock was stepped by {step_s:+.2f} s: stamps before and after do not compare", now_s)

    def on_picture(self, age_s: float, now_s: float, digest: Hashable = None) -> None:
        """An onboard picture arrived; `age_s` by its stamp. digest: of its bytes; None: not compared with others."""
        fault = self.picture.take(age_s, now_s)
        if not fault and digest is not None:
            fault = self._frozen_picture.on_content(digest, now_s, self.settings.picture_frozen)
        self._note(self.picture, fault, now_s)

    def on_heartbeat(self, age_s: float, now_s: float) -> None:
        """The operator is there; `age_s` by the heartbeat's stamp."""
        self._note(self.heartbeat, self.heartbeat.take(age_s, now_s), now_s)

    def on_odometry(self, velocity: Velocity, pose: Pose, age_s: float, now_s: float) -> None:
        """What the base does, by odometry of that age. Where it is not required, its faults only make it useless."""
        fault = self.base.on_odometry(velocity, pose, age_s, now_s, self.settings)
        if fault and self.settings.odometry_required:
            self._note(self.base.source, fault, now_s)

    def on_joystick(self, held: bool, age_s: float, now_s: float, fault: str = "") -> None:
        """The deadman button is held or not, by a message of that age. fault: it could not be told."""
        fault = self.joystick.take(age_s, now_s) or fault
        self._held_button = held and not fault
        self._note(self.joystick, fault, now_s)
        if not self._held_button:
            self._doubt("deadman button is released", now_s)

    def on_obstacles(self, points: Points, age_s: float, now_s: float, fault: str = "") -> None:
        """What stands around the base, (N, 2) in its frame. fault: the sensor's message cannot be used."""
        fault = self.obstacles.take(age_s, now_s) or fault
        if not fault:
            self._points = points
        self._note(self.obstacles, fault, now_s)

    def on_goal(self, id: str, age_s: float, now_s: float) -> None:
        """The operator set a goal that was marked on a picture of that age."""
        self._turn_to(self.goal.on_operator(id, self._goal_fault(id, age_s)), now_s)

    def on_command(self, command: RobotCommand, answered: Answered, now_s: float) -> bool:
        """A policy's command; whether the robot acts it out.

        Senseless, or answering a picture from the future: stops. Answering an old picture or another goal: refused,
        the robot slows down, and the next good command may come in time.
        """
        if fault := command.fault:
            self._note(self.command, fault, now_s)
        elif not math.isfinite(answered.picture_age_s) or answered.picture_age_s < -self.settings.future_tolerance:
            ahead = f"{-answered.picture_age_s:.2f} s in the future"
            self._note(self.command, f"picture that the command answers is stamped {ahead}", now_s)
        elif refusal := self._goal_refusal(answered, now_s) or self._late_answer(answered):
            self._acting.stand()
            self.command.fault = refusal
        else:
            self.command.take(0.0, now_s)
            self.command.lease_s = self._acting.ask(command, self.settings.limits, now_s)
            return self.state is GateState.ARMED
        return False

    def arm(self, now_s: float) -> str:
        """Lets commands pass from now on; returns why it will not, or an empty string when it does."""
        refusal = "; ".join(self.complaints(now_s))
        if not refusal and self.state is not GateState.ARMED:
            self.state = GateState.ARMED
            self._stop_reason = ""
            self._last_output_s = now_s
        return refusal

    def stop(self, reason: str, now_s: float) -> None:
        """Zeros from now on, until armed anew. The first reason is kept."""
        if self.state is not GateState.STOPPED:
            self.state = GateState.STOPPED
            self._stop_reason, self._stopped_s = reason, now_s
        self._acting.stop()
        self._frozen_picture.restart()
        self.base.frozen.restart()

    def output(self, now_s: float) -> Velocity:
        """The velocity to publish now; checks all ages first."""
        overdue = [reason for source in self._sources if (reason := source.overdue(now_s))]
        if overdue:
            self._doubt("; ".join(overdue), now_s)
        elapsed_s = self._elapsed_s(now_s)
        self._last_output_s = now_s
        if self.state is not GateState.ARMED:
            return STILL
        velocity = self._acting.velocity(self.settings.limits, now_s, elapsed_s, self._period_s)
        if blocked := self._blocked(velocity, now_s):
            self._doubt(blocked, now_s)
            return STILL
        self.base.frozen.on_motion(velocity, elapsed_s)
        measured = self.base.velocity(now_s)
        self._frozen_picture.on_motion(velocity if measured is None else measured, elapsed_s)
        return velocity

    def camera_rate(self, now_s: float) -> CameraRate:
        """How the camera may turn against the base now."""
        return self._acting.camera_rate(now_s) if self.state is GateState.ARMED else HELD

    def complaints(self, now_s: float) -> list[str]:
        """What would refuse arming now."""
        complaints = [complaint for source in self._sources if (complaint := source.complaint(now_s))]
        if self.goal.fault:
            complaints.append(self.goal.fault)
        if self.settings.deadman_required and not self._held_button and not self.joystick.complaint(now_s):
            complaints.append("deadman button is released")
        if self.state is not GateState.ARMED and (moving := self._moving(now_s)):
            complaints.append(moving)
        return complaints

    def reason(self, now_s: float) -> str:
        """Why it does not drive, for people; empty while armed."""
        if self.state is GateState.ARMED:
            return ""
        if self.state is GateState.STOPPED:
            moving = self._moving(now_s) if now_s - self._stopped_s > BRAKING_S else ""
            return f"{self._stop_reason}; {moving}" if moving else self._stop_reason
        return "; ".join(self.complaints(now_s)) or "ready: waiting for the operator to arm"

    def base_confirms_stop(self, now_s: float) -> bool:
        """Whether the robot must not move, and odometry that was measured since says that it does not."""
        driving = self.state is GateState.ARMED
        return not driving and self.base.confirms_stop(self._stopped_s, now_s, self.settings)

    @property
    def _sources(self) -> list[Source]:
        """What must keep coming."""
        settings = self.settings
        required = [
            (self.base.source, settings.odometry_required),
            (self.joystick, settings.deadman_required),
            (self.obstacles, settings.obstacle_required),
        ]
        return [self.picture, self.command, self.heartbeat, *(source for source, needed in required if needed)]

    def _elapsed_s(self, now_s: float) -> float:
        """Since the last output, but no more than two periods: a stall must not permit a jump."""
        last_s = now_s if self._last_output_s is None else self._last_output_s
        return min(max(now_s - last_s, 0.0), 2.0 * self._period_s)

    @property
    def _period_s(self) -> float:
        return 1.0 / self.settings.smoothing_frequency

    def _blocked(self, velocity: Velocity, now_s: float) -> str:
        settings = self.settings
        if not settings.obstacle_required:
            return ""
        reaction_s = settings.obstacle_reaction + (self.obstacles.age_s(now_s) or 0.0)
        seconds = stopping_s(velocity, settings.limits, reaction_s)
        found = in_the_way(self._points, settings.rectangle, velocity, seconds, settings.obstacle_margin)
        if found is None:
            return ""
        return f"obstacle at x {found[0]:.2f} m, y {found[1]:.2f} m of the base is within its stopping path"

    def _moving(self, now_s: float) -> str:
        velocity = self.base.velocity(now_s)
        if velocity is None or self.base.state(now_s, self.settings) is not BaseState.MOVING:
            return ""
        speeds = f"{math.hypot(velocity.x, velocity.y):.2f} m/s, {velocity.theta:.2f} rad/s"
        return f"the base moves though it is told to stand: {speeds}"

    def _goal_fault(self, id: str, age_s: float) -> str:
        return age_fault(id, age_s, self.settings.goal_timeout, self.settings.future_tolerance)

    def _goal_refusal(self, answered: Answered, now_s: float) -> str:
        """Why the goal that a command pursues is not to be pursued; one that is new with it becomes the present."""
        id = answered.goal_id
        if refusal := self.goal.refusal(id):
            return refusal
        if id != self.goal.id:
            self._turn_to(self.goal.on_policy(id, self._goal_fault(id, answered.goal_age_s)), now_s)
        return self.goal.fault

    def _turn_to(self, replaced: bool, now_s: float) -> None:
        """Another goal is the present one."""
        if replaced:
            self._doubt(f"goal was replaced by {self.goal.shown!r} while the robot drove", now_s)
        if self.goal.fault:
            self._doubt(self.goal.fault, now_s)

    def _late_answer(self, answered: Answered) -> str:
        age_s, allowed_s = answered.picture_age_s, self.settings.command_picture_timeout
        if age_s <= allowed_s:
            return ""
        way_s = max(answered.decided_age_s, 0.0)
        parts = f"{age_s - way_s:.2f} s until the decision, {way_s:.2f} s on its way"
        return f"command answers a picture {age_s:.2f} s old, allowed {allowed_s:.2f} s ({parts})"

    def _note(self, source: Source, fault: str, now_s: float) -> None:
        """A fault of what just arrived: doubt about what is true now."""
        if fault:
            source.fault = fault
            self._doubt(fault, now_s)

    def _doubt(self, reason: str, now_s: float) -> None:
        """Stops at once where the robot drives."""
        self._acting.stand()
        if self.state is GateState.ARMED:
            self.stop(reason, now_s)
