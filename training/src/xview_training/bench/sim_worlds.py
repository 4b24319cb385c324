"""Our own world as contestants: whole steps, new tasks, drawing alone, and the ray caster, all in the same worlds."""

from __future__ import annotations

import dataclasses
import itertools
import time

import numpy as np
from xview_deploy.spec import ACTION_TABLES

from xview_training.bench.turns import Contestant
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim import physics, see
from xview_training.sim.simulator import TEXTURES, item_shown
from xview_training.tasks.rules import DONE
from xview_training.tasks.suites import suite_named

SUITE = "train-v1"  # every place, creatures, five events


def new_envs(environments: int, size: int) -> CrossViewEnvs:
    """A batch on one thread whose steps are one tick each, drawn at the size that is asked for."""
    ticks = dataclasses.replace(ACTION_TABLES["full"], ticks_per_action=1)
    return CrossViewEnvs(environments, size, 1, ticks, supersampling=1)


class BenchWorlds:
    """A batch of tasks played with random keys. Contestants share it; each plays the first so many worlds."""

    def __init__(self, environments: int, size: int, seed: int):
        self.envs = new_envs(environments, size)
        self._making_s = 0.0  # core-seconds that new tasks took between steps
        suite = suite_named(SUITE)
        self._requests = ((suite, (seed + k) % suite.size, None, None) for k in itertools.count())
        self._rng = np.random.default_rng(seed)
        self._playing = environments
        self.envs.assign(np.arange(environments), self._requests)

    def whole_step(self, count: int) -> Contestant:
        """A tick of `count` worlds: rules, creatures, judge, picture, observation. New tasks do not count."""
        return Contestant(lambda: self._step(count), lambda: time.process_time() - self._making_s)

    def new_tasks(self, count: int) -> Contestant:
        """Making and entering new tasks in `count` worlds; what follows is played and drawn there."""

        def make() -> int:
            self.envs.assign(np.arange(count), self._requests)
            return count

        return Contestant(make)

    def drawing(self, count: int) -> Contestant:
        """Pictures of `count` views by merged quads."""
        views = np.arange(count)

        def draw() -> int:
            self.envs.sim.draw(views)
            return count

        return Contestant(draw)

    def ray_caster(self, count: int) -> Contestant:
        """The same pictures by a ray a pixel."""
        sim = self.envs.sim
        rgb, ids, depth = sim.rgb[0].copy(), sim.ids[0].copy(), sim.depth[0].copy()

        def cast() -> int:
            for i in range(count):
                atlas = sim.atlas[int(sim.embodiment[i, TEXTURES])]
                item = item_shown(sim.hands[i], sim.slots[i], sim.embodiment[i])
                see.render(sim.grid[i], atlas, sim.poses[i], sim.air[i], sim.cameras[i], item, rgb, ids, depth)
            return count

        return Contestant(cast)

    def _step(self, count: int) -> int:
        envs = self.envs
        if count != self._playing:  # the others rest
            envs.episode[:, DONE] = np.arange(len(envs)) >= count
            self._playing = count
        over = np.flatnonzero(envs.done[:count])
        if len(over):
            start_s = time.process_time()
            envs.assign(over, self._requests)
            self._making_s += time.process_time() - start_s
        actions = np.stack([self._rng.integers(0, n, len(envs)) for n in envs.actions.sizes], 1)
        actions[:, 1] = len(envs.actions.camera_deg) // 2
        envs.step(actions)
        return count

    def close(self) -> None:
        """Ends the batch; RuntimeError where a body left the numbers."""
        self.envs.close()
        if not np.isfinite(self.envs.sim.body[:, physics.X : physics.Z + 1]).all():
            raise RuntimeError("a body left the numbers after random keys: please report it with the seed")


def bytes_per_env(size: int) -> int:
    """What one more environment holds, pictures and records included."""
    held = []
    for environments in (1, 2):
        envs = new_envs(environments, size)
        arrays = [*vars(envs.sim).values(), *vars(envs).values(), *vars(envs.observation).values()]
        held.append(sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)))
        envs.close()
    return held[1] - held[0]
