"""The action `pursue`: one goal at a time, told to whoever sent it.

Knows how ROS's actions begin, tell and end; what a goal is and when it is over is the policy node's business. Goals
are deferred, as rclpy calls it: they execute when their end is known, since a callback that waited for the end would
block the node, and one that awaits it would keep rclpy's executor turning.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.node import Node
from xview_deploy.pursuit.outcome import Ending, Verdict
from xview_interfaces.action import Pursue

from xview_agent import topics


class PursueServer:
    """Holds the client's goal between its acceptance and its end."""

    def __init__(
        self,
        node: Node,
        accepts: Callable[[], bool],
        on_goal: Callable[[Pursue.Goal], None],
        on_cancel: Callable[[], None],
    ) -> None:
        self._accepts, self._on_goal, self._on_cancel = accepts, on_goal, on_cancel
        self._handle: ServerGoalHandle | None = None
        self._begun_s = 0.0
        self._decisions = 0
        self._server = ActionServer(
            node,
            Pursue,
            topics.PURSUE,
            execute_callback=_abort,
            goal_callback=self._answer,
            handle_accepted_callback=self._begin,
            cancel_callback=self._cancel,
        )

    @property
    def busy(self) -> bool:
        """Whether a client waits for an end."""
        return self._handle is not None

    def feedback(self, feedback: Pursue.Feedback, decided: bool) -> None:
        """What the client is told on the way; decided: whether the policy took a decision."""
        if self._handle is None:
            return
        self._decisions += decided
        feedback.steps = self._decisions
        self._handle.publish_feedback(feedback)

    def end(self, verdict: Verdict) -> None:
        """The client's goal is over, if there is one."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        result = Pursue.Result(outcome=verdict.ending.value, reason=verdict.reason, steps=self._decisions)
        result.seconds = time.monotonic() - self._begun_s

        def conclude(ended: ServerGoalHandle) -> Pursue.Result:
            if ended.is_cancel_requested:
                ended.canceled()
            elif verdict.ending is Ending.REACHED:
                ended.succeed()
            else:
                ended.abort()
            return result

        handle.execute(conclude)

    def destroy(self) -> None:
        """No more goals."""
        self._server.destroy()

    def _answer(self, request: Pursue.Goal) -> GoalResponse:
        return GoalResponse.ACCEPT if self._accepts() else GoalResponse.REJECT

    def _begin(self, handle: ServerGoalHandle) -> None:
        self.end(Verdict(Ending.REPLACED, f"by goal {handle.request.goal.id!r}"))
        self._handle, self._begun_s, self._decisions = handle, time.monotonic(), 0
        self._on_goal(handle.request)

    def _cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        if handle != self._handle:
            return CancelResponse.REJECT
        self._on_cancel()
        return CancelResponse.ACCEPT


def _abort(handle: ServerGoalHandle) -> Pursue.Result:
    """Never called: every goal executes with its own end."""
    handle.abort()
    return Pursue.Result(outcome=Ending.STOPPED.value, reason="it never began")
