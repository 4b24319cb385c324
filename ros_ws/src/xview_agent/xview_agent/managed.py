"""Nodes with ROS's life cycle: configured, active, inactive, and so by themselves unless a manager wants to do it.

A manager (Nav2's, or `ros2 lifecycle set`) finds the usual services. With `autostart`, the default, the node becomes
active as its process starts, so that launch files and the starter need no manager; settings that make no sense then
end the process with their reason. Without it they are a failed transition, and the node waits for better ones.
There is no bond: give Nav2's manager `bond_timeout: 0.0`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from xview_deploy.spec import ContractError

from xview_agent.parameters import declared
from xview_agent.running import FarewellNode

SETTLE_TURNS = 10  # of the executor, for what deactivation began: an action's result still goes out


class ManagedNode(LifecycleNode, FarewellNode):
    """Subclasses say what the four transitions do; parameters are declared in their constructors."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._autostart = declared(self, "autostart", True, "become active by itself; false: wait for a manager")
        self._failure: Exception | None = None
        self.configured = self.active = self.finalized = False

    def configure(self) -> None:
        """Load what is needed; ContractError where that cannot be."""

    def activate(self) -> None:
        """Begin to work; ContractError where that cannot be."""

    def deactivate(self) -> None:
        """Cease to work."""

    def cleanup(self) -> None:
        """Free what `configure` loaded."""

    def begin(self) -> None:
        """Becomes active with autostart; raises what stood in the way."""
        if not self._autostart:
            self.get_logger().info("waiting for a manager: autostart is false")
            return
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != TransitionCallbackReturn.SUCCESS:
                raise self._failure or RuntimeError(f"expected {trigger.__name__} to succeed, it did not")

    def farewell(self) -> None:
        """From any state to the end, the way that a manager would go."""
        if self.active:
            self.trigger_deactivate()
            self._settle()
        if not self.finalized:
            self.trigger_shutdown()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See `configure`."""
        answer = self._attempt(self.configure)
        self.configured = answer == TransitionCallbackReturn.SUCCESS
        return answer

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See `activate`."""
        answer = self._attempt(self.activate)
        self.active = answer == TransitionCallbackReturn.SUCCESS
        return answer

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See `deactivate`."""
        self.active = False
        return self._attempt(self.deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """See `cleanup`."""
        self.configured = False
        return self._attempt(self.cleanup)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From whatever it was to the end."""
        self.finalized = True
        return self._leave_all()

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that went wrong nothing is left running."""
        return self._leave_all()

    def _settle(self) -> None:
        if executor := self.executor:
            for _ in range(SETTLE_TURNS):
                executor.spin_once(timeout_sec=0.0)

    def _leave_all(self) -> TransitionCallbackReturn:
        steps = [step for step, due in ((self.deactivate, self.active), (self.cleanup, self.configured)) if due]
        self.active = self.configured = False
        for step in steps:
            self._attempt(step)
        return TransitionCallbackReturn.SUCCESS

    def _attempt(self, step: Callable[[], None]) -> TransitionCallbackReturn:
        """ContractError is a failed transition, anything else an error; rclpy by itself would say nothing."""
        try:
            step()
        except ContractError as error:
            self._failure = error
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:
            self._failure = error
            self.get_logger().error(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS
