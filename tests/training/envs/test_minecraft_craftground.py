"""Tasks played through CraftGround's own classes, its socket and its messages, with a flat world in Java's place.

CraftGround is an extra, which the set-up for tests installs: these tests run where this Python has it, or where
XVIEW_CRAFTGROUND_PYTHON names one that has.
"""

import importlib
import importlib.util
import os
import sys
import zlib
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.envs.minecraft.backends import HOSTS, GameSettings, make
from xview_training.envs.minecraft.building import Builder, BuildSettings
from xview_training.envs.minecraft.scene import scene_of
from xview_training.envs.minecraft.supervisor import Deadlines
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent

SIDE = 32
HERE = sys.executable if importlib.util.find_spec("craftground") else ""
PYTHON = os.environ.get("XVIEW_CRAFTGROUND_PYTHON", HERE)
with_craftground = pytest.mark.skipif(
    not PYTHON, reason="needs craftground: pip install 'xview-training[craftground]', or set XVIEW_CRAFTGROUND_PYTHON"
)


@pytest.fixture(scope="module")
def host():
    """The host's module, which finds its neighbours by path."""
    sys.path.insert(0, str(HOSTS))
    yield importlib.import_module("craftground_host")
    sys.path.remove(str(HOSTS))


@pytest.fixture
def new_envs(stand_ins, tmp_path):
    """Environments whose game is the stand-in, started by CraftGround itself as it starts gradlew."""
    made = []
    gradlew = tmp_path / "game" / "gradlew"
    gradlew.parent.mkdir()
    gradlew.write_text(f'#!/bin/sh\nexec "{PYTHON}" "{stand_ins / "craftground_game.py"}"\n')
    gradlew.chmod(0o755)

    def new(environments: int = 1, **changes):
        game = GameSettings(width=96, height=72, game_path=str(gradlew.parent))
        given = {
            "game": game,
            "python": PYTHON,
            "deadlines": Deadlines(open_s=120, tick_s=20, revive_s=20),
            "building": BuildSettings(settle_ticks=2, patience_ticks=30, spots=2),
        }
        made.append(make("craftground", environments, SIDE, **(given | changes)))
        return made[-1]

    yield new
    for envs in made:
        envs.close()


def assign(envs, *tasks) -> None:
    envs.assign(np.arange(len(envs)), iter(tasks))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_small_turns_add_up_though_the_game_turns_by_whole_mouse_steps(host, turns):
    mouse = host.Mouse()
    turned = sum(int(np.float32(mouse.turn(degrees)) * 20.0 / 3) * 0.15 for degrees in turns)
    assert turned == pytest.approx(sum(turns), abs=0.08)


def test_an_action_is_the_package_s_dictionary(host):
    action = host.action(["forward", "hotbar.2"], 1.5, -3.0)
    assert [key for key, value in action.items() if value is True] == ["forward", "hotbar.2"]
    assert (action["camera_pitch"], action["camera_yaw"]) == (1.5, -3.0)


@given(st.floats(0.06, 500.0), st.integers(2, 32))
@settings(max_examples=40, deadline=None)
def test_depth_is_read_back_from_the_depth_buffer(host, blocks, chunks):
    near, far = host.NEAR_PLANE, chunks * host.FAR_PLANE_PER_CHUNK
    if blocks >= far:
        return
    clip = (far + near) / (far - near) - 2 * far * near / (far - near) / blocks
    assert host.linear_depth([(clip + 1) / 2], far)[0] == pytest.approx(blocks, rel=1e-4)


@with_craftground
@pytest.mark.parametrize("event", list(TaskEvent))
def test_every_event_is_rewarded_once_when_the_game_reports_it(new_envs, seeker, short_tasks, event):
    envs = new_envs(actions=seeker.TABLE)
    task = short_tasks[event]
    assign(envs, task)
    assert envs.reasons.tolist() == [""]
    assert envs.observation.goal_mask.any()
    seeker.play(envs)
    assert envs.reasons.tolist() == ["success"]
    assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (1.0, True, False)
    assert envs.episode[0, rules.FIRST] == rules.TARGET_FIRST


