"""Tasks played through MineRL's interface, 0.4.x and 1.0, with a flat world in the game's place.

MineRL does not install with today's pip: `documented_minerl/minerl.py` speaks its documented Gym interface here.
"""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from xview_deploy.spec import ActionTable
from xview_training.envs.minecraft.backends import GameSettings, make
from xview_training.envs.minecraft.building import BuildSettings
from xview_training.envs.minecraft.supervisor import Deadlines, GameDownError, MissingBackendError
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent

SIDE = 32
QUICK = BuildSettings(settle_ticks=2, patience_ticks=30, spots=2)


@pytest.fixture
def new_envs(stand_ins, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(stand_ins / "documented_minerl"))
    made = []

    def new(backend: str = "minerl", environments: int = 1, **changes):
        game = GameSettings(width=96, height=72)
        deadlines = Deadlines(open_s=120, tick_s=20, revive_s=20)
        settings = {"game": game, "deadlines": deadlines, "building": QUICK} | changes
        made.append(make(backend, environments, SIDE, **settings))
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


@pytest.mark.parametrize(("backend", "reports"), [("minerl", "1.0"), ("minerl-0.4", "0.4")])
@pytest.mark.parametrize("event", list(TaskEvent))
def test_every_event_is_rewarded_once_when_the_game_reports_it(
    new_envs, seeker, short_tasks, monkeypatch, backend, reports, event
):
    monkeypatch.setenv("STAND_IN_MINERL", reports)
    envs = new_envs(backend, actions=seeker.TABLE)
    task = short_tasks[event]
    assign(envs, task)
    assert envs.reasons.tolist() == [""]
    assert envs.observation.event.tolist() == [task.event.interaction_index]
    assert envs.observation.goal_mask.any()
    assert envs.observation.goal_image.any()
    assert envs.observation.image.shape == (1, SIDE, SIDE, 3)
    seeker.play(envs)
    assert envs.reasons.tolist() == ["success"]
    assert (envs.reward, envs.terminated, envs.truncated) == ([1.0], [True], [False])
    episode = envs.episode[0]
    assert episode[[rules.SUCCESS, rules.FIRST]].tolist() == [1, rules.TARGET_FIRST]
    assert 0 < episode[rules.TICKS] < task.limit_ticks
    envs.step(np.zeros((1, 3), np.int64))
    assert (envs.reward[0], envs.reasons.tolist()) == (0.0, ["success"])


@pytest.mark.parametrize(("backend", "reports"), [("minerl", "1.0"), ("minerl-0.4", "0.4")])
def test_a_blow_in_a_task_of_archery_is_no_success(new_envs, seeker, short_tasks, monkeypatch, backend, reports):
    monkeypatch.setenv("STAND_IN_MINERL", reports)
    envs = new_envs(backend, actions=seeker.TABLE)
    assign(envs, short_tasks[TaskEvent.ARCHERY])
    killed = f"killed:{envs._judges[0]._things[0].name}"
    for _ in range(60):
        envs.step(seeker.act(envs, 0, event=TaskEvent.MELEE)[None])
        if envs._sights[0].counts[killed]:
            break
    assert envs._sights[0].counts[killed] == 1
    assert (envs.reward[0], envs.episode[0, rules.FIRST]) == (0.0, rules.NOTHING_YET)
    assert not envs.done[0]


