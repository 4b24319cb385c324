"""When to decide: on the arrival of a picture, at a policy's own rate.

A timer beside the camera would let each picture lie about for up to a period; here the first picture that comes
when a decision is due is answered at once. It knows neither cameras nor a clock: `now_s` is any steady clock's.

    pacer = Pacer(1 / policy.actions.rate_hz)
    if pacer.take(now_s):
        decide(picture)
"""

from __future__ import annotations

SLACK = 0.25  # share of a period that a decision may come early, since pictures do not fall on its beat


class Pacer:
    """Keeps a rate over pictures that come at any other rate, or late."""

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self._due_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Whether to decide by the picture that came now; the next decision is then due a period later.

        The beat is kept: a decision that came early or late does not shift the next ones. After a gap it starts
        anew, so that nothing is caught up on.
        """
        due_s = now_s if self._due_s is None else self._due_s
        if now_s < due_s - SLACK * self.period_s:
            return False
        late = now_s > due_s + self.period_s
        self._due_s = (now_s if late else due_s) + self.period_s
        return True

    def overdue(self, now_s: float) -> bool:
        """Whether a decision should have come and no picture did: time to say so."""
        return self._due_s is None or now_s > self._due_s + self.period_s

    def restart(self) -> None:
        """The next picture is answered at once: a new goal does not wait."""
        self._due_s = None
