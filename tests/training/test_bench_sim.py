"""`xview bench sim` compares in one run, turn about, and says what it could not compare with."""

import json
import sys
from itertools import groupby

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.bench.sim import SimRates, as_text
from xview_training.bench.sim_worlds import BenchWorlds, bytes_per_env
from xview_training.bench.turns import Contestant, take_turns

SIDE = 64
WANTED = {"steps_per_core_second", "render_only", "ray_caster", "vizdoom", "bytes_per_env"}


@pytest.fixture
def no_vizdoom(monkeypatch):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    monkeypatch.delitem(sys.modules, "xview_training.bench.doom", raising=False)


@pytest.fixture
def worlds():
    made = BenchWorlds(3, SIDE, seed=0)
    yield made
    made.close()


class Timed:
    """Takes `seconds` of its own clock for each piece of work of `units`."""

    def __init__(self, name: str, seconds: float, units: int, log: list[str]):
        self.name, self.seconds, self.units, self.log, self.now_s = name, seconds, units, log, 100.0

    def work(self) -> int:
        self.log.append(self.name)
        self.now_s += self.seconds
        return self.units

    def contestant(self) -> Contestant:
        return Contestant(self.work, lambda: self.now_s)


def test_contestants_take_turns_and_each_rate_is_of_its_own_clock():
    log: list[str] = []
    slow, quick = Timed("slow", 0.5, 4, log), Timed("quick", 0.125, 16, log)
    rates = take_turns({one.name: one.contestant() for one in (slow, quick)}, seconds=3.0, rounds=3)
    assert rates == {"slow": 8.0, "quick": 128.0}
    turns = [(name, len(list(turn))) for name, turn in groupby(log)]
    assert turns == [("slow", 1), ("quick", 1)] + [("slow", 2), ("quick", 8)] * 3


def test_the_first_worlds_are_played_while_the_others_rest(worlds):
    body = worlds.envs.sim.body
    for count in (3, 1, 3):
        step = worlds.whole_step(count)
        before = body.copy()
        assert sum(step.work() for _ in range(8)) == 8 * count
        assert (body != before).any(1).tolist() == [i < count for i in range(3)]


def test_drawing_and_ray_caster_see_what_the_steps_saw(worlds):
    worlds.whole_step(3).work()
    seen = worlds.envs.sim.ids.copy()
    worlds.envs.sim.ids[:] = 0
    assert worlds.drawing(3).work() == worlds.ray_caster(3).work() == 3
    assert (worlds.envs.sim.ids == seen).all()


def test_new_tasks_are_new(worlds):
    before = [task.task_id for task in worlds.envs.tasks]
    assert worlds.new_tasks(2).work() == 2
    assert [task.task_id in before for task in worlds.envs.tasks] == [False, False, True]


def test_memory_counts_the_grid_and_grows_with_the_picture():
    small = bytes_per_env(SIDE)
    assert small > 2**20  # blocks alone
    assert bytes_per_env(2 * SIDE) - small == 3 * SIDE**2 * (3 + 4 + 4 + 3 + 3 + 1)  # rgb, ids, depth, observation


def test_the_command_writes_every_figure_and_says_that_vizdoom_is_missing(tmp_path, capsys, no_vizdoom):
    file = tmp_path / "bench.json"
    arguments = ("--size", SIDE, "--environments", 2, "--scaling", 1, 2, "--seconds", 0.1, "--json", file)
    assert run(installed_commands(), ["bench", "sim", *map(str, arguments)]) == 0
    record, said = json.loads(file.read_text()), capsys.readouterr().out
    assert record.keys() >= WANTED
    rates = [record[name] for name in ("steps_per_core_second", "render_only", "ray_caster", "new_tasks")]
    assert all(np.isfinite(rates))
    assert min(rates) > 0
    assert record["scaling"].keys() == {"1", "2"}
    assert record["vizdoom"] is None
    assert "xview-training[bench]" in record["vizdoom_missing"]
    assert f"left out: {record['vizdoom_missing']}" in said
    assert "64 x 64" in said


def test_the_text_compares_with_vizdoom_where_it_ran():
    rates = SimRates(128, 16, 1500.0, 1900.0, 500.0, 3.0, 1800.0, 0.71, None, {1: 1600.0, 256: 1400.0}, 70.0, 2**21)
    said = "\n".join(as_text(rates))
    assert "ViZDoom, 160 x 120, labels+depth    1,800" in said
    assert "pixels, whole step / ViZDoom         0.71" in said
    assert "memory per environment               2.00 MiB" in said


def test_vizdoom_is_played_with_labels_and_depth_and_leaves_nothing_behind(tmp_path, monkeypatch):
    for name in ("vizdoom", "psutil"):
        pytest.importorskip(name, reason="the extra `bench` of xview-training is not installed")
    from xview_training.bench.doom import Doom

    monkeypatch.chdir(tmp_path)
    doom = Doom(seed=0)
    assert take_turns({"vizdoom": doom.contestant()}, seconds=0.2, rounds=2)["vizdoom"] > 0
    processes = doom._processes
    assert processes
    doom.close()
    assert not any(process.is_running() and process.status() != "zombie" for process in processes)
    assert not list(tmp_path.iterdir())
