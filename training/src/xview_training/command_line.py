"""What the commands share: a ValueError becomes their one-line error, figures go into a JSON file, threads sleep."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def changed(settings: Any, changes: dict[str, Any]) -> Any:
    """A frozen dataclass with those fields changed that are not None."""
    return dataclasses.replace(settings, **{name: value for name, value in changes.items() if value is not None})


def overridden(settings: Any, assignments: Sequence[str]) -> Any:
    """A frozen dataclass with fields set by `name=value` or `part.name=value`, values in JSON or plain text.

    ContractError names the nearest field, or what type was expected.
    """
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise ContractError(f"--set {assignment}: expected NAME=VALUE")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        settings = _with_field(settings, path.split("."), value, path)
    return settings


def _with_field(settings: Any, path: list[str], value: Any, whole: str) -> Any:
    fields = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    old = named(fields, path[0], "setting")
    if len(path) > 1 and dataclasses.is_dataclass(old):
        return dataclasses.replace(settings, **{path[0]: _with_field(old, path[1:], value, whole)})
    if isinstance(old, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(old, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if len(path) > 1 or type(value) is not type(old):
        expected = f"one of its fields, {whole}.NAME" if dataclasses.is_dataclass(old) else type(old).__name__
        raise ContractError(f"--set {whole}: expected {expected}, got {value!r}")
    return dataclasses.replace(settings, **{path[0]: value})


def write_json(path: Path, content: Any) -> None:
    """Writes the file, its folder too, and prints its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
    print(path)
