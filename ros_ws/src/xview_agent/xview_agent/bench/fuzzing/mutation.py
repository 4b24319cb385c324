"""Things made a little or very wrong: bytes, texts, numbers, JSON values, ROS messages. The same seed, the same things.

Mutations start from something sound, since pure noise never gets past the first check. Knows nothing of what becomes
of them.
"""

from __future__ import annotations

import array
import copy
import math
import random
from collections.abc import Callable
from typing import Any, TypeVar

Message = TypeVar("Message")

STRANGE_NUMBERS = (math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, 1e-300, 1e300, 1e38, -1e9, 2.0**63)
STRANGE_WHOLES = (0, 1, -1, 2, 127, 255, 256, 2**15, 2**16, 2**31 - 1, 2**32 - 1, -(2**31), 2**53, 2**63 - 1, 10**30)
STRANGE_TEXTS = (
    "",
    " ",
    "\n",
    "approach ",
    "APPROACH",
    "../../etc",
    "ä",
    "\u202e",
    "\U0001f916",
    "a" * 65,
    "x" * 5000,
    "%s",
)
STRANGE_VALUES: tuple[Any, ...] = (None, True, False, [], {}, [[]], "", 0, -1, 1e308, "NaN", [1, 2, 3], {"a": 1})


class Mutator:
    """Its own stream of chances."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def octets(self, data: bytes) -> bytes:
        """Bits flipped, cut short, a run zeroed, doubled, dropped or replaced; rarely something else entirely."""
        ways = (self._flipped, self._flipped, self._cut, self._zeroed, self._doubled, self._dropped, self._noise)
        while (changed := self.random.choice(ways)(data)) == data:
            pass
        return changed

    def text(self, text: str) -> str:
        """Another text: a strange one, or this one with letters changed, dropped or doubled."""
        if not text or self.random.random() < 0.4:
            return self.random.choice(STRANGE_TEXTS)
        at = self.random.randrange(len(text))
        letter = chr(self.random.choice((self.random.randrange(32, 127), self.random.randrange(1, 0xD800))))
        return self.random.choice(
            (text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + text[:])
        )

    def number(self, value: float) -> float:
        """A strange number, or one near or far from this one."""
        if self.random.random() < 0.6:
            return self.random.choice(STRANGE_NUMBERS)
        return value * self.random.uniform(-3, 3) + self.random.uniform(-1, 1)

    def whole(self, value: int, low: int = -(2**63), high: int = 2**63 - 1) -> int:
        """A strange whole number between these, or one near this one."""
        strange = [number for number in STRANGE_WHOLES if low <= number <= high]
        near = min(max(value + self.random.randint(-3, 3), low), high)
        return self.random.choice([*strange, near, near])

    def value(self, value: Any) -> Any:
        """A JSON value with one thing changed somewhere in it."""
        if self.random.random() < 0.15:
            return copy.deepcopy(self.random.choice(STRANGE_VALUES))
        if isinstance(value, dict) and value:
            return self._table(value)
        if isinstance(value, list) and value:
            return self._row(value, self.value)
        if isinstance(value, bool) or value is None:
            return copy.deepcopy(self.random.choice(STRANGE_VALUES))
        if isinstance(value, int):
            return self.random.choice((self.whole(value, -(10**40), 10**40), float(value), str(value)))
        if isinstance(value, float):
            return self.number(value)
        return self.text(value) if isinstance(value, str) else copy.deepcopy(self.random.choice(STRANGE_VALUES))

    def message(self, message: Message) -> Message:
        """The message, changed in one to three places, each of its field's type: what a ROS node can be sent."""
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            self._change(message)
        return message

    def _change(self, message: Any) -> None:
        name, kind = self.random.choice(list(message.get_fields_and_field_types().items()))
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types"):
            self._change(value)
        elif isinstance(value, bool):
            setattr(message, name, not value)
        elif isinstance(value, str):
            setattr(message, name, self.text(value))
        elif isinstance(value, float):
            setattr(message, name, self._fitting(kind, self.number(value)))
        elif isinstance(value, int):
            setattr(message, name, self.whole(value, *_range(kind)))
        elif isinstance(value, array.array) and value.typecode == "B":
            setattr(message, name, array.array("B", self.octets(value.tobytes())))
        else:
            self._change_row(message, name, kind, value)

    def _change_row(self, message: Any, name: str, kind: str, row: Any) -> None:
        """A list of numbers, texts or messages; one of fixed length keeps it."""
        items = row.tolist() if hasattr(row, "tolist") else list(row)
        if items and hasattr(items[0], "get_fields_and_field_types"):
            self._change(self.random.choice(items))
            return
        fixed = "sequence" not in kind
        change: Callable[[Any], Any] = self.text if items and isinstance(items[0], str) else self._item(kind)
        if items and (fixed or self.random.random() < 0.5):
            at = self.random.randrange(len(items))
            items[at] = change(items[at])
        elif not fixed:
            items = items[: self.random.randrange(len(items) + 1)] * self.random.choice((1, 1, 2))
        setattr(message, name, items)

    def _item(self, kind: str) -> Callable[[Any], Any]:
        if "float" in kind or "double" in kind:
            return lambda value: self._fitting(kind, self.number(float(value)))
        low, high = _range(kind.removeprefix("sequence<").split("[")[0].rstrip(">"))
        return lambda value: self.whole(int(value), low, high)

    @staticmethod
    def _fitting(kind: str, value: float) -> float:
        """A float32 holds no greater ones; infinity it does."""
        return value if "double" in kind or not math.isfinite(value) else min(max(value, -3e38), 3e38)

    def _table(self, value: dict[str, Any]) -> dict[str, Any]:
        changed = copy.deepcopy(value)
        name = self.random.choice(list(changed))
        way = self.random.random()
        if way < 0.15:
            del changed[name]
        elif way < 0.3:
            changed[self.text(name)] = changed.pop(name)
        else:
            changed[name] = self.value(changed[name])
        return changed

    def _row(self, value: list[Any], change: Callable[[Any], Any]) -> list[Any]:
        changed = copy.deepcopy(value)
        at = self.random.randrange(len(changed))
        way = self.random.random()
        if way < 0.2:
            del changed[at]
        elif way < 0.4:
            changed.insert(at, copy.deepcopy(changed[at]))
        else:
            changed[at] = change(changed[at])
        return changed

    def _flipped(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.random.choice((1, 1, 2, 8)) if changed else 0):
            changed[self._place(len(changed))] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def _place(self, size: int) -> int:
        """Somewhere; half the time near the beginning, where headers are."""
        return self.random.randrange(min(size, 64) if self.random.random() < 0.5 else size)

    def _cut(self, data: bytes) -> bytes:
        return data[: self.random.randrange(len(data) + 1)]

    def _zeroed(self, data: bytes) -> bytes:
        at, size = self._run(data)
        return data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]

    def _doubled(self, data: bytes) -> bytes:
        at, size = self._run(data)
        return data[:at] + data[at : at + size] + data[at:]

    def _dropped(self, data: bytes) -> bytes:
        at, size = self._run(data)
        return data[:at] + data[at + size :]

    def _noise(self, data: bytes) -> bytes:
        return self.random.randbytes(self.random.choice((0, 1, 4, 100, len(data) % 5000)))

    def _run(self, data: bytes) -> tuple[int, int]:
        return self._place(len(data)) if data else 0, self.random.choice((1, 2, 16, 300))


def _range(kind: str) -> tuple[int, int]:
    """Least and greatest of a ROS integer, by the name of its type."""
    kind = {"octet": "uint8", "byte": "uint8", "char": "uint8"}.get(kind, kind)
    bits = int("".join(letter for letter in kind if letter.isdigit()) or 32)
    return (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
