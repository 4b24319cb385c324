"""The expert reaches its target, and looks around for it as one must who knows only its pictures."""

import math

import numpy as np
import pytest
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.players import ExpertPlayer
from xview_training.imitation.aiming import BEHIND, aim_point, nearest_bin, turn_bin
from xview_training.imitation.expert import ALL_ROUND, Expert
from xview_training.sim import physics
from xview_training.sim.raycast import cast
from xview_training.sim.simulator import Embodiment
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent, table_for
from xview_training.tasks.suites import suite_named
from xview_training.tasks.visibility import PIXELS

SIDE = 32


@pytest.mark.parametrize(
    ("suite", "event", "difficulty"),
    [
        ("heldout", TaskEvent.APPROACH, "near"),
        ("heldout", TaskEvent.APPROACH, "easy"),
        ("heldout", TaskEvent.BREAK, "near"),
        ("heldout", TaskEvent.BREAK, "easy"),
        ("robot", TaskEvent.APPROACH, "easy"),
    ],
)
def test_the_expert_succeeds(suite, event, difficulty):
    selection = Selection(suite_named(suite), 24, 3, event, difficulty)
    episodes = play(ExpertPlayer(), selection, SIDE, quiet=True)
    assert sum(episode.success for episode in episodes) >= 23
    assert sum(episode.first_right for episode in episodes) >= 20
    assert all(episode.ticks < 600 for episode in episodes if episode.success)


@pytest.fixture
def envs():
    envs = CrossViewEnvs(24, SIDE, 1)
    envs.assign(np.arange(24), ((suite_named("heldout"), 40 + k, TaskEvent.APPROACH, "near") for k in range(24)))
    yield envs
    envs.close()


def test_it_turns_on_the_spot_until_it_has_seen_the_target_and_only_then_walks(envs):
    expert = Expert(envs)
    expert.forget(np.arange(24))
    hidden_first = envs.view[:, PIXELS] < expert.seen_pixels
    assert 4 < hidden_first.sum() < 20
    places = envs.sim.body[:, [physics.X, physics.Z]].copy()
    looked = np.zeros(24, int)
    for _ in range(40):
        seen = envs.view[:, PIXELS] >= expert.seen_pixels
        expert.label(np.flatnonzero(~envs.done))
        assert expert.found[seen & ~envs.done].all()
        searching = ~expert.found & ~envs.done
        assert (expert.actions[searching] == (0, 5, 10)).all()  # no key, view level, turning right
        assert envs.sim.body[searching][:, [physics.X, physics.Z]] == pytest.approx(places[searching])
        looked += searching
        envs.step(expert.actions)
    assert (looked[hidden_first] > 0).sum() >= hidden_first.sum() - 1  # one may stand right beside its target
    assert (looked[~hidden_first] == 0).all()
    assert looked.max() <= math.ceil(ALL_ROUND / math.radians(30))
    assert envs.episode[:, rules.SUCCESS].mean() > 0.7


def test_it_goes_on_without_having_seen_the_target_once_it_has_looked_all_round(envs):
    expert = Expert(envs)
    expert.forget(np.arange(24))
    for _ in range(14):
        envs.view[:] = 0  # it never sees anything
        expert.label()
        envs.step(np.tile((0, 5, 10), (24, 1)))
    expert.label()
    assert expert.found.all()
    walking = expert.actions[:, 0] > 0
    assert walking.any()


def test_a_forgotten_search_begins_again_and_the_others_go_on(envs):
    expert = Expert(envs)
    expert.forget(np.arange(24))
    expert.label()
    found = expert.found.copy()
    expert.forget(np.flatnonzero(found)[:1])
    assert expert.found.sum() == found.sum() - 1


def test_labels_are_actions_of_the_table_and_values_fall_with_the_distance(envs):
    expert = Expert(envs)
    expert.forget(np.arange(24))
    rng = np.random.default_rng(0)
    for _ in range(20):
        expert.label()
        assert (expert.actions >= 0).all()
        assert (expert.actions < envs.actions.sizes).all()
        assert np.isfinite(expert.values).all()
        assert (expert.values > 0).all()
        assert (expert.values < 1).all()
        envs.step(np.stack([rng.integers(0, n, 24) for n in envs.actions.sizes], 1))
    alone = np.flatnonzero(~envs.done & expert.found)
    body = envs.sim.body[alone]
    left = envs.field[alone, body[:, physics.X].astype(int), body[:, physics.Z].astype(int)]
    expert.label()
    assert np.corrcoef(np.log(expert.values[alone]), left)[0, 1] < -0.99


STEPS_RAD = np.radians(np.linspace(-30, 30, 11))


def test_what_lies_behind_is_turned_to_as_one_turns_already():
    for angle in (BEHIND + 0.1, -BEHIND - 0.1, math.pi):
        assert turn_bin(STEPS_RAD, angle, 0.1) == turn_bin(STEPS_RAD, angle, 0.0) == 10
        assert turn_bin(STEPS_RAD, angle, -0.1) == 0
    for angle in (BEHIND - 0.1, 0.2, -1.0):
        for rate in (-0.1, 0.0, 0.1):
            assert turn_bin(STEPS_RAD, angle, rate) == nearest_bin(STEPS_RAD, angle)


def test_it_aims_at_what_it_can_see_of_an_object_and_at_nothing_through_a_wall(meadow):
    grid, point = meadow.grid[0], np.empty(3)
    grid[48, 50, 4:6] = 1  # the object is the upper block, and a low eye stands close below it
    meadow.place(0, 48.5, 4.0, 49.5, 0.0, 0.0, Embodiment())
    assert aim_point(grid, meadow.body[0], 0.3, np.array((48, 5, 50)), point)
    way = point - (48.5, 4.3, 49.5)
    assert cast(grid, 48.5, 4.3, 49.5, *way, 1.0)[:3] == (48, 5, 50)
    assert aim_point(grid, meadow.body[0], 1.6, np.array((48, 5, 50)), point)
    assert point == pytest.approx((48.5, 5.5, 50.5))
    grid[46:51, 50, 4:8] = 1
    assert not aim_point(grid, meadow.body[0], 1.6, np.array((48, 5, 52)), point)


@pytest.mark.parametrize("event", [event for event in TaskEvent if event.value not in ("approach", "break")])
def test_it_does_the_full_world_s_events(event):
    suite = suite_named("heldout-v1")
    selection = Selection(suite, 16, 5, event, "easy")
    episodes = play(ExpertPlayer(table_for(suite.events)), selection, SIDE, quiet=True)
    assert sum(episode.success for episode in episodes) >= 14
