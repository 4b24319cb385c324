"""Arriving is standing before the object and facing it: not behind a wall, not with one's back to it."""

import math

import numpy as np
import pytest
from xview_training.sim import physics
from xview_training.sim.blocks import ID
from xview_training.sim.hands import BROKEN, HANDS_SIZE, SHOT_DEAD, STRUCK_DEAD, USED_BLOCK
from xview_training.sim.simulator import Embodiment
from xview_training.tasks import rules
from xview_training.tasks.visibility import block_id

EYE = 1.62
CANDIDATE = (48, 4, 52, ID["gourd"])  # x, y, z, block
LEFT_OF_IT = (51, 4, 52, ID["gourd"])


@pytest.fixture
def world(meadow):
    """A flat world with two objects of one kind; the first lies straight ahead of the player."""
    for number, (x, y, z, block) in enumerate((CANDIDATE, LEFT_OF_IT)):
        meadow.grid[0, x, z, y] = block
        meadow.candidates[0, number] = x, y, z, block
    meadow.candidate_count[0] = 2
    return meadow


def arrived(sim, x: float, z: float, yaw: float, candidate=CANDIDATE, y: float = 4.0) -> bool:
    sim.place(0, x, y, z, yaw, 0.0, Embodiment())
    return rules.at_candidate(sim.grid[0], sim.body[0], EYE, np.array(candidate, np.int16))


def test_one_arrives_two_blocks_before_the_middle_and_no_sooner(world):
    assert arrived(world, 48.5, 50.51, 0.0)
    assert not arrived(world, 48.5, 50.49, 0.0)


def test_one_must_face_the_object_within_25_degrees(world):
    for sign in (-1, 1):
        assert arrived(world, 48.5, 51.0, sign * math.radians(24.9))
        assert not arrived(world, 48.5, 51.0, sign * math.radians(25.1))


@pytest.mark.parametrize("around", np.linspace(-math.pi, math.pi, 9))
def test_the_same_holds_from_every_side_and_behind_one_s_back_never(world, around):
    x, z = 48.5 + 1.5 * math.sin(around), 52.5 - 1.5 * math.cos(around)
    assert arrived(world, x, z, around)
    assert not arrived(world, x, z, around + math.pi)


def test_nobody_arrives_through_a_wall(world):
    world.grid[0, 46:51, 51, 4:7] = 1
    assert not arrived(world, 48.5, 50.6, 0.0)


def test_a_low_wall_that_eyes_see_over_does_not_hide_the_object(world):
    world.grid[0, 48, 51, 4] = 1
    assert not arrived(world, 48.5, 50.6, 0.0)
    assert arrived(world, 48.5, 50.6, 0.0, y=7.0)


def test_what_was_broken_cannot_be_arrived_at(world):
    world.grid[0, 48, 52, 4] = 0
    assert not arrived(world, 48.5, 51.0, 0.0)


def test_a_lookalike_beside_it_is_another_object(world):
    assert arrived(world, 51.5, 51.0, 0.0, LEFT_OF_IT)
    assert not arrived(world, 51.5, 51.0, 0.0, CANDIDATE)


@pytest.mark.parametrize("yaw", [-3.0, -1.0, 0.0, 2.0, 3.1])
def test_bearings_are_positive_to_the_right_and_turn_with_the_body(yaw):
    body = np.zeros(physics.BODY_SIZE)
    body[physics.YAW] = yaw
    for right in (-3.0, -0.4, 0.0, 1.2, 3.0):
        towards = yaw + right
        angle, distance = rules.bearing(body, -5 * math.sin(towards), 5 * math.cos(towards))
        assert angle == pytest.approx(right)
        assert distance == pytest.approx(5)


def judged(sim, x, z, yaw, target=0, event=rules.APPROACH, strict=0, limit=100, ticks=1, booked=()) -> np.ndarray:
    sim.place(0, x, 4.0, z, yaw, 0.0, Embodiment())
    episode, hands = np.zeros(rules.EPISODE_SIZE), np.zeros(HANDS_SIZE)
    episode[[rules.EVENT, rules.LIMIT, rules.STRICT, rules.TARGET]] = event, limit, strict, target
    for column, value in booked:
        hands[column] = value
    for _ in range(ticks):
        rules.judge(sim.grid[0], sim.body[0], hands, EYE, sim.candidates[0], sim.candidate_count[0], episode)
    return episode


def ending(episode) -> tuple[bool, bool, int]:
    return bool(episode[rules.DONE]), bool(episode[rules.SUCCESS]), int(episode[rules.FIRST])


def test_arriving_at_the_target_is_success_and_the_end(world):
    assert ending(judged(world, 48.5, 51.0, 0.0)) == (True, True, rules.TARGET_FIRST)


def test_arriving_at_a_lookalike_is_booked_and_ends_only_a_strict_task(world):
    assert ending(judged(world, 51.5, 51.0, 0.0)) == (False, False, rules.DISTRACTOR_FIRST)
    assert ending(judged(world, 51.5, 51.0, 0.0, strict=1)) == (True, False, rules.DISTRACTOR_FIRST)


def test_arriving_nowhere_ends_with_the_limit(world):
    assert ending(judged(world, 60.5, 60.5, 0.0, ticks=99)) == (False, False, rules.NOTHING_YET)
    assert ending(judged(world, 60.5, 60.5, 0.0, ticks=100)) == (True, False, rules.NOTHING_YET)


