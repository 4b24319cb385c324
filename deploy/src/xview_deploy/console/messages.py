"""What a page may say, checked field by field: any text becomes one of these messages or a ContractError.

Coordinates are pixels of the picture that was clicked. Stamps travel as text, since a browser's numbers cannot
hold nanoseconds since 1970.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from xview_deploy.spec import ContractError

MAX_COORDINATE = 1e5
MAX_POINTS = 5000
MAX_WHOLE = 2**53  # a browser's largest exact whole number
Point = tuple[float, float]
StampNs = int  # text on the way


@dataclasses.dataclass(frozen=True)
class Hello:
    """The first message of a page. The token may be empty where none is demanded."""

    token: str


@dataclasses.dataclass(frozen=True)
class Heartbeat:
    """The page is open, visible, and its event loop turns. tick: the newest server tick that it saw."""

    tick: int


@dataclasses.dataclass(frozen=True)
class Seen:
    """A picture is on the screen."""

    camera: str
    frame: int


@dataclasses.dataclass(frozen=True)
class Watch:
    """Show this third-person camera from now on."""

    camera: str


@dataclasses.dataclass(frozen=True)
class Stop:
    """Stop the robot. The one message that is honoured from any page at any time."""

    request: int


@dataclasses.dataclass(frozen=True)
class Order:
    """Everything that may lead to motion. request: repeated in the answer. tick: as in Heartbeat."""

    request: int
    tick: int


@dataclasses.dataclass(frozen=True)
class Click(Order):
    """A point on the target, or beside it; made on that picture."""

    camera: str
    frame: int
    stamp_ns: StampNs
    point: Point
    on_target: bool


@dataclasses.dataclass(frozen=True)
class DrawBox(Order):
    """A new box around the target; made on that picture."""

    camera: str
    frame: int
    stamp_ns: StampNs
    box: tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Paint(Order):
    """A brush stroke on the draft's mask."""

    draft: int
    points: tuple[Point, ...]
    radius: float
    add: bool


@dataclasses.dataclass(frozen=True)
class Polygon(Order):
    """An area added to the draft's mask, or taken from it."""

    draft: int
    points: tuple[Point, ...]
    add: bool


@dataclasses.dataclass(frozen=True)
class Another(Order):
    """Show the next proposal for the same clicks."""

    draft: int


@dataclasses.dataclass(frozen=True)
class Undo(Order):
    """Take back the last change of the draft."""

    draft: int


@dataclasses.dataclass(frozen=True)
class Cancel(Order):
    """Forget the draft."""


@dataclasses.dataclass(frozen=True)
class Accept(Order):
    """Make the draft the goal, with this event."""

    draft: int
    event: str


@dataclasses.dataclass(frozen=True)
class Arm(Order):
    """Let the robot drive to the goal of that id, the one that the page shows."""

    goal: str


@dataclasses.dataclass(frozen=True)
class TakeControl(Order):
    """Make this page the operator's."""


Message = Hello | Heartbeat | Seen | Watch | Stop | Order

KINDS: dict[str, type[Any]] = {
    "hello": Hello,
    "heartbeat": Heartbeat,
    "seen": Seen,
    "watch": Watch,
    "stop": Stop,
    "click": Click,
    "box": DrawBox,
    "paint": Paint,
    "polygon": Polygon,
    "another": Another,
    "undo": Undo,
    "cancel": Cancel,
    "accept": Accept,
    "arm": Arm,
    "take_control": TakeControl,
}


def parse(text: str) -> Message:
    """The message in that JSON text; ContractError says what was expected and what came."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"message: expected JSON, got {text[:40]!r} ({type(error).__name__})") from None
    if not isinstance(record, dict):
        raise ContractError(f"message: expected an object, got {type(record).__name__}")
    kind = record.pop("type", None)
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ContractError(f"message: expected a type among {', '.join(KINDS)}, got {_short(kind)}")
    expected = {field.name: str(field.type) for field in dataclasses.fields(cls)}
    if set(record) != set(expected):
        raise ContractError(f"{kind}: expected the fields {sorted(expected)}, got {_short(sorted(record))}")
    message: Message = cls(**{n: CHECKS[t](f"{kind} {n}", record[n]) for n, t in expected.items()})
    return message


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 256 or not value.isprintable():
        raise ContractError(f"{what}: expected a short printable text, got {_short(value)}")
    return value


def _whole(what: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_WHOLE:
        raise ContractError(f"{what}: expected a whole number of 0 or more, got {_short(value)}")
    return value


def _stamp(what: str, value: Any) -> int:
    if not isinstance(value, str) or not (value.isascii() and value.isdigit() and len(value) <= 20):
        raise ContractError(f"{what}: expected nanoseconds in digits, as text, got {_short(value)}")
    return int(value)


def _number(what: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) <= MAX_COORDINATE:  # written so that "not a number" fails too
        raise ContractError(f"{what}: expected a number within ±{MAX_COORDINATE:g}, got {_short(value)}")
    return float(value)


def _flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ContractError(f"{what}: expected true or false, got {_short(value)}")
    return value


def _numbers(what: str, value: Any, count: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise ContractError(f"{what}: expected {count} numbers, got {_short(value)}")
    return tuple(_number(what, item) for item in value)


def _points(what: str, value: Any) -> tuple[tuple[float, ...], ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_POINTS:
        raise ContractError(f"{what}: expected 1 to {MAX_POINTS} points, got {_short(value)}")
    return tuple(_numbers(what, item, 2) for item in value)


# By the annotation of a message's field.
CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "str": _text,
    "int": _whole,
    "StampNs": _stamp,
    "float": _number,
    "bool": _flag,
    "Point": lambda what, value: _numbers(what, value, 2),
    "tuple[Point, ...]": _points,
    "tuple[float, float, float, float]": lambda what, value: _numbers(what, value, 4),
}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
