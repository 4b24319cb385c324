"""The page in a real browser, driven like a person does: by mouse and keys, looking at what it shows.

An error in the page's own console fails the test.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from console_page import eventually
from playwright.sync_api import expect
from xview_deploy.console.server import ConsoleServer
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.segmentation.grabcut import intersection_over_union
from xview_deploy.spec import ContractError

# The machine may be slow; what is too old to act on is tested without a browser.
PATIENT = ConsoleSettings(port=0, max_click_age_s=60, max_order_lag_s=60, max_heartbeat_lag_s=60)


@pytest.fixture
def server(robot) -> Iterator[ConsoleServer]:
    with ConsoleServer(robot, PATIENT) as server:
        yield server


@pytest.fixture
def open_page(server, open_at) -> Callable:
    return lambda: open_at(server.url)


@pytest.fixture
def operator(open_page):
    return open_page()


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


def test_only_events_that_the_policy_was_trained_for_are_offered(operator, robot):
    robot.events = ("break", "use")
    expect(operator.sees("event-approach")).to_be_disabled()
    expect(operator.sees("event-hunt")).to_have_attribute("title", "The policy room-driver was not trained for it")
    expect(operator.sees("events-hint")).to_have_text("room-driver was not trained for: approach, hunt")
    expect(operator.sees("event-break")).to_have_attribute("aria-pressed", "true")
    operator.boxes(robot.target_box)
    operator.accepts("use")
    assert robot.goals[0].event.value == "use"
    robot.events = ("approach", "break", "use", "hunt")
    expect(operator.sees("event-approach")).to_be_enabled()
    expect(operator.sees("events-hint")).to_be_empty()


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
