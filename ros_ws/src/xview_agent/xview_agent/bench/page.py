"""The operator's page without a browser: speaks to the console as the page's own script does.

with Page("ws://127.0.0.1:8088/ws") as page:
    answer = page.order({"type": "take_control"})
"""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from xview_deploy.spec import ContractError

HEARTBEAT_S = 0.1
ANSWER_S = 10.0
RETRY_S = 0.2


class Page:
    """Open from its making to `close`, sending heartbeats if `beats`. ContractError where the console refuses it."""

    def __init__(self, url: str, deadline_s: float, beats: bool = True) -> None:
        self.tick = 0
        self.errors: list[str] = []  # that the console told without being asked for an answer
        self.alive = True
        self._answers: dict[int, dict[str, Any]] = {}
        self._requests = 0
        self._heard = threading.Condition()
        self._socket = _connected(url, deadline_s)
        self.say({"type": "hello", "token": ""})
        threading.Thread(target=self._listen, daemon=True).start()
        if beats:
            threading.Thread(target=self._beat, daemon=True).start()

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """The page is gone, and its heartbeats with it."""
        self.alive = False
        self._socket.close()

    def say(self, message: dict[str, Any] | str | bytes) -> None:
        """Sends it; a text or bytes as they are."""
        self._socket.send(json.dumps(message) if isinstance(message, dict) else message)

    def order(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to an order, which gets its number and tick here. ContractError where none comes."""
        self._requests += 1
        request = self._requests
        self.say({"request": request, "tick": self.tick, **message})
        with self._heard:
            if not self._heard.wait_for(lambda: request in self._answers or not self.alive, ANSWER_S):
                raise ContractError(f"expected the console's answer to {message} within {ANSWER_S:g} s, got none")
            if request not in self._answers:
                raise ContractError(f"expected the console's answer to {message}, got the end of the connection")
            return self._answers.pop(request)

    def _listen(self) -> None:
        try:
            for data in self._socket:
                if isinstance(data, str):
                    with self._heard:
                        self._take(json.loads(data))
                        self._heard.notify_all()
        except ConnectionClosed:
            pass
        with self._heard:
            self.alive = False
            self._heard.notify_all()

    def _take(self, message: dict[str, Any]) -> None:
        self.tick = max(self.tick, int(message.get("tick", 0)))
        if message["type"] == "answer":
            self._answers[message["request"]] = message
        elif message["type"] in ("error", "refused"):
            self.errors.append(message["message"])

    def _beat(self) -> None:
        while self.alive:
            try:
                self.say({"type": "heartbeat", "tick": self.tick})
            except ConnectionClosed:
                return
            time.sleep(HEARTBEAT_S)


def _connected(url: str, deadline_s: float) -> ClientConnection:
    """Tries again until somebody listens there, or that time has passed."""
    end_s = time.monotonic() + deadline_s
    while True:
        try:
            return connect(url)
        except OSError as error:
            if time.monotonic() > end_s:
                raise ContractError(f"expected the console at {url} within {deadline_s:g} s, got {error}") from None
            time.sleep(RETRY_S)
