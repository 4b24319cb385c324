"""Tasks played through MineRL's own specification, handlers and environment, with a flat world in Java's place.

XVIEW_MINERL_PYTHON names a Python that has MineRL (docs/minecraft.md), XVIEW_MINERL_VERSION which one: 0.4 or 1.0.
"""

import os

import numpy as np
import pytest
from xview_training.envs.minecraft.backends import BACKENDS, HOSTS, GameSettings, host_settings
from xview_training.envs.minecraft.building import BuildSettings
from xview_training.envs.minecraft.playing import MinecraftEnvs
from xview_training.envs.minecraft.supervisor import Deadlines, GameProcess
from xview_training.tasks.events import TaskEvent

PYTHON = os.environ.get("XVIEW_MINERL_PYTHON", "")
VERSION = os.environ.get("XVIEW_MINERL_VERSION", "1.0")
pytestmark = pytest.mark.skipif(not PYTHON, reason="needs MineRL: set XVIEW_MINERL_PYTHON to a Python that has it")


@pytest.fixture
def envs(stand_ins, seeker, tmp_path, monkeypatch):
    launcher = tmp_path / "game" / "launchClient.sh"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\nexec "{PYTHON}" "{stand_ins / "malmo_game.py"}" {VERSION} "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("MINERL_GAME", str(launcher.parent))
    monkeypatch.setenv("XVIEW_HOSTS", str(HOSTS))
    monkeypatch.setenv("MALMO_MINECRAFT_OUTPUT_LOGDIR", str(tmp_path))
    backend = BACKENDS["minerl" if VERSION == "1.0" else "minerl-0.4"]
    settings = host_settings(GameSettings(width=96, height=72), backend.dialect)
    deadlines = Deadlines(open_s=120, tick_s=5, revive_s=60)
    game = GameProcess(stand_ins / "minerl_own_host.py", settings, PYTHON, deadlines)
    building = BuildSettings(settle_ticks=2, patience_ticks=30, spots=2)
    made = MinecraftEnvs([game], backend.dialect, 32, seeker.TABLE, building)
    yield made
    made.close()


@pytest.mark.parametrize("event", list(TaskEvent))
def test_every_event_is_rewarded_once_when_the_game_reports_it(envs, seeker, short_tasks, event):
    envs.assign(np.arange(1), iter([short_tasks[event]]))
    assert envs.reasons.tolist() == [""]
    seeker.play(envs)
    assert envs.reasons.tolist() == ["success"]
    assert (envs.reward[0], envs.terminated[0]) == (1.0, True)


@pytest.mark.parametrize("fault", ["hang", "crash"])
def test_java_s_hang_or_crash_is_a_truncation_and_the_next_task_a_new_game(envs, short_tasks, trigger, fault):
    for _ in range(2):
        envs.assign(np.arange(1), iter([short_tasks[TaskEvent.BREAK]]))
        trigger.write_text(f"{fault} once")
        envs.step(np.array([envs.actions.noop]))
        assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (0.0, False, True)
        assert envs.reasons[0].startswith(fault)


def test_a_death_is_the_agent_s_and_the_next_task_finds_it_alive(envs, short_tasks, trigger):
    envs.assign(np.arange(1), iter([short_tasks[TaskEvent.BREAK]]))
    trigger.write_text("die once")
    envs.step(np.array([envs.actions.noop]))
    assert envs.reasons.tolist() == ["died"]
    envs.assign(np.arange(1), iter([short_tasks[TaskEvent.BREAK]]))
    assert not envs.done[0]
