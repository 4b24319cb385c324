"""Objects that stand elsewhere than their world's seed put them: where a goal camera that was drawn first sees them.

ROCKET-3 (task synthesis) generates a task's objects around the spawn, and sometimes in a voxel that the goal camera
sees. Here a seed scatters its world's objects over all of it; a task may then say that one of them, its target, was
moved to `Task.target`. It knows arrays and records, neither cameras nor starts.
"""

from __future__ import annotations

import numpy as np

from xview_training.sim import mesh
from xview_training.sim.blocks import ID, PASSABLE
from xview_training.sim.collision import X, Y, Z
from xview_training.sim.creatures import SPECIES
from xview_training.sim.herd import fits
from xview_training.sim.simulator import VoxelSim
from xview_training.tasks.task import Task

SPACING = 7  # blocks of Manhattan distance between a moved object and others, as between those that a seed scatters
WATER = ID["water"]
Cell = tuple[int, int, int]  # x, y, z


def open_world(sim: VoxelSim, slot: int, task: Task) -> None:
    """Loads a task's world into a slot, its target where the task has it; ValueError where it cannot stand there."""
    sim.load_world(slot, task.world)
    if task.moved >= 0:
        move(sim, slot, task.moved, task.target, task.event.hunts)


def move(sim: VoxelSim, slot: int, number: int, cell: Cell, creature: bool) -> None:
    """Puts a candidate, or a creature, on that cell, and meshes what changed."""
    columns = move_object(
        sim.grid[slot], sim.floor[slot], sim.candidates[slot, : sim.candidate_count[slot]], sim.creatures[slot],
        number, cell, creature,
    )  # fmt: skip
    for x, z in columns:
        mesh.remesh_block(
            sim.grid[slot], x, z, sim.quads[slot], sim.quad_counts[slot], sim.chunk_tops[slot], sim.models[slot],
            sim.model_counts[slot],
        )  # fmt: skip


def move_object(
    grid: np.ndarray,
    floor: np.ndarray,
    candidates: np.ndarray,
    creatures: np.ndarray,
    number: int,
    cell: Cell,
    creature: bool,
) -> tuple[tuple[int, int], ...]:
    """Moves it in a world's arrays (shapes as in sim/simulator.py, of one); the columns (x, z) whose blocks changed.

    candidates: only those that there are. ValueError where there is no such object or the cell is not free.
    """
    known = 0 <= number < len(creatures if creature else candidates)
    if not known or not can_leave(grid, floor, candidates, creatures, number, creature):
        raise ValueError(f"object {number} of the world cannot be moved to {cell}: it has none that could be")
    if not is_free(grid, floor, cell, int(creatures[number, SPECIES]) if creature else -1):
        raise ValueError(f"object {number} of the world cannot be moved to {cell}: nothing can be put there")
    x, y, z = cell
    if creature:
        creatures[number, [X, Y, Z]] = x + 0.5, y, z + 0.5
        return ()
    old_x, old_y, old_z, block = candidates[number].tolist()
    grid[old_x, old_z, old_y], floor[old_x, old_z] = 0, old_y
    grid[x, z, y], floor[x, z] = block, y + 1
    candidates[number, :3] = cell
    return (old_x, old_z), (x, z)


def can_leave(
    grid: np.ndarray, floor: np.ndarray, candidates: np.ndarray, creatures: np.ndarray, number: int, creature: bool
) -> bool:
    """Whether an object can be taken from where it is: creatures, and blocks that stand alone on the ground."""
    if creature:
        return bool(creatures[number, SPECIES] >= 0)
    x, y, z, _ = candidates[number].tolist()
    return bool(floor[x, z] == y + 1 and PASSABLE[grid[x, z, y + 1]])  # no door, no ore in a wall


def is_free(grid: np.ndarray, floor: np.ndarray, cell: Cell, species: int = -1) -> bool:
    """Whether a block, or a creature of that species, can stand on a cell: dry, on level ground, with air above."""
    x, y, z = cell
    if not (1 < x < grid.shape[0] - 2 and 0 < y < grid.shape[2] - 2 and 1 < z < grid.shape[1] - 2):
        return False
    around = floor[[x - 1, x + 1, x, x], [z, z, z - 1, z + 1]].astype(int)
    if floor[x, z] != y or np.abs(around - y).max() > 1:
        return False
    here = grid[x, z, y : y + 2]
    dry = not (here == WATER).any() and grid[x, z, y - 1] != WATER
    return bool(dry and PASSABLE[here].all() and (species < 0 or fits(grid, species, x, y, z)))


def is_apart(cell: Cell, others: np.ndarray) -> bool:
    """Whether a cell lies away from other objects, (n, 2): their x and z."""
    return bool((np.abs(others - (cell[0], cell[2])).sum(1) >= SPACING).all())
