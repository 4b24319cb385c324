"""xview/CrossView-v0 keeps Gymnasium's contracts: its own checker for one environment, its own vectoriser for many."""

import itertools
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from xview_deploy.spec import ACTION_TABLES, ActionTable, Event
from xview_training.envs.vector import CrossViewVectorEnv
from xview_training.imitation.expert import Expert
from xview_training.sim import physics
from xview_training.sim.pack_names import WEARS
from xview_training.sim.packs import FOLDER
from xview_training.sim.simulator import Embodiment
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.files import FileHeader, write
from xview_training.tasks.packing import pack

NAME = "xview_training:xview/CrossView-v0"
SIDE = 32
MODES = [mode.value for mode in AutoresetMode]
QUICK = {"suite": "robot", "image_size": SIDE}  # rooms are made in a moment


@pytest.fixture
def new_envs():
    made = []

    def make(num_envs: int = 3, **settings) -> gymnasium.vector.VectorEnv:
        made.append(gymnasium.make_vec(NAME, num_envs=num_envs, **QUICK | settings))
        return made[-1]

    yield make
    for envs in made:
        envs.close()


def script(envs: gymnasium.vector.VectorEnv, steps: int) -> list[np.ndarray]:
    envs.action_space.seed(5)
    return [envs.action_space.sample() for _ in range(steps)]


def standing(envs: gymnasium.vector.VectorEnv) -> np.ndarray:
    return np.tile(ActionTable().noop, (envs.num_envs, 1))


