"""Random policies that try to break the world, in every place, event and body, with all keys.

    xview bench fuzz-sim --policies 24 --steps 100000

Each policy has its own habits: which keys it likes, how long it holds them, how wildly it looks about. After every
tick the laws of sim/laws.py are checked, and the picture's ids and depths. It plays whole tasks: rules and rewards
run as in training. The same settings play the same games on every machine.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import multiprocessing
import time
from collections.abc import Iterator

import numpy as np
from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim.creatures import SPECIES
from xview_training.sim.hands import EDITED, SHOT_DEAD, STRUCK_DEAD
from xview_training.sim.laws import HOLDS, LAWS, broken_law
from xview_training.tasks.goal_views import GOAL_SIDE
from xview_training.tasks.rules import DIED, DONE, LIMIT
from xview_training.tasks.suites import suite_named

BUTTONS = (
    (), ("forward",), ("forward", "sprint"), ("forward", "jump"), ("forward", "sprint", "jump"), ("back",), ("left",),
    ("right",), ("back", "right", "jump"), ("forward", "sneak"), ("sneak", "back"), ("jump",), ("attack",),
    ("forward", "attack"), ("jump", "attack"), ("use",), ("forward", "use"), ("use", "attack"), ("hotbar.1",),
    ("hotbar.2",), ("hotbar.3",), ("hotbar.9",),
)  # fmt: skip
CAMERA_DEG = (-60.0, -15.0, -4.0, -1.0, 0.0, 1.0, 4.0, 15.0, 60.0)  # a tick
AN_EPISODE = 2_500  # ticks, more than a task's own limit: time to dig, to fall and to be hunted


@dataclasses.dataclass(frozen=True)
class FuzzSettings:
    """How much is played. Tasks come from train-v1, all places and events in turn."""

    policies: int = 24
    steps: int = 100_000  # ticks of each policy
    seed: int = 0
    size: int = GOAL_SIDE  # pixels a side of the pictures that are drawn after every tick
    processes: int = 1

    def __post_init__(self) -> None:
        least = {"policies": 1, "steps": 1, "size": GOAL_SIDE, "processes": 1}  # in smaller pictures targets are lost
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ValueError(f"{name}: expected at least {number}, got {getattr(self, name)}")


@dataclasses.dataclass(frozen=True)
class Breach:
    """One broken law, with what is needed to see it again."""

    policy: int
    step: int
    law: str
    task: str  # its JSON record
    body: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class FuzzReport:
    """What was played, and what broke."""

    settings: FuzzSettings
    ticks: int
    tasks: int
    deaths: int
    kills: int
    edits: int
    seconds: float
    breaches: tuple[Breach, ...]


class _Habits:
    """What each policy of a batch likes to do: numbers drawn once, from its own number and the seed."""

    def __init__(self, policies: range, seed: int):
        self.streams = [np.random.default_rng([seed, policy]) for policy in policies]
        self.keys = np.stack(
            [rng.dirichlet(np.full(len(BUTTONS), rng.choice((0.1, 0.5, 3.0)))) for rng in self.streams]
        )
        self.hold = np.array([rng.choice((1, 3, 12, 60)) for rng in self.streams])
        self.wild = np.array([rng.choice((0.2, 1.0, 4.0)) for rng in self.streams])
        self._actions = np.zeros((len(policies), 3), np.int64)

    def act(self) -> np.ndarray:
        """The next actions, int64 (policies, 3)."""
        centre = len(CAMERA_DEG) // 2
        for k, rng in enumerate(self.streams):
            if rng.random() * self.hold[k] < 1:
                self._actions[k, 0] = rng.choice(len(BUTTONS), p=self.keys[k])
            bins = np.rint(rng.normal(centre, self.wild[k], 2)).astype(int)
            self._actions[k, 1:] = np.clip(bins, 0, len(CAMERA_DEG) - 1)
        return self._actions


class _Game:
    """A batch of policies at play, a slot each."""

    def __init__(self, policies: range, settings: FuzzSettings):
        self.policies, self.settings = policies, settings
        table = ActionTable(buttons=BUTTONS, camera_deg=CAMERA_DEG, ticks_per_action=1)
        self.envs = CrossViewEnvs(len(policies), settings.size, 1, table, supersampling=1)
        self.habits = _Habits(policies, settings.seed)
        self.species = np.zeros(self.envs.sim.creatures.shape[:2])
        self.requests = [self._tasks(policy) for policy in policies]
        self.breaches: list[Breach] = []
        self.tasks = self.deaths = self.kills = self.edits = 0

    def _tasks(self, policy: int) -> Iterator[tuple]:
        """Arguments of the policy's tasks: the suite's places in turn."""
        suite = suite_named("train-v1")
        for turn in itertools.count():
            scene = suite.scenes[(policy + turn) % len(suite.scenes)]
            index = (self.settings.seed * 1_000_003 + policy * 10_007 + turn) % suite.size
            yield dataclasses.replace(suite, scenes=(scene,)), index, None, None

    def refill(self) -> None:
        """Gives a task to every slot that has none."""
        over = np.flatnonzero(self.envs.done)
        if len(over):
            self.envs.assign(over, (next(self.requests[slot]) for slot in over))
            self.envs.episode[over, LIMIT] = AN_EPISODE
            self.species[over] = self.envs.sim.creatures[over, :, SPECIES]
            self.tasks += len(over)

    def play(self, step: int) -> None:
        """One tick of every policy, and the laws."""
        self.refill()
        self.envs.step(self.habits.act())
        sim = self.envs.sim
        self._count()
        for slot in range(len(self.policies)):
            law = broken_law(
                sim.grid[slot], sim.body[slot], sim.hands[slot], sim.creatures[slot], sim.arrows[slot],
                self.species[slot],
            )  # fmt: skip
            if law != HOLDS:
                self._book(slot, step, LAWS[law])
        for wrong in np.flatnonzero(_wrong_pictures(sim.ids, sim.depth, sim.grid[0].size + sim.poses.shape[1])):
            self._book(int(wrong), step, "pictures hold known ids at finite depths")

    def _count(self) -> None:
        hands = self.envs.sim.hands
        self.deaths += int(self.envs.episode[:, DIED].sum())
        self.kills += int((hands[:, [SHOT_DEAD, STRUCK_DEAD]] > 0).sum())
        self.edits += int((hands[:, EDITED] > 0).sum())

    def _book(self, slot: int, step: int, law: str) -> None:
        task = self.envs.tasks[slot]
        record = task.to_json() if task is not None else ""
        body = tuple(float(v) for v in self.envs.sim.body[slot])
        self.breaches.append(Breach(self.policies[slot], step, law, record, body))
        self.envs.episode[slot, DONE] = 1  # what follows from it would only repeat it


def _wrong_pictures(ids: np.ndarray, depth: np.ndarray, highest: int) -> np.ndarray:
    """bool (N,): whose picture shows an id that no world has, or a depth that is none."""
    wrong = (ids < 0) | (ids > highest) | ~np.isfinite(depth) | (depth <= 0)
    return wrong.any((1, 2))


def _play_batch(policies: range, settings: FuzzSettings) -> _Game:
    game = _Game(policies, settings)
    for step in range(settings.steps):
        game.play(step)
    game.envs.close()
    return game


def _batch_report(policies: range, settings: FuzzSettings) -> FuzzReport:
    start = time.perf_counter()
    game = _play_batch(policies, settings)
    seconds = time.perf_counter() - start
    ticks = len(policies) * settings.steps
    return FuzzReport(settings, ticks, game.tasks, game.deaths, game.kills, game.edits, seconds, tuple(game.breaches))


def fuzz(settings: FuzzSettings) -> FuzzReport:
    """Plays all policies, shared out among processes."""
    start = time.perf_counter()
    every = range(settings.policies)
    batches = [every[k :: settings.processes] for k in range(min(settings.processes, settings.policies))]
    if len(batches) == 1:
        reports = [_batch_report(batches[0], settings)]
    else:
        context = multiprocessing.get_context("spawn")  # threads do not survive a fork
        with concurrent.futures.ProcessPoolExecutor(len(batches), context) as pool:
            reports = list(pool.map(_batch_report, batches, itertools.repeat(settings)))
    totals = {name: sum(getattr(r, name) for r in reports) for name in ("ticks", "tasks", "deaths", "kills", "edits")}
    breaches = tuple(b for r in reports for b in r.breaches)
    return FuzzReport(settings, **totals, seconds=time.perf_counter() - start, breaches=breaches)


def as_text(report: FuzzReport) -> list[str]:
    """What a terminal shows."""
    played = report.settings
    return [
        f"{played.policies} random policies, {played.steps:,} ticks each, in {report.seconds:,.0f} s:",
        f"  {report.tasks:,} tasks, {report.deaths:,} deaths, {report.kills:,} kills, {report.edits:,} edited blocks",
        f"  {len(report.breaches)} broken laws",
        *(f"  policy {b.policy}, tick {b.step}: not so: {b.law}; {b.task}" for b in report.breaches),
    ]
