"""Sections of a robot's YAML file as frozen dataclasses, with every surprise named.

A file may leave out what has a default. What it adds, misspells or writes in another unit is refused with what was
expected: a robot should not find out on the floor. Knows no section in particular.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from xview_deploy.spec import ContractError

T = TypeVar("T")
LARGEST = 1e9  # of any number in such a file, in any unit


def read_sections(path: str | Path) -> dict[str, object]:
    """The names and values of a YAML file; ContractError for anything else."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ContractError(f"action mapping: expected a readable YAML file, got {error}") from None
    if not isinstance(content, dict):
        raise ContractError(f"action mapping {path}: expected names and values, got {content!r}")
    return content


def load_section(record: type[T], section: object, what: str) -> T:
    """The dataclass `record` from a section; `what` starts the path in errors."""
    names = _names(section, what)
    fields = {field.name: field for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    check_names(names, fields, what)
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in names:
            raise ContractError(f"{what}: expected the field {name!r}, got only {sorted(names) or 'an empty section'}")
    hints = typing.get_type_hints(record)
    values = {name: _value(hints[name], value, f"{what}.{name}") for name, value in names.items()}
    try:
        return record(**values)
    except ContractError as error:
        raise ContractError(f"{what}: {error}") from None


def load_kind(kinds: Mapping[str, type[T]], section: object, what: str) -> T:
    """A section whose field `kind` says which dataclass it is."""
    names = _names(section, what)
    kind = names.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ContractError(f"{what}.kind: expected one of {list(kinds)}, got {kind!r}{_hint(kind, kinds)}")
    return load_section(kinds[kind], {name: value for name, value in names.items() if name != "kind"}, what)


def check_names(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """ContractError with the nearest known name for the first that is unknown."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ContractError(f"{what}: expected fields of {known}, got {name!r}{_hint(name, known)}")


def check_range(name: str, value: float, low: float, high: float, unit: str) -> None:
    """ContractError unless low < value <= high. A value far outside is mostly one in another unit."""
    if not low < value <= high:
        raise ContractError(f"{name}: expected {unit}, above {low:g} and at most {high:g}, got {value:g}")


def _names(section: object, what: str) -> dict[str, Any]:
    if not isinstance(section, dict):
        raise ContractError(f"{what}: expected names and values, got {section!r}")
    return {str(name): value for name, value in section.items()}


def _hint(name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _value(hint: Any, value: object, what: str) -> Any:
    origin, parameters = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):  # of a section and None
        return _value(parameters[0], value, what)
    if dataclasses.is_dataclass(hint):
        return load_section(typing.cast(type, hint), value, what)
    if origin is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ContractError(f"{what}: expected a list of names, got {value!r}")
        return tuple(value)
    if hint is float:
        return _number(value, what)
    if not isinstance(value, str) or not value.strip():
        raise ContractError(f"{what}: expected text, got {value!r}")
    return value


def _number(value: object, what: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST:
        return float(value)
    raise ContractError(f"{what}: expected a finite number, got {value!r}")
