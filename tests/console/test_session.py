"""The console's WebSocket: what it does for an operator."""

import pytest
from console_page import opened
from xview_deploy.console.frames import MAX_UNSEEN
from xview_deploy.segmentation.grabcut import intersection_over_union


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
