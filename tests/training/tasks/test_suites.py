"""Held-out worlds were never trained on, and suites are what their names say."""

import itertools

import pytest
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.suites import SUITES, suite_named
from xview_training.tasks.task import DIFFICULTIES

ARMED = ("train-v1", "heldout-v1", "invisible-v1")


def test_no_two_suites_share_a_world_seed():
    for one, other in itertools.combinations(SUITES.values(), 2):
        assert one.first_seed + one.size <= other.first_seed or other.first_seed + other.size <= one.first_seed


def test_the_worlds_that_tasks_are_made_of_lie_in_their_suite_s_range(made_tasks):
    for made in made_tasks:
        suite = SUITES[made.suite]
        assert suite.first_seed <= made.task.world.seed < suite.first_seed + suite.size


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_shares_add_up_and_name_what_exists(suite):
    assert sum(scene.weight for scene in suite.scenes) == pytest.approx(1)
    for scene in suite.scenes:
        assert sum(share for _, share in scene.difficulties) == pytest.approx(1)
        assert sum(share for _, share in scene.events) == pytest.approx(1)
        assert {name for name, _ in scene.difficulties} <= set(DIFFICULTIES)


def test_training_has_landscapes_and_rooms_and_both_events():
    scenes = suite_named("train").scenes
    assert {scene.place for scene in scenes} == {"landscape", "rooms"}
    assert {event for scene in scenes for event, _ in scene.events} == {TaskEvent.APPROACH, TaskEvent.BREAK}


def test_an_unknown_suite_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown suite 'heldoot': did you mean 'heldout'\? \(known: train, "):
        suite_named("heldoot")


def test_what_is_held_is_in_the_pictures_of_the_full_world_s_players_and_of_no_robot(made_tasks):
    seen = {suite: {made.task.body.held_item for made in made_tasks if made.suite == suite} for suite in SUITES}
    assert {suite for suite, held in seen.items() if held == {True}} == set(ARMED)
    assert all(held == {False} for suite, held in seen.items() if suite not in (*ARMED, "curriculum"))


def test_the_curriculum_has_the_full_world_beside_the_robot_s_rooms(made_tasks):
    tasks = [made.task for made in made_tasks if made.suite == "curriculum"]
    assert {task.body.held_item for task in tasks} == {True, False}
    assert all(task.body.held_item == (task.world.place != "rooms") for task in tasks)
    assert suite_named("curriculum").events == tuple(TaskEvent)


def test_actions_last_longer_where_bodies_are_drawn_at_random(made_tasks):
    drawn = {suite: {made.task.extra_ticks for made in made_tasks if made.suite == suite} for suite in SUITES}
    assert drawn.pop("train-v1") == drawn.pop("curriculum") == {0, 1}
    assert drawn.pop("robot-v1") == {0, 1, 2}
    assert all(extra == {0} for extra in drawn.values())
