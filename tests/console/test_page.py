"""The page in a real browser, driven like a person does: by mouse and keys, looking at what it shows.

XVIEW_WRITE_SCREENSHOT names a file for the picture of a robot on its way; without it, it goes to the test's
folder. An error in the page's own console fails the test.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from xview_deploy.console.server import ConsoleServer
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.segmentation.grabcut import intersection_over_union
from xview_deploy.spec import ContractError

DEADLINE_S = 60.0  # of a machine that does much else
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The machine may be slow; what is too old to act on is tested without a browser.
PATIENT = ConsoleSettings(port=0, max_click_age_s=60, max_order_lag_s=60, max_heartbeat_lag_s=60)
expect.set_options(timeout=DEADLINE_S * 1000)


class Operator:
    """A person at the page: sees elements, points at pixels of the third-person picture."""

    def __init__(self, page: Page) -> None:
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[BrowserContext]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program, f"expected one of {', '.join(BROWSERS)} on the path, found none: apt-get install chromium"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program,
            args=FLAGS,
            viewport={"width": 1440, "height": 900},
        )
        yield context
        context.close()


@pytest.fixture
def server(robot) -> Iterator[ConsoleServer]:
    with ConsoleServer(robot, PATIENT) as server:
        yield server


@pytest.fixture
def complaints() -> list[str]:
    """What the page's console said; a test that provokes some of it clears the list."""
    return []


@pytest.fixture
def open_page(browser, server, complaints) -> Iterator[Callable[[], Operator]]:
    pages: list[Page] = []

    def opened() -> Operator:
        page = browser.new_page()
        pages.append(page)
        page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        expect(page.locator("body")).to_have_attribute("data-link", "open")
        expect(page.locator("#third-veil")).to_be_empty()
        return Operator(page)

    yield opened
    for page in pages:
        page.close()
    assert complaints == []


@pytest.fixture
def operator(open_page) -> Operator:
    return open_page()


def eventually(condition: Callable[[], object]) -> bool:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.02)
    return bool(condition())


def test_operator_boxes_accepts_arms_watches_and_stops(operator, robot, tmp_path):
    operator.gate("disarmed")
    operator.boxes(robot.target_box)
    assert operator.pixels() == pytest.approx(robot.target_mask.sum(), rel=0.25)
    operator.accepts("approach")
    [goal] = robot.goals
    assert intersection_over_union(goal.mask, robot.target_mask) > 0.8
    operator.presses("arm")
    operator.gate("armed")
    expect(operator.sees("belief-visible")).to_have_text("97 %")
    expect(operator.sees("belief-bearing")).to_contain_text("straight ahead")
    started_m = robot.room.distance_m
    assert eventually(lambda: robot.room.distance_m < started_m - 0.5)
    screenshot = Path(os.environ.get("XVIEW_WRITE_SCREENSHOT") or tmp_path / "console.png")
    operator.page.screenshot(path=screenshot)
    assert screenshot.stat().st_size > 50_000
    operator.presses("stop")
    operator.gate("stopped")
    expect(operator.sees("gate-reason")).to_have_text("stopped by the operator")
    stopped_m = robot.room.distance_m
    assert eventually(lambda: robot.gate().forward_m_s == 0)
    assert robot.room.distance_m == pytest.approx(stopped_m, abs=0.1)


def test_click_marks_the_target_and_other_guesses_are_offered(operator, robot):
    operator.clicks(*robot.target_centre())
    expect(operator.sees("accept")).to_be_enabled()
    expect(operator.sees("mark-hint")).to_contain_text("pixels")
    operator.accepts("break")
    assert robot.goals[0].event.value == "break"
    assert robot.goals[0].mask[tuple(int(v) for v in reversed(robot.target_centre()))]


def test_corrections_by_hand_change_the_mask(operator, robot):
    operator.boxes(robot.target_box)
    x0, y0, x1, y1 = robot.target_box
    whole = operator.pixels()
    operator.page.keyboard.press("e")
    operator.drags((x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2))
    expect(operator.sees("undo")).to_be_enabled()
    erased = operator.pixels()
    assert erased < whole
    operator.page.keyboard.press("a")
    operator.drags((x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2))
    expect(operator.sees("mark-hint")).not_to_contain_text(f"{erased} pixels")
    assert operator.pixels() > erased
    operator.presses("undo")
    expect(operator.sees("mark-hint")).to_contain_text(f"{erased} pixels")
    operator.presses("cancel")
    expect(operator.sees("accept")).to_be_disabled()
    assert robot.goals == []


