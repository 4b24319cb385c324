"""The console's WebSocket: what it does for an operator, and what it refuses to do for anybody."""

import dataclasses
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from xview_deploy.console.app import make_app
from xview_deploy.console.desk import Desk
from xview_deploy.console.frames import MAX_UNSEEN
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.picture import decode_picture
from xview_deploy.segmentation.grabcut import intersection_over_union
from xview_deploy.spec import Belief, ContractError

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


@pytest.fixture
def client(robot) -> Iterator[TestClient]:
    with client_for(robot) as client:
        yield client


@pytest.fixture
def page(client) -> Iterator[Page]:
    with opened(client) as page:
        yield page


def eventually(condition: Callable[[], object]) -> bool:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return bool(condition())


# What it does.


def test_accepted_click_becomes_the_goal_on_that_very_picture(page, robot):
    shown = page.picture()
    answer = page.ask("click", **shown, point=robot.target_centre(), on_target=True)
    assert answer["ok"], answer
    draft = page.latest["draft"]
    assert page.ask("accept", draft=draft["draft"], event="break")["ok"]
    [goal] = robot.goals
    assert goal.stamp_ns == int(shown["stamp_ns"])
    assert (goal.event.value, goal.source_camera) == ("break", "third_person")
    assert goal.mask.sum() == draft["pixels"]
    assert intersection_over_union(goal.mask, robot.target_mask) > 0.8


def test_box_gives_the_target(page, robot):
    x0, y0, x1, y1 = robot.target_box
    assert page.ask("box", **page.picture(), box=[x0 - 3, y0 - 3, x1 + 3, y1 + 3])["ok"]
    assert page.ask("accept", draft=page.latest["draft"]["draft"], event="approach")["ok"]
    assert intersection_over_union(robot.goals[0].mask, robot.target_mask) > 0.85


def test_corrections_change_the_mask_and_can_be_undone(page, robot):
    draft = page.mark(robot)
    number, before = draft["draft"], draft["pixels"]
    x, y = robot.target_centre()
    assert page.ask("paint", draft=number, points=[[x, y], [x + 5, y]], radius=6, add=False)["ok"]
    erased = page.latest["draft"]["pixels"]
    assert erased < before
    corners = [[5, 5], [45, 5], [45, 45], [5, 45]]
    assert page.ask("polygon", draft=number, points=corners, add=True)["ok"]
    assert page.latest["draft"]["pixels"] == pytest.approx(erased + 41 * 41)
    for _ in range(2):
        assert page.ask("undo", draft=number)["ok"]
    assert page.latest["draft"]["pixels"] == before
    assert "undo: expected an earlier state" in page.ask("undo", draft=number)["message"]


def test_further_clicks_stay_on_the_frozen_picture(page, robot):
    draft = page.mark(robot)
    shown = {"camera": draft["camera"], "frame": draft["frame"], "stamp_ns": "0"}
    assert page.ask("click", **shown, point=[3, 3], on_target=False)["ok"]
    assert page.latest["draft"]["draft"] == draft["draft"]
    assert page.latest["draft"]["negative"] == [[3, 3]]


def test_operator_arms_and_the_robot_drives_until_she_stops_it(page, robot):
    assert page.arm(robot)["ok"]
    page.until(lambda: abs(page.latest["state"]["gate"]["yaw_rad_s"]) > 0.01)
    assert page.latest["state"]["gate"]["state"] == "armed"
    assert page.ask("stop")["ok"]
    page.until(lambda: page.latest["state"]["gate"]["state"] == "stopped")
    gate = page.latest["state"]["gate"]
    assert (gate["forward_m_s"], gate["yaw_rad_s"]) == (0, 0)
    assert gate["reason"] == "stopped by the operator"


def test_other_camera_comes_when_it_is_asked_for(page):
    page.say(type="watch", camera="corner")
    page.until(lambda: any(header["camera"] == "corner" for header in page.pictures))


