"""The five events that tasks ask for, what an agent carries for each, and which objects can be asked for.

The published interaction "hunt" has two of them, melee and archery (ROCKET-3, section 3): they differ in what the agent
holds. Items fit the event, as in ROCKET-3's task synthesis.
"""

import enum
from collections.abc import Iterable

import numpy as np
from xview_deploy.spec import ACTION_TABLES, ActionTable, Event

from xview_training.naming import named
from xview_training.sim.blocks import BLOCKS, BREAK_TICKS, USED, Tool

Carried = tuple[tuple[str, int], ...]  # (item, count); the first one is in the hand

CARRIED: dict[str, Carried] = {
    "approach": (),
    "break": (("pickaxe", 1), ("axe", 1), ("shovel", 1)),
    "use": (),
    "melee": (("sword", 1),),
    "archery": (("bow", 1), ("arrows", 64)),
}
BREAKABLE_TICKS = 100  # with the pickaxe in the hand: what takes longer is not asked to be broken


class TaskEvent(str, enum.Enum):
    """What ends a task with success, checked on every tick by the world itself."""

    APPROACH = "approach"
    BREAK = "break"
    USE = "use"
    MELEE = "melee"
    ARCHERY = "archery"

    @property
    def code(self) -> int:
        """How compiled rules call it."""
        return list(TaskEvent).index(self)

    @property
    def asked(self) -> Event:
        """The event that a policy is told."""
        return Event.HUNT if self.hunts else Event(self.value)

    @property
    def hunts(self) -> bool:
        """The target is a creature."""
        return self in (TaskEvent.MELEE, TaskEvent.ARCHERY)

    @property
    def interaction_index(self) -> int:
        """Row of the policy's interaction embedding."""
        return self.asked.interaction_index

    @property
    def carried(self) -> Carried:
        """What the agent has with it."""
        return CARRIED[self.value]

    @classmethod
    def parse(cls, name: str) -> "TaskEvent":
        """The event of that name; ContractError with the nearest and all known names otherwise."""
        return named({event.value: event for event in cls}, name, "event")

    def fits(self, block: int) -> bool:
        """Whether a block can be its target."""
        if self is TaskEvent.BREAK:
            return bool(BREAK_TICKS[block, Tool.PICKAXE] <= BREAKABLE_TICKS)
        if self is TaskEvent.USE:
            return bool(USED[block] > 0)
        return self is TaskEvent.APPROACH


def table_for(events: Iterable[TaskEvent]) -> ActionTable:
    """The table of actions that players without one of their own need for these events."""
    walking = {TaskEvent.APPROACH, TaskEvent.BREAK}
    return ACTION_TABLES["walk" if walking.issuperset(events) else "full"]


def fitting_blocks(event: TaskEvent) -> np.ndarray:
    """bool (blocks,): which can be that event's target."""
    return np.array([event.fits(block) for block in range(len(BLOCKS))])
