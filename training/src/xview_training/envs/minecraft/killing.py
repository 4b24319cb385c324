"""Ends a process with everything that it started, in sessions of its own too.

Packages of games start Java in further sessions, which the process group of whoever started them does not hold. So each
game is marked by a variable in its environment, which all it starts inherits: a kill finds them by it (Linux; elsewhere
only the process's own group is found).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

MARK = "XVIEW_GAME"  # the variable by which a game's processes are found
KILL_DEADLINE_S = 10.0


def kill_all(process: subprocess.Popen[bytes], mark: str) -> None:
    """Kills process groups until nobody bears the mark: what forks while it is looked for is found the next time."""
    until_s = time.monotonic() + KILL_DEADLINE_S
    killed: set[int] = set()
    if process.poll() is None:
        _kill_group(process.pid)
    while time.monotonic() < until_s:
        marked = set(marked_processes(mark))
        for pid in marked:
            _kill_group(pid)
        killed |= marked
        if not marked and not any(map(_is_alive, killed)):  # the mark goes first, the process some time later
            return
        time.sleep(0.01)


def _kill_group(pid: int) -> None:
    try:
        group = os.getpgid(pid)
        if group == os.getpgid(0):  # never our own: then only the one process
            os.kill(pid, signal.SIGKILL)
        else:
            os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended by itself


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def marked_processes(mark: str) -> list[int]:
    """Process ids that were started with the mark in their environment; the ended ones do not count."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # gone, or another user's
    return found
