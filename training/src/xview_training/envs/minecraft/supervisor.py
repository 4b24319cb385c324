"""A game in a process of its own, under a deadline: what hangs or crashes is killed with all it started.

The host process runs a file of hosts/ with the Python that has the game's package, in a session of its own and with a
mark by which all that it starts is found (killing.py). It knows neither tasks nor what the messages mean.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

from xview_deploy.spec import ContractError

from xview_training.envs.minecraft.hosts import wire
from xview_training.envs.minecraft.killing import KILL_DEADLINE_S, MARK, kill_all
from xview_training.envs.minecraft.sight import Sight, sight_of

LOG_TAIL_CHARS = 400


@dataclasses.dataclass(frozen=True)
class Deadlines:
    """Seconds until a game counts as hung. The first start may build the game: minutes.

    reset_s: for a task as a whole, from its request to its first picture, with all spots that are tried and all starts
    of the game; as long as the game has never come up, open_s beside it.
    """

    open_s: float = 900.0
    reset_s: float = 600.0
    tick_s: float = 30.0
    revive_s: float = 300.0
    close_s: float = 20.0  # to end of its own accord: games delete their world and socket then


DEFAULT_DEADLINES = Deadlines()


class GameDownError(RuntimeError):
    """The game hung ("hang") or ended ("crash"); it has been killed. The message says what happened."""

    def __init__(self, kind: str, reason: str):
        super().__init__(reason)
        self.kind = kind


class ResetTimeoutError(GameDownError):
    """A task as a whole took longer than Deadlines.reset_s; the game has been killed."""


class MissingBackendError(RuntimeError):
    """The back-end's package is not installed where it was looked for; the message says how to get it."""


class GameProcess:
    """One supervised game. `start` begins it, anew after a GameDownError; all other calls need it started."""

    def __init__(
        self,
        host: Path,
        settings: dict[str, Any],
        python: str = sys.executable,
        deadlines: Deadlines = DEFAULT_DEADLINES,
        install_hint: str = "",
    ):
        self._host, self._settings, self._python = host, settings, python
        self._deadlines, self._install_hint = deadlines, install_hint
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._log: IO[bytes] | None = None
        self._mark = ""
        self._allowed_s = self._until_s = math.inf  # of a reset: seconds in all, and by when (monotonic)
        self.started = 0  # how often
        self.has_come_up = False  # ever
        self.is_dead = False  # the player, when it last answered

    @property
    def running(self) -> bool:
        """Whether a game has been started and not been killed since."""
        return self._process is not None

    def start(self) -> Sight:
        """Starts host and game. GameDownError where it does not come up in time, MissingBackendError without it."""
        self.kill()
        ours, theirs = socket.socketpair()
        self._socket, self._mark = ours, uuid.uuid4().hex
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by kill)
        self.started += 1
        try:
            self._process = subprocess.Popen(
                [self._python, str(self._host), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env={**os.environ, MARK: self._mark},
                start_new_session=True,
            )
        except OSError as error:
            raise MissingBackendError(f"cannot run {self._python!r}: {error.strerror}. {self._install_hint}") from None
        finally:
            theirs.close()
        sight = self._ask({"ask": "open", "settings": self._settings}, self._deadlines.open_s)
        self.has_come_up = True
        return sight

    @contextlib.contextmanager
    def resetting(self) -> Iterator[None]:
        """What is asked inside has reset_s together, or it ends in a ResetTimeoutError."""
        self._allowed_s = self._deadlines.reset_s + (0.0 if self.has_come_up else self._deadlines.open_s)
        self._until_s = time.monotonic() + self._allowed_s
        try:
            yield
        finally:
            self._until_s = math.inf

    def tick(
        self,
        keys: tuple[str, ...] = (),
        pitch_deg: float = 0.0,
        yaw_deg: float = 0.0,
        commands: tuple[str, ...] = (),
    ) -> Sight:
        """One tick of 1/20 s with these keys held, the view turned by these degrees and the commands carried out."""
        request = {"ask": "tick", "keys": keys, "pitch_deg": pitch_deg, "yaw_deg": yaw_deg, "commands": commands}
        return self._ask(request, self._deadlines.tick_s)

    def revive(self) -> Sight:
        """Brings a dead player back."""
        return self._ask({"ask": "revive"}, self._deadlines.revive_s)

    def _ask(self, request: dict[str, Any], timeout_s: float) -> Sight:
        """One request and its answer; whatever fails takes the game down."""
        if self._socket is None:
            raise GameDownError("crash", "the game is not running: start it")
        left_s = self._until_s - time.monotonic()
        late, timeout_s = left_s < timeout_s, min(timeout_s, left_s)
        try:
            if timeout_s <= 0:
                raise TimeoutError
            self._socket.settimeout(timeout_s)
            wire.send(self._socket, request)
            message, arrays = wire.receive(self._socket, timeout_s)
            if "missing" not in message and "crash" not in message:
                sight = sight_of(message, arrays)
                self.is_dead = sight.dead
                return sight
        except TimeoutError:
            if late:
                self._down("hang", f"the task was not ready within {self._allowed_s:g} s", ResetTimeoutError)
            self._down("hang", f"no answer to {request['ask']!r} within {timeout_s:g} s")
        except (OSError, ValueError, KeyError, TypeError, ContractError) as error:
            self._down("crash", f"{type(error).__name__} at {request['ask']!r}: {error}")
        if "crash" in message:
            self._down("crash", str(message["crash"]))
        self.kill()
        raise MissingBackendError(f"{message['missing']}. {self._install_hint}")

    def _down(self, kind: str, reason: str, error: type[GameDownError] = GameDownError) -> NoReturn:
        tail = self._log_tail()
        self.kill()
        raise error(kind, f"{reason}{f'; it last said: {tail}' if tail else ''}")

    def _log_tail(self) -> str:
        if self._log is None:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        start = max(0, size - LOG_TAIL_CHARS)
        return os.pread(self._log.fileno(), LOG_TAIL_CHARS, start).decode(errors="replace").strip()

    def close(self) -> None:
        """Lets the host hang up and end its game in its own way, and by force where it does not."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._deadlines.close_s)
        self.kill()

    def kill(self) -> None:
        """Ends the host and everything that it started, by force. Nothing happens where none runs."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            kill_all(self._process, self._mark)
            self._process.wait(KILL_DEADLINE_S)
        if self._log is not None:
            self._log.close()
        self._socket = self._process = self._log = None
