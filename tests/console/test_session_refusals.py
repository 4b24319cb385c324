"""What the console's WebSocket refuses to do, and any message that is none."""

import dataclasses
import json
import re

import pytest
from console_page import client_for, opened
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xview_deploy.console.settings import ConsoleSettings
from xview_deploy.spec import Belief


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


def test_policy_that_says_nonsense_does_not_silence_the_page(page, robot):
    nan = float("nan")
    nonsense = dataclasses.replace(
        robot.policy(), belief=Belief(nan, (nan, 0.0), (0, 0, nan, 1), (nan, nan)), inference_ms=float("inf")
    )
    robot.policy = lambda: nonsense
    page.until(lambda: page.latest["state"]["policy"]["inference_ms"] is None)
    assert page.latest["state"]["policy"]["belief"]["visible"] is None
