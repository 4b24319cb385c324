"""What can be pointed at in a world: its candidate blocks, or its creatures, each with its id in pictures."""

from __future__ import annotations

import dataclasses

import numpy as np

from xview_training.sim.collision import X, Z
from xview_training.sim.creatures import HEIGHTS, SPECIES
from xview_training.sim.simulator import VoxelSim
from xview_training.tasks.events import TaskEvent, fitting_blocks
from xview_training.tasks.task import Task
from xview_training.tasks.visibility import block_id, creature_id


@dataclasses.dataclass(frozen=True)
class WorldObject:
    """number: of the candidate or creature. cell: x, y, z of the block, or of the creature's feet. kind: its look."""

    number: int
    cell: tuple[int, int, int]
    centre: tuple[float, float, float]
    kind: int
    seen_id: int
    creature: bool


def objects_for(sim: VoxelSim, slot: int, event: TaskEvent) -> list[WorldObject]:
    """The objects of a world that can be that event's target."""
    return _creatures(sim, slot) if event.hunts else _blocks(sim, slot, event)


def _blocks(sim: VoxelSim, slot: int, event: TaskEvent) -> list[WorldObject]:
    fits = fitting_blocks(event)
    found = []
    for number, (x, y, z, block) in enumerate(sim.candidates[slot, : sim.candidate_count[slot]].tolist()):
        if fits[block]:
            seen_id = block_id(sim.grid.shape[1:], (x, y, z))
            found.append(WorldObject(number, (x, y, z), (x + 0.5, y + 0.5, z + 0.5), block, seen_id, False))
    return found


def _creatures(sim: VoxelSim, slot: int) -> list[WorldObject]:
    found = []
    for number, row in enumerate(sim.creatures[slot]):
        if row[SPECIES] >= 0:
            x, y, z = (float(v) for v in row[X : Z + 1])
            kind = int(row[SPECIES])
            cell = int(np.floor(x)), round(y), int(np.floor(z))
            centre = x, y + HEIGHTS[kind] / 2, z
            found.append(WorldObject(number, cell, centre, kind, creature_id(sim.grid.shape[1:], number), True))
    return found


def stands_apart(thing: WorldObject, things: list[WorldObject]) -> bool:
    """Whether nobody can be at another of the things while being at this one (the rule of arrival, tasks/rules.py)."""
    x, _, z = thing.cell
    return all(max(abs(other.cell[0] - x), abs(other.cell[2] - z)) > 1 for other in things if other is not thing)


def target_object(sim: VoxelSim, slot: int, task: Task) -> WorldObject:
    """The task's target in its loaded world; ValueError where the world has none."""
    for thing in objects_for(sim, slot, task.event):
        if thing.number == task.creature if task.event.hunts else thing.cell == task.target:
            return thing
    raise ValueError(f"task {task.task_id}: its world has no object at {task.target} to be the target")
