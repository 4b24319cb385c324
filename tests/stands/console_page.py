"""A page of the console as the server sees it, without a browser: over Starlette's test client."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from xview_deploy.console.app import make_app
from xview_deploy.console.desk import Desk
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.picture import decode_picture

DEADLINE_S = 60.0  # of a machine that does much else
HOST = "http://127.0.0.1:8088"
SOCKET = "ws://127.0.0.1:8088/ws"
# A machine that is busy with other things must not make orders look stale; what is stale is tested apart.
PATIENT = ConsoleSettings(max_click_age_s=60.0, max_order_lag_s=60.0, max_heartbeat_lag_s=60.0)


class Page:
    """A page as the server sees it: takes what comes, answers pictures, and asks for things."""

    def __init__(self, socket: WebSocketTestSession, shows_pictures: bool = True) -> None:
        self.socket = socket
        self.shows_pictures = shows_pictures
        self.latest: dict[str, dict] = {}
        self.pictures: list[dict] = []
        self.answers: dict[int, dict] = {}
        self.errors: list[str] = []
        self.tick = 0
        self.requests = 0
        self.beats = False  # a heartbeat with each state, as an open page sends them

    def say(self, **record: object) -> None:
        self.socket.send_text(json.dumps(record))

    def take(self) -> None:
        message = self.socket.receive()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        if message.get("bytes"):
            self._take_picture(message["bytes"])
            return
        record = json.loads(message["text"])
        self.tick = max(self.tick, record.get("tick", 0))
        self.latest[record["type"]] = record
        if record["type"] == "state" and self.beats:
            self.beat()
        if record["type"] == "answer":
            self.answers[record["request"]] = record
        if record["type"] == "error":
            self.errors.append(record["message"])

    def _take_picture(self, data: bytes) -> None:
        length = int.from_bytes(data[:4], "little")
        header = json.loads(data[4 : 4 + length])
        assert decode_picture(data[4 + length :]).shape == (480, 640, 3)
        self.pictures.append(header)
        if self.shows_pictures:
            self.say(type="seen", camera=header["camera"], frame=header["frame"])

    def until(self, condition: Callable[[], object]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"it never came; last: {self.latest}"
            self.take()

    def ask(self, kind: str, **fields: object) -> dict:
        """Asks and waits for the answer."""
        return self.answer(self.ask_only(kind, **fields))

    def ask_only(self, kind: str, **fields: object) -> int:
        self.requests += 1
        tick = {} if kind == "stop" else {"tick": self.tick}
        self.say(**{"type": kind, "request": self.requests, **tick, **fields})
        return self.requests

    def answer(self, request: int) -> dict:
        self.until(lambda: request in self.answers)
        return self.answers[request]

    def picture(self, camera: str = "third_person") -> dict:
        """The fields by which a click names the newest picture of that camera."""
        self.until(lambda: any(header["camera"] == camera for header in self.pictures))
        newest = [header for header in self.pictures if header["camera"] == camera][-1]
        return {key: newest[key] for key in ("camera", "frame", "stamp_ns")}

    def beat(self) -> None:
        self.say(type="heartbeat", tick=self.tick)

    def mark(self, robot) -> dict:
        """Clicks the target; the server's draft."""
        answer = self.ask("click", **self.picture(), point=robot.target_centre(), on_target=True)
        assert answer["ok"], answer
        return self.latest["draft"]

    def accept(self, robot) -> dict:
        answer = self.ask("accept", draft=self.mark(robot)["draft"], event="approach")
        assert answer["ok"], answer
        self.until(lambda: "goal" in self.latest)
        goal = self.latest["goal"]
        self.until(lambda: self.latest["state"]["policy"]["goal_id"] == goal["id"])
        return goal

    def arm(self, robot) -> dict:
        self.beats = True
        goal = self.accept(robot)
        return self.ask("arm", goal=goal["id"])


@contextmanager
def opened(client: TestClient, token: str = "", **options: bool) -> Iterator[Page]:
    with client.websocket_connect(SOCKET) as socket:
        page = Page(socket, **options)
        page.say(type="hello", token=token)
        page.until(lambda: "state" in page.latest)
        yield page


def client_for(robot, console: ConsoleSettings = PATIENT) -> TestClient:
    return TestClient(make_app(Desk(robot, console)), base_url=HOST)


def eventually(condition: Callable[[], object]) -> bool:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return bool(condition())
