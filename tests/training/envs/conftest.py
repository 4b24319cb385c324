"""What the tests of Minecraft's back-ends share: short tasks of every event, a player for them, and games that end."""

import dataclasses
import importlib
from pathlib import Path
from types import ModuleType

import pytest
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.task import Start, Task

STAND_INS = Path(__file__).parent / "minecraft_stand_ins"


@pytest.fixture
def stand_ins(monkeypatch) -> Path:
    """The folder of the stand-ins, importable here and in what is started from here."""
    monkeypatch.syspath_prepend(str(STAND_INS))
    monkeypatch.setenv("PYTHONPATH", str(STAND_INS))
    return STAND_INS


@pytest.fixture
def seeker(stand_ins) -> ModuleType:
    """Plays tasks by what it knows, minecraft_stand_ins/seeker.py."""
    return importlib.import_module("seeker")


@pytest.fixture
def trigger(tmp_path, monkeypatch) -> Path:
    """A file: what the test writes into it ("hang", "crash once", "slow 0.5", ...) befalls the stand-in's next tick."""
    monkeypatch.setenv("STAND_IN_TRIGGER", str(tmp_path / "trigger"))
    return tmp_path / "trigger"


@pytest.fixture
def game_pids(tmp_path, monkeypatch):
    """Gives the process ids of the games that were started, and of what they left in sessions of their own."""
    path = tmp_path / "pids"
    monkeypatch.setenv("STAND_IN_PIDS", str(path))
    return lambda: [int(word) for word in path.read_text().split()]


@pytest.fixture(scope="session")
def short_tasks(made_tasks) -> dict[TaskEvent, Task]:
    """A task of each event that begins five blocks from its target and has a distractor that can be told apart."""
    tasks = {}
    for made in made_tasks:
        task, (x, _, z) = made.task, made.task.target
        start = Start(x + 0.5, task.start.y, z - 4.5 if z > 6 else z + 5.5, task.start.yaw, 0.0)
        body = dataclasses.replace(task.body, latency_ticks=0)
        tasks.setdefault(task.event, dataclasses.replace(task, start=start, body=body, strict=False))
    return tasks
