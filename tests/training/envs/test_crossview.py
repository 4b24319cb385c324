"""Episodes are their seeds and actions: the same in any batch, on any number of threads, until they end."""

import dataclasses
import hashlib
import itertools

import numpy as np
import pytest
from xview_deploy.spec import ActionTable
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim import physics
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.suites import suite_named
from xview_training.tasks.visibility import PIXELS, POINT_X

SIDE = 32
STEPS = 40


@pytest.fixture
def new_envs():
    made = []

    def make(environments: int, threads: int = 1, **settings) -> CrossViewEnvs:
        made.append(CrossViewEnvs(environments, settings.pop("image_size", SIDE), threads, **settings))
        return made[-1]

    yield make
    for envs in made:
        envs.close()


def requests(count: int, suite: str = "train", first: int = 0):
    return iter([(suite_named(suite), first + k, None, None) for k in range(count)])


def script(environments: int, steps: int = STEPS) -> np.ndarray:
    rng = np.random.default_rng(0)
    sizes = ActionTable().sizes
    actions = np.stack([rng.integers(0, n, (steps, environments)) for n in sizes], -1)
    actions[:, :, 1] = 5
    actions[: steps // 2, :, 0] = 1  # gets about at first
    return actions


def prints(envs: CrossViewEnvs) -> list[str]:
    """A hash of each environment's frame, body and books."""
    parts = envs.observation.image, envs.sim.ids, envs.sim.body, envs.sim.grid, envs.episode, envs.view
    return [hashlib.sha256(b"".join(p[i].tobytes() for p in parts)).hexdigest() for i in range(len(envs))]


def played(envs: CrossViewEnvs, actions: np.ndarray, first: int = 0) -> list[list[str]]:
    envs.assign(np.arange(len(envs)), requests(len(envs), first=first))
    frames = [prints(envs)]
    for step in actions:
        envs.step(step)
        frames.append(prints(envs))
    return frames


def test_equal_tasks_and_actions_give_equal_frames_on_any_number_of_threads(new_envs):
    actions = script(5)
    frames = played(new_envs(5), actions)
    assert played(new_envs(5), actions) == frames
    assert played(new_envs(5, threads=3), actions) == frames
    assert len({row[0] for row in frames}) > STEPS // 2


def test_an_episode_does_not_depend_on_its_neighbours(new_envs):
    actions = script(4)
    together = played(new_envs(4), actions)
    alone = played(new_envs(1), actions[:, 2:3], first=2)
    assert [row[0] for row in alone] == [row[2] for row in together]


def test_a_record_is_played_as_the_request_that_made_it(new_envs):
    one, other = new_envs(3), new_envs(3)
    one.assign(np.arange(3), requests(3, "heldout"))
    other.assign(np.arange(3), iter(one.tasks))
    for name in (field.name for field in dataclasses.fields(one.observation)):
        assert (getattr(one.observation, name) == getattr(other.observation, name)).all()
    assert prints(one) == prints(other)
    assert (one.field == other.field).all()


def test_finished_environments_rest_and_the_others_go_on(new_envs):
    envs = new_envs(3)
    envs.assign(np.arange(3), requests(3))
    envs.episode[1, rules.DONE] = 1
    before, previous = prints(envs), envs.observation.previous_action.copy()
    actions = np.full((3, 3), (1, 5, 8))
    for _ in range(5):
        envs.step(actions)
    after = prints(envs)
    assert after[1] == before[1]
    assert (envs.observation.previous_action[1] == previous[1]).all()
    assert after[0] != before[0]
    assert after[2] != before[2]


def test_a_new_batch_waits_for_tasks_and_one_slot_can_be_refilled_alone(new_envs):
    envs = new_envs(3)
    assert envs.done.all()
    envs.assign(np.arange(3), requests(3))
    assert not envs.done.any()
    before = prints(envs)
    envs.assign(np.array([1]), requests(1, "robot", 77))
    assert [a == b for a, b in zip(before, prints(envs), strict=True)] == [True, False, True]
    assert envs.tasks[1].task_id == "robot-77"


def test_the_first_observation_has_the_goal_and_no_action_before_it(new_envs):
    envs = new_envs(4)
    envs.assign(np.arange(4), requests(4, "heldout"))
    seen = envs.observation
    assert (seen.previous_action == ActionTable().noop).all()
    assert (seen.goal_mask.reshape(4, -1).sum(1) > 0).all()
    assert set(np.unique(seen.goal_mask)) == {0, 1}
    assert seen.event.tolist() == [task.event.interaction_index for task in envs.tasks]
    actions = np.array([(1, 5, 5), (2, 5, 9), (0, 4, 5), (3, 5, 5)])
    envs.step(actions)
    assert (envs.observation.previous_action == actions).all()


def test_the_goal_mask_lies_on_the_target_of_the_goal_picture(new_envs):
    """Painting the target's blocks out changes the goal picture under the mask, and hardly anywhere else."""
    envs = new_envs(1, image_size=64)
    envs.assign(np.arange(1), requests(1, "twin", 3))
    task, before = envs.tasks[0], envs.observation.goal_image[0].astype(int)
    maker = envs._makers[0]
    x, y, z = task.target
    envs.sim.grid[0, x, z, y] = 3
    maker.enter(0, task)
    after = maker.goal.rgb.reshape(64, 2, 64, 2, 3).mean((1, 3))
    changed = np.abs(after - before).max(-1) > 12
    mask = envs.observation.goal_mask[0] > 0
    assert changed[mask].mean() > 0.8
    assert changed[~mask].mean() < 0.01


def test_latency_holds_the_previous_action_for_its_ticks(new_envs):
    envs = new_envs(2)
    envs.assign(np.arange(2), requests(2, "heldout"))
    task = dataclasses.replace(envs.tasks[0], body=dataclasses.replace(envs.tasks[0].body, latency_ticks=2))
    envs.assign(np.arange(2), iter([dataclasses.replace(task, body=envs.tasks[0].body), task]))
    yaw = envs.sim.body[:, physics.YAW].copy()
    envs.step(np.array([(0, 5, 10), (0, 5, 10)]))
    turned = np.degrees(envs.sim.body[:, physics.YAW] - yaw) % 360
    assert turned == pytest.approx([30, 10])


def test_an_episode_ends_at_its_limit(new_envs):
    envs = new_envs(1)
    envs.assign(np.arange(1), requests(1, "heldout"))
    task = dataclasses.replace(envs.tasks[0], limit_ticks=7)
    envs.assign(np.arange(1), iter([task]))
    steps = next(k for k in itertools.count(1) if envs.step(np.array([(0, 5, 10)])) or envs.done[0])
    assert steps == 3
    assert envs.episode[0, rules.TICKS] == 7


def test_what_is_seen_of_the_target_is_what_the_picture_holds(new_envs):
    envs = new_envs(6)
    envs.assign(np.arange(6), requests(6, "robot"))
    for _ in range(12):
        envs.step(np.tile((0, 5, 10), (6, 1)))
        for i in range(6):
            found = envs.sim.ids[i] == envs.target_id[i]
            assert envs.view[i, PIXELS] == found.sum()
            if found.any():
                middle = (np.nonzero(found)[1].mean() + 0.5) / found.shape[1]
                assert envs.view[i, POINT_X] == pytest.approx(middle, abs=1e-5)


def test_tasks_that_this_world_cannot_play_are_refused_by_name(new_envs):
    envs = new_envs(1)
    envs.assign(np.arange(1), requests(1, "heldout"))
    task = envs.tasks[0]
    with pytest.raises(ValueError, match=r"heldout-0: its world has no object at .* to be the target"):
        envs.assign(np.arange(1), iter([dataclasses.replace(task, event=TaskEvent.MELEE, creature=0)]))
    with pytest.raises(ValueError, match=r"heldout-0: its world has no object at \(5, 5, 5\)"):
        envs.assign(np.arange(1), iter([dataclasses.replace(task, target=(5, 5, 5))]))


@pytest.mark.parametrize(("table_ticks", "expected"), [(3, [3, 4, 5, 23]), (1, [1, 1, 1, 1])])
def test_an_action_lasts_as_long_as_the_task_has_it_unless_the_table_plays_every_tick(
    new_envs, made_tasks, table_ticks, expected
):
    envs = new_envs(4, actions=ActionTable(ticks_per_action=table_ticks))
    task = made_tasks[0].task
    envs.assign(np.arange(4), iter([dataclasses.replace(task, extra_ticks=extra) for extra in (0, 1, 2, 20)]))
    envs.step(np.full((4, 3), (1, 5, 5)))
    assert envs.episode[:, rules.TICKS].tolist() == expected
    assert (np.diff(envs.episode[:, rules.PATH]) > 0).all() == (table_ticks > 1)
