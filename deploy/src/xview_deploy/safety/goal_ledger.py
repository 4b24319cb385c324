"""Which goal the robot is on, and which it no longer is.

Goals come twice: from the operator, and with every command of the policy. A command on its way for a goal that the
operator replaced meanwhile must not move the robot. Stamps tell when a goal was marked, not when it was sent, and two
goals may be marked on one picture: identities decide. A policy's own commands arrive in their order, so a goal that
it turns to by itself (one of an action) is taken as it comes. Knows no clock.
"""

from __future__ import annotations

from collections import deque

REMEMBERED = 64  # replaced goals
SHOWN_CHARS = 64  # of an id: nobody promised that it is short


class GoalLedger:
    """The present goal, and those that the operator replaced."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.fault = ""  # why the present goal cannot be pursued
        self._replaced: deque[str] = deque(maxlen=REMEMBERED)

    @property
    def shown(self) -> str:
        """The present goal's id, for people; empty before the first."""
        return (self.id or "")[:SHOWN_CHARS]

    def on_operator(self, id: str, fault: str) -> bool:
        """A goal came from the operator; whether another had to go for it."""
        if self.id is not None and id != self.id:
            self._replaced.append(self.id)
        while id in self._replaced:  # sent again on purpose
            self._replaced.remove(id)
        return self._turn_to(id, fault)

    def on_policy(self, id: str, fault: str) -> bool:
        """The policy turned to a goal by itself; whether another had to go for it."""
        return self._turn_to(id, fault)

    def refusal(self, id: str) -> str:
        """Why a command for that goal moves nothing any more; empty where it may."""
        if id in self._replaced:
            return f"command pursues goal {id[:SHOWN_CHARS]!r}, which {self.shown!r} replaced"
        return ""

    def _turn_to(self, id: str, fault: str) -> bool:
        before, self.id, self.fault = self.id, id, fault
        return before is not None and before != id
