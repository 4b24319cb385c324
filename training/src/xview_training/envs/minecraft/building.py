"""Builds a scene around a spot of Minecraft's world: objects on its ground, the goal picture, the player at the start.

The ground's height is found by spreading the player onto it, column by column. What does not work out (water, a camera
inside a hill) is an UnplayableError: another spot may do.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from xview_deploy.segmentation.grabcut import propose

from xview_training.envs.minecraft import commands
from xview_training.envs.minecraft.commands import Dialect
from xview_training.envs.minecraft.judge import Placed
from xview_training.envs.minecraft.masks import Segmenter, target_mask
from xview_training.envs.minecraft.scene import Scene, Thing
from xview_training.envs.minecraft.sight import EYE_BLOCKS, Sight, View
from xview_training.envs.minecraft.supervisor import GameProcess

NEAR_BLOCKS = 2.5  # of a wanted place: spreading takes a column next to it
STILL_GREY_LEVELS = 1.0  # mean change of a picture from one tick to the next below which nothing is loading any more


@dataclasses.dataclass(frozen=True)
class BuildSettings:
    """How long building waits, and what goal pictures it takes. A game may tick faster than 20 Hz."""

    settle_ticks: int = 40  # at least, after each change of place: chunks are drawn late
    stand_ticks: int = 5  # at rest on the ground before its height is believed
    patience_ticks: int = 400  # at most, for chunks to load or the target to appear
    min_goal_share: float = 1e-4  # of the goal picture's pixels, that the target must cover
    camera_lifts: tuple[float, ...] = (0.0, 3.0, 8.0)  # blocks that the goal camera is raised until it sees the target
    spread_blocks: int = 20_000  # spots lie within this of the world's origin
    spots: int = 4  # tried for one task


DEFAULT_BUILDING = BuildSettings()


class UnplayableError(RuntimeError):
    """The scene cannot be had at this spot; the message says why."""


class Stage(NamedTuple):
    """A scene that stands. things[0] is the target."""

    things: tuple[Placed, ...]
    goal_picture: np.ndarray  # uint8 (H, W, 3)
    goal_mask: np.ndarray  # bool (H, W)
    first: Sight


def spot_of(scene: Scene, attempt: int, settings: BuildSettings) -> tuple[int, int]:
    """The column where the target is tried to stand: the same for the same world seed and attempt."""
    rng = np.random.default_rng([scene.task.world.seed, attempt])
    x, z = rng.integers(-settings.spread_blocks, settings.spread_blocks, 2)
    return int(x), int(z)


class Builder:
    """Builds in one game."""

    def __init__(
        self,
        game: GameProcess,
        dialect: Dialect,
        settings: BuildSettings = DEFAULT_BUILDING,
        segment: Segmenter = propose,
    ):
        self._game, self._dialect, self._settings, self._segment = game, dialect, settings, segment
        self._standing: tuple[Placed, ...] = ()  # what the last scene left, where the player still is

    def build(self, scene: Scene, spot: tuple[int, int]) -> Stage:
        """Leaves the player at the start, alive and equipped. Raises UnplayableError, and GameDownError as it comes."""
        self._game.tick(commands=(*self._tidy(), *commands.prepare_world(scene.time_of_day)))
        target = self._ground(*spot)
        things = self._survey(scene, target)
        start = self._ground(target[0] + round(scene.start_offset[0]), target[2] + round(scene.start_offset[1]))
        self._standing = things
        for thing in things:
            made = commands.summon(thing.name, thing.cell) if thing.creature else self._block(thing)
            self._game.tick(commands=made)
        picture, mask = self._goal(scene, things[0])
        yaw, pitch = scene.start_view_deg
        view = View(start[0] + 0.5, start[1], start[2] + 0.5, yaw, pitch)
        return Stage(things, picture, mask, self._begin(scene, view, sum(thing.creature for thing in things)))

    def _tidy(self) -> tuple[str, ...]:
        """Takes the last scene's blocks away: the next one may stand at the same spot."""
        left = [thing for thing in self._standing if not thing.creature]
        return tuple(order for thing in left for order in commands.put_block(self._dialect, "air", thing.cell))

    def _survey(self, scene: Scene, target: tuple[int, int, int]) -> tuple[Placed, ...]:
        """Where things will stand; those without ground, or in another's cell, are left out."""
        placed = [_place(scene.things[0], target)]
        for thing in scene.things[1:]:
            try:
                cell = self._ground(target[0] + thing.east, target[2] + thing.south)
            except UnplayableError:
                continue
            if all((cell[0], cell[2]) != (other.cell[0], other.cell[2]) for other in placed):
                placed.append(_place(thing, cell))
        return tuple(placed)

    def _ground(self, x: int, z: int) -> tuple[int, int, int]:
        """The cell above the ground near a column."""
        rest, height = 0, math.inf
        sight = self._game.tick(commands=commands.spread(x + 0.5, z + 0.5))
        for _ in range(self._settings.patience_ticks):
            rest = rest + 1 if sight.view.y == height and _is_near(sight, x + 0.5, z + 0.5) else 0
            if rest >= self._settings.stand_ticks:
                return math.floor(sight.view.x), math.floor(height + 0.5), math.floor(sight.view.z)
            height = sight.view.y
            sight = self._game.tick()
        raise UnplayableError(f"no ground to stand on near column ({x}, {z}): water, lava, or chunks that do not load")

    def _block(self, thing: Placed) -> tuple[str, ...]:
        return commands.put_block(self._dialect, thing.name, thing.cell)

    def _goal(self, scene: Scene, target: Placed) -> tuple[np.ndarray, np.ndarray]:
        """Picture and mask from the goal camera, raised until it sees the target."""
        wanted = self._settings.min_goal_share
        for lift in self._settings.camera_lifts:
            view = _goal_view(scene, target, lift)
            corner = [math.floor(value) for value in view.eye]
            low, high = (corner[0] - 1, corner[1] - 1, corner[2] - 1), (corner[0] + 1, corner[1] + 1, corner[2] + 1)
            looking = (*commands.clear_box(low, high), *commands.hover(view))
            sight = self._settled(looking, lambda sight: self._mask(sight, target).mean() >= wanted)
            mask = self._mask(sight, target)
            if mask.mean() >= wanted:
                return sight.picture.copy(), mask
        raise UnplayableError(f"the goal camera does not see the target, a {target.name} at {target.cell}")

    def _mask(self, sight: Sight, target: Placed) -> np.ndarray:
        return target_mask(sight, target.box, self._segment)

    def _begin(self, scene: Scene, view: View, creatures: int) -> Sight:
        """The player at the start, in survival, its first item in the hand, creatures awake."""
        self._settled(commands.hover(view), lambda _: True)  # the chunks around it load while nothing can happen
        self._game.tick(commands=(*commands.equip(self._dialect, scene.items), *commands.teleport(view)))
        self._game.tick(keys=("hotbar.1",), commands=commands.wake(self._dialect, creatures))
        sight = self._game.tick()
        if sight.dead:
            raise UnplayableError("the player died at the start")
        return sight

    def _settled(self, orders: tuple[str, ...], enough: Callable[[Sight], bool]) -> Sight:
        """The sight once the picture is still, and `enough`; the last one where patience ends."""
        before = self._game.tick(commands=orders)
        for tick in range(1, self._settings.patience_ticks + 1):
            sight = self._game.tick()
            change = float(np.abs(sight.picture.astype(np.int16) - before.picture).mean())
            before = sight
            if tick >= self._settings.settle_ticks and change < STILL_GREY_LEVELS and enough(sight):
                break
        return before


def _place(thing: Thing, cell: tuple[int, int, int]) -> Placed:
    return Placed(thing.name, cell, thing.creature)


def _is_near(sight: Sight, x: float, z: float) -> bool:
    return max(abs(sight.view.x - x), abs(sight.view.z - z)) <= NEAR_BLOCKS


def _goal_view(scene: Scene, target: Placed, lift: float) -> View:
    """The task's goal camera around where the target stands; a raised one looks at the target."""
    x, y, z = (value + 0.5 for value in target.cell)
    east, up, south = scene.camera_offset
    yaw, pitch = scene.camera_view_deg
    if lift:
        yaw = math.degrees(math.atan2(east, -south))
        pitch = math.degrees(math.atan2(up + lift, math.hypot(east, south)))
    return View(x + east, y + up + lift - EYE_BLOCKS, z + south, yaw, pitch)
