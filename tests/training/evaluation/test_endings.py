"""How a lost episode ended is told from what the agent did last."""

import dataclasses

import numpy as np
import pytest
from xview_deploy.runtime.policy import NO_BELIEF
from xview_deploy.spec import ActionTable
from xview_training.evaluation.endings import NEAR_BLOCKS, Ending, walking_rows
from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.players import ExpertPlayer, player_named
from xview_training.tasks.suites import suite_named

TABLE = ActionTable()
SIDE = 24


class Fixed:
    """Chooses one row of keys and one turn, always."""

    name, actions, image_size = "fixed", TABLE, SIDE

    def __init__(self, keys: tuple[str, ...], yaw: int = 5):
        self._action = np.array([TABLE.buttons.index(keys), 5, yaw])

    def begin(self, envs, slots):
        pass

    def act(self, envs):
        return np.tile(self._action, (len(envs), 1))

    def belief(self, slot):
        return NO_BELIEF


def played(player, episodes: int = 6, strict: bool = False, **wish):
    suite = dataclasses.replace(suite_named("robot"), strict=strict)
    return play(player, Selection(suite, episodes, 3, **wish), SIDE, quiet=True)


def test_who_only_looks_around_is_idle():
    endings = [e.ending for e in played(Fixed((), yaw=8), difficulty="easy")]
    assert set(endings) == {Ending.IDLE}


def test_who_walks_into_a_wall_is_stuck_unless_the_target_is_near():
    episodes = played(Fixed(("forward",)), 12, difficulty="easy")
    assert {e.ending for e in episodes} <= {Ending.STUCK, Ending.NEAR, Ending.SUCCESS}
    assert sum(e.ending is Ending.STUCK for e in episodes) >= 4
    assert all((e.left_blocks <= NEAR_BLOCKS) == (e.ending is Ending.NEAR) for e in episodes if not e.success)


def test_the_expert_succeeds_with_little_detour():
    episodes = played(ExpertPlayer(), difficulty="near")
    assert {e.ending for e in episodes} == {Ending.SUCCESS}
    assert all(e.left_blocks <= 2 for e in episodes)
    assert np.mean([e.spl for e in episodes]) > 0.7


def test_a_strict_task_says_that_the_wrong_object_ended_it():
    episodes = played(player_named("forward_biased_random", 1), 24, strict=True, difficulty="near")
    wrong = [e for e in episodes if e.ending is Ending.WRONG_OBJECT]
    assert wrong
    assert all(e.first_wrong and e.ticks < 600 for e in wrong)


@pytest.mark.parametrize("keys", TABLE.buttons)
def test_keys_that_walk_are_known(keys):
    walks = bool(set(keys) & {"forward", "back", "left", "right"})
    assert walking_rows(TABLE)[TABLE.buttons.index(keys)] == walks