def test_one_environment_passes_gymnasium_s_checker():
    env = gymnasium.make(NAME, **QUICK, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_importing_the_package_names_the_environment_and_imports_nothing_heavy():
    code = (
        "import sys, gymnasium, xview_training; assert gymnasium.spec('xview/CrossView-v0').vector_entry_point; "
        "assert not {'numba', 'torch', 'cv2'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_make_vec_makes_the_batch_with_batched_spaces(new_envs):
    envs = new_envs(3)
    assert isinstance(envs, CrossViewVectorEnv)
    assert envs.num_envs == 3
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert envs.observation_space == batch_space(envs.single_observation_space, 3)
    assert envs.action_space == batch_space(envs.single_action_space, 3)
    seen, _ = envs.reset(seed=0)
    assert seen in envs.observation_space
    assert {name: (part.dtype.name, part.shape) for name, part in seen.items()} == {
        "image": ("uint8", (3, SIDE, SIDE, 3)),
        "goal_image": ("uint8", (3, SIDE, SIDE, 3)),
        "goal_mask": ("uint8", (3, SIDE, SIDE)),
        "event": ("int64", (3,)),
        "previous_action": ("int64", (3, 3)),
    }
    seen, rewards, terminated, truncated, _ = envs.step(envs.action_space.sample())
    assert seen in envs.observation_space
    assert (rewards.dtype, rewards.shape) == (np.float64, (3,))
    assert [part.dtype for part in (terminated, truncated)] == [bool, bool]


@pytest.mark.parametrize("mode", MODES)
def test_the_batch_does_what_gymnasium_s_own_vectoriser_does_with_single_ones(new_envs, mode):
    """Every array and info of three environments, over two episodes' ends, in every mode of autoreset."""
    ours = new_envs(3, max_episode_steps=4, autoreset_mode=mode)
    theirs = new_envs(
        3, max_episode_steps=4, vectorization_mode="sync", vector_kwargs={"autoreset_mode": AutoresetMode(mode)}
    )
    assert ours.metadata == theirs.metadata
    assert data_equivalence(ours.reset(seed=3), theirs.reset(seed=3), exact=True)
    ends = 0
    for actions in script(ours, 11):
        results = ours.step(actions), theirs.step(actions)
        assert data_equivalence(*results, exact=True)
        over = results[0][2] | results[0][3]
        ends += over.any()
        if mode == AutoresetMode.DISABLED.value and over.any():
            resets = [envs.reset(options={"reset_mask": over.copy()}) for envs in (ours, theirs)]
            assert data_equivalence(*resets, exact=True)
    assert ends >= 2


def test_seeds_repeat_and_environment_i_is_the_single_one_of_seed_plus_i(new_envs):
    envs = new_envs(3)
    first, _ = envs.reset(seed=11)
    follows = envs.reset()[1]["task_id"].tolist()
    again, infos = envs.reset(seed=[11, 12, 13])
    assert data_equivalence(first, again, exact=True)
    assert envs.reset()[1]["task_id"].tolist() == follows
    assert len({*infos["task_id"], *follows}) == 6
    env = gymnasium.make(NAME, **QUICK)
    seen, info = env.reset(seed=13)
    assert {name: type(fact) for name, fact in info.items()} == {
        "success": bool, "first_right": bool, "died": bool, "ticks": int,
        "event": str, "difficulty": str, "visible_at_start": bool, "task_id": str,
    }  # fmt: skip
    assert info["task_id"] == infos["task_id"][2]
    assert (seen["image"] == first["image"][2]).all()
    assert envs.reset(seed=[None, None, 13])[1]["task_id"][2] == info["task_id"]
    with pytest.raises(ValueError, match="expected one for each of 3 environments, got 2"):
        envs.reset(seed=[1, 2])
    env.close()


def test_success_is_rewarded_once_and_ends_the_episode(new_envs):
    envs = new_envs(4, difficulty="near", autoreset_mode="Disabled")
    envs.reset(seed=2)
    expert, returns = Expert(envs.batch), np.zeros(4)
    for _ in range(200):
        expert.label(np.flatnonzero(~envs.batch.done))
        _, rewards, terminated, truncated, infos = envs.step(expert.actions)
        returns += rewards
        assert (rewards == infos["success"]).all()
        assert (terminated == infos["success"]).all()
        if (terminated | truncated).any():
            break
    assert returns.sum() == terminated.sum() == 1
    assert not truncated.any()
    assert infos["first_right"][terminated].all() or infos["ticks"][terminated] > 0


def test_the_time_limit_truncates_and_death_and_strictness_terminate(new_envs):
    envs = new_envs(4, autoreset_mode="Disabled", max_episode_steps=2)
    envs.reset(seed=4)
    _, rewards, terminated, truncated, _ = envs.step(standing(envs))
    assert not (terminated | truncated).any()
    envs.batch.sim.body[1, physics.HEALTH] = 0
    envs.batch.episode[2, rules.STRICT] = 1
    envs.batch.episode[2:, rules.FIRST] = rules.DISTRACTOR_FIRST
    envs.batch.episode[2, rules.DONE] = 0
    _, rewards, terminated, truncated, infos = envs.step(standing(envs))
    assert terminated.tolist() == [False, True, True, False]
    assert truncated.tolist() == [True, False, False, True]
    assert infos["died"].tolist() == [False, True, False, False]
    assert not rewards.any()


def test_ended_environments_are_the_caller_s_to_reset_where_autoreset_is_disabled(new_envs):
    envs = new_envs(2, autoreset_mode="Disabled", max_episode_steps=1)
    with pytest.raises(ResetNeeded, match=r"call reset\(\) before step"):
        envs.step(standing(envs))
    envs.reset(seed=0)
    envs.step(standing(envs))
    with pytest.raises(ResetNeeded, match=r"environments \[0, 1\] are done"):
        envs.step(standing(envs))
    _, infos = envs.reset(options={"reset_mask": np.array([False, True])})
    assert infos["_task_id"].tolist() == [False, True]
    with pytest.raises(ResetNeeded, match=r"environments \[0\] are done"):
        envs.step(standing(envs))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mask": 1}, "expected reset_mask, got mask"),
        ({"reset_mask": np.zeros(2, bool)}, r"expected bool \(2,\) with one or more True"),
        ({"reset_mask": np.ones(3, bool)}, r"got bool \(3,\)"),
        ({"reset_mask": np.ones(2)}, "got float64"),
    ],
)
def test_options_that_mean_nothing_are_refused(new_envs, options, said):
    with pytest.raises(ValueError, match=said):
        new_envs(2).reset(options=options)