def test_a_block_to_break_is_not_done_by_arriving_but_by_breaking(world):
    ids = [block_id(world.grid.shape[1:], thing[:3]) for thing in (CANDIDATE, LEFT_OF_IT)]
    assert ending(judged(world, 48.5, 51.0, 0.0, event=rules.BREAK)) == (False, False, rules.NOTHING_YET)
    done = judged(world, 60.5, 60.5, 0.0, event=rules.BREAK, booked=[(BROKEN, ids[0])])
    assert ending(done) == (True, True, rules.TARGET_FIRST)
    wrong = judged(world, 60.5, 60.5, 0.0, event=rules.BREAK, booked=[(BROKEN, ids[1])])
    assert ending(wrong) == (False, False, rules.DISTRACTOR_FIRST)
    lawn = block_id(world.grid.shape[1:], (60, 3, 60))
    ground = judged(world, 60.5, 60.5, 0.0, event=rules.BREAK, booked=[(BROKEN, lawn)])
    assert ending(ground) == (False, False, rules.NOTHING_YET)


def test_the_first_arrival_is_kept_when_a_later_one_is_right(world):
    episode = judged(world, 51.5, 51.0, 0.0)
    world.place(0, 48.5, 4.0, 51.0, 0.0, 0.0, Embodiment())
    hands = np.zeros(HANDS_SIZE)
    rules.judge(world.grid[0], world.body[0], hands, EYE, world.candidates[0], 2, episode)
    assert ending(episode) == (True, True, rules.DISTRACTOR_FIRST)


def test_a_use_counts_for_a_task_of_use_and_breaking_does_not(world):
    used = block_id(world.grid.shape[1:], CANDIDATE[:3])
    assert ending(judged(world, 60.5, 60.5, 0.0, event=rules.USE, booked=[(USED_BLOCK, used)]))[1]
    broken = judged(world, 60.5, 60.5, 0.0, event=rules.USE, booked=[(BROKEN, used)])
    assert ending(broken) == (False, False, rules.NOTHING_YET)


@pytest.mark.parametrize(
    ("event", "right", "wrong"), [(rules.MELEE, STRUCK_DEAD, SHOT_DEAD), (rules.ARCHERY, SHOT_DEAD, STRUCK_DEAD)]
)
def test_a_hunt_is_won_by_the_weapon_that_is_asked_for_and_on_the_right_creature(world, event, right, wrong):
    hunt = {"event": event, "target": 3}
    assert ending(judged(world, 60.5, 60.5, 0.0, **hunt, booked=[(right, 4)])) == (True, True, rules.TARGET_FIRST)
    other = judged(world, 60.5, 60.5, 0.0, **hunt, booked=[(right, 2)])
    assert ending(other) == (False, False, rules.DISTRACTOR_FIRST)
    assert ending(judged(world, 60.5, 60.5, 0.0, **hunt, booked=[(wrong, 4)])) == (False, False, rules.NOTHING_YET)


def test_who_dies_has_lost(world):
    episode, hands = np.zeros(rules.EPISODE_SIZE), np.zeros(HANDS_SIZE)
    episode[[rules.LIMIT, rules.TARGET]] = 100, 0
    world.place(0, 60.5, 4.0, 60.5, 0.0, 0.0, Embodiment())
    world.body[0, physics.HEALTH] = 0
    rules.judge(world.grid[0], world.body[0], hands, EYE, world.candidates[0], 2, episode)
    assert ending(episode) == (True, False, rules.NOTHING_YET)
    assert episode[rules.DIED] == 1


@pytest.mark.parametrize(("z", "yaw"), [(50.6, 0.0), (54.4, math.pi), (53.4, math.pi)])
def test_one_arrives_at_a_door_from_either_side_however_close(world, z, yaw):
    world.grid[0, 48, 52, 4:6] = ID["door_x"]
    assert arrived(world, 48.5, z, yaw, (48, 4, 52, ID["door_x"]))


def test_who_is_at_two_objects_at_once_has_arrived_at_the_target(world):
    world.grid[0, 49, 52, 4] = ID["gourd"]
    world.candidates[0, 1] = 49, 4, 52, ID["gourd"]
    world.place(0, 49.0, 4.0, 50.9, 0.0, 0.0, Embodiment())
    for target in (0, 1):
        episode = np.zeros(rules.EPISODE_SIZE)
        episode[rules.LIMIT], episode[rules.TARGET] = 600, target
        rules.judge(world.grid[0], world.body[0], np.zeros(HANDS_SIZE), EYE, world.candidates[0], 2, episode)
        assert episode[rules.SUCCESS] == 1
        assert episode[rules.FIRST] == rules.TARGET_FIRST


def test_using_a_door_s_upper_half_is_using_the_door(world):
    world.grid[0, 48, 52, 4:6] = ID["open_door_x"]
    world.candidates[0, 0] = 48, 4, 52, ID["door_x"]
    for height, used in ((4, 1), (5, 1), (6, 0)):
        hands, episode = np.zeros(HANDS_SIZE), np.zeros(rules.EPISODE_SIZE)
        hands[USED_BLOCK] = block_id(world.grid.shape[1:], (48, height, 52))
        episode[rules.LIMIT], episode[rules.EVENT] = 600, rules.USE
        rules.judge(world.grid[0], world.body[0], hands, EYE, world.candidates[0], 1, episode)
        assert episode[rules.SUCCESS] == used
