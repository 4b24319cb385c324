"""What the policy node says of itself, as messages: its status, its feedback to a client, its diagnostics."""

from __future__ import annotations

import dataclasses

from std_msgs.msg import Header
from xview_deploy.policy import Decision
from xview_deploy.pursuit import ENDED, REFUSED, RUNNING, Outcome, Pursuit
from xview_interfaces.action import Pursue
from xview_interfaces.msg import PolicyStatus

from xview_agent.diagnostics import ERROR, OK

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
