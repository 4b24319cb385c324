"""Stops, heartbeats and waiting orders of the console's WebSocket: what wins over what, and what dies with a page."""

import threading
import time

from console_page import client_for, eventually, opened
from xview_deploy.console.settings import ConsoleSettings


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