def test_goal_is_shown_to_a_page_that_opens_later(client, robot):
    with opened(client) as first:
        goal = first.accept(robot)
    with opened(client) as second:
        second.until(lambda: "goal" in second.latest)
        assert second.latest["goal"]["outline"] == goal["outline"]


def test_page_that_shows_nothing_is_sent_no_queue(client):
    with opened(client, shows_pictures=False) as page:
        ticks = page.tick
        page.until(lambda: page.tick > ticks + 1500)
        for camera in ("third_person", "onboard"):
            assert sum(header["camera"] == camera for header in page.pictures) <= MAX_UNSEEN


# What it refuses.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frame": 10**9}, "stale click: expected one of the last pictures"),
        ({"stamp_ns": "5"}, "stale click: expected one of the last pictures"),
        ({"camera": "onboard"}, r"expected a third-person camera \(third_person, corner\), got 'onboard'"),
        ({"camera": "kitchen"}, "expected a third-person camera"),
        ({"point": [640, 2]}, "expected a point inside 640x480"),
        ({"on_target": False}, "expected a box or a click on the target"),
    ],
)
def test_click_on_nothing_that_was_shown_is_refused(page, robot, change, said):
    click = {**page.picture(), "point": robot.target_centre(), "on_target": True} | change
    answer = page.ask("click", **click)
    assert not answer["ok"]
    assert re.search(said, answer["message"])
    assert robot.goals == []


def test_click_on_a_dead_cameras_picture_is_refused(robot):
    console = ConsoleSettings(max_click_age_s=0.3, max_order_lag_s=60.0)
    with client_for(robot, console) as client, opened(client) as page:
        shown = page.picture()
        robot.camera_alive = False
        later = page.tick + 1000
        page.until(lambda: page.tick > later)
        answer = page.ask("click", **shown, point=robot.target_centre(), on_target=True)
    assert "stale click: expected a picture of at most 0.3 s, got one of" in answer["message"]


def test_order_of_a_page_that_lags_behind_is_refused(robot):
    with client_for(robot, ConsoleSettings(max_order_lag_s=0.5)) as client, opened(client) as page:
        shown, old = page.picture(), page.tick
        page.until(lambda: page.tick > old + 1000)
        page.tick = old
        answer = page.ask("click", **shown, point=[10, 10], on_target=True)
    assert "stale order: expected a page at most 0.5 s behind" in answer["message"]


def test_order_with_a_tick_from_the_future_is_refused(page):
    page.tick += 10**6
    assert "stale order" in page.ask("take_control")["message"]


def test_unknown_event_is_refused(page, robot):
    answer = page.ask("accept", draft=page.mark(robot)["draft"], event="dance")
    assert "unknown event 'dance': expected one of approach" in answer["message"]
    assert robot.goals == []


def test_event_that_the_policy_was_not_trained_for_is_refused(page, robot):
    robot.events = ("break",)
    page.until(lambda: page.latest["state"]["policy"]["events"] == ["break"])
    answer = page.ask("accept", draft=page.mark(robot)["draft"], event="approach")
    assert "that the policy room-driver was trained for (break), got approach" in answer["message"]
    assert robot.goals == []


def test_mask_that_was_erased_is_refused(page, robot):
    number = page.mark(robot)["draft"]
    corners = [[0, 0], [640, 0], [640, 480], [0, 480]]
    assert page.ask("polygon", draft=number, points=corners, add=False)["ok"]
    answer = page.ask("accept", draft=number, event="approach")
    assert "expected at least 16 marked pixels, got an empty mask" in answer["message"]
    assert robot.goals == []


def test_cancelled_mark_cannot_be_accepted(page, robot):
    number = page.mark(robot)["draft"]
    assert page.ask("cancel")["ok"]
    assert "mark the target again" in page.ask("accept", draft=number, event="approach")["message"]


