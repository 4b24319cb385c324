"""Whether a kill can have been an arrow's: the game counts kills by kind and does not say what killed.

So it is told by the keys. An arrow was loosed where `use` was let go after the bow had been drawn; a blow was struck
where `attack` went down, and a creature was near where the game says where creatures are. What could have been either
is taken for the blow's: what is asked for is never given away. It knows neither tasks nor counts.
"""

from __future__ import annotations

import math

from xview_training.envs.minecraft.masks import Box, creature_box
from xview_training.envs.minecraft.scene import CREATURE_SIZES
from xview_training.envs.minecraft.sight import Sight

LEAST_DRAW_TICKS = 3  # below a tenth of the full power no arrow leaves the bow (Minecraft Wiki, "Bow")
FLIGHT_TICKS = 100  # from the bow to what it kills, at most: an arrow drawn fully falls to the ground sooner
BLOW_BLOCKS = 4.0  # from the eye to a creature: the reach of 3, and what both may move in a tick


class Weapons:
    """Follows the keys of one episode of archery. lag_ticks: how late the game may count a kill."""

    def __init__(self, lag_ticks: int):
        self._lag = lag_ticks
        self._drawn = 0  # ticks
        self._attacked = False
        self._since_shot = self._since_blow = math.inf  # ticks

    def saw(self, before: Sight, keys: tuple[str, ...]) -> None:
        """A tick with these keys held, played upon that sight."""
        self._since_shot, self._since_blow = self._since_shot + 1, self._since_blow + 1
        if "use" in keys:
            self._drawn += 1
        else:
            if self._drawn >= LEAST_DRAW_TICKS:
                self._since_shot = 0
            self._drawn = 0
        attacks = "attack" in keys
        if attacks and not self._attacked and _within_a_blow(before):
            self._since_blow = 0
        self._attacked = attacks

    @property
    def shot(self) -> bool:
        """Whether a kill that is counted now was an arrow's."""
        return self._since_shot <= FLIGHT_TICKS + self._lag and self._since_blow > self._lag


def _within_a_blow(sight: Sight) -> bool:
    """Whether a creature is near enough to be struck; True where the game does not say where creatures are."""
    boxes = [
        creature_box((one.x, one.y, one.z), *CREATURE_SIZES[one.name])
        for one in sight.creatures
        if one.name in CREATURE_SIZES  # the player itself and arrows are reported too
    ]
    return not boxes or any(_distance(sight.view.eye, box) <= BLOW_BLOCKS for box in boxes)


def _distance(point: tuple[float, float, float], box: Box) -> float:
    """Blocks from a point to a box, 0 inside."""
    nearest = (min(max(value, low), high) for value, low, high in zip(point, *box, strict=True))
    return math.dist(point, tuple(nearest))
