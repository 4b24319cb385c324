"""What all open pages share: who is the operator, the goal she accepted, heartbeats, arming and stopping.

There is one operator at a time. Any page may stop; only hers may mark, accept and arm, and only her heartbeats
reach the gate. Times are `time.monotonic()`. Knows no socket.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable

from xview_deploy.console.draft import outline
from xview_deploy.console.robot import Answer, PolicyReport, Robot
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.goal import CrossViewGoal
from xview_deploy.spec import ContractError, Event


@dataclasses.dataclass(frozen=True)
class AcceptedGoal:
    """The goal that was sent, as pages draw it."""

    id: str
    event: str
    camera: str
    width: int
    height: int
    outline: list[list[list[int]]]
    accepted_s: float


class Desk:
    """Shared state of the console. Methods that reach the robot block; call them in a worker thread.

    ContractError when there is no third-person camera to mark on.
    """

    def __init__(self, robot: Robot, settings: ConsoleSettings) -> None:
        if not robot.third_person_cameras:
            raise ContractError("console: expected at least one third-person camera, got none")
        self.robot = robot
        self.settings = settings
        self.closing = False  # pages' connections end soon after this is set
        self.goal: AcceptedGoal | None = None
        self.stops = 0  # grows with each stop: an arming that was asked for before one is void
        self._operator: str | None = None
        self._operator_beat_s = 0.0
        self._stop_unconfirmed = False
        self._started_s = time.monotonic()
        self._prefix = uuid.uuid4().hex[:6]
        self._goals = 0

    def tick(self) -> int:
        """Milliseconds since start; pages return the newest one they saw, which tells how far they lag."""
        return int((time.monotonic() - self._started_s) * 1000)

    def lag_s(self, tick: int) -> float:
        """How long ago that tick was sent."""
        return (self.tick() - tick) / 1000

    # Who is the operator.

    def control_of(self, session: str) -> str:
        """ "you", "other" or "free", seen from that page."""
        if self._operator == session:
            return "you"
        silent_s = time.monotonic() - self._operator_beat_s
        taken = self._operator is not None and silent_s <= self.settings.operator_timeout_s
        return "other" if taken else "free"

    def take_control(self, session: str) -> None:
        """Makes that page the operator's; the one before only watches from now on."""
        self._operator = session
        self._operator_beat_s = time.monotonic()

    def leave(self, session: str) -> None:
        """That page is gone."""
        if self._operator == session:
            self._operator = None

    def demand_control(self, session: str) -> None:
        """ContractError unless that page is the operator's."""
        if self._operator != session:
            raise ContractError("expected the operator's page, got one that only watches: take control first")

    def demand_fresh(self, tick: int) -> None:
        """ContractError for an order of a page that has not heard of this server for too long."""
        lag_s, allowed_s = self.lag_s(tick), self.settings.max_order_lag_s
        if not 0 <= lag_s <= allowed_s:
            raise ContractError(
                f"stale order: expected a page at most {allowed_s:g} s behind, got {lag_s:.1f} s: nothing was done"
            )

    # Heartbeats.

    def heartbeat(self, session: str, tick: int) -> None:
        """Forwards the operator's heartbeat while it is fresh and her last stop is confirmed."""
        if self._operator != session or not 0 <= self.lag_s(tick) <= self.settings.max_heartbeat_lag_s:
            return
        self._operator_beat_s = time.monotonic()
        if not self._stop_unconfirmed:
            self.robot.heartbeat()

    # Orders to the robot.

    def accept(self, make_goal: Callable[[str], CrossViewGoal]) -> Answer:
        """Sends the goal that is made for a new id, unless the robot is armed: it would follow it at once."""
        gate = self.robot.gate()
        if gate is not None and gate.state == "armed":
            raise ContractError("accept: expected a robot that is not armed, got an armed one: stop it first")
        self._goals += 1
        goal = make_goal(f"{self._prefix}-{self._goals}")
        self._demand_event(self._reporting_policy(), goal.event)
        answer = self.robot.send_goal(goal)
        if answer.ok:
            self.goal = _shown(goal)
        return answer

    def arm(self, goal_id: str, stops: int) -> Answer:
        """Arms for the goal that the page shows. `stops` as it was when the operator asked."""
        if self.goal is None or self.goal.id != goal_id:
            raise ContractError("arm: expected a target that was marked and accepted here, got none")
        self._demand_pursuit(self._reporting_policy(), goal_id)
        if stops != self.stops:
            raise ContractError("arm: expected no stop since it was asked for, got one: arm again")
        answer = self.robot.arm()
        if stops != self.stops:
            self.stop()  # the stop may have reached the gate before the arming did
            return Answer(False, "stopped while arming")
        return answer

    def stop(self) -> Answer:
        """Stops the robot. While the gate does not confirm it, no heartbeat is forwarded either."""
        self.stops += 1
        self._stop_unconfirmed = True
        answer = self.robot.stop()
        self._stop_unconfirmed = not answer.ok
        if not answer.ok:
            return Answer(
                False,
                f"STOP IS NOT CONFIRMED: {answer.message}. Heartbeats are withheld, so the gate will stop by "
                "itself; be ready to use the robot's own emergency stop.",
            )
        return answer

    def _reporting_policy(self) -> PolicyReport | None:
        """What the policy says now; None where it is silent."""
        policy = self.robot.policy()
        fresh = policy is not None and time.monotonic() - policy.received_s <= self.settings.max_report_age_s
        return policy if fresh else None

    def _demand_event(self, policy: PolicyReport | None, event: Event) -> None:
        """A silent policy may turn out to know it: whether it does, it says itself once it has the goal."""
        if policy is not None and event.value not in policy.events:
            known = f"the policy {policy.policy} was trained for ({', '.join(policy.events)})"
            raise ContractError(f"accept: expected an event that {known}, got {event.value}")

    def _demand_pursuit(self, policy: PolicyReport | None, goal_id: str) -> None:
        if policy is None:
            raise ContractError("arm: expected a policy that reports, got silence: is the policy node running?")
        if policy.goal_id != goal_id:
            raise ContractError(
                f"arm: expected the policy to pursue {goal_id!r}, got {policy.goal_id or 'no goal'!r}: "
                "wait a moment, or accept the target again"
            )
        if policy.state != "running":
            raise ContractError(f"arm: expected a running policy, got {policy.state}: {policy.message}")


def _shown(goal: CrossViewGoal) -> AcceptedGoal:
    return AcceptedGoal(
        id=goal.id,
        event=goal.event.value,
        camera=goal.source_camera,
        width=goal.image.shape[1],
        height=goal.image.shape[0],
        outline=outline(goal.mask),
        accepted_s=time.monotonic(),
    )
