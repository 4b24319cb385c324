"""`xview evaluate --backend`: the same tasks and players in the real game, with a flat world in the game's place."""

import functools
import json
import sys

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_deploy.runtime.policy import NO_BELIEF
from xview_training.envs.minecraft.backends import GameSettings, make
from xview_training.envs.minecraft.building import BuildSettings
from xview_training.envs.minecraft.supervisor import Deadlines
from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Selection, play
from xview_training.evaluation.players import player_named
from xview_training.evaluation.real_game import NOT_TO_BE_HAD, play_in_game
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.suites import suite_named

EASY = Selection(suite_named("train-v1"), 3, 1, TaskEvent.APPROACH, "near")


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


@pytest.fixture
def game(stand_ins, monkeypatch):
    """A back-end's games, in the stand-in's place."""
    monkeypatch.setenv("PYTHONPATH", str(stand_ins / "documented_minerl"))
    monkeypatch.setenv("STAND_IN_MINERL", "1.0")
    return functools.partial(
        make,
        "minerl",
        game=GameSettings(width=96, height=72),
        deadlines=Deadlines(open_s=120, tick_s=20, revive_s=20),
        building=BuildSettings(settle_ticks=2, patience_ticks=30, spots=2),
    )


@pytest.fixture
def walker(seeker):
    """Plays by what the environments know; tells each decision to `then`."""

    class Walker:
        name, actions, image_size = "seeker", seeker.TABLE, 32
        then = staticmethod(lambda: None)

        def begin(self, envs, slots):
            self.slots = slots

        def act(self, envs):
            self.then()
            rows = [envs.actions.noop if envs.done[k] else seeker.act(envs, k) for k in range(len(envs))]
            return np.array(rows)

        def belief(self, slot):
            return NO_BELIEF

    return Walker()


def test_episodes_of_the_real_game_are_booked_as_those_of_our_own_world(game, walker):
    episodes, left_out = play_in_game(walker, EASY, game, games=2, quiet=True)
    own = play(player_named("random", 0), EASY, 32, quiet=True)
    assert not left_out
    assert [e.task for e in episodes] == [e.task for e in own]
    assert [e.success for e in episodes] == [True] * 3
    assert {(e.ending, e.shortest_blocks, e.left_blocks, e.spl) for e in episodes} == {(Ending.SUCCESS, *[None] * 3)}
    assert all(e.ticks > 0 and e.path_blocks > 0 for e in episodes)


def test_a_game_that_crashes_is_left_out_and_the_next_task_played(game, walker, trigger):
    def crash_once():
        trigger.write_text("crash once")
        walker.then = lambda: None

    walker.then = crash_once
    episodes, left_out = play_in_game(walker, EASY, game, quiet=True)
    assert [e.success for e in episodes] == [True] * 2
    assert [one.task_id for one in left_out] == [f"train-v1-{EASY.indices()[0]}"]
    assert left_out[0].reason.startswith("crash: ")


def test_a_target_that_minecraft_has_not_is_left_out(game, walker, monkeypatch):
    first = f"train-v1-{EASY.indices()[0]}"
    monkeypatch.setattr(
        "xview_training.envs.minecraft.playing.scene_of",
        functools.partial(refuse, first, sys.modules["xview_training.envs.minecraft.playing"].scene_of),
    )
    episodes, left_out = play_in_game(walker, EASY, game, games=2, quiet=True)
    assert [(one.task_id, one.reason) for one in left_out] == [(first, NOT_TO_BE_HAD)]
    assert [e.success for e in episodes] == [True] * 2


def refuse(name, scene_of, task):
    if task.task_id == name:
        raise ValueError("Minecraft has no block for its target")
    return scene_of(task)


def test_the_command_plays_in_the_game_and_says_so(game, tmp_path, capsys):
    file, page = tmp_path / "r.json", tmp_path / "r.html"
    tasks = ("--suite", "train-v1", "--event", "approach", "--difficulty", "near", "--episodes", 1)
    assert xview("evaluate", "--backend", "minerl", *tasks, "--json", file, "--html", page) == 0
    record = json.loads(file.read_text())
    assert (record["backend"], record["episodes"], record["left_out"]) == ("minerl", 1, [])
    assert "on train-v1 in minerl" in capsys.readouterr().out
    assert "<video" not in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--backend", "minrl"), "unknown Minecraft back-end 'minrl': did you mean 'minerl'"),
        (("--backend-python", "python3.9"), "expected a backend with it"),
        (("--backend", "minerl", "--policy", "expert"), "expert: expected our own world"),
        (("--backend", "minerl", "--backend-python", "no-such-python"), "minerl: "),
    ],
)
def test_what_cannot_be_played_is_one_clear_line(game, capsys, arguments, said):
    assert xview("evaluate", *arguments, "--suite", "train-v1", "--event", "approach", "--episodes", 1) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_without_the_package_it_is_said_how_to_get_it(stand_ins, monkeypatch, capsys):
    monkeypatch.delenv("PYTHONPATH")
    assert xview("evaluate", "--backend", "minerl", "--suite", "train-v1", "--episodes", 1) == 2
    assert "Install MineRL 1.0" in capsys.readouterr().err
