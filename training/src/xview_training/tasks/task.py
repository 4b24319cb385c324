"""What a task is: a small record that names a world, a start, a goal camera, a target and an event.

A record reproduces its task exactly; it holds no picture. JSON in and out, strictly checked.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from xview_deploy.spec import Event

from xview_training.sim.simulator import Embodiment
from xview_training.sim.worlds import WorldSeed

# Manhattan distance from start to target in blocks. ROCKET-3 has 20, 40 and 60; "near" is ours.
DIFFICULTIES = {"near": 10, "easy": 20, "medium": 40, "hard": 60}
LIMIT_TICKS = 600  # 30 s at 20 Hz (ROCKET-3, task synthesis)


class TaskError(ValueError):
    """A task record is malformed; the message names the field."""


@dataclasses.dataclass(frozen=True)
class GoalCamera:
    """Pose and lens of the camera that sees the target: blocks and radians, Minecraft's yaw and pitch."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    vertical_fov_deg: float
    aspect: float


@dataclasses.dataclass(frozen=True)
class Start:
    """Where the agent begins: feet in blocks, view in radians."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float


@dataclasses.dataclass(frozen=True)
class Task:
    """One cross-view task (ROCKET-3, section 3: T = (O1, Og, Mg, E))."""

    task_id: str
    world: WorldSeed
    event: Event
    difficulty: str
    target: tuple[int, int, int]  # block x, y, z
    start: Start
    body: Embodiment
    goal_camera: GoalCamera
    visible_at_start: bool
    same_kind: int  # distractors that look like the target
    strict: bool = False  # a wrong arrival ends the episode
    limit_ticks: int = LIMIT_TICKS

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self) | {"event": self.event.value}, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Task:
        """The task of that line; TaskError says which field is wrong."""
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise TaskError(f"expected a JSON object, got {line[:60]!r}: {error}") from None
        return _build(cls, record, "task")


def _build(kind: type, record: Any, where: str) -> Any:
    """An instance of dataclass `kind` from a JSON object, nested ones included."""
    if not isinstance(record, dict):
        raise TaskError(f"{where}: expected an object, got {type(record).__name__}")
    names = {field.name for field in dataclasses.fields(kind)}
    required = {f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING}
    if unknown := sorted(set(record) - names):
        raise TaskError(f"{where}: unknown field {unknown[0]!r}; expected {', '.join(sorted(names))}")
    if missing := sorted(required - set(record)):
        raise TaskError(f"{where}: field {missing[0]!r} is missing")
    values = {name: _value(name, value, f"{where}.{name}") for name, value in record.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise TaskError(f"{where}: {error}") from None


_NESTED = {"world": WorldSeed, "start": Start, "body": Embodiment, "goal_camera": GoalCamera}
_TEXT = ("task_id", "difficulty", "place")


def _value(name: str, value: Any, where: str) -> Any:
    if name in _NESTED:
        return _build(_NESTED[name], value, where)
    if name == "event":
        return Event.parse(value)
    if name == "target":
        if not (isinstance(value, list) and len(value) == 3 and all(isinstance(v, int) for v in value)):
            raise TaskError(f"{where}: expected three whole numbers, got {value!r}")
        return tuple(value)
    expected = str if name in _TEXT else (int, float)
    if not isinstance(value, expected):
        raise TaskError(f"{where}: expected {'text' if expected is str else 'a number'}, got {value!r}")
    if name == "difficulty" and value not in DIFFICULTIES:
        raise TaskError(f"{where}: expected one of {', '.join(DIFFICULTIES)}, got {value!r}")
    return value
