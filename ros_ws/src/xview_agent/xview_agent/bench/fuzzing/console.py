"""Fuzzing of the operator's console: what a page may say over its WebSocket, and what a browser may over HTTP."""

from __future__ import annotations

import json
import socket
from typing import Any

from websockets.exceptions import ConnectionClosed
from xview_deploy.spec import ContractError

from xview_agent.bench.fuzzing.kinds import TAKEN, Kind, Unexplained
from xview_agent.bench.fuzzing.mutation import Mutator
from xview_agent.bench.stage import Stage

ANSWER_S = 5.0
SOUND: tuple[dict[str, Any], ...] = (
    {"type": "hello", "token": ""},
    {"type": "heartbeat"},
    {"type": "seen", "camera": "onboard", "frame": 1},
    {"type": "watch", "camera": "third_person"},
    {"type": "stop"},
    {"type": "click", "camera": "third_person", "frame": 1, "stamp_ns": "1", "point": [9.0, 9.0], "on_target": True},
    {"type": "box", "camera": "third_person", "frame": 1, "stamp_ns": "1", "box": [1.0, 1.0, 9.0, 9.0]},
    {"type": "paint", "draft": 1, "points": [[1.0, 2.0]], "radius": 3.0, "add": True},
    {"type": "polygon", "draft": 1, "points": [[1.0, 2.0], [5.0, 2.0], [5.0, 9.0]], "add": False},
    {"type": "another", "draft": 1},
    {"type": "undo", "draft": 1},
    {"type": "cancel"},
    {"type": "accept", "draft": 1, "event": "approach"},
    {"type": "arm", "goal": "fuzz"},
    {"type": "take_control"},
)
# What these carry beside their own fields; all others are orders and carry both.
MORE: dict[str, tuple[str, ...]] = {"hello": (), "seen": (), "watch": (), "heartbeat": ("tick",), "stop": ("request",)}
STRAY_REQUEST = 2**40  # no number of an order of the page's own
REQUESTS = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n",
    "GET /static/main.js HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmove",
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Origin: http://127.0.0.1:{port}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n",
)


class PageMessages:
    """Over the WebSocket of a page that was greeted; a new page where the console ended the connection."""

    name, share = "console messages", 15

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`. A question that is always refused follows: before its answer, the message's own came."""
        if not self._stage.page.alive:
            self._stage.open_page(beats=False)
        page = self._stage.page
        message = dict(mutator.random.choice(SOUND))
        for name in MORE.get(message["type"], ("request", "tick")):
            message[name] = {"request": STRAY_REQUEST, "tick": page.tick}[name]
        page.forget()
        try:
            page.say(self._mutated(message, mutator))
            page.order({"type": "undo", "draft": 0})
        except (ConnectionClosed, ContractError):
            page.close()
            return "the connection was closed"
        told = page.refusals()
        if "" in told:
            raise Unexplained(f"refused without a word: {message}")
        return told[0] if told else TAKEN

    @staticmethod
    def _mutated(message: dict[str, Any], mutator: Mutator) -> str | bytes:
        text = json.dumps(mutator.value(message))
        way = mutator.random.random()
        if way < 0.6:
            return text
        octets = mutator.octets(text.encode())
        return octets if way < 0.7 else octets.decode(errors="replace")


class BrowserRequests:
    """Bytes on the console's port."""

    name, share = "console requests", 5

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        port = self._stage.console_port
        request = mutator.octets(mutator.random.choice(REQUESTS).replace("{port}", str(port)).encode())
        answer = self._answer(port, request)
        status, _, rest = answer.partition(b"\r\n")
        code = status.split(b" ")[1:2]
        if not answer:
            return "the connection was closed: no whole request came"
        if not status.startswith(b"HTTP/1.1 ") or not code[0].isdigit():
            raise Unexplained(f"expected an answer of HTTP, got {answer[:80]!r}")
        if code[0].startswith(b"5"):
            raise RuntimeError(f"the console failed: {answer[:200]!r}")
        said = rest.partition(b"\r\n\r\n")[2].decode(errors="replace")
        return TAKEN if int(code[0]) < 400 else f"{code[0].decode()} {said[:100]}"

    @staticmethod
    def _answer(port: int, request: bytes) -> bytes:
        """What comes back once nothing more is sent; a request that is not whole gets nothing."""
        with socket.create_connection(("127.0.0.1", port), ANSWER_S) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
                if b"101 Switching" in parts[0]:
                    break
        return b"".join(parts)


def console_kinds(stage: Stage) -> list[Kind]:
    """All of them."""
    return [PageMessages(stage), BrowserRequests(stage)]
