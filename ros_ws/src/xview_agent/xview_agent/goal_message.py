"""A goal's message read into a checked goal, whichever way it came."""

from __future__ import annotations

from xview_deploy.goal import CrossViewGoal
from xview_deploy.spec import ContractError
from xview_interfaces.msg import CrossViewGoal as GoalMessage

from xview_agent.stamps import nanoseconds

GOAL_VERSION = 1


def read_goal(message: GoalMessage) -> CrossViewGoal:
    """The checked goal; ContractError says what was expected."""
    if message.version != GOAL_VERSION:
        raise ContractError(f"goal version: expected {GOAL_VERSION}, got {message.version}")
    return CrossViewGoal.decode(
        id=message.id,
        event=message.event,
        image=bytes(message.image.data),
        mask=bytes(message.mask.data),
        stamp_ns=nanoseconds(message.header.stamp),
        source_camera=message.source_camera,
    )
