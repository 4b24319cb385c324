"""A person at the page, in a real browser; and a robot in a voxel room without ROS behind the console's `Robot`: real
pictures, the real gate, and a driver that knows where the target is in place of a policy."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from console_page import DEADLINE_S, Page, client_for, opened
from playwright.sync_api import BrowserContext, Locator, expect
from playwright.sync_api import Page as BrowserPage
from starlette.testclient import TestClient
from xview_deploy.bases.robot_command import RobotCommand
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.console.robot import Answer, Frame, GateReport, PolicyReport
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import encode_jpeg
from xview_deploy.safety.gate import Answered, SafetyGate
from xview_deploy.safety.gate_settings import GateSettings
from xview_deploy.spec import Belief, Event
from xview_training.envs.robot_room import CORNER, ONBOARD, THIRD_PERSON, RobotRoom

PERIOD_S = 0.08
SEED = 10


class RoomRobot:
    """Renders, reports and drives in a thread of its own between `start` and `close`."""

    onboard_camera = ONBOARD
    third_person_cameras = (THIRD_PERSON, CORNER)

    def __init__(self, room: RobotRoom) -> None:
        self.room = room
        # The room's buffers are the thread's own once that runs.
        self.target_mask = room.target_mask(THIRD_PERSON)
        self.target_box = room.target_box(THIRD_PERSON)
        # Two cores that others use too may starve this thread for longer than a robot's gate would allow.
        self.safety = SafetyGate(GateSettings(picture_timeout=2.0, velocity_timeout=2.0))
        self.goals: list[CrossViewGoal] = []
        self.heartbeats: list[float] = []
        self.arms = 0
        self.stops = 0
        self.gate_answers = True
        self.arming = threading.Event()  # cleared: the gate takes its time to arm
        self.arming.set()
        self.camera_alive = True
        self.events = tuple(event.value for event in Event)  # that its policy was trained for
        self._frames: dict[str, Frame] = {}
        self._policy: PolicyReport | None = None
        self._gate: GateReport | None = None
        self._number = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    # The console's side.

    def now_ns(self) -> int:
        return time.time_ns()

    def frame(self, camera: str) -> Frame | None:
        return self._frames.get(camera)

    def policy(self) -> PolicyReport | None:
        return self._policy

    def gate(self) -> GateReport | None:
        return self._gate

    def send_goal(self, goal: CrossViewGoal) -> Answer:
        self.goals.append(goal)
        return Answer(True, "sent to the policy")

    def arm(self) -> Answer:
        self.arms += 1
        self.arming.wait(20)
        if not self.gate_answers:
            return Answer(False, "the gate did not answer within 1 s")
        with self._lock:
            refusal = self.safety.arm(time.monotonic())
            self._report_gate()
        return Answer(not refusal, f"not armed: {refusal}" if refusal else "armed")

    def stop(self) -> Answer:
        self.stops += 1
        if not self.gate_answers:
            return Answer(False, "the gate did not answer within 1 s")
        with self._lock:
            self.safety.stop("stopped by the operator", time.monotonic())
            self._report_gate()
        return Answer(True, "stopped")

    def heartbeat(self) -> None:
        self.heartbeats.append(time.monotonic())
        with self._lock:
            self.safety.on_heartbeat(0.0, time.monotonic())

    # The room's side.

    def start(self) -> None:
        self._tick()
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(20)

    def _live(self) -> None:
        while not self._closing.wait(PERIOD_S):
            self._tick()

    def _tick(self) -> None:
        self._number += 1
        for camera in (ONBOARD, THIRD_PERSON, CORNER):
            if self.camera_alive:
                self._frames[camera] = Frame(
                    camera, self._number, time.time_ns(), encode_jpeg(self.room.render(camera))
                )
        with self._lock:
            now_s = time.monotonic()
            if self.camera_alive:
                self.safety.on_picture(0.0, now_s)
            self._policy = self._report_policy()
            self.safety.on_command(RobotCommand(self._steer()), Answered(picture_age_s=0.0), now_s)
            velocity = self.safety.output(now_s)
            self._report_gate(velocity)
        self.room.drive(*velocity, PERIOD_S)

    def _bearing(self) -> tuple[float, float]:
        """(right, forward), unit length, towards the target, from the room's truth."""
        pose, (x, _, z) = self.room.pose, self.room.task.target
        scale = self.room.meters_per_block
        dx, dy = (x + 0.5) * scale - pose.x_m, -(z + 0.5) * scale - pose.y_m
        angle = math.atan2(dy, dx) - pose.yaw_rad
        return -math.sin(angle), math.cos(angle)

    def _steer(self) -> Velocity:
        right, forward = self._bearing()
        arrived = self.room.distance_m < 0.4 or not self.goals
        return Velocity(0.0 if arrived else 0.3 * max(forward, 0.0), 0.0, 0.0 if arrived else -1.5 * right)

    def _report_policy(self) -> PolicyReport:
        goal = self.goals[-1] if self.goals else None
        box = self.room.target_box(ONBOARD)
        x0, y0, x1, y1 = box[0] / 640, box[1] / 480, box[2] / 640, box[3] / 480
        visible = 0.97 if x1 > x0 else 0.04
        return PolicyReport(
            state="running" if goal else "waiting_for_goal",
            message="" if goal else "waiting for a goal",
            goal_id=goal.id if goal else "",
            event=goal.event.value if goal else "",
            policy="room-driver",
            events=self.events,
            provider="CPUExecutionProvider",
            belief=Belief(visible, ((x0 + x1) / 2, (y0 + y1) / 2), (x0, y0, x1, y1), self._bearing()),
            inference_ms=6.4,
            picture_age_ms=31.0,
            step=self._number,
            received_s=time.monotonic(),
        )

    def _report_gate(self, velocity: Velocity = STILL) -> None:
        now_s = time.monotonic()
        ages_ms = [
            -1.0 if age_s is None else age_s * 1000
            for age_s in (s.age_s(now_s) for s in (self.safety.picture, self.safety.command, self.safety.heartbeat))
        ]
        self._gate = GateReport(
            self.safety.state.value, self.safety.reason(now_s), *ages_ms, *velocity, received_s=now_s
        )

    # For tests of what the operator does.

    def target_centre(self) -> tuple[float, float]:
        """A pixel of the third-person picture that shows the target, as far as may be from its edge."""
        mask = np.pad(self.target_mask, 1).astype(np.uint8)
        y, x = np.unravel_index(cv2.distanceTransform(mask, cv2.DIST_L2, 3).argmax(), mask.shape)
        return float(x) - 0.5, float(y) - 0.5


