"""An evaluation plays the tasks that its seed names, each once, and strictness only cuts episodes short."""

import dataclasses

import pytest
from xview_deploy.spec import ACTION_TABLES
from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.players import ExpertPlayer, player_named
from xview_training.tasks.events import TaskEvent, table_for
from xview_training.tasks.suites import suite_named

SIDE = 24


def selection(episodes: int, seed: int = 0, strict: bool = False, suite: str = "robot", **wish) -> Selection:
    return Selection(dataclasses.replace(suite_named(suite), strict=strict), episodes, seed, **wish)


def test_a_seed_names_distinct_tasks_and_another_seed_others():
    one = selection(600, 1).indices()
    assert len(set(one.tolist())) == 600
    assert (one == selection(600, 1).indices()).all()
    assert (one[:100] == selection(100, 1).indices()).all()  # more episodes play the same tasks and then others
    assert len(set(one.tolist()) & set(selection(600, 2).indices().tolist())) < 30
    assert ((one >= 0) & (one < suite_named("robot").size)).all()


@pytest.mark.parametrize("episodes", [0, -1, 100_001])
def test_a_number_of_episodes_that_the_suite_does_not_hold_is_refused(episodes):
    with pytest.raises(ValueError, match=f"suite robot holds 100000 tasks, {episodes} were asked for"):
        selection(episodes).indices()


def test_results_come_in_the_selection_s_order_whatever_the_batch():
    chosen = selection(10, 4, event=TaskEvent.APPROACH, difficulty="near")
    wide, narrow = (play(ExpertPlayer(), chosen, 32, batch, quiet=True) for batch in (10, 3))
    assert [episode.task_id for episode in wide] == [f"robot-{index}" for index in chosen.indices()]
    assert wide == narrow
    assert {(episode.event, episode.difficulty) for episode in wide} == {("approach", "near")}


@pytest.mark.parametrize("name", ["forward_biased_random", "expert"])
def test_a_strict_episode_succeeds_where_the_lenient_one_arrives_right_first(name):
    lenient, strict = (
        play(player_named(name, 7), selection(24, 2, flag, difficulty="near"), SIDE, quiet=True)
        for flag in (False, True)
    )
    assert [e.first_right for e in lenient] == [e.success for e in strict]
    assert [e.first_right for e in lenient] == [e.first_right for e in strict]
    assert [e.first_wrong for e in lenient] == [e.first_wrong for e in strict]
    for free, cut in zip(lenient, strict, strict=True):
        assert cut.ticks <= free.ticks
        assert not (cut.success and cut.first_wrong)
        assert free.success or free.ticks == 600
    if name != "expert":
        wrong_first = [e for e in lenient if e.first_wrong]
        assert len(wrong_first) >= 2
        assert all(cut.ticks < 600 for cut in strict if cut.first_wrong)


@pytest.mark.parametrize("name", ["random", "forward_biased_random"])
def test_an_episode_is_its_task_and_its_seed_whatever_is_played_beside_it(name):
    chosen = selection(10, 4, difficulty="near")
    one, other, third = (
        play(player_named(name, seed), chosen, 8, batch, quiet=True) for seed, batch in ((7, 10), (7, 3), (8, 10))
    )
    assert one == other
    assert one != third


def test_scripted_players_have_the_keys_that_the_suite_s_events_need():
    assert table_for(suite_named("heldout").events) == ACTION_TABLES["walk"]
    full = table_for(suite_named("heldout-v1").events)
    assert full == ACTION_TABLES["full"]
    for name in ("random", "forward_biased_random", "expert"):
        assert player_named(name, 0, full).actions == full


def test_a_bundle_brings_the_table_that_it_was_trained_with():
    assert player_named(None, 0, ACTION_TABLES["full"]).actions == ACTION_TABLES["walk"]


@pytest.mark.parametrize("event", [TaskEvent.USE, TaskEvent.ARCHERY])
def test_the_expert_uses_and_shoots_where_its_table_has_the_key(event):
    chosen = selection(6, 1, suite="heldout-v1", event=event, difficulty="near")
    able, unable = (play(ExpertPlayer(ACTION_TABLES[name]), chosen, SIDE, quiet=True) for name in ("full", "walk"))
    assert sum(episode.success for episode in able) >= 5
    assert not any(episode.success for episode in unable)


@pytest.mark.parametrize("event", TaskEvent)
def test_every_event_can_be_asked_for_where_the_suite_has_it(event):
    chosen = selection(8, 3, suite="heldout-v1", event=event, difficulty="near")
    played = play(player_named("random", 0, ACTION_TABLES["full"]), chosen, SIDE, quiet=True)
    assert {(episode.event, episode.difficulty) for episode in played} == {(event.value, "near")}
