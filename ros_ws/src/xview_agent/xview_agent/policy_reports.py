"""What the policy node says of itself: its status, its belief for RViz, its diagnostics, feedback to a client."""

from __future__ import annotations

import dataclasses

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray
from xview_deploy.pursuit.pursuit import ENDED, REFUSED, RUNNING, Outcome, Pursuit
from xview_deploy.runtime.policy import Decision
from xview_interfaces.action import Pursue
from xview_interfaces.msg import CrossViewGoal, PolicyStatus

from xview_agent import topics
from xview_agent.belief_markers import belief_markers
from xview_agent.diagnostics import ERROR, OK, WARN, diagnostic_array

DIAGNOSTICS_S = 1.0
LEVELS = {RUNNING: OK, ENDED: OK, REFUSED: ERROR}  # all else: it waits for something


def status_message(
    outcome: Outcome, pursuit: Pursuit, goal_id: str, event: str, picture: Header, picture_age_s: float
) -> PolicyStatus:
    """The status after one turn; picture: its header, empty before the first."""
    status = PolicyStatus(
        header=picture,
        goal_id=goal_id,
        event=event,
        policy=pursuit.policy.name,
        events=list(pursuit.policy.events),
        provider=pursuit.policy.provider,
        state=outcome.state,
        message=outcome.message,
        outcome=pursuit.verdict.ending.value if outcome.state == ENDED and pursuit.verdict is not None else "",
        step=pursuit.step,
        picture_age_ms=picture_age_s * 1000.0,
    )
    _tell(status, outcome.decision)
    return status


def feedback_message(outcome: Outcome, picture: Header, picture_age_s: float, armed: bool) -> Pursue.Feedback:
    """The same for the client of the action."""
    feedback = Pursue.Feedback(header=picture, state=outcome.state, armed=armed, picture_age_ms=picture_age_s * 1000.0)
    _tell(feedback, outcome.decision)
    return feedback


def _tell(message: PolicyStatus | Pursue.Feedback, decision: Decision | None) -> None:
    if decision is not None:
        belief = decision.belief
        message.visible, message.inference_ms = belief.visible, decision.ms
        message.point, message.box, message.bearing = belief.point, belief.box, belief.bearing


@dataclasses.dataclass
class Tally:
    """What happened since the last diagnostics."""

    decisions: int = 0
    slowest_ms: float = 0.0
    oldest_picture_s: float = 0.0

    def count(self, decision: Decision | None, picture_age_s: float) -> None:
        """One turn."""
        if decision is not None:
            self.decisions += 1
            self.slowest_ms = max(self.slowest_ms, decision.ms)
            self.oldest_picture_s = max(self.oldest_picture_s, picture_age_s)

    def values(self, pursuit: Pursuit, period_s: float) -> dict[str, str]:
        """For /diagnostics."""
        policy = pursuit.policy
        return {
            "policy": policy.name,
            "provider": policy.provider or "none",
            "decisions, Hz": f"{self.decisions / period_s:.1f}",
            "expected, Hz": f"{policy.actions.rate_hz:.1f}",
            "slowest inference, ms": f"{self.slowest_ms:.1f}",
            "oldest picture at its command, ms": f"{self.oldest_picture_s * 1000:.0f}",
        }


class PolicyReporter:
    """The node's publishers but for its commands, and its beat of diagnostics."""

    def __init__(self, node: Node, base_frame: str, pursuit: Pursuit) -> None:
        self._node, self._base_frame, self._pursuit = node, base_frame, pursuit
        self._status = node.create_publisher(PolicyStatus, topics.POLICY_STATUS, topics.NEWEST_QOS)
        self._markers = node.create_publisher(MarkerArray, topics.BELIEF_MARKERS, topics.NEWEST_QOS)
        self._diagnostics = node.create_publisher(DiagnosticArray, topics.DIAGNOSTICS, 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(DIAGNOSTICS_S, self._diagnose, clock=steady)
        self.rest()

    def rest(self) -> None:
        """The node is inactive: nothing is reported but that."""
        self._tally, self._last = Tally(), Outcome("inactive")

    def tell(self, outcome: Outcome, goal: CrossViewGoal, picture: Header, picture_age_s: float) -> None:
        """One turn: answering the picture of that header, on the way to that goal."""
        self._status.publish(status_message(outcome, self._pursuit, goal.id, goal.event, picture, picture_age_s))
        if self._markers.get_subscription_count() > 0:
            belief = None if outcome.decision is None else outcome.decision.belief
            verdict = self._pursuit.verdict
            words = outcome.state if verdict is None else verdict.ending.value
            self._markers.publish(belief_markers(belief, words, self._base_frame, picture.stamp))
        self._tally.count(outcome.decision, picture_age_s)
        self._last = outcome

    def _diagnose(self) -> None:
        tally, self._tally = self._tally, Tally()
        last = self._last
        message = f"{last.state}: {last.message}" if last.message else last.state
        values = tally.values(self._pursuit, DIAGNOSTICS_S)
        name, stamp = self._node.get_fully_qualified_name(), self._node.get_clock().now().to_msg()
        self._diagnostics.publish(diagnostic_array(stamp, name, LEVELS.get(last.state, WARN), message, values))

    def destroy(self) -> None:
        """Says nothing more."""
        self._node.destroy_timer(self._timer)
        for publisher in (self._status, self._markers, self._diagnostics):
            self._node.destroy_publisher(publisher)