@pytest.mark.parametrize(
    "actions", [np.zeros((2, 3)), np.zeros(3, int), np.full((2, 3), 11), np.full((2, 3), -1), [[7, 5, 5], [0, 5, 5]]]
)
def test_actions_outside_the_space_are_refused_before_anything_moves(new_envs, actions):
    envs = new_envs(2)
    envs.reset(seed=0)
    before = envs.batch.sim.body.copy()
    with pytest.raises(ValueError, match=r"actions: expected whole numbers \(2, 3\) below \(7, 11, 11\), got"):
        envs.step(actions)
    assert (envs.batch.sim.body == before).all()


def test_only_tasks_that_were_asked_for_are_drawn(new_envs):
    envs = new_envs(6, suite="train-v1", event="break", difficulty="near")
    seen, infos = envs.reset(seed=1)
    assert set(infos["event"]) == {"break"}
    assert set(infos["difficulty"]) == {"near"}
    assert (seen["event"] == Event.BREAK.interaction_index).all()
    assert all(task.event is TaskEvent.BREAK for task in envs.batch.tasks)


def test_a_file_of_tasks_is_played_as_a_suite_is(new_envs, made_tasks, tmp_path):
    tasks = [made.task for made in made_tasks if made.suite == "robot"]
    path = tmp_path / "rooms.tasks"
    write(path, FileHeader("robot", 0, len(tasks)), [np.array([pack(task, "robot") for task in tasks])])
    envs = new_envs(8, suite=str(path), difficulty="near")
    _, infos = envs.reset(seed=0)
    near = {task.task_id for task in tasks if task.difficulty == "near"}
    assert set(infos["task_id"]) <= near
    assert len(set(infos["task_id"])) > 1
    with pytest.raises(ValueError, match="randomise is for suites"):
        new_envs(1, suite=str(path), randomise=False)
    with pytest.raises(ValueError, match=r"has no hard task of any event"):
        new_envs(1, suite=str(path), difficulty="hard")


def test_the_action_space_has_the_keys_that_the_events_need(new_envs):
    walk, full = (len(ACTION_TABLES[name].buttons) for name in ("walk", "full"))
    assert new_envs(1, suite="train-v1").single_action_space.nvec[0] == full
    assert new_envs(1, suite="train-v1", event="approach").single_action_space.nvec[0] == walk
    assert new_envs(1, suite="train-v1", event="approach", actions="full").single_action_space.nvec[0] == full


def test_every_body_is_the_player_s_where_nothing_is_randomised(new_envs):
    def eyes(**settings) -> set[float]:
        envs = new_envs(4, **settings)
        envs.reset(seed=0)
        return {task.body.eye_height for task in envs.batch.tasks}

    assert eyes(randomise=False) == {Embodiment().eye_height}
    assert len(eyes()) == 4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"suite": "robt"}, "did you mean 'robot'"),
        ({"event": "brake"}, "unknown event 'brake'"),
        ({"event": "melee"}, "robot has no task of 'melee': expected one of approach"),
        ({"difficulty": "nearest"}, "did you mean 'near'"),
        ({"actions": "fly"}, "unknown table of actions 'fly'"),
        ({"render_mode": "human"}, "unknown render_mode 'human'"),
        ({"image_size": 31}, "image_size: expected 32 or more, got 31"),
        ({"max_episode_steps": 0}, "threads and max_episode_steps: expected 1 or more"),
        ({"suite": "lost.tasks"}, "lost.tasks"),
        ({"autoreset_mode": "Sometimes"}, "'Sometimes' is not a valid AutoresetMode"),
    ],
)
def test_wrong_settings_are_answered_with_the_right_ones(new_envs, settings, said):
    with pytest.raises(ValueError, match=said):
        new_envs(1, **settings)


def test_the_picture_shows_the_view_and_the_goal_with_the_target_outlined(new_envs):
    envs = new_envs(2, render_mode="rgb_array")
    seen, _ = envs.reset(seed=0)
    for i, picture in enumerate(envs.render()):
        assert (picture.dtype, picture.shape) == (np.uint8, (256, 512, 3))
        view, goal = picture[::8, :256:8], picture[::8, 256::8]
        assert (view == seen["image"][i]).all()
        drawn = (picture[:, 256:] == (255, 30, 30)).all(-1)
        mask = np.kron(seen["goal_mask"][i], np.ones((8, 8))) > 0
        assert drawn.any()
        assert not drawn[mask].any()
        assert (goal == seen["goal_image"][i])[seen["goal_mask"][i] > 0].all()