def test_nothing_arms_without_a_goal_that_was_accepted_here(page, robot):
    page.beat()
    assert "expected a target that was marked and accepted here" in page.ask("arm", goal="7")["message"]
    assert robot.arms == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "waiting_for_picture", "message": "no picture"}, "got waiting_for_picture: no picture"),
        ({"goal_id": "another"}, "to pursue '.*', got 'another'"),
        ({"received_s": 0.0}, "expected a policy that reports, got silence"),
    ],
)
def test_nothing_arms_unless_the_policy_pursues_that_target(page, robot, change, said):
    goal = page.accept(robot)
    other = dataclasses.replace(robot.policy(), **change)
    robot.policy = lambda: other
    answer = page.ask("arm", goal=goal["id"])
    assert not answer["ok"]
    assert re.search(said, answer["message"])
    assert robot.arms == 0


def test_gates_refusal_reaches_the_operator(page, robot):
    goal = page.accept(robot)
    answer = page.ask("arm", goal=goal["id"])
    assert answer["message"] == "not armed: no operator heartbeat has come yet"
    assert robot.safety.state.value == "disarmed"


def test_target_is_not_changed_under_an_armed_robot(page, robot):
    assert page.arm(robot)["ok"]
    answer = page.ask("accept", draft=page.mark(robot)["draft"], event="approach")
    assert "expected a robot that is not armed" in answer["message"]
    assert len(robot.goals) == 1


def test_second_page_only_watches_but_may_stop(client, robot):
    with opened(client) as operator, opened(client) as watcher:
        assert operator.latest["state"]["control"] == "you"
        operator.beat()
        operator.until(lambda: robot.heartbeats)
        watcher.until(lambda: watcher.latest["state"]["control"] == "other")
        answer = watcher.ask("click", **watcher.picture(), point=[9, 9], on_target=True)
        assert "take control first" in answer["message"]
        watcher.beat()
        assert watcher.ask("stop")["ok"]
        assert len(robot.heartbeats) == 1
        assert watcher.ask("take_control")["ok"]
        assert "take control first" in operator.ask("cancel")["message"]


def test_stop_wins_over_an_arming_under_way(page, robot):
    goal = page.accept(robot)
    page.beat()
    robot.arming.clear()
    arm = page.ask_only("arm", goal=goal["id"])
    assert eventually(lambda: robot.arms == 1)
    assert page.ask("stop")["ok"]
    robot.arming.set()
    answer = page.answer(arm)
    assert (answer["ok"], answer["message"]) == (False, "stopped while arming")
    assert robot.safety.state.value == "stopped"


def test_arming_that_waited_behind_a_stop_is_void(page, robot):
    goal = page.accept(robot)
    page.beat()
    robot.arming.clear()
    first = page.ask_only("arm", goal=goal["id"])
    assert eventually(lambda: robot.arms == 1)
    second = page.ask_only("arm", goal=goal["id"])
    assert page.ask("stop")["ok"]
    robot.arming.set()
    assert not page.answer(first)["ok"]
    assert "expected no stop since it was asked for" in page.answer(second)["message"]
    assert robot.arms == 1


def test_orders_that_waited_die_with_their_connection(client, robot):
    with opened(client) as page:
        goal = page.accept(robot)
        page.beat()
        robot.arming.clear()
        for _ in range(4):
            page.ask_only("arm", goal=goal["id"])
        assert eventually(lambda: robot.arms == 1)
        threading.Timer(0.3, robot.arming.set).start()
    with opened(client) as page:
        page.until(robot.arming.is_set)
        ticks = page.tick
        page.until(lambda: page.tick > ticks + 500)
    assert robot.arms == 1


def test_too_many_orders_at_once_are_refused(page, robot):
    goal = page.accept(robot)
    robot.arming.clear()
    for _ in range(20):
        page.ask_only("arm", goal=goal["id"])
    page.until(lambda: any("at most 8 orders at once" in error for error in page.errors))
    robot.arming.set()


def test_heartbeats_end_with_the_page(client, robot):
    with opened(client) as page:
        assert page.arm(robot)["ok"]
    count = len(robot.heartbeats)
    assert eventually(lambda: robot.safety.state.value == "stopped")
    assert "operator heartbeat is" in robot.safety.reason(time.monotonic())
    assert len(robot.heartbeats) == count


