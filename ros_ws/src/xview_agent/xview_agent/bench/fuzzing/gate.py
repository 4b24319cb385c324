"""Fuzzing of what the gate listens to: commands, heartbeats, odometry. Its refusal to be armed is the verdict.

Between two mutated messages goes a sound one, so that a fault is the last's.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rclpy.publisher import Publisher
from std_msgs.msg import Header
from xview_interfaces.msg import PolicyCommand

from xview_agent import topics
from xview_agent.bench.fuzzing.ears import ANSWER_S, Ears
from xview_agent.bench.fuzzing.kinds import TAKEN, Kind, Unexplained
from xview_agent.bench.fuzzing.mutation import Mutator

SOUND_ONES = 4  # at most, until the gate is content
SETTLE_S = 0.5  # for each of them
SETTLED_S = 0.02  # age of a sound message from which the next one is told from it


class GateInput:
    """One of the sources that the gate listens to: what is wrong with it, the gate says to whoever wants to arm."""

    def __init__(self, ears: Ears, name: str, share: int, kind: type, topic: str, make: Callable[[], Any]) -> None:
        self.name, self.share = f"{name} to the gate", share
        self._ears, self._source, self._make = ears, name, make
        self._age = {"operator heartbeat": "heartbeat"}.get(name, name) + "_age_ms"
        self._publisher: Publisher = ears.node.create_publisher(kind, topic, topics.NEWEST_QOS)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`. After a stamp of the future the gate rightly doubts the next sound one."""
        for _ in range(SOUND_ONES):
            sent_s = self._send(self._make())
            if self._answer(sent_s, SETTLE_S) == TAKEN:
                break
        else:
            raise Unexplained(f"the gate doubts sound ones too: {self._complaint()}")
        time.sleep(SETTLED_S)
        sent_s = self._send(mutator.message(self._make()))
        if (answer := self._answer(sent_s, ANSWER_S)) is None:
            raise Unexplained(f"no answer of the gate within {ANSWER_S:g} s")
        return answer

    def _send(self, message: Any) -> float:
        sent_s = time.monotonic()
        self._publisher.publish(message)
        return sent_s

    def _answer(self, sent_s: float, wait_s: float) -> str | None:
        """What the gate makes of the message that was sent then; None where it says nothing in that time."""
        while time.monotonic() < sent_s + wait_s:
            complaint, heard = self._complaint(), self._ears.gate
            if heard is None or heard[0] < sent_s:
                continue
            if complaint:
                return complaint
            if getattr(heard[1], self._age) / 1000 < heard[0] - sent_s:
                return TAKEN
        return None

    def _complaint(self) -> str:
        """Of this source, by the gate's refusal to be armed."""
        answer = self._ears.stage.link.arm()
        if answer.ok:
            raise RuntimeError("the gate was armed")
        words = ("command", "goal") if self._source == "command" else (self._source,)
        parts = answer.message.removeprefix("not armed: ").split("; ")
        return next((part for part in parts if any(word in part for word in words)), "")


def gate_kinds(ears: Ears) -> list[Kind]:
    """All of them."""
    stage, numbers = ears.stage, itertools.count(1)  # a goal that an operator replaced is not to be pursued again

    def command() -> PolicyCommand:
        stamp = stage.stamp()
        made = PolicyCommand(goal_id=f"policy-{next(numbers)}", goal_stamp=stamp, decided=stamp, velocity=Twist())
        made.header.stamp, made.presses = stamp, ["attack"]
        return made

    def odometry() -> Odometry:
        made = Odometry(child_frame_id="base_link")
        made.header.stamp, made.pose.pose.orientation.w = stage.stamp(), 1.0
        return made

    def beat() -> Header:
        return Header(stamp=stage.stamp(), frame_id="operator")

    return [
        GateInput(ears, "command", 6, PolicyCommand, topics.COMMAND, command),
        GateInput(ears, "operator heartbeat", 3, Header, topics.OPERATOR_HEARTBEAT, beat),
        GateInput(ears, "odometry", 3, Odometry, topics.ODOMETRY, odometry),
    ]
