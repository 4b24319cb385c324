"""Starts: where an agent may begin at a difficulty's distance, each proved to lead to the target on foot."""

from __future__ import annotations

import math

import numpy as np

from xview_training.sim.compiled import compiled
from xview_training.sim.simulator import VoxelSim
from xview_training.sim.worlds import PLACES
from xview_training.tasks.objects import WorldObject
from xview_training.tasks.paths import UNREACHABLE, distance_field, distractor_toll, leads_through_no_roof
from xview_training.tasks.task import Start

TOLERANCE = 0.2  # of a difficulty's distance
STARTS_DRAWN = 8
SET_PLACES = ("landscape", "rooms")  # the first version's, whose ground is known by one of its columns


@compiled()
def _starts(floor, size_x, size_z, field, target, low, high, grid, ground, out):
    """Columns whose Manhattan distance to the target lies in [low, high] and from which it can be walked."""
    count = 0
    for x in range(2, size_x - 2):
        for z in range(2, size_z - 2):
            manhattan = abs(x - target[0]) + abs(z - target[2])
            if manhattan < low or manhattan > high or field[x, z] >= UNREACHABLE:
                continue
            y = floor[x, z]
            if field[x, z] > 1.6 * manhattan + 20 or (ground[x, z] != 0 and grid[x, z, y - 1] != ground[x, z]):
                continue
            out[count, 0], out[count, 1] = x, z
            count += 1
    return count


class Starts:
    """Draws starts in a simulator's worlds.

    field, toll float32 (X, Z): walking costs to the target surveyed last, and what keeps paths off distractors.
    """

    def __init__(self, sim: VoxelSim):
        self.sim = sim
        self.field = np.zeros(sim.floor.shape[1:], np.float32)
        self.toll = np.zeros(sim.floor.shape[1:], np.float32)
        self._columns = np.zeros((sim.floor[0].size, 2), np.int16)

    def survey(self, slot: int, target: np.ndarray, place: str) -> None:
        """Fills field and toll for a target, int64 (3,)."""
        sim, ground = self.sim, PLACES[place]
        distractor_toll(sim.candidates[slot], sim.candidate_count[slot], target, self.toll)
        size_x, size_z, _ = ground.shape
        distance_field(sim.floor[slot], size_x, size_z, self.toll, target, ground.climb, ground.drop, self.field)

    def draw(
        self,
        rng: np.random.Generator,
        slot: int,
        thing: WorldObject,
        distance: int,
        place: str,
        pitch: tuple[float, float],
    ) -> Start | None:
        """A reachable start at that Manhattan distance, facing the target roughly or not at all; surveys the target.

        pitch: radians downwards, the range of what it is turned by.
        """
        floor, target = self.sim.floor[slot], np.array(thing.cell, np.int64)
        self.survey(slot, target, place)
        low, high = round(distance * (1 - TOLERANCE)), round(distance * (1 + TOLERANCE))
        ground = self._ground(slot, place)
        size_x, size_z, _ = PLACES[place].shape
        grid = self.sim.grid[slot]
        count = _starts(floor, size_x, size_z, self.field, target, low, high, grid, ground, self._columns)
        if count == 0:
            return None
        column = self._column(rng, slot, count, place)
        if column is None:
            return None
        x, z = column
        ahead = math.atan2(-(target[0] - x), target[2] - z)
        yaw = rng.uniform(-math.pi, math.pi) if rng.random() < 0.45 else ahead + rng.uniform(-0.5, 0.5)
        down = rng.uniform(*pitch)
        return Start(x + 0.5, float(floor[x, z]), z + 0.5, round(float(yaw), 4), round(float(down), 4))

    def _column(self, rng: np.random.Generator, slot: int, count: int, place: str) -> tuple[int, int] | None:
        """One of the first `count` columns to start in; None where the ways from those drawn lead through roofs."""
        climb, drop = PLACES[place].climb, PLACES[place].drop
        for _ in range(STARTS_DRAWN):
            x, z = (int(v) for v in self._columns[rng.integers(count)])
            if place in SET_PLACES or leads_through_no_roof(
                self.sim.grid[slot], self.sim.floor[slot], self.field, x, z, climb, drop
            ):
                return x, z
        return None

    def _ground(self, slot: int, place: str) -> np.ndarray:
        """What block one must stand on to start, 0 for any: the place's own ground, not the top of an object."""
        grid, floor = self.sim.grid[slot], self.sim.floor[slot]
        if place not in SET_PLACES:
            return np.zeros(floor.shape, np.uint8)  # what stands there is too high to be walked to
        size_x, size_z, _ = PLACES[place].shape
        # Rooms: inside the house, whose floor is uniform.
        x, z = (size_x // 2, size_z // 2) if place == "rooms" else (1, 1)
        return np.full(floor.shape, grid[x, z, 3 if place == "rooms" else floor[x, z] - 1], np.uint8)
