"""What the tests of the training half share: one compiled world, and one sample of tasks of every suite."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from xview_training.sim.creatures import SPECIES
from xview_training.sim.simulator import Embodiment, SimConfig, VoxelSim
from xview_training.sim.worlds import WorldSeed
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.suites import SUITES
from xview_training.tasks.synthesis import Synthesiser
from xview_training.tasks.task import Task

TASKS_OF_A_SUITE = 12


@dataclasses.dataclass(frozen=True)
class MadeTask:
    """A task as it was made, with the pictures and arrays that making it left behind."""

    suite: str
    task: Task
    first_rgb: np.ndarray
    goal_rgb: np.ndarray
    goal_ids: np.ndarray
    field: np.ndarray
    body: np.ndarray


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch on one thread: on a busy machine, threads that wait for each other make small steps slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def unmakeable(monkeypatch) -> Callable[[int], None]:
    """From then on, no suite's task of that index can be made."""
    make = Synthesiser.make

    def choose(number: int) -> None:
        def all_but_one(maker, slot, suite, index, *rest):
            if index == number:
                raise ValueError("no such world")
            return make(maker, slot, suite, index, *rest)

        monkeypatch.setattr(Synthesiser, "make", all_but_one)

    return choose


@pytest.fixture
def new_sim() -> Callable[..., VoxelSim]:
    """Makes simulators that end with the test."""
    made: list[VoxelSim] = []

    def make(environments: int = 1, side: int = 64, threads: int = 1) -> VoxelSim:
        made.append(VoxelSim(SimConfig(environments, side, side, threads)))
        return made[-1]

    yield make
    for sim in made:
        sim.close()


@pytest.fixture
def meadow(new_sim) -> VoxelSim:
    """A flat world without anything on it, feet at y = 4, and a player in its middle looking along +z."""
    sim = new_sim()
    sim.load_world(0, WorldSeed("rooms", 0))
    sim.grid[0] = 0
    sim.grid[0, :, :, :4] = 1
    sim.floor[0] = 4
    sim.candidate_count[0] = 0
    sim.creatures[0, :, SPECIES] = -1
    sim.place(0, 48.5, 4.0, 48.5, 0.0, 0.0, Embodiment())
    sim.mesh(0)
    return sim


@pytest.fixture(scope="session")
def made_tasks() -> list[MadeTask]:
    """A dozen tasks of every suite, made at 64 x 64."""
    sim = VoxelSim(SimConfig(1, 64, 64, threads=1))
    maker = Synthesiser(sim)
    made = []
    for suite in SUITES.values():
        for index in range(TASKS_OF_A_SUITE):
            task = maker.make(0, suite, index)
            maker.enter(0, task)
            sim.draw(np.array([0]))
            pictures = sim.rgb[0].copy(), maker.goal.rgb.copy(), maker.goal.ids.copy()
            made.append(MadeTask(suite.name, task, *pictures, maker.field.copy(), sim.body[0].copy()))
    sim.close()
    return made


@pytest.fixture(scope="session")
def moved_tasks() -> list[Task]:
    """Two tasks of each event whose target was moved into the goal camera's view."""
    sim = VoxelSim(SimConfig(1, 64, 64, threads=1))
    maker, suite = Synthesiser(sim), dataclasses.replace(SUITES["heldout-v1"], at_goal_camera=1.0)
    tasks = []
    for event in TaskEvent:
        made = (maker.make(0, suite, index, event, "easy") for index in itertools.count(100 * event.code))
        tasks += itertools.islice((task for task in made if task.moved >= 0), 2)
    sim.close()
    return tasks
