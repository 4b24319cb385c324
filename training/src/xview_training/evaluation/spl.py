"""Success weighted by path length (Anderson et al. 2018, "On Evaluation of Embodied Navigation Agents").

SPL = mean of S l / max(p, l): S is 1 for a success, l the length of the shortest way from the start to where the event
can happen, p the length of the way walked, both in blocks. l is measured along the columns that a body can step to,
eight neighbours each, down the field of path costs without tolls, to the target; the event's reach is taken off, for
nobody need stand in the target. Targets that walk have no shortest way: no SPL is given for them.
"""

from __future__ import annotations

import math

import numpy as np

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim.hands import BLOCK_REACH
from xview_training.sim.worlds import PLACES
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.paths import UNREACHABLE, can_step, distance_field
from xview_training.tasks.rules import ARRIVAL_DISTANCE

REACH = {TaskEvent.APPROACH: ARRIVAL_DISTANCE, TaskEvent.BREAK: BLOCK_REACH, TaskEvent.USE: BLOCK_REACH}


def shortest_way(envs: CrossViewEnvs, slot: int) -> float | None:
    """l of the task that was just put into `slot`; None where the target walks, or no way is known."""
    task = envs.tasks[slot]
    assert task is not None
    if task.event.hunts:
        return None
    place = PLACES[task.world.place]
    size_x, size_z, _ = place.shape
    floor = envs.sim.floor[slot]
    field = np.empty(floor.shape, np.float32)
    target = np.array(task.target, np.int64)
    distance_field(floor, size_x, size_z, np.zeros_like(field), target, place.climb, place.drop, field)
    length = _downhill(floor, field, (int(task.start.x), int(task.start.z)), place.climb, place.drop)
    return None if length is None else max(length - REACH[task.event], 0.0)


def _downhill(floor: np.ndarray, field: np.ndarray, start: tuple[int, int], climb: int, drop: int) -> float | None:
    """Blocks from the column `start` down the field to its zero."""
    (x, z), length = start, 0.0
    while field[x, z] > 0:
        if field[x, z] >= UNREACHABLE:
            return None
        steps = [(dx, dz) for dx in (-1, 0, 1) for dz in (-1, 0, 1) if (dx, dz) != (0, 0)]
        ways = [
            (float(field[x + dx, z + dz]) + math.hypot(dx, dz), dx, dz)
            for dx, dz in steps
            if field[x + dx, z + dz] < field[x, z]
            and (field[x + dx, z + dz] == 0 or can_step(floor, x, z, x + dx, z + dz, climb, drop))
        ]
        if not ways:
            return None
        _, dx, dz = min(ways)
        length += math.hypot(dx, dz)
        x, z = x + dx, z + dz
    return length


def spl(success: bool, shortest: float, walked: float) -> float:
    """One episode's share of SPL."""
    if not success:
        return 0.0
    longer = max(shortest, walked)
    return shortest / longer if longer > 0 else 1.0
