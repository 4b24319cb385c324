"""What a task is: a small record that names a world, a start, a goal camera, a target and an event.

A record reproduces its task exactly; it holds no picture. JSON in and out, strictly checked.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

from xview_deploy.spec import ActionTable, ContractError

from xview_training.sim.creatures import MAX_CREATURES
from xview_training.sim.landscape import MAX_CANDIDATES
from xview_training.sim.simulator import Embodiment
from xview_training.sim.textures import atlas
from xview_training.sim.worlds import SHAPE, WorldSeed
from xview_training.tasks.events import TaskEvent

# Manhattan distance from start to target in blocks. ROCKET-3 has 20, 40 and 60; "near" is ours.
DIFFICULTIES = {"near": 10, "easy": 20, "medium": 40, "hard": 60}
MOST_EXTRA_TICKS = 20
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


def task_name(suite: str, index: int) -> str:
    """What a suite's task `index` is called."""
    return f"{suite}-{index}"


@dataclasses.dataclass(frozen=True)
class Task:
    """One cross-view task (ROCKET-3, section 3: T = (O1, Og, Mg, E))."""

    task_id: str
    world: WorldSeed
    event: TaskEvent
    difficulty: str
    target: tuple[int, int, int]  # block x, y, z; of a creature: the cell of its feet at the start
    start: Start
    body: Embodiment
    goal_camera: GoalCamera
    visible_at_start: bool
    same_kind: int  # distractors that look like the target
    strict: bool = False  # a wrong arrival ends the episode
    limit_ticks: int = LIMIT_TICKS
    creature: int = -1  # number of the creature that is hunted; -1: the target is a block
    extra_ticks: int = 0  # by which an action lasts longer than the table of actions says, 1/20 s: robots decide seldom
    moved: int = -1  # number of the world's object that stands at `target` for this task; -1: where its seed put it

    def __post_init__(self) -> None:
        """TaskError where the world has no such place or look: compiled code would read beside its arrays."""
        size_x, size_z, size_y = SHAPE
        x, y, z = self.target
        if not (0 < x < size_x - 1 and 0 <= y < size_y and 0 < z < size_z - 1):
            raise TaskError(f"target: expected a block inside {size_x} x {size_y} x {size_z}, got {self.target}")
        start = self.start
        if not (1 <= start.x <= size_x - 1 and 0 <= start.y <= size_y and 1 <= start.z <= size_z - 1):
            raise TaskError(f"start: expected a place inside {size_x} x {size_y} x {size_z}, got {start}")
        if not 0 <= self.body.textures < len(atlas()):
            raise TaskError(f"body.textures: expected 0 to {len(atlas()) - 1}, got {self.body.textures}")
        for name, lens in (("body", self.body), ("goal_camera", self.goal_camera)):
            if not (0 < lens.vertical_fov_deg < 180 and lens.aspect > 0):
                raise TaskError(
                    f"{name}: expected a field of view between 0 and 180 degrees and a positive aspect, "
                    f"got {lens.vertical_fov_deg} and {lens.aspect}"
                )
        if self.event.hunts != (0 <= self.creature < MAX_CREATURES) or self.creature < -1:
            expected = f"0 to {MAX_CREATURES - 1}" if self.event.hunts else "-1"
            raise TaskError(f"creature: expected {expected} for {self.event.value}, got {self.creature}")
        objects = (self.creature,) if self.event.hunts else range(MAX_CANDIDATES)
        if self.moved != -1 and self.moved not in objects:
            raise TaskError(f"moved: expected -1, or the number of the target among its world's, got {self.moved}")
        if not 0 <= self.extra_ticks <= MOST_EXTRA_TICKS:
            raise TaskError(f"extra_ticks: expected 0 to {MOST_EXTRA_TICKS}, got {self.extra_ticks}")
        if self.limit_ticks < 1:
            raise TaskError(f"limit_ticks: expected at least 1, got {self.limit_ticks}")

    def action_ticks(self, table: ActionTable) -> int:
        """Ticks that one of its actions lasts; a table of one tick an action, which plays every tick, stays so."""
        return table.ticks_per_action if table.ticks_per_action == 1 else table.ticks_per_action + self.extra_ticks

    def to_json(self) -> str:
        """One line of JSON."""
        record = dataclasses.asdict(self) | {"event": self.event.value}
        if not self.body.held_item:
            del record["body"]["held_item"]  # so that records from before there was such a thing stay what they were
        for name in ("moved", "extra_ticks"):
            if record[name] == getattr(Task, name):  # the default
                del record[name]
        return json.dumps(record, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Task:
        """The task of that line; TaskError says which field is wrong."""
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TaskError(f"expected a JSON object, got {_short(line)}: {error}") from None
        return _build(cls, record, "task")


def _build(kind: type, record: object, where: str) -> Any:
    """An instance of dataclass `kind` from a JSON object, nested ones included."""
    if not isinstance(record, dict):
        raise TaskError(f"{where}: expected an object, got {_short(record)}")
    hints = typing.get_type_hints(kind)
    required = {f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING}
    if unknown := sorted(set(record) - set(hints)):
        raise TaskError(f"{where}: unknown field {unknown[0]!r}; expected {', '.join(sorted(hints))}")
    if missing := sorted(required - set(record)):
        raise TaskError(f"{where}: field {missing[0]!r} is missing")
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in record.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise TaskError(f"{where}: {error}") from None


def _value(hint: Any, value: object, where: str) -> Any:
    """`value` if it is what the field's type says."""
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, where)
    if hint is TaskEvent:
        return _event(value, where)
    if where.endswith(".difficulty") and value not in tuple(DIFFICULTIES):
        raise TaskError(f"{where}: expected one of {', '.join(DIFFICULTIES)}, got {_short(value)}")
    if typing.get_origin(hint) is tuple:
        if not (isinstance(value, list) and len(value) == 3):
            raise TaskError(f"{where}: expected three whole numbers, got {_short(value)}")
        return tuple(_value(int, item, f"{where}[{k}]") for k, item in enumerate(value))
    return _scalar(hint, value, where)


def _scalar(hint: type, value: object, where: str) -> Any:
    fits = {
        bool: isinstance(value, bool),
        str: isinstance(value, str),
        int: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63,
        float: isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9,  # NaN is not
    }
    if not fits[hint]:
        expected = {bool: "true or false", str: "text", int: "a whole number", float: "a finite number"}[hint]
        raise TaskError(f"{where}: expected {expected}, got {_short(value)}")
    return value


def _event(value: object, where: str) -> TaskEvent:
    try:
        return TaskEvent.parse(value if isinstance(value, str) else repr(value))
    except ContractError as error:
        raise TaskError(f"{where}: {error}") from None


def _short(value: object) -> str:
    """A value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
