"""Runs the console in a thread of its own, so that whoever owns the robot keeps the main one.

with ConsoleServer(robot, ConsoleSettings(port=8088)) as server:
    print(server.url)
"""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType

import uvicorn

from xview_deploy.console.app import make_app
from xview_deploy.console.desk import Desk
from xview_deploy.console.robot import Robot
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.spec import ContractError

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
MAX_MESSAGE_BYTES = 256 * 1024  # a long brush stroke needs a tenth of it


class ConsoleServer:
    """Listens from `start` to `stop`."""

    def __init__(self, robot: Robot, settings: ConsoleSettings | None = None) -> None:
        self.settings = settings or ConsoleSettings()
        self._desk = Desk(robot, self.settings)
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(self._desk),
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_max_size=MAX_MESSAGE_BYTES,
                timeout_graceful_shutdown=2,
            )
        )
        self._thread: threading.Thread | None = None
        self._port = self.settings.port

    @property
    def url(self) -> str:
        """Where the operator's browser finds the page, token included."""
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        token = f"#{self.settings.token}" if self.settings.token else ""
        return f"http://{host}:{self._port}/{token}"

    def start(self) -> None:
        """Returns when the page can be opened; ContractError when the address cannot be used."""
        listener = _listen(self.settings)
        self._port = listener.getsockname()[1]
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="console", daemon=True
        )
        self._thread.start()
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline_s:
                raise ContractError(f"console: expected it to start within {START_TIMEOUT_S:g} s, it did not")
            time.sleep(0.01)

    def stop(self) -> None:
        """Closes all pages' connections and the port."""
        self._desk.closing = True
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def __enter__(self) -> ConsoleServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(settings: ConsoleSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ContractError(
            f"console: expected to listen on {settings.host}:{settings.port}, got {error.strerror}: "
            "choose another port, or end what uses it"
        ) from None
