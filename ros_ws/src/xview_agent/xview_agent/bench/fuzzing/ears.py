"""What the graph answers to what was sent: reports that come, services that respond."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.client import Client
from rclpy.task import Future
from xview_interfaces.msg import GateStatus, PolicyStatus

from xview_agent import topics
from xview_agent.bench.fuzzing.kinds import Unexplained
from xview_agent.bench.stage import Stage

ANSWER_S = 5.0  # longest wait for a node's answer


class Ears:
    """What the graph says; to be asked from another thread than the one that spins its node."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.node = stage.node
        self.policy: tuple[float, PolicyStatus] | None = None  # with the time of its arrival
        self.gate: tuple[float, GateStatus] | None = None
        self._came = threading.Condition()
        listen = partial(self.node.create_subscription, callback_group=None)
        listen(PolicyStatus, topics.POLICY_STATUS, partial(self._keep, "policy"), topics.NEWEST_QOS)
        listen(GateStatus, topics.GATE_STATUS, partial(self._keep, "gate"), topics.LATCHED_QOS)

    def _keep(self, name: str, message: Any) -> None:
        with self._came:
            setattr(self, name, (time.monotonic(), message))
            self._came.notify_all()

    def hear(
        self, name: str, since_s: float, verdict: Callable[[Any, float], str | None], wait_s: float = ANSWER_S
    ) -> str:
        """The verdict on the first message of policy or gate after that moment that gives one. Unexplained: none."""
        end_s = time.monotonic() + wait_s
        with self._came:
            while True:
                heard = getattr(self, name)
                if heard is not None and heard[0] > since_s and (found := verdict(heard[1], heard[0])) is not None:
                    return found
                if not self._came.wait(max(end_s - time.monotonic(), 0.0)) and time.monotonic() > end_s:
                    raise Unexplained(f"no answer of the {name} within {wait_s:g} s; its last: {heard}")

    def call(self, client: Client, request: Any) -> Any:
        """A service's response. Unexplained where none comes."""
        if not client.wait_for_service(timeout_sec=ANSWER_S):
            raise Unexplained(f"no service {client.srv_name}")
        return self.answer(client.call_async(request), f"{client.srv_name} to {request}")

    def answer(self, future: Future, what: str) -> Any:
        """What the future brings. Unexplained where it brings nothing."""
        answered = threading.Event()
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(ANSWER_S) or future.result() is None:
            raise Unexplained(f"no answer of {what} within {ANSWER_S:g} s"[:300])
        return future.result()


def refusal(reason: str) -> str:
    """A refusal's reason; Unexplained where it says nothing."""
    if not reason:
        raise Unexplained("refused without a word")
    return reason