def test_nothing_is_drawn_where_no_picture_was_asked_for(new_envs):
    envs = new_envs(1)
    envs.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert envs.render() is None


def test_observations_are_the_caller_s_to_keep_unless_copies_were_declined(new_envs):
    kept, live = new_envs(1), new_envs(1, copy=False)
    before = [envs.reset(seed=6)[0]["image"] for envs in (kept, live)]
    turn = np.array([[1, 5, 9]])
    after = [envs.step(turn)[0]["image"] for envs in (kept, live)]
    assert (before[0] != after[0]).any()
    assert before[1] is after[1]
    assert (after[0] == after[1]).all()


@pytest.mark.parametrize("mode", MODES[:2])
def test_gymnasium_s_wrappers_count_its_episodes(new_envs, mode):
    envs = RecordEpisodeStatistics(new_envs(2, max_episode_steps=3, autoreset_mode=mode))
    envs.reset(seed=0)
    for _ in itertools.repeat(None, 12):
        envs.step(standing(envs))
    assert len(envs.length_queue) >= 4
    assert set(envs.length_queue) == {3}


@pytest.fixture(scope="module")
def blue_pack(tmp_path_factory) -> Path:
    """A resource pack in which every block is blue all over."""
    path = tmp_path_factory.mktemp("pack") / "blue.zip"
    blue = cv2.imencode(".png", np.full((16, 16, 3), (230, 20, 10), np.uint8))[1].tobytes()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("pack.mcmeta", json.dumps({"pack": {"pack_format": 15, "description": "made by a test"}}))
        for name in {name for wear in WEARS.values() for face in range(6) for name in wear.names(face)}:
            file.writestr(f"{FOLDER}/{name}.png", blue)
    return path


def blueness(picture: np.ndarray) -> float:
    """Share of its pixels, RGB, that are blue before all."""
    red, green, blue = np.moveaxis(picture.reshape(-1, 3).astype(int), -1, 0)
    return float(((blue > 3 * red) & (blue > 3 * green)).mean())


@pytest.mark.parametrize("suite", ["robot", "heldout-v1"])
def test_a_user_s_texture_pack_is_worn_in_the_same_tasks(new_envs, blue_pack, suite):
    worn, plain = new_envs(4, suite=suite, texture_pack=str(blue_pack)), new_envs(4, suite=suite)
    (seen, infos), (expected, expected_infos) = worn.reset(seed=3), plain.reset(seed=3)
    assert worn.unwrapped.batch.tasks == plain.unwrapped.batch.tasks
    assert infos["task_id"].tolist() == expected_infos["task_id"].tolist()
    assert blueness(seen["goal_image"]) > 0.3 > 0.1 > blueness(expected["goal_image"])
    assert blueness(seen["image"]) > 0.3
    moved, _, _, _, _ = worn.step(standing(worn))
    assert blueness(moved["image"]) > 0.3


def test_a_single_environment_wears_a_texture_pack_too_and_a_file_that_is_none_is_refused(blue_pack, tmp_path):
    env = gymnasium.make(NAME, **QUICK, texture_pack=blue_pack)
    assert blueness(env.reset(seed=0)[0]["goal_image"]) > 0.3
    env.close()
    with pytest.raises(ValueError, match=r"none\.zip: expected the zip file of a Minecraft resource pack"):
        gymnasium.make_vec(NAME, num_envs=2, **QUICK, texture_pack=tmp_path / "none.zip")


def test_max_episode_steps_counts_decisions_however_many_ticks_each_lasts(new_envs):
    envs = new_envs(6, suite="robot-v1", max_episode_steps=4, autoreset_mode="Disabled")
    envs.reset(seed=1)
    lasts = envs.unwrapped.batch.episode[:, rules.ACTION_TICKS].copy()
    assert len(set(lasts.tolist())) > 1
    for step in range(4):
        _, _, _, truncated, infos = envs.step(standing(envs))
        assert truncated.all() == (step == 3)
    assert infos["ticks"].tolist() == (4 * lasts).tolist()