@pytest.fixture(scope="session")
def room() -> RobotRoom:
    """One room for all tests; each begins it anew."""
    return RobotRoom(SEED)


@pytest.fixture
def robot(room: RobotRoom) -> Iterator[RoomRobot]:
    """Alive: its pictures keep coming."""
    room.load(SEED)
    alive = RoomRobot(room)
    alive.start()
    yield alive
    alive.close()


@pytest.fixture
def client(robot: RoomRobot) -> Iterator[TestClient]:
    """Of a console for that robot."""
    with client_for(robot) as client:
        yield client


@pytest.fixture
def page(client: TestClient) -> Iterator[Page]:
    """The operator's, without a browser."""
    with opened(client) as page:
        yield page


expect.set_options(timeout=DEADLINE_S * 1000)


class Operator:
    """A person at the page: sees elements, points at pixels of the third-person picture."""

    def __init__(self, page: BrowserPage) -> None:
        self.page = page

    def sees(self, element: str) -> Locator:
        return self.page.locator(f"#{element}")

    def presses(self, element: str) -> None:
        self.sees(element).click(timeout=DEADLINE_S * 1000)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a picture's pixel is on the page: the whole picture, centred in its canvas."""
        box = self.sees("third").bounding_box()
        scale = min(box["width"] / 640, box["height"] / 480)
        left = box["x"] + (box["width"] - 640 * scale) / 2
        top = box["y"] + (box["height"] - 480 * scale) / 2
        return left + x * scale, top + y * scale

    def clicks(self, x: float, y: float, **how: str) -> None:
        self.page.mouse.click(*self.place(x, y), **how)

    def drags(self, *corners: tuple[float, float]) -> None:
        self.page.mouse.move(*self.place(*corners[0]))
        self.page.mouse.down()
        for corner in corners[1:]:
            self.page.mouse.move(*self.place(*corner), steps=4)
        self.page.mouse.up()

    def boxes(self, target: tuple[int, int, int, int]) -> None:
        x0, y0, x1, y1 = target
        self.drags((x0 - 4, y0 - 4), (x1 + 4, y1 + 4))
        expect(self.sees("accept")).to_be_enabled()

    def pixels(self) -> int:
        """Size of the mask, as the page says it."""
        expect(self.sees("mark-hint")).to_have_text(re.compile(r"^\d+ pixels"))
        return int(self.sees("mark-hint").inner_text().split(" pixels")[0])

    def gate(self, state: str) -> None:
        expect(self.sees("gate-state")).to_have_text(state)

    def accepts(self, event: str = "approach") -> None:
        self.presses(f"event-{event}")
        self.presses("accept")
        expect(self.sees("arm")).to_be_enabled()


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console said; a test that provokes some of it clears the list."""
    return []


@pytest.fixture
def open_at(browser: BrowserContext, complaints: list[str]) -> Iterator[Callable[[str], Operator]]:
    """Opens the page at an address and waits for its first picture."""
    pages: list[BrowserPage] = []

    def opened(url: str) -> Operator:
        page = browser.new_page()
        pages.append(page)
        page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        expect(page.locator("body")).to_have_attribute("data-link", "open")
        expect(page.locator("#third-veil")).to_be_empty()
        return Operator(page)

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
