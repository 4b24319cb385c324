"""Node parameters read into settings, with errors that say what was expected."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node
from xview_deploy.spec import ContractError


def declared(node: Node, name: str, default: Any, description: str, read_only: bool = True) -> Any:
    """Declares a parameter and returns its value.

    Its type is the default's; whole numbers pass for real ones, as people write them in YAML. ContractError
    names the parameter and what came instead.
    """
    descriptor = ParameterDescriptor(description=description, read_only=read_only, dynamic_typing=True)
    value = node.declare_parameter(name, default, descriptor).value
    if isinstance(default, list) and not isinstance(value, str):
        try:
            return [_typed(name, item, default[0]) for item in value]
        except TypeError:
            raise ContractError(f"parameter {name}: expected a list like {default}, got {value!r}") from None
    return _typed(name, value, default)


def _typed(name: str, value: Any, example: Any) -> Any:
    if isinstance(example, float) and type(value) is int:
        return float(value)
    if type(value) is not type(example):
        expected = type(example).__name__
        raise ContractError(f"parameter {name}: expected {expected} like {example!r}, got {value!r}")
    return value
