"""The real game behind Gymnasium's face, as our own world is, with a flat world in the game's place."""

import functools

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode
from xview_training.envs.minecraft.backends import GameSettings, make
from xview_training.envs.minecraft.building import BuildSettings
from xview_training.envs.minecraft.supervisor import Deadlines, MissingBackendError

NAME = "xview_training:xview/CrossView-v0"
TASKS = {"suite": "train-v1", "event": "approach", "difficulty": "near", "image_size": 32}
QUICK = {
    "game": GameSettings(width=96, height=72),
    "deadlines": Deadlines(open_s=120, tick_s=20, revive_s=20),
    "building": BuildSettings(settle_ticks=2, patience_ticks=30, spots=2),
}
WORLDS = ["minerl", "minerl-0.4"]


@pytest.fixture
def new_envs(stand_ins, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(stand_ins / "documented_minerl"))
    made = []

    def new(num_envs: int = 1, backend: str | None = "minerl", **settings) -> gymnasium.vector.VectorEnv:
        monkeypatch.setenv("STAND_IN_MINERL", "0.4" if backend == "minerl-0.4" else "1.0")
        game = None if backend is None else functools.partial(make, backend, **QUICK)
        made.append(gymnasium.make_vec(NAME, num_envs=num_envs, backend=game, **TASKS | settings))
        return made[-1]

    yield new
    for envs in made:
        envs.close()


def standing(envs: gymnasium.vector.VectorEnv) -> np.ndarray:
    return np.tile(envs.unwrapped.batch.actions.noop, (envs.num_envs, 1))


@pytest.mark.parametrize("backend", WORLDS)
def test_the_real_game_has_the_spaces_and_the_tasks_of_our_own_world(new_envs, backend):
    real, own = new_envs(2, backend, event=None), new_envs(2, None, event=None)
    assert real.observation_space == own.observation_space
    assert real.action_space == own.action_space
    (seen, infos), (expected, expected_infos) = real.reset(seed=3), own.reset(seed=3)
    assert infos["task_id"].tolist() == expected_infos["task_id"].tolist()
    assert (seen["event"] == expected["event"]).all()
    assert seen in real.observation_space
    assert seen["goal_mask"].reshape(2, -1).any(1).all()
    assert infos.keys() - expected_infos.keys() == {"reason", "_reason"}
    seen, rewards, terminated, truncated, _ = real.step(standing(real))
    assert seen in real.observation_space
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, bool, bool)
    assert not np.array([rewards, terminated, truncated]).any()


def test_success_is_rewarded_once_and_terminates(new_envs, seeker):
    envs = new_envs(1, autoreset_mode="Disabled")
    envs.reset(seed=1)
    batch = envs.unwrapped.batch
    rows = np.array([batch.actions.buttons.index(keys) for keys in seeker.TABLE.buttons[:2]])
    for _ in range(200):
        action = seeker.act(batch, 0)
        _, rewards, terminated, truncated, infos = envs.step(np.array([(rows[action[0]], *action[1:])]))
        if terminated[0] or truncated[0]:
            break
    assert (rewards[0], terminated[0], truncated[0]) == (1.0, True, False)
    assert (infos["success"][0], infos["first_right"][0], infos["reason"][0]) == (True, True, "success")


def test_a_crash_is_a_truncation_with_its_reason_and_the_next_episode_a_new_game(new_envs, trigger):
    envs = new_envs(1)
    envs.reset(seed=0)
    trigger.write_text("crash once")
    _, rewards, terminated, truncated, infos = envs.step(standing(envs))
    assert (rewards[0], terminated[0], truncated[0]) == (0.0, False, True)
    assert infos["reason"][0].startswith("crash: ")
    seen, _, terminated, truncated, again = envs.step(standing(envs))
    assert (terminated[0], truncated[0]) == (False, False)
    assert again["task_id"][0] != infos["task_id"][0]
    assert again["reason"][0] == ""
    assert seen["image"].any()


@pytest.mark.parametrize("mode", [mode.value for mode in AutoresetMode])
def test_a_task_that_cannot_be_built_is_an_episode_of_one_step_that_is_truncated(new_envs, monkeypatch, mode):
    monkeypatch.setenv("STAND_IN_WATER_FROM", "-1e9")
    envs = new_envs(1, autoreset_mode=mode)
    _, infos = envs.reset(seed=0)
    assert infos["reason"].tolist() == [""]
    _, rewards, terminated, truncated, infos = envs.step(standing(envs))
    assert (rewards[0], terminated[0], truncated[0]) == (0.0, False, True)
    final = infos["final_info"] if mode == AutoresetMode.SAME_STEP.value else infos
    assert final["reason"][0].startswith("unplayable: no ground to stand on")


def test_max_episode_steps_truncates_without_a_number_that_is_none(new_envs):
    envs = new_envs(2, suite="robot-v1", max_episode_steps=2)
    envs.reset(seed=0)
    ends = [envs.step(standing(envs))[3].tolist() for _ in range(2)]
    assert ends == [[False, False], [True, True]]


def test_a_single_one_passes_gymnasium_s_checker(new_envs):
    new_envs(1)  # sets what the game is started with
    env = gymnasium.make(NAME, backend=functools.partial(make, "minerl", **QUICK), **TASKS)
    check_env(env.unwrapped, skip_render_check=True)
    first, again = env.reset(seed=4), env.reset(seed=4)
    assert data_equivalence(first, again, exact=True)
    env.close()


def test_a_back_end_is_known_by_its_name_and_a_missing_one_says_how_to_get_it(monkeypatch, tmp_path):
    for name in ("minerl", "craftground"):  # modules of that name that say they are not there
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for backend in ("craftground", *WORLDS):
        envs = gymnasium.make_vec(NAME, num_envs=1, backend=backend, **TASKS)
        with pytest.raises(MissingBackendError, match=r"No module named .*pip install .*docs/minecraft\.md"):
            envs.reset(seed=0)
        envs.close()
    with pytest.raises(ValueError, match="did you mean 'craftground'"):
        gymnasium.make_vec(NAME, num_envs=1, backend="craftgruond", **TASKS)


def test_a_texture_pack_is_for_our_own_world(tmp_path):
    with pytest.raises(ValueError, match="texture_pack: expected none, for a back-end's game wears its own"):
        gymnasium.make_vec(NAME, num_envs=1, backend="craftground", texture_pack=tmp_path / "pack.zip", **TASKS)
