"""A wall clock that can be stepped for chosen processes, as NTP or a person steps a robot's.

A small library (`stepped_clock.cpp`), compiled where it is needed and preloaded into these processes, adds a step to
the time of day; steady clocks stay right. This process's own clock is not touched, nor the machine's.

    clock = SteppedClock(folder)
    subprocess.Popen(command, env={**os.environ, **clock.environment})
    clock.step(10.0)
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from xview_deploy.spec import ContractError

SOURCE = Path(__file__).with_suffix(".cpp")
COMPILERS = ("c++", "g++", "clang++")


class SteppedClock:
    """Shows the right time until it is stepped. ContractError where nothing can compile the library."""

    def __init__(self, folder: Path) -> None:
        compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
        if compiler is None:
            raise ContractError(f"a clock to step: expected one of {', '.join(COMPILERS)}, found none")
        library, self._file = folder / "stepped_clock.so", folder / "clock_step_ns"
        command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ContractError(f"a clock to step: expected {SOURCE.name} to compile, got {done.stderr[:300]}")
        self.step_s = 0.0  # by which it is wrong now
        self.step(0.0)
        self.environment = {"LD_PRELOAD": str(library), "XVIEW_CLOCK_STEP": str(self._file)}

    def step(self, seconds: float) -> None:
        """From now on it is wrong by that much, ahead of the right time where that is positive."""
        self.step_s = seconds
        # In place: the processes have this very file in their memory.
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(file, round(seconds * 1e9).to_bytes(8, "little", signed=True))
        os.close(file)
