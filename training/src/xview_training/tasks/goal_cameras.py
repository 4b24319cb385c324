"""Finds a goal camera for a target, or, the other way about, a place for the target in a goal camera's view.

A camera is good enough where its picture shows enough of the target, and shows it plainly: a target that is as dark
as the night around it could be anything. It knows what is drawn (goal_views.py), not where agents start.
"""

from __future__ import annotations

import copy
import dataclasses

import numpy as np

from xview_training.sim.collision import X, Z
from xview_training.sim.creatures import SPECIES
from xview_training.sim.simulator import Embodiment, VoxelSim
from xview_training.sim.textures import atlas
from xview_training.sim.worlds import PLACES
from xview_training.tasks.goal_views import GOAL_DISTANCE, GOAL_SIDE, GoalPicture, contrast, draw_goal_camera
from xview_training.tasks.moving import can_leave, is_apart, is_free, move
from xview_training.tasks.objects import WorldObject
from xview_training.tasks.paths import walkable
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import Suite
from xview_training.tasks.task import GoalCamera
from xview_training.tasks.visibility import PIXELS, VIEW_SIZE, block_id, target_view

CAMERAS_A_TARGET = 12
CELLS_A_VIEW = 8  # tried in one camera's picture
LEAST_GROUND = 4  # pixels that a cell's ground must have in the picture, so that what stands on it is seen


