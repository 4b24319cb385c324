"""Whether a tick did to the target what was asked: arrival by the rules of our own world, the rest by the game's count.

The game counts blocks mined, containers used and creatures killed by kind; which block it was is told by what was under
the crosshair, within reach, when the key was held, and what killed a creature by the keys (weapons.py).
"""

from __future__ import annotations

import collections
import dataclasses

import numpy as np

from xview_training.envs.minecraft.commands import Dialect
from xview_training.envs.minecraft.masks import Box, block_box, creature_box, target_mask
from xview_training.envs.minecraft.scene import CREATURE_SIZES, USE_STATISTICS
from xview_training.envs.minecraft.sight import Sight
from xview_training.envs.minecraft.weapons import Weapons
from xview_training.sim import physics
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent

REACH_BLOCKS = 4.5  # Minecraft's survival reach, and ours (sim/hands.py)
COUNT_LAG_TICKS = 10  # the client hears of its statistics some ticks after the deed
ARRIVAL_HEIGHT = 3.0  # blocks between eye and target: the rules' line of sight, where the game gives no depth
KEY_OF = {TaskEvent.BREAK: "attack", TaskEvent.USE: "use"}


@dataclasses.dataclass(frozen=True)
class Placed:
    """An object where it stands. cell: its block, or the cell of a creature's feet."""

    name: str
    cell: tuple[int, int, int]
    creature: bool

    @property
    def box(self) -> Box:
        """What it fills, at the start."""
        if not self.creature:
            return block_box(self.cell)
        x, y, z = self.cell
        return creature_box((x + 0.5, y, z + 0.5), *CREATURE_SIZES[self.name])


class Judge:
    """Follows one episode. things[0] is the target; before: the sight that it begins with."""

    def __init__(self, event: TaskEvent, things: tuple[Placed, ...], dialect: Dialect, before: Sight):
        self._event, self._things, self._dialect = event, things, dialect
        self._before = before
        self._held: collections.deque[int] = collections.deque(maxlen=COUNT_LAG_TICKS)
        self._was_held = False
        self._weapons = Weapons(COUNT_LAG_TICKS)

    def touched(self, sight: Sight, keys: tuple[str, ...]) -> int:
        """Number of the object that this tick's event concerns, -1 where none. keys: those held in the tick."""
        aimed = self._aimed(self._before)  # at what the key acted
        pressed = KEY_OF.get(self._event) in keys
        self._held.append(aimed if pressed else -1)
        fresh, self._was_held = pressed and not self._was_held, pressed
        self._weapons.saw(self._before, keys)
        try:
            if self._event is TaskEvent.APPROACH:
                return self._arrived(sight)
            if self._event.hunts:
                return self._killed(sight)
            return self._done_to_block(sight, aimed if fresh else -1)
        finally:
            self._before = sight

    def _arrived(self, sight: Sight) -> int:
        for number, thing in enumerate(self._things):
            if _near(sight, thing) and (sight.depth is None or target_mask(sight, thing.box).any()):
                return number
        return -1

    def _killed(self, sight: Sight) -> int:
        """Who died of what was asked for. With melee there is nothing in the hands that shoots."""
        if self._event is TaskEvent.ARCHERY and not self._weapons.shot:
            return -1
        for number, thing in enumerate(self._things):
            if self._rose(f"killed:{thing.name}", sight):
                return number
        return -1

    def _done_to_block(self, sight: Sight, used: int) -> int:
        """The block that a deed is put down to: the last one that the key was held on."""
        if self._event is TaskEvent.USE and used >= 0 and self._things[used].name not in USE_STATISTICS:
            return used
        deeds = {self._statistic(thing.name) for thing in self._things} - {""}
        risen = {name for name in deeds if self._rose(name, sight)}
        for number in reversed(self._held):
            if number >= 0 and self._statistic(self._things[number].name) in risen:
                return number
        return -1

    def _statistic(self, name: str) -> str:
        """By which the game counts the deed to that block; empty where it does not."""
        if self._event is TaskEvent.BREAK:
            return f"mined:{self._dialect.mined(name)}"
        return f"used:{self._dialect.used(USE_STATISTICS[name])}" if name in USE_STATISTICS else ""

    def _rose(self, name: str, sight: Sight) -> bool:
        return sight.counts.get(name, 0) > self._before.counts.get(name, 0)

    def _aimed(self, sight: Sight) -> int:
        """Number of the object under the crosshair and within reach, -1 where none."""
        hits = [_distance_along(sight, thing.box) for thing in self._things]
        if sight.aim is not None:
            return next(
                (k for k, thing in enumerate(self._things) if thing.cell == sight.aim and hits[k] <= REACH_BLOCKS), -1
            )
        nearest = int(np.argmin(hits))
        return nearest if hits[nearest] <= REACH_BLOCKS else -1


def _near(sight: Sight, thing: Placed) -> bool:
    """Near and facing it, by the rules that hold in our own world."""
    body = np.zeros(physics.BODY_SIZE)
    view = sight.view
    body[physics.X], body[physics.Z], body[physics.YAW] = view.x, view.z, np.radians(view.yaw_deg)
    x, y, z = thing.box.centre
    angle, distance = rules.bearing(body, x, z)
    level = abs(view.eye[1] - y) <= ARRIVAL_HEIGHT
    return bool(level and distance <= rules.ARRIVAL_DISTANCE and abs(angle) <= rules.ARRIVAL_ANGLE)


def _distance_along(sight: Sight, box: Box) -> float:
    """Blocks from the eye along the view to a box, infinity where it misses."""
    near, far = 0.0, float("inf")
    for eye, ahead, low, high in zip(sight.view.eye, sight.view.ahead, *box, strict=True):
        if abs(ahead) < 1e-9:
            if not low <= eye <= high:
                return float("inf")
            continue
        first, last = sorted(((low - eye) / ahead, (high - eye) / ahead))
        near, far = max(near, first), min(far, last)
    return near if near <= far else float("inf")