def test_right_click_takes_away_and_needs_a_mark_first(operator, robot):
    operator.clicks(5, 5, button="right")
    expect(operator.sees("notice")).to_contain_text("Click on the target first")
    operator.boxes(robot.target_box)
    operator.clicks(*robot.target_centre(), button="right")
    expect(operator.sees("undo")).to_be_enabled()


@pytest.mark.parametrize("key", ["Space", "Escape"])
@pytest.mark.parametrize("focus", ["accept", "brush", "third", "arm"])
def test_stop_keys_work_whatever_has_the_focus(operator, robot, focus, key):
    operator.sees(focus).evaluate("element => element.focus()")
    operator.page.keyboard.press(key)
    operator.gate("stopped")
    assert (robot.stops, robot.goals, robot.arms) == (1, [], 0)


def test_closing_the_page_stops_the_robot(operator, robot):
    operator.boxes(robot.target_box)
    operator.accepts()
    operator.presses("arm")
    operator.gate("armed")
    operator.page.close()
    assert eventually(lambda: robot.gate().state == "stopped")
    assert "operator heartbeat is" in robot.gate().reason
    beats = len(robot.heartbeats)
    assert not [beat for beat in robot.heartbeats if beat > time.monotonic() - 0.5]
    assert len(robot.heartbeats) == beats


def test_hidden_page_stops_the_robot(operator, robot):
    operator.boxes(robot.target_box)
    operator.accepts()
    operator.presses("arm")
    operator.gate("armed")
    operator.page.evaluate("() => Object.defineProperty(document, 'visibilityState', {value: 'hidden'})")
    assert eventually(lambda: robot.gate().state == "stopped")


def test_server_that_goes_away_is_noticed_and_nothing_acts_after_it_returns(operator, server, robot, complaints):
    operator.boxes(robot.target_box)
    port = int(server.url.rstrip("/").rsplit(":", 1)[1])
    server.stop()
    expect(operator.sees("banner")).to_contain_text("Connection to the console lost")
    expect(operator.sees("accept")).to_be_disabled()
    operator.clicks(*robot.target_centre())
    operator.presses("stop")
    expect(operator.sees("banner")).to_contain_text("nothing was sent")
    with ConsoleServer(robot, ConsoleSettings(port=port)):
        expect(operator.page.locator("body")).to_have_attribute("data-link", "open")
        expect(operator.sees("third-veil")).to_be_empty()
        expect(operator.sees("accept")).to_be_disabled()
    assert (robot.goals, robot.arms, robot.stops) == ([], 0, 0)
    complaints.clear()  # the browser reports each failed attempt to reconnect


def test_second_page_watches_takes_control_and_the_first_gives_it_up(open_page):
    first, second = open_page(), open_page()
    expect(second.sees("banner")).to_contain_text("Another page operates this robot")
    second.presses("take-control")
    expect(second.sees("banner")).to_be_hidden()
    expect(first.sees("banner")).to_contain_text("Another page operates this robot")
    first.presses("stop")
    second.gate("stopped")


def test_dead_cameras_are_shown_as_dead(operator, robot):
    robot.camera_alive = False
    expect(operator.sees("third-veil")).to_contain_text("No new picture for")
    expect(operator.sees("onboard-veil")).to_contain_text("No new picture for")


def test_stop_that_is_not_confirmed_stays_on_the_page(operator, robot):
    robot.gate_answers = False
    operator.presses("stop")
    expect(operator.sees("banner")).to_contain_text("STOP IS NOT CONFIRMED")
    robot.gate_answers = True
    operator.presses("stop")
    expect(operator.sees("banner")).to_be_hidden()


def test_other_camera_is_shown_when_it_is_chosen(operator):
    operator.presses("camera-corner")
    expect(operator.sees("camera-corner")).to_have_attribute("aria-pressed", "true")
    expect(operator.sees("third-veil")).to_be_empty()


def test_stop_stays_in_reach_on_a_small_screen(operator):
    operator.page.set_viewport_size({"width": 420, "height": 700})
    expect(operator.sees("stop")).to_be_in_viewport(ratio=1)
    expect(operator.sees("arm")).to_be_in_viewport(ratio=1)


def test_port_in_use_is_said_clearly(server, robot):
    port = int(server.url.rstrip("/").rsplit(":", 1)[1])
    with pytest.raises(ContractError, match=f"expected to listen on 127.0.0.1:{port}, got .*in use"):
        ConsoleServer(robot, ConsoleSettings(port=port)).start()
