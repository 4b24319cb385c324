"""What the commands share: a ValueError becomes their one-line error, figures go into a JSON file, threads sleep."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from xview_deploy.naming import named
from xview_deploy.spec import ContractError


def checked(function: Any, *arguments: Any) -> Any:
    """Calls a function; a ValueError becomes the one-line error of the command line."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise ContractError(str(error)) from error


def let_waiting_threads_sleep() -> None:
    """Torch's threads that wait for each other sleep; by OpenMP's default they keep their cores busy meanwhile.

    Beside other busy processes a thread that spins takes the core that the awaited one needs. For commands that train:
    OpenMP reads the variable once, so it must be called before torch is imported. What the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def check_start(wished: Any, policy: Any, source: Any) -> None:
    """A run keeps the sizes of the policy that it starts with: ContractError where its settings wish for others."""
    if policy is not None and wished != policy.config:
        raise ContractError(f"--set policy: expected that of {source}, which the run starts with; train another first")


def device_named(name: str) -> str:
    """A device as torch calls it; auto: the first GPU where there is one."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def changed(settings: Any, changes: dict[str, Any]) -> Any:
    """A frozen dataclass with those fields changed that are not None."""
    return dataclasses.replace(settings, **{name: value for name, value in changes.items() if value is not None})


class Assigned(NamedTuple):
    """One `name=value` of the command line."""

    path: list[str]  # what is left of the name, outermost part first
    value: Any
    name: str  # as it was written


def overridden(settings: Any, assignments: Sequence[str]) -> Any:
    """A frozen dataclass with fields set by `name=value` or `part.name=value`, values in JSON or plain text.

    All are set together, so that settings which need each other may stand in any order. ContractError names the
    nearest field, or what type was expected.
    """
    return _with_fields(settings, [_parsed(text) for text in assignments]) if assignments else settings


def _parsed(assignment: str) -> Assigned:
    name, equals, text = assignment.partition("=")
    if not equals:
        raise ContractError(f"--set {assignment}: expected NAME=VALUE")
    try:
        return Assigned(name.split("."), json.loads(text), name)
    except ValueError:
        return Assigned(name.split("."), text, name)


def _with_fields(settings: Any, assigned: Sequence[Assigned]) -> Any:
    fields = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    parts: dict[str, list[Assigned]] = {}
    for one in assigned:
        named(fields, one.path[0], "setting")
        parts.setdefault(one.path[0], []).append(one._replace(path=one.path[1:]))
    return dataclasses.replace(settings, **{name: _new(fields[name], inner) for name, inner in parts.items()})


def _new(old: Any, assigned: Sequence[Assigned]) -> Any:
    """What becomes of one field; of several values for it the last one."""
    if dataclasses.is_dataclass(old) and all(one.path for one in assigned):
        return _with_fields(old, assigned)
    path, value, name = assigned[-1]
    if isinstance(old, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if path or type(value) is not type(old):
        expected = f"one of its fields, {name}.NAME" if dataclasses.is_dataclass(old) else type(old).__name__
        raise ContractError(f"--set {name}: expected {expected}, got {value!r}")
    return value


def write_json(path: Path, content: Any) -> None:
    """Writes the file, its folder too, and prints its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
    print(path)
