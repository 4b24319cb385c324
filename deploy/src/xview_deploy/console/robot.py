"""What the console needs of a robot: pictures, reports, a goal, arm, stop, heartbeat. Nothing of how they travel.

The ROS node implements `Robot` over topics and services; a test implements it with pictures that it draws.
Reading methods return at once; `send_goal`, `arm` and `stop` may block and are called from worker threads.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

from xview_deploy.goal import CrossViewGoal
from xview_deploy.spec import Belief


@dataclasses.dataclass(frozen=True)
class Frame:
    """One picture as it came from a camera."""

    camera: str
    number: int  # grows by at least one with each picture of a camera
    stamp_ns: int  # when it was taken, on the robot's clock
    jpeg: bytes


@dataclasses.dataclass(frozen=True)
class PolicyReport:
    """What the policy says of itself and of the target."""

    state: str  # "waiting_for_goal", "waiting_for_picture", "running", "refused" or "ended"
    message: str  # why it waits or refuses, how the goal ended
    goal_id: str
    event: str
    policy: str
    events: tuple[str, ...]  # that it was trained for
    provider: str
    belief: Belief
    inference_ms: float
    picture_age_ms: float
    step: int
    received_s: float  # time.monotonic() when it arrived here


@dataclasses.dataclass(frozen=True)
class GateReport:
    """What the safety gate says: whether it lets commands pass, and why not."""

    state: str  # "disarmed", "armed" or "stopped"
    reason: str
    picture_age_ms: float  # negative before the first
    command_age_ms: float
    heartbeat_age_ms: float
    forward_m_s: float
    left_m_s: float
    yaw_rad_s: float
    received_s: float  # time.monotonic() when it arrived here


@dataclasses.dataclass(frozen=True)
class Answer:
    """Whether something was done, and what to tell the operator."""

    ok: bool
    message: str


class Robot(Protocol):
    """One robot and the cameras around it."""

    onboard_camera: str
    third_person_cameras: tuple[str, ...]

    def now_ns(self) -> int:
        """Now on the clock that stamps the pictures."""

    def frame(self, camera: str) -> Frame | None:
        """The newest picture of that camera; None before the first."""

    def policy(self) -> PolicyReport | None:
        """The policy's newest report; None before the first."""

    def gate(self) -> GateReport | None:
        """The gate's newest report; None before the first."""

    def send_goal(self, goal: CrossViewGoal) -> Answer:
        """Gives the policy a new target."""

    def arm(self) -> Answer:
        """Asks the gate to let commands pass."""

    def stop(self) -> Answer:
        """Asks the gate for zeros from now on."""

    def heartbeat(self) -> None:
        """Tells the gate that the operator's page is alive at this moment."""
