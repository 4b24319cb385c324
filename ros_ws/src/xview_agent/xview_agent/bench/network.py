"""Two networks of this machine with a cable between them that can be pulled: a robot's, and an operator's far away.

Linux network namespaces without a name: each lives as long as this process or one that was started in it, so that
nothing is left behind even by a process that was killed. Needs root and `ip` (iproute2); without them
`Networks.reason` says so, and both sides share the machine's own network.

    with Networks() as networks:
        networks.robot.run(lambda: subprocess.Popen(...))
        networks.cut()
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TypeVar

from xview_deploy.spec import ContractError

from xview_agent.starter import localhost_environment

CLONE_NEWNET = 0x40000000  # of linux/sched.h
CABLE = "cable"  # name of either end, each in its own network
ROBOT_ADDRESS, OPERATOR_ADDRESS = "10.77.0.1", "10.77.0.2"
T = TypeVar("T")


class Network:
    """A place where work is done: what it opens or starts lives in that network."""

    @property
    def environment(self) -> dict[str, str]:
        """Of ROS nodes there."""
        return localhost_environment()

    def run(self, work: Callable[[], T]) -> T:
        """Does it there, and returns or raises what comes of it."""
        return work()

    def close(self) -> None:
        """Nobody goes there any more."""


class OwnNetwork(Network):
    """A new one, empty but for its loopback. OSError where the kernel does not allow it."""

    def __init__(self) -> None:
        self._file = _in_thread(self._make)
        self.run(lambda: ip("link", "set", "lo", "up"))

    @property
    def environment(self) -> dict[str, str]:
        """See `Network.environment`. Shared memory knows no networks: over it, messages would pass a cut cable."""
        wide = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET", "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}
        return {**localhost_environment(), **wide}

    @property
    def path(self) -> str:
        """Where other processes find it while this one holds it."""
        return f"/proc/{os.getpid()}/fd/{self._file}"

    def run(self, work: Callable[[], T]) -> T:
        """See `Network.run`. Threads and processes that the work starts inherit the network."""

        def there() -> T:
            _kernel("setns", self._file, CLONE_NEWNET)
            return work()

        return _in_thread(there)

    def close(self) -> None:
        """See `Network.close`. It ends with the last process in it."""
        os.close(self._file)

    @staticmethod
    def _make() -> int:
        _kernel("unshare", CLONE_NEWNET)
        return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)


class Networks:
    """The robot's and the operator's. `reason`: why they are one and the same, and nothing can be cut."""

    def __init__(self, separate: bool = True) -> None:
        """separate: false where one network is enough."""
        self.robot = self.operator = Network()
        self.reason = "" if separate else "one network was asked for"
        if separate and not shutil.which("ip"):
            self.reason = "expected the program ip (iproute2), found none"
        if not self.reason:
            try:
                self._lay()
            except (OSError, ContractError) as error:
                self.robot = self.operator = Network()
                self.reason = f"expected root's right to make network namespaces, got {error}"

    def __enter__(self) -> Networks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.robot.close()
        self.operator.close()

    def cut(self) -> None:
        """Pulls the cable."""
        self.operator.run(lambda: ip("link", "set", CABLE, "down"))

    def mend(self) -> None:
        """Puts it back."""
        self.operator.run(lambda: _up(CABLE))

    def _lay(self) -> None:
        robot, operator = OwnNetwork(), OwnNetwork()
        robot.run(lambda: ip("link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", operator.path))
        for network, address in ((robot, ROBOT_ADDRESS), (operator, OPERATOR_ADDRESS)):
            network.run(partial(ip, "address", "add", f"{address}/24", "dev", CABLE))
            network.run(lambda: _up(CABLE))
        self.robot, self.operator = robot, operator


def ip(*arguments: str) -> None:
    """Runs iproute2's program; ContractError with what it says where it fails."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ContractError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _up(link: str) -> None:
    """Raises a link; nodes find each other by multicast, whose route goes with a link that falls."""
    ip("link", "set", link, "up")
    ip("route", "replace", "224.0.0.0/4", "dev", link)


def _kernel(call: str, *arguments: int) -> None:
    """A call of the C library that Python has since 3.12 only."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, call)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def _in_thread(work: Callable[[], T]) -> T:
    """In a thread of its own, since a namespace is a thread's."""
    results: list[T] = []
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
