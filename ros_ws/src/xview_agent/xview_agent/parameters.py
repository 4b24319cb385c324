"""Node parameters read into settings, with errors that say what was expected.

Every parameter has a description; numbers have the range that `ros2 param describe` shows. Those that may change
while the node runs are checked again by the same rules, all others are read-only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from xview_deploy.spec import ContractError

Settings = TypeVar("Settings")


class Described(NamedTuple):
    """A parameter apart from its default. low, high: of a number, both included."""

    text: str
    low: float | None = None
    high: float | None = None


def declared(
    node: Node,
    name: str,
    default: Any,
    description: str,
    read_only: bool = True,
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """Declares a parameter and returns its value.

    Its type is the default's; whole numbers pass for real ones, as people write them in YAML. ContractError
    names the parameter and what came instead.
    """
    described = Described(description, low, high)
    # Checked here before ROS knows the range: its own refusal would not say what was expected.
    parameter = node.declare_parameter(name, default, ParameterDescriptor(dynamic_typing=True))
    value = checked(name, parameter.value, default, described)
    node.set_descriptor(name, _descriptor(parameter.type_.value, default, described, read_only))
    return value


def declared_settings(
    node: Node, defaults: Settings, described: Mapping[str, Described], read_only: bool = True
) -> Settings:
    """The dataclass with its fields as parameters of the same names; ContractError where they make no sense."""
    fields = {
        name: declared(node, name, getattr(defaults, name), text, read_only, low, high)
        for name, (text, low, high) in described.items()
    }
    return dataclasses.replace(defaults, **fields)  # type: ignore[type-var]


def changed_settings(settings: Settings, values: Mapping[str, Any], described: Mapping[str, Described]) -> Settings:
    """The dataclass with those values that are its fields; ContractError where they make no sense."""
    fields = {
        name: checked(name, value, getattr(settings, name), described[name])
        for name, value in values.items()
        if name in described
    }
    return dataclasses.replace(settings, **fields)  # type: ignore[type-var]


def checked(name: str, value: Any, example: Any, described: Described) -> Any:
    """The value in the example's type and within its range; ContractError otherwise."""
    if isinstance(example, list) and not isinstance(value, str):
        try:
            return [_typed(name, item, example[0]) for item in value]
        except TypeError:
            raise ContractError(f"parameter {name}: expected a list like {example}, got {value!r}") from None
    typed = _typed(name, value, example)
    _, low, high = described
    if low is not None and high is not None and not low <= typed <= high:
        raise ContractError(f"parameter {name}: expected {low:g} to {high:g}, got {value!r}")
    return typed


def _typed(name: str, value: Any, example: Any) -> Any:
    if isinstance(example, float) and type(value) is int:
        return float(value)
    if type(value) is not type(example):
        expected = type(example).__name__
        raise ContractError(f"parameter {name}: expected {expected} like {example!r}, got {value!r}")
    return value


def _descriptor(kind: int, default: Any, described: Described, read_only: bool) -> ParameterDescriptor:
    # A real number may be set to a whole one, which ROS takes for another type.
    dynamic = read_only or isinstance(default, float)
    descriptor = ParameterDescriptor(type=kind, description=described.text, read_only=read_only, dynamic_typing=dynamic)
    if described.low is None or described.high is None:
        return descriptor
    if isinstance(default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=described.low, to_value=described.high)]
    else:
        descriptor.integer_range = [IntegerRange(from_value=int(described.low), to_value=int(described.high), step=1)]
    return descriptor
