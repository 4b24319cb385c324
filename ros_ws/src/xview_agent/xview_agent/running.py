"""How every node's process runs: until SIGINT or SIGTERM, with a last word while ROS still works.

rclpy's own signal handlers take the context away first, and a gate that wants to say "zero" could no longer
speak. So signals only end the loop here, and the node's `farewell` runs before anything is torn down.

    def main() -> None:
        run(GateNode)
"""

from __future__ import annotations

import faulthandler
import gc
import signal
import sys
from collections.abc import Callable

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from xview_deploy.spec import ContractError

from xview_agent.executors import quickest_executor

WAKE_S = 0.1  # longest wait before a signal is noticed
TEARDOWN_S = 4.0  # longest farewell; then the process ends with status 1 and says where it hung


class FarewellNode(Node):
    """A node with something to do as its process begins and before it ends."""

    def begin(self) -> None:
        """Called once, before the first callback; ContractError ends the process with its reason."""

    def farewell(self) -> None:
        """Called once, with the context still valid and no callback running."""


def run(make_node: Callable[[], FarewellNode]) -> None:
    """Runs the node to the end of its process. Settings that make no sense end it with status 2 and a reason."""
    signals: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda received, frame: signals.append(received))
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        spin(make_node, signals)
    except ContractError as error:
        print(f"{make_node.__name__}: {error}", file=sys.stderr)
        sys.exit(2)
    finally:
        rclpy.shutdown()
        faulthandler.cancel_dump_traceback_later()


def spin(make_node: Callable[[], FarewellNode], signals: list[int]) -> None:
    """Spins the node until a signal came, then says farewell, also when a callback failed."""
    node = make_node()
    executor = quickest_executor()
    executor.add_node(node)
    try:
        node.begin()
        gc.freeze()  # what lives as long as the node is not looked through again and again while it drives
        while not signals:
            executor.spin_once(timeout_sec=WAKE_S)
    finally:
        # A middleware that hangs while it is taken down must not keep a node that was told to end.
        faulthandler.dump_traceback_later(TEARDOWN_S, exit=True)
        node.farewell()
        executor.shutdown()
        node.destroy_node()