class GoalCameras:
    """Draws goal cameras in a simulator's worlds. Buffers are its own."""

    def __init__(self, sim: VoxelSim):
        self.sim = sim
        # The same worlds in generated textures: whatever pack a user's pictures wear, tasks are the same.
        self._drawn = copy.copy(sim)
        self._drawn.atlas = atlas()
        self._picture, self._finer = GoalPicture(), GoalPicture(2 * GOAL_SIDE)
        self._view = np.zeros(VIEW_SIZE, np.float32)
        self._walkable = np.zeros(sim.floor.shape[1:], np.uint8)

    def pixels(self, slot: int, camera: GoalCamera, body: Embodiment, thing: WorldObject) -> int:
        """Pixels of a thing in a camera's picture of 64 x 64."""
        self._picture.draw(self._drawn, slot, camera, body)
        target_view(self._picture.ids, thing.seen_id, self._view)
        return int(self._view[PIXELS])

    def judge(
        self, slot: int, camera: GoalCamera, body: Embodiment, thing: WorldObject, suite: Suite
    ) -> Rejection | None:
        """What is wrong with a camera's picture of a thing; None: it will do."""
        if self.pixels(slot, camera, body, thing) < suite.min_goal_pixels or self._is_sliver(slot, camera, body, thing):
            return Rejection.NO_GOAL_VIEW
        if suite.min_contrast > 0:
            seen = contrast(self._picture.rgb, self._picture.ids == thing.seen_id)
            return Rejection.INDISTINCT if seen < suite.min_contrast else None
        return None

    def _is_sliver(self, slot: int, camera: GoalCamera, body: Embodiment, thing: WorldObject) -> bool:
        """Whether the thing shows through a gap so thin that a picture of another size misses it.

        The middles of the finer picture's pixels lie beside those of the coarser one's: a gap that shows in both is no
        thinner than a quarter of a coarse pixel, and larger pictures show it too.
        """
        self._finer.draw(self._drawn, slot, camera, body)
        return not (self._finer.ids == thing.seen_id).any()

    def find(
        self, rng: np.random.Generator, slot: int, thing: WorldObject, body: Embodiment, suite: Suite, place: str
    ) -> GoalCamera | Rejection:
        """A camera around a thing, or why there is none."""
        why = Rejection.NO_GOAL_VIEW
        for _ in range(CAMERAS_A_TARGET):
            camera = draw_goal_camera(rng, self.sim.grid[slot], np.array(thing.centre), PLACES[place].shape)
            if camera is None:
                continue
            wrong = self.judge(slot, camera, body, thing, suite)
            if wrong is None:
                return camera
            why = Rejection.INDISTINCT if Rejection.INDISTINCT in (wrong, why) else wrong
        return why

    def can_be_moved(self, slot: int, thing: WorldObject) -> bool:
        """Whether `move_into_view` can take a thing from where it stands."""
        sim = self.sim
        return can_leave(
            sim.grid[slot], sim.floor[slot], sim.candidates[slot], sim.creatures[slot], thing.number, thing.creature
        )

    def move_into_view(
        self, rng: np.random.Generator, slot: int, thing: WorldObject, body: Embodiment, suite: Suite, place: str
    ) -> tuple[GoalCamera, WorldObject] | Rejection:
        """Draws a camera first, then moves a thing onto ground that it sees; on a Rejection the world may be edited."""
        sim, ground = self.sim, PLACES[place]
        walkable(
            sim.floor[slot], *ground.shape[:2], sim.candidates[slot], sim.candidate_count[slot], ground.climb,
            ground.drop, self._walkable,
        )  # fmt: skip
        columns = np.argwhere(self._walkable)
        for _ in range(CAMERAS_A_TARGET if len(columns) else 0):
            x, z = columns[rng.integers(len(columns))]
            centre = np.array([x + 0.5, sim.floor[slot, x, z] + 0.5, z + 0.5])
            camera = draw_goal_camera(rng, sim.grid[slot], centre, ground.shape)
            cell = None if camera is None else self._cell_in_view(rng, slot, camera, body, thing)
            if camera is None or cell is None:
                continue
            move(sim, slot, thing.number, cell, thing.creature)
            moved = _at(thing, cell, sim)
            return self.judge(slot, camera, body, moved, suite) or (camera, moved)
        return Rejection.NO_GOAL_VIEW

    def _cell_in_view(
        self, rng: np.random.Generator, slot: int, camera: GoalCamera, body: Embodiment, thing: WorldObject
    ) -> tuple[int, int, int] | None:
        """A free cell on walkable ground that the camera sees, away from all other objects."""
        sim = self.sim
        grid, floor = sim.grid[slot], sim.floor[slot]
        self._picture.draw(self._drawn, slot, camera, body)
        seen, pixels = np.unique(self._picture.ids, return_counts=True)
        seen = seen[(seen > 0) & (seen <= grid.size) & (pixels >= LEAST_GROUND)] - 1
        x, z, y = np.unravel_index(seen, grid.shape)
        away = np.sqrt((x + 0.5 - camera.x) ** 2 + (y + 1.5 - camera.y) ** 2 + (z + 0.5 - camera.z) ** 2)
        near = (away > GOAL_DISTANCE[0]) & (away < GOAL_DISTANCE[1])
        ground = np.flatnonzero((floor[x, z] == y + 1) & (self._walkable[x, z] > 0) & near)
        others, species = self._others(slot, thing), thing.kind if thing.creature else -1
        for k in rng.permutation(ground)[:CELLS_A_VIEW]:
            cell = int(x[k]), int(y[k]) + 1, int(z[k])
            if is_apart(cell, others) and is_free(grid, floor, cell, species):
                return cell
        return None

    def _others(self, slot: int, thing: WorldObject) -> np.ndarray:
        """x and z of all objects but this one, (n, 2)."""
        blocks = self.sim.candidates[slot, : self.sim.candidate_count[slot], [0, 2]].T
        creatures = self.sim.creatures[slot]
        there = np.flatnonzero(creatures[:, SPECIES] >= 0)
        if thing.creature:
            there = there[there != thing.number]
        else:
            blocks = np.delete(blocks, thing.number, 0)
        return np.concatenate([blocks, creatures[there][:, [X, Z]]])


def _at(thing: WorldObject, cell: tuple[int, int, int], sim: VoxelSim) -> WorldObject:
    """The same thing on another cell."""
    x, y, z = cell
    if thing.creature:
        centre = x + 0.5, thing.centre[1] - thing.cell[1] + y, z + 0.5
        return dataclasses.replace(thing, cell=cell, centre=centre)
    seen_id = block_id(sim.grid.shape[1:], cell)
    return dataclasses.replace(thing, cell=cell, centre=(x + 0.5, y + 0.5, z + 0.5), seen_id=seen_id)
