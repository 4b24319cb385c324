"""Frozen dataclasses as JSON and back, with every surprise named: what a file says is checked, not trusted.

Knows str, bool, int, float, tuples, dicts with string keys, and dataclasses of these. A wrong type, a missing or an
unknown field raises ContractError with the field's path, as in `metadata.actions.camera_deg[3]`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from typing import Any, NoReturn, TypeVar

from xview_deploy.spec import ContractError

T = TypeVar("T")


def dump(record: Any) -> str:
    """A dataclass as indented JSON with fields in their order."""
    return json.dumps(dataclasses.asdict(record), indent=2, allow_nan=False)


def parse_object(text: str | bytes, what: str) -> dict[str, Any]:
    """The JSON object in `text`; ContractError for anything else."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"{what}: expected JSON, got text that is none: {error}") from None
    if not isinstance(value, dict):
        raise ContractError(f"{what}: expected a JSON object, got {_describe(value)}")
    return value


def load(record: type[T], value: object, what: str) -> T:
    """The dataclass `record` from a parsed JSON object; `what` starts the path in errors."""
    if not isinstance(value, dict):
        _refuse(what, "an object", value)
    hints = typing.get_type_hints(record)
    fields = {field.name: hints[field.name] for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    for name in value.keys() - fields.keys():
        raise ContractError(f"{what}: expected only the fields {', '.join(fields)}, got {name!r} too")
    for name in fields.keys() - value.keys():
        raise ContractError(f"{what}.{name}: expected this field, got none")
    return record(**{name: _value(hint, value[name], f"{what}.{name}") for name, hint in fields.items()})


def _value(hint: Any, value: object, what: str) -> Any:
    origin, parameters = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return load(typing.cast(type, hint), value, what)
    if origin is tuple:
        return _tuple(parameters, value, what)
    if origin is dict:
        if not isinstance(value, dict):
            _refuse(what, "an object", value)
        return {name: _value(parameters[1], item, f"{what}.{name}") for name, item in value.items()}
    return _scalar(hint, value, what)


def _tuple(parameters: tuple[Any, ...], value: object, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        _refuse(what, "a list", value)
    hints = [parameters[0]] * len(value) if parameters[-1] is Ellipsis else list(parameters)
    if len(hints) != len(value):
        _refuse(what, f"{len(hints)} items", value)
    return tuple(_value(hint, item, f"{what}[{i}]") for i, (hint, item) in enumerate(zip(hints, value, strict=True)))


def _scalar(hint: type, value: object, what: str) -> str | bool | int | float:
    if isinstance(value, bool) and hint is bool:
        return value
    if isinstance(value, str) and hint is str:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and hint is int:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and hint is float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    names = {str: "text", int: "a whole number", float: "a finite number", bool: "true or false"}
    _refuse(what, names[hint], value)


def _refuse(what: str, expected: str, value: object) -> NoReturn:
    raise ContractError(f"{what}: expected {expected}, got {_describe(value)}")


def _describe(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number here")
