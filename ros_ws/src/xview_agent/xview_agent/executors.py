"""What runs a node's callbacks: the quickest executor that this ROS has, one callback at a time.

From Kilted on rclpy has an executor that is told of events. The older one asks every entity anew before each wait,
which costs a node of a dozen topics about a third of a millisecond a message.
"""

from __future__ import annotations

import importlib

from rclpy.context import Context
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.utilities import get_default_context


def quickest_executor(context: Context | None = None) -> Executor:
    """One thread, as callbacks here share their node's state without locks."""
    context = context or get_default_context()
    try:
        experimental = importlib.import_module("rclpy.experimental")
    except ImportError:  # Humble, Jazzy
        return SingleThreadedExecutor(context=context)
    executor: Executor = experimental.EventsExecutor(context=context)
    return executor
