"""An operator that marks, arms and watches by itself: closed-loop trials on any robot that a console can drive.

It does what a person at the console does, through the same interface: look at the third-person picture, draw a box
around the target, let GrabCut propose the mask, send the goal, arm, keep the heartbeat going, arm again after a stop.
The room (`TrialRoom`) sets each trial up and judges it. Knows no ROS.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from xview_deploy.console.robot import Frame, Robot
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import decode_picture
from xview_deploy.segmentation.grabcut import propose
from xview_deploy.segmentation.prompt import Prompt
from xview_deploy.spec import Event
from xview_deploy.trials.records import TrialRecord

HEARTBEAT_S = 0.1
POLL_S = 0.02
BOX_MARGIN_PX = 3.0  # people draw a little around

T = TypeVar("T")


class TrialError(RuntimeError):
    """The graph does not do its part: no picture, no answer, no truth. Not a policy's failure."""


@dataclasses.dataclass(frozen=True)
class Briefing:
    """A trial as it was written down before it began."""

    trial_id: str
    source_camera: str
    target_box: tuple[int, int, int, int]  # x0, y0, x1, y1 in the source camera's picture, pixels
    limit_s: float


@dataclasses.dataclass(frozen=True)
class Truth:
    """What the room knows of the running trial."""

    trial_id: str
    goal_reached: bool
    first_arrival: str  # "", "target" or "distractor"


class TrialRoom(Protocol):
    """Sets trials up and judges them."""

    def load(self, seed: int, difficulty: str) -> Briefing:
        """Puts the robot at the start of that trial."""

    def truth(self) -> Truth | None:
        """The newest word on the running trial; None before the first."""


@dataclasses.dataclass(frozen=True)
class TrialSettings:
    """How trials are run."""

    difficulty: str = "near"
    event: Event = Event.APPROACH
    patience_s: float = 20.0  # for anything that the graph has to answer
    max_interventions: int = 20  # stops after which a trial is given up


class TrialRunner:
    """Runs trials on one robot in one room."""

    def __init__(self, robot: Robot, room: TrialRoom, settings: TrialSettings | None = None) -> None:
        self._robot, self._room = robot, room
        self.settings = settings or TrialSettings()

    def run(self, seed: int) -> TrialRecord:
        """One trial from its set-up to its verdict; TrialError where the graph fails."""
        settings = self.settings
        with self._heartbeats():
            self._stop()
            briefing = self._room.load(seed, settings.difficulty)
            asked_ns = self._robot.now_ns()
            picture = self._wait_for("a third-person picture", lambda: self._picture(briefing, asked_ns))
            goal = self.mark(briefing, picture)
            self._send(goal)
            return self._drive(seed, briefing, goal.id)

    def mark(self, briefing: Briefing, picture: Frame) -> CrossViewGoal:
        """The goal that an operator makes of the picture with a box around the target."""
        image = decode_picture(picture.jpeg, "third-person picture")
        height, width = image.shape[:2]
        x0, y0, x1, y1 = briefing.target_box
        margin = BOX_MARGIN_PX
        box = (max(0.0, x0 - margin), max(0.0, y0 - margin), min(width, x1 + margin), min(height, y1 + margin))
        return CrossViewGoal(
            id=f"{briefing.trial_id}-{picture.stamp_ns}",
            event=self.settings.event,
            image=image,
            mask=propose(image, Prompt(box=box))[0],
            stamp_ns=picture.stamp_ns,
            source_camera=picture.camera,
        )

    def _drive(self, seed: int, briefing: Briefing, goal_id: str) -> TrialRecord:
        """Arms and watches until the target is reached or the time is over."""
        interventions, reason, started_s = 0, "", time.monotonic()
        self._arm(goal_id)
        while time.monotonic() - started_s < briefing.limit_s:
            truth = self._truth(briefing)
            if truth is not None and truth.goal_reached:
                break
            gate = self._robot.gate()
            if gate is not None and gate.state == "stopped":
                interventions, reason = interventions + 1, gate.reason
                if interventions > self.settings.max_interventions:
                    break
                self._arm(goal_id)
            time.sleep(POLL_S)
        seconds = time.monotonic() - started_s
        self._stop()
        truth = self._wait_for("the room's verdict", lambda: self._truth(briefing))
        reached = truth.goal_reached
        policy = self._robot.policy()
        return TrialRecord(
            seed=seed,
            policy=policy.policy if policy is not None else "",
            success=reached,
            first_right=truth.first_arrival == "target",
            seconds=min(seconds, briefing.limit_s),
            interventions=interventions,
            reason="" if reached else reason or "time over",
        )

    def _send(self, goal: CrossViewGoal) -> None:
        answer = self._robot.send_goal(goal)
        if not answer.ok:
            raise TrialError(f"goal {goal.id}: {answer.message}")

    def _arm(self, goal_id: str) -> None:
        """Arms once the policy pursues the goal; tries again while the gate still misses something."""

        def armed() -> bool:
            report, gate = self._robot.policy(), self._robot.gate()
            if report is None or report.goal_id != goal_id or report.state != "running":
                return False
            return (gate is not None and gate.state == "armed") or self._robot.arm().ok

        self._wait_for(f"an armed robot that pursues {goal_id}", armed)

    def _stop(self) -> None:
        self._wait_for("a confirmed stop", lambda: self._robot.stop().ok)

    def _picture(self, briefing: Briefing, asked_ns: int) -> Frame | None:
        """A picture of the source camera that was taken after the room was set up."""
        frame = self._robot.frame(briefing.source_camera)
        return frame if frame is not None and frame.stamp_ns > asked_ns and self._truth(briefing) else None

    def _truth(self, briefing: Briefing) -> Truth | None:
        truth = self._room.truth()
        return truth if truth is not None and truth.trial_id == briefing.trial_id else None

    def _wait_for(self, what: str, look: Callable[[], T | None]) -> T:
        """The first answer of `look` that is neither None nor False."""
        deadline_s = time.monotonic() + self.settings.patience_s
        while time.monotonic() < deadline_s:
            if found := look():
                return found
            time.sleep(POLL_S)
        gate, policy = self._robot.gate(), self._robot.policy()
        raise TrialError(
            f"expected {what} within {self.settings.patience_s:g} s, got none (gate {gate}, policy {policy})"
        )

    @contextmanager
    def _heartbeats(self) -> Iterator[None]:
        """An operator who is there."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(HEARTBEAT_S):
                self._robot.heartbeat()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