@with_craftground
def test_a_blow_in_a_task_of_archery_is_no_success(new_envs, seeker, short_tasks):
    envs = new_envs(actions=seeker.TABLE)
    assign(envs, short_tasks[TaskEvent.ARCHERY])
    killed = f"killed:{envs._judges[0]._things[0].name}"
    for _ in range(60):
        envs.step(seeker.act(envs, 0, event=TaskEvent.MELEE)[None])
        if envs._sights[0].counts[killed]:
            break
    assert envs._sights[0].counts[killed] == 1
    assert (envs.reward[0], envs.episode[0, rules.FIRST]) == (0.0, rules.NOTHING_YET)
    assert not envs.done[0]


@with_craftground
def test_the_goal_s_mask_is_exact(new_envs, made_tasks):
    """The pixels of the target's colour, which no other thing in the game's picture has, are the mask to the pixel."""
    envs = new_envs()
    scenes = [scene_of(made.task) for made in made_tasks if not made.task.event.hunts]
    alone = [scene for scene in scenes if [thing.name for thing in scene.things].count(scene.things[0].name) == 1]
    assign(envs, alone[0].task)
    for scene in alone[:4]:
        stage = envs._builders[0].build(scene, (100, 100))
        colour = zlib.crc32(stage.things[0].name.encode())
        seen = (stage.goal_picture == (colour & 255, colour >> 8 & 255, colour >> 16 & 255)).all(-1)
        assert (stage.goal_mask == seen).all()
        assert seen.any()


@with_craftground
def test_gymnasium_plays_it_as_it_plays_our_own_world(new_envs):
    def batch(environments, image_size, actions):
        return new_envs(environments, actions=actions)

    envs = gymnasium.make_vec(
        "xview_training:xview/CrossView-v0", num_envs=1, backend=batch, suite="train-v1", event="use", image_size=SIDE
    )
    seen, _ = envs.reset(seed=0)
    assert seen in envs.observation_space
    assert seen["goal_mask"].any()
    seen, rewards, _, truncated, infos = envs.step(np.array([envs.unwrapped.batch.actions.noop]))
    assert seen in envs.observation_space
    assert (rewards[0], truncated[0], infos["reason"][0]) == (0.0, False, "")


@with_craftground
def test_two_games_run_side_by_side_and_one_s_start_leaves_the_other_alone(new_envs, short_tasks):
    envs = new_envs(2)
    envs.assign(np.array([0]), iter([short_tasks[TaskEvent.BREAK]]))
    envs.assign(np.array([1]), iter([short_tasks[TaskEvent.APPROACH]]))
    envs.step(np.tile(envs.actions.noop, (2, 1)))
    assert not envs.done.any()
    assert envs.reasons.tolist() == ["", ""]


@with_craftground
@pytest.mark.parametrize("fault", ["hang", "crash"])
def test_java_s_hang_or_crash_is_a_truncation_and_kills_its_session(new_envs, short_tasks, trigger, game_pids, fault):
    envs = new_envs(deadlines=Deadlines(open_s=120, tick_s=2.0, revive_s=20))
    assign(envs, short_tasks[TaskEvent.BREAK])
    pids = game_pids()
    assert all(map(alive, pids))
    trigger.write_text(f"{fault} once")
    envs.step(np.array([envs.actions.noop]))
    assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (0.0, False, True)
    assert envs.reasons[0].startswith(fault)
    assert not any(map(alive, pids))
    assign(envs, short_tasks[TaskEvent.BREAK])
    assert not envs.done[0]


@with_craftground
def test_a_death_is_the_agent_s_and_the_next_task_finds_it_alive(new_envs, short_tasks, trigger):
    envs = new_envs()
    assign(envs, short_tasks[TaskEvent.BREAK])
    trigger.write_text("die once")
    envs.step(np.array([envs.actions.noop]))
    assert envs.reasons.tolist() == ["died"]
    assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (0.0, True, False)
    assert envs.episode[0, rules.DIED] == 1
    assign(envs, short_tasks[TaskEvent.BREAK])
    assert not envs.done[0]


@with_craftground
def test_a_player_that_died_at_one_spot_is_alive_at_the_next(new_envs, short_tasks, trigger, monkeypatch):
    envs, begin = new_envs(), Builder._begin
    deaths = iter(["die once"])

    def begin_badly(self, *args):
        if word := next(deaths, ""):
            trigger.write_text(word)
        return begin(self, *args)

    monkeypatch.setattr(Builder, "_begin", begin_badly)
    assign(envs, short_tasks[TaskEvent.BREAK])
    envs.step(np.array([envs.actions.noop]))
    assert not envs.done[0]
