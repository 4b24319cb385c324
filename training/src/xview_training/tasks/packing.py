"""Tasks as records of a fixed width, for files that are read at any index (tasks/files.py).

Every length, angle and factor is drawn with at most four decimals (tasks/bodies.py, tasks/goal_views.py), so a float32
rounded to four decimals gives it back exactly; only an aspect, such as 4/3, needs all of a float64. What cannot be kept
exactly is refused, never rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xview_training.sim.simulator import Embodiment
from xview_training.sim.worlds import PLACES, WorldSeed
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.task import DIFFICULTIES, GoalCamera, Start, Task, TaskError, task_name

DECIMALS = 4
# What the codes in records mean; a file names them, so that these may grow.
CODES = {
    "place": tuple(PLACES),
    "event": tuple(event.value for event in TaskEvent),
    "difficulty": tuple(DIFFICULTIES),
}
_LENS = [("vertical_fov_deg", "<f4"), ("aspect", "<f8")]
_POSE = [(name, "<f4") for name in ("x", "y", "z", "yaw", "pitch")]  # blocks; radians, Minecraft's yaw and pitch
RECORD = np.dtype(
    [
        ("index", "<u4"),  # of the task in its suite
        ("place", "u1"),  # code
        ("world_seed", "<u4"),
        ("event", "u1"),  # code
        ("difficulty", "u1"),  # code
        ("target", "u1", (3,)),  # block x, y, z
        ("creature", "i1"),  # number of the creature that is hunted, -1: the target is a block
        ("moved", "i1"),  # number of the object that stands at the target for this task, -1: where its seed put it
        ("extra_ticks", "u1"),
        ("same_kind", "u1"),
        ("visible_at_start", "?"),
        ("strict", "?"),
        ("limit_ticks", "<u2"),
        ("start", _POSE),
        ("goal_camera", [*_POSE, *_LENS]),
        (
            "body",
            [
                ("eye_height", "<f4"),
                *_LENS,
                ("speed", "<f4"),
                ("turn", "<f4"),
                ("turn_lag", "<f4"),
                ("latency_ticks", "u1"),
                ("light", "<f4"),
                ("textures", "u1"),
                ("held_item", "?"),
            ],
        ),
    ]
)

WHOLE = ("target", "creature", "moved", "extra_ticks", "same_kind", "visible_at_start", "strict", "limit_ticks")


def pack(task: Task, suite: str) -> np.void:
    """The record of a task of `suite`; TaskError where the record would not give the very same task."""
    record: np.void = np.zeros(1, RECORD)[0]
    name, _, index = task.task_id.rpartition("-")
    if name != suite or not index.isdecimal():
        raise TaskError(f"task_id: expected {suite}-NUMBER, got {task.task_id!r}")
    try:
        record["index"], record["world_seed"] = int(index), task.world.seed
        record["place"] = CODES["place"].index(task.world.place)
        record["event"] = CODES["event"].index(task.event.value)
        record["difficulty"] = CODES["difficulty"].index(task.difficulty)
        for field in WHOLE:
            record[field] = getattr(task, field)
        for field in ("start", "goal_camera", "body"):
            part = getattr(task, field)
            for column in RECORD[field].names or ():
                record[field][column] = getattr(part, column)
    except OverflowError as error:
        raise TaskError(f"task {task.task_id}: {error}") from None
    if unpack(record, suite, CODES) != task:
        raise TaskError(f"task {task.task_id} cannot be kept exactly: expected at most {DECIMALS} decimals")
    return record


def unpack(record: np.void, suite: str, codes: dict[str, tuple[str, ...]]) -> Task:
    """The task of a record whose codes mean `codes`; ValueError where no such task can be."""
    return Task(
        task_id=task_name(suite, record["index"]),
        world=WorldSeed(codes["place"][record["place"]], int(record["world_seed"])),
        event=TaskEvent.parse(codes["event"][record["event"]]),
        difficulty=codes["difficulty"][record["difficulty"]],
        target=tuple(record["target"].tolist()),
        start=Start(**_numbers(record["start"])),
        body=Embodiment(**_numbers(record["body"])),
        goal_camera=GoalCamera(**_numbers(record["goal_camera"])),
        visible_at_start=bool(record["visible_at_start"]),
        same_kind=int(record["same_kind"]),
        strict=bool(record["strict"]),
        limit_ticks=int(record["limit_ticks"]),
        creature=int(record["creature"]),
        moved=int(record["moved"]),
        extra_ticks=int(record["extra_ticks"]),
    )


def _numbers(part: np.void) -> dict[str, Any]:
    """Columns by name, their decimals as they were drawn."""
    narrow = {name for name in part.dtype.names or () if part.dtype[name] == np.float32}
    return {
        name: round(float(value), DECIMALS) if name in narrow else value
        for name, value in zip(part.dtype.names or (), part.tolist(), strict=True)
    }