def test_the_first_sight_is_the_task_s_start_with_its_item_in_the_hand(new_envs, short_tasks, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_COMMANDS", str(tmp_path / "said"))
    envs = new_envs()
    task = short_tasks[TaskEvent.BREAK]
    assign(envs, task)
    view, thing = envs._sights[0].view, envs._judges[0]._things[0]
    assert view.x - thing.cell[0] == pytest.approx(task.start.x - task.target[0], abs=1)
    assert view.z - thing.cell[2] == pytest.approx(task.start.z - task.target[2], abs=1)
    assert np.radians(view.yaw_deg) == pytest.approx(task.start.yaw, abs=1e-3)
    said = (tmp_path / "said").read_text().splitlines()
    assert next(line for line in said if line.startswith("give")) == "give @p iron_pickaxe 1"
    assert said.index("gamemode spectator @p") < said.index("gamemode survival @p")


def test_camera_degrees_and_keys_arrive_as_asked(new_envs, short_tasks):
    table = ActionTable(buttons=((), ("forward",), ("left",)))
    envs = new_envs(actions=table)
    assign(envs, short_tasks[TaskEvent.BREAK])
    before = envs._sights[0].view
    envs.step(np.array([(0, 7, 9)]))
    after = envs._sights[0].view
    assert after.yaw_deg - before.yaw_deg == pytest.approx(3 * table.camera_deg[9], abs=1e-3)
    assert after.pitch_deg - before.pitch_deg == pytest.approx(3 * table.camera_deg[7], abs=1e-3)
    envs.step(np.array([(1, 5, 5)]))
    walked = envs._sights[0].view
    ahead = np.array(after.ahead)[[0, 2]] / np.hypot(after.ahead[0], after.ahead[2])
    assert np.dot((walked.x - after.x, walked.z - after.z), ahead) > 0.4
    assert envs.episode[0, rules.PATH] > 0.4
    assert envs.observation.previous_action.tolist() == [[1, 5, 5]]


def test_the_body_s_latency_keeps_the_previous_action(new_envs, short_tasks):
    envs = new_envs()
    task = short_tasks[TaskEvent.BREAK]
    assign(envs, dataclasses.replace(task, body=dataclasses.replace(task.body, latency_ticks=2)))
    before = envs._sights[0].view.yaw_deg
    envs.step(np.array([(0, 5, 10)]))
    assert (envs._sights[0].view.yaw_deg - before) % 360 == pytest.approx(10.0, abs=1e-3)


def test_the_limit_truncates_and_the_neighbour_goes_on(new_envs, short_tasks):
    envs = new_envs(environments=2)
    task = short_tasks[TaskEvent.BREAK]
    assign(envs, dataclasses.replace(task, limit_ticks=4), task)
    noop = np.tile(envs.actions.noop, (2, 1))
    envs.step(noop)
    assert not envs.done.any()
    envs.step(noop)
    assert envs.done.tolist() == [True, False]
    assert envs.truncated.tolist() == [True, False]
    assert envs.reasons.tolist() == ["limit of 4 ticks", ""]
    assert not envs.terminated.any()


def test_a_wrong_arrival_ends_a_strict_task_without_reward(new_envs, seeker, short_tasks, made_tasks):
    approach = (m.task for m in made_tasks if m.task.event is TaskEvent.APPROACH)
    envs = new_envs(actions=seeker.TABLE)
    for task in approach:
        assign(envs, dataclasses.replace(task, strict=True))
        if len(envs._judges[0]._things) > 1:
            break
        envs.episode[:, rules.DONE] = 1
    seeker.play(envs, number=1)
    assert envs.reasons.tolist() == ["another object"]
    assert (envs.reward[0], envs.terminated[0]) == (0.0, True)
    assert envs.episode[0, rules.FIRST] == rules.DISTRACTOR_FIRST


def test_a_hung_step_meets_its_deadline_and_is_a_truncation(new_envs, short_tasks, trigger, game_pids):
    envs = new_envs(deadlines=Deadlines(open_s=120, tick_s=2.0, revive_s=20))
    assign(envs, short_tasks[TaskEvent.BREAK])
    pids = game_pids()
    assert all(map(alive, pids))
    trigger.write_text("hang once")
    began_s = time.monotonic()
    envs.step(np.array([envs.actions.noop]))
    assert 2.0 <= time.monotonic() - began_s < 20.0
    assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (0.0, False, True)
    assert envs.reasons[0].startswith("hang: no answer to 'tick' within 2 s")
    assert not any(map(alive, pids))
    assign(envs, short_tasks[TaskEvent.BREAK])
    assert not envs.done[0], "the game is started anew for the next task"


def test_a_crash_is_a_truncation_with_its_reason(new_envs, short_tasks, trigger, game_pids):
    envs = new_envs()
    assign(envs, short_tasks[TaskEvent.BREAK])
    trigger.write_text("crash once")
    envs.step(np.array([envs.actions.noop]))
    assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (0.0, False, True)
    assert envs.reasons[0].startswith("crash: ")
    assert envs.episode[0, rules.SUCCESS] == 0
    assert not any(map(alive, game_pids()))


def test_a_crash_while_a_task_is_built_is_tried_again(new_envs, short_tasks, trigger):
    envs = new_envs()
    assign(envs, short_tasks[TaskEvent.BREAK])
    trigger.write_text("crash once")
    assign(envs, short_tasks[TaskEvent.BREAK])
    assert not envs.done[0]
    assert envs.reasons.tolist() == [""]


def test_a_game_that_keeps_crashing_gives_a_truncated_episode_and_no_exception(new_envs, short_tasks, trigger):
    envs = new_envs()
    assign(envs, short_tasks[TaskEvent.BREAK])
    trigger.write_text("crash")
    assign(envs, short_tasks[TaskEvent.BREAK])
    assert not envs.done[0]
    assert not envs.observation.image.any()
    envs.step(np.array([envs.actions.noop]))
    assert (envs.done[0], envs.truncated[0], envs.terminated[0]) == (True, True, False)
    assert (envs.reward[0], envs.episode[0, rules.TICKS]) == (0.0, 0)
    assert envs.reasons[0].startswith("crash: ")


def test_a_slow_game_does_not_hold_a_reset_up_and_is_a_truncation(new_envs, short_tasks, trigger, game_pids):
    envs = new_envs()
    task = short_tasks[TaskEvent.BREAK]
    assign(envs, task)
    patient, pids = envs._games[0]._deadlines, game_pids()
    envs._games[0]._deadlines = dataclasses.replace(patient, reset_s=2.0)
    trigger.write_text("slow 0.5")  # each tick in time, all of them together not
    began_s = time.monotonic()
    assign(envs, task)
    assert 2.0 <= time.monotonic() - began_s < 20.0
    assert not any(map(alive, pids))
    assert not envs.done[0]
    envs.step(np.array([envs.actions.noop]))
    assert (envs.reward[0], envs.terminated[0], envs.truncated[0]) == (0.0, False, True)
    assert envs.reasons[0].startswith("hang: the task was not ready within 2 s")
    envs._games[0]._deadlines = patient
    trigger.unlink()
    assign(envs, task)
    envs.step(np.array([envs.actions.noop]))
    assert not envs.done[0], "the game is started anew for the next task"
    assert set(game_pids()) > set(pids)


def test_a_game_that_never_ran_is_an_error_at_once_and_each_time(new_envs, short_tasks, trigger):
    trigger.write_text("crash")
    envs = new_envs()
    for _ in range(2):
        with pytest.raises(GameDownError):
            assign(envs, short_tasks[TaskEvent.BREAK])
        assert envs.done[0]


def test_a_task_that_minecraft_cannot_have_is_refused_and_its_neighbour_is_played(new_envs, short_tasks):
    envs = new_envs(environments=2)
    task = short_tasks[TaskEvent.BREAK]
    with pytest.raises(ValueError, match="its world has no object at"):
        assign(envs, dataclasses.replace(task, target=(5, 5, 5)), task)
    assert envs.done.tolist() == [True, False]


def test_every_book_that_learners_read_is_finite_and_says_how_long_an_action_lasts(new_envs, short_tasks):
    envs = new_envs()
    task = short_tasks[TaskEvent.BREAK]
    assign(envs, task)
    assert np.isfinite(envs.episode).all()
    assert envs.episode[0, rules.ACTION_TICKS] == task.action_ticks(envs.actions)
    assert not np.isnan(np.inf * envs.episode[:, rules.ACTION_TICKS]).any()


def test_an_end_stays_in_the_books_until_the_slot_has_another_task(new_envs, short_tasks):
    envs = new_envs(environments=2)
    task = dataclasses.replace(short_tasks[TaskEvent.BREAK], limit_ticks=1)
    assign(envs, task, task)
    envs.step(np.tile(envs.actions.noop, (2, 1)))
    envs.assign(np.array([1]), iter([task]))
    assert envs.truncated.tolist() == [True, False]
    assert envs.reasons.tolist() == ["limit of 1 ticks", ""]


def test_a_spot_in_the_water_is_not_played_and_says_so(new_envs, short_tasks, monkeypatch):
    monkeypatch.setenv("STAND_IN_WATER_FROM", "-1e9")
    envs = new_envs()
    assign(envs, short_tasks[TaskEvent.BREAK])
    envs.step(np.array([envs.actions.noop]))
    assert (envs.done[0], envs.truncated[0]) == (True, True)
    assert envs.reasons[0].startswith("unplayable: no ground to stand on")


def test_a_minerl_without_commands_is_refused_with_the_branch_that_has_them(new_envs, short_tasks, monkeypatch):
    monkeypatch.setenv("STAND_IN_MINERL", "1.0 without chat")
    with pytest.raises(MissingBackendError, match=r"takes no commands.*branch v1.0.0"):
        assign(new_envs(), short_tasks[TaskEvent.BREAK])


@pytest.mark.parametrize("backend", ["minerl", "minerl-0.4", "craftground"])
def test_a_missing_package_names_the_install_command_and_the_page(short_tasks, monkeypatch, backend, tmp_path):
    for name in ("minerl", "craftground"):  # modules of that name that say they are not there
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    envs = make(backend, game=GameSettings(width=96, height=72))
    with pytest.raises(MissingBackendError, match=r"No module named .*pip install .*docs/minecraft\.md"):
        assign(envs, short_tasks[TaskEvent.BREAK])
    envs.close()


def test_an_unknown_back_end_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'craftground'"):
        make("craftgruond")
