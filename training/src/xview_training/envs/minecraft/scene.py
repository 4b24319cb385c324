"""A task as Minecraft can have it: what stands around the target, the start and the goal camera, all relative to it.

The landscape is Minecraft's own; of our world come the objects, their places on the ground, the goal camera and the
start. Names are 1.13's. It knows neither where in Minecraft this will stand nor how it gets there.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from xview_training.envs.minecraft.commands import DUSK, NOON
from xview_training.sim.blocks import BLOCKS
from xview_training.sim.collision import X, Z
from xview_training.sim.creatures import CREATURE_SIZE, MAX_CREATURES, SPECIES
from xview_training.sim.figures import KINDS
from xview_training.sim.landscape import MAX_CANDIDATES
from xview_training.sim.worlds import SHAPE, generate
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.moving import move_object
from xview_training.tasks.task import Task

MAX_THINGS = 6  # the target and the objects nearest to it
NEAR_BLOCKS = 24  # of the target: farther objects are left out

BLOCK_NAMES = {
    "gourd": "pumpkin",
    "oven": "dispenser",
    "crate": "bookshelf",
    "crystal": "diamond_block",
    "dynamite": "tnt",
    "ingot": "gold_block",
    "wool": "purple_wool",
    "lamp": "sea_lantern",
    "melon": "melon",
    "barrel": "lapis_block",
    "coral": "pink_wool",
    "coal": "coal_block",
    "coal_ore": "coal_ore",
    "iron_ore": "iron_ore",
    "gold_ore": "gold_ore",
    "gem_ore": "diamond_ore",
    "chest": "chest",
    "open_chest": "chest",
    "furnace": "furnace",
    "lit_furnace": "furnace",
    "workbench": "crafting_table",
    "bed": "note_block",  # a bed is two blocks, and its use by day is not counted
    "door_x": "oak_trapdoor",  # a door is two blocks
    "open_door_x": "oak_trapdoor",
    "door_z": "oak_trapdoor",
    "open_door_z": "oak_trapdoor",
}
CREATURE_NAMES = {
    "cow": "cow",
    "sheep": "sheep",
    "pig": "pig",
    "hen": "chicken",
    "horse": "horse",
    "ghoul": "zombie",
    "archer": "skeleton",
    "spider": "spider",
}
UNDEAD = ("zombie", "skeleton")
CREATURE_SIZES = {  # width and height in blocks (Minecraft Wiki, each creature's page)
    "cow": (0.9, 1.4),
    "sheep": (0.9, 1.3),
    "pig": (0.9, 0.9),
    "chicken": (0.4, 0.7),
    "horse": (1.4, 1.6),
    "zombie": (0.6, 1.95),
    "skeleton": (0.6, 1.99),
    "spider": (1.4, 0.9),
}
USE_STATISTICS = {  # blocks whose use the game counts; others are used by the key
    "chest": "open_chest",
    "furnace": "interact_with_furnace",
    "crafting_table": "interact_with_crafting_table",
    "note_block": "tune_noteblock",
}
ITEM_NAMES = {
    "pickaxe": "iron_pickaxe",
    "axe": "iron_axe",
    "shovel": "iron_shovel",
    "sword": "iron_sword",
    "bow": "bow",
    "arrows": "arrow",
}


@dataclasses.dataclass(frozen=True)
class Thing:
    """An object: its Minecraft name, and its column east and south of the target's."""

    name: str
    east: int
    south: int
    creature: bool = False


@dataclasses.dataclass(frozen=True)
class Scene:
    """things[0] is the target. Offsets are in blocks from the middle of the target's cell, angles in degrees."""

    task: Task
    things: tuple[Thing, ...]
    start_offset: tuple[float, float]  # east, south
    start_view_deg: tuple[float, float]  # yaw, pitch
    camera_offset: tuple[float, float, float]  # east, up, south, of the goal camera's eye
    camera_view_deg: tuple[float, float]
    time_of_day: int
    items: tuple[tuple[str, int], ...]

    @property
    def event(self) -> TaskEvent:
        """What is asked for."""
        return self.task.event


def scene_of(task: Task) -> Scene:
    """The scene of a task. ValueError where its world has no such object, or Minecraft no such thing."""
    things = _creatures(task) if task.event.hunts else _blocks(task)
    x, y, z = (value + 0.5 for value in task.target)
    start, camera = task.start, task.goal_camera
    return Scene(
        task=task,
        things=things,
        start_offset=(start.x - x, start.z - z),
        start_view_deg=(math.degrees(start.yaw), math.degrees(start.pitch)),
        camera_offset=(camera.x - x, camera.y - y, camera.z - z),
        camera_view_deg=(math.degrees(camera.yaw), math.degrees(camera.pitch)),
        time_of_day=DUSK if any(thing.name in UNDEAD for thing in things) else NOON,
        items=tuple((ITEM_NAMES[name], count) for name, count in task.event.carried),
    )


def _world_of(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Candidates (x, y, z, block) and creatures of the task's world."""
    grid, floor = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE[:2], np.int16)
    candidates, creatures = np.zeros((MAX_CANDIDATES, 4), np.int16), np.zeros((MAX_CREATURES, CREATURE_SIZE))
    candidates = candidates[: generate(task.world, grid, floor, candidates, creatures).candidates]
    if task.moved >= 0:
        move_object(grid, floor, candidates, creatures, task.moved, task.target, task.event.hunts)
    return candidates, creatures


def _blocks(task: Task) -> tuple[Thing, ...]:
    candidates, _ = _world_of(task)
    if not (candidates[:, :3] == task.target).all(1).any():
        raise ValueError(f"task {task.task_id}: its world has no object at {task.target} to be the target")
    away = np.abs(candidates[:, [0, 2]] - np.array(task.target)[[0, 2]]).sum(1)
    nearest = [k for k in np.argsort(away, kind="stable") if away[k] <= NEAR_BLOCKS][:MAX_THINGS]
    nearest.sort(key=lambda k: bool((candidates[k, :3] != task.target).any()))  # the target first
    things = []
    for x, _, z, block in candidates[nearest].tolist():
        name = BLOCKS[block].name
        if name in BLOCK_NAMES:
            things.append(Thing(BLOCK_NAMES[name], x - task.target[0], z - task.target[2]))
        elif not things:
            raise ValueError(f"task {task.task_id}: Minecraft has no block for its target, a {name}")
    return tuple(things)


def _creatures(task: Task) -> tuple[Thing, ...]:
    """The target, and others of other kinds only: the game counts kills by kind."""
    _, creatures = _world_of(task)
    if creatures[task.creature, SPECIES] < 0:
        raise ValueError(f"task {task.task_id}: its world has no creature {task.creature} to be the target")
    hunted = creatures[task.creature]
    things = [Thing(_species(hunted), 0, 0, creature=True)]
    for row in creatures[creatures[:, SPECIES] >= 0]:
        east, south = math.floor(row[X]) - math.floor(hunted[X]), math.floor(row[Z]) - math.floor(hunted[Z])
        if row[SPECIES] != hunted[SPECIES] and abs(east) + abs(south) <= NEAR_BLOCKS and len(things) < MAX_THINGS:
            things.append(Thing(_species(row), east, south, creature=True))
    return tuple(things)


def _species(creature: np.ndarray) -> str:
    return CREATURE_NAMES[KINDS[int(creature[SPECIES])]]