def test_late_heartbeats_of_a_stalled_connection_count_for_nothing(robot):
    with client_for(robot, ConsoleSettings(max_heartbeat_lag_s=0.2)) as client, opened(client) as page:
        old = page.tick
        page.until(lambda: page.tick > old + 500)
        for _ in range(5):
            page.say(type="heartbeat", tick=old)
        page.ask("stop")
        assert robot.heartbeats == []


def test_unconfirmed_stop_is_said_loudly_and_ends_the_heartbeats(page, robot):
    page.beat()
    page.until(lambda: robot.heartbeats)
    robot.gate_answers = False
    answer = page.ask("stop")
    assert not answer["ok"]
    assert answer["message"].startswith("STOP IS NOT CONFIRMED: the gate did not answer within 1 s")
    page.beat()
    page.ask("take_control")
    assert len(robot.heartbeats) == 1
    robot.gate_answers = True
    assert page.ask("stop")["ok"]
    page.beat()
    page.until(lambda: len(robot.heartbeats) == 2)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
kinds = st.sampled_from(["click", "box", "paint", "polygon", "accept", "arm", "watch", "seen", "hello", "heartbeat"])
almost = st.builds(lambda kind, rest: {"type": kind, **rest}, kinds, st.dictionaries(st.text(max_size=8), anything))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=200) | st.text(max_size=200) | (anything | almost).map(json.dumps))
def test_any_message_is_answered_and_moves_nothing(page, robot, caplog, junk):
    page.errors.clear()
    if isinstance(junk, bytes):
        page.socket.send_bytes(junk)
    else:
        page.socket.send_text(junk.encode(errors="replace").decode())
    page.until(lambda: page.errors)
    assert "expected" in page.errors[0]
    assert (robot.goals, robot.arms, robot.heartbeats) == ([], 0, [])
    assert caplog.records == []


# Who may speak at all.


def test_page_and_its_files_carry_protective_headers(client):
    for path in ("/", "/static/main.js", "/static/console.css"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert client.get("/static/../session.py").status_code == 404


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}, {"host": "["}]
)
def test_foreign_host_or_origin_is_refused(client, headers):
    assert client.get("/", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers=headers):
        pass


def test_own_origin_is_welcome(client):
    with client.websocket_connect(SOCKET, headers={"origin": HOST}):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "robot.local", "::"])
def test_address_beyond_loopback_demands_a_token(host):
    with pytest.raises(ContractError, match="expected a loopback address or a token"):
        ConsoleSettings(host=host)
    assert ConsoleSettings(host=host, token="x" * 16)


def test_short_token_is_refused():
    with pytest.raises(ContractError, match="at least 16 characters, got 5"):
        ConsoleSettings(token="12345")


@pytest.mark.parametrize("first", ['{"type": "hello", "token": "wrong"}', '{"type": "stop", "request": 1}', "{"])
def test_without_the_token_nothing_is_said_or_done(robot, first):
    with client_for(robot, ConsoleSettings(token="a-long-secret-word")) as client:
        with client.websocket_connect(SOCKET) as socket:
            socket.send_text(first)
            refusal = json.loads(socket.receive_text())
            assert refusal["type"] == "refused"
            with pytest.raises(WebSocketDisconnect):
                socket.receive_text()
        assert robot.stops == 0
        with opened(client, token="a-long-secret-word") as page:
            assert page.latest["welcome"]["onboard"] == "onboard"


def test_robot_without_a_third_person_camera_is_refused(robot):
    robot.third_person_cameras = ()
    with pytest.raises(ContractError, match="at least one third-person camera"):
        make_app(Desk(robot, PATIENT))


def test_policy_that_says_nonsense_does_not_silence_the_page(page, robot):
    nan = float("nan")
    nonsense = dataclasses.replace(
        robot.policy(), belief=Belief(nan, (nan, 0.0), (0, 0, nan, 1), (nan, nan)), inference_ms=float("inf")
    )
    robot.policy = lambda: nonsense
    page.until(lambda: page.latest["state"]["policy"]["inference_ms"] is None)
    assert page.latest["state"]["policy"]["belief"]["visible"] is None
