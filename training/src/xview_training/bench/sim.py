"""How fast the world runs: whole steps, drawing alone, and the ray caster, side by side in one run.

    xview bench sim --json FILE

Figures are per second of processor time of this process, one thread, so that a shared machine disturbs them less.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable

import numpy as np
from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim import physics, raster, see
from xview_training.tasks.rules import DONE
from xview_training.tasks.suites import suite_named


@dataclasses.dataclass(frozen=True)
class SimRates:
    """Per core-second, at one picture size."""

    size: int  # pixels a side
    steps_per_core_second: float  # ticks: act, physics, events, picture of colour, id and depth
    render_only: float  # pictures by merged quads
    ray_caster: float  # pictures by a ray a pixel
    bytes_per_env: int


def _rate(work: Callable[[], int], seconds: float) -> float:
    """Units of work per core-second; the first call compiles and is not counted."""
    work()
    done, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        done += work()
    return done / (time.process_time() - start)


def measure(size: int, environments: int, seconds: float, seed: int) -> SimRates:
    """Runs the three loops on the same worlds and views."""
    envs = CrossViewEnvs(environments, size, 1, ActionTable(ticks_per_action=1), supersampling=1)
    suite = suite_named("train")
    requests = ((suite, seed + k, None, None) for k in itertools.count())
    envs.assign(np.arange(environments), requests)
    rng = np.random.default_rng(seed)
    sizes = envs.actions.sizes

    def whole_step() -> int:
        over = np.flatnonzero(envs.done)
        if len(over):
            envs.assign(over, requests)
        actions = np.stack([rng.integers(0, n, environments) for n in sizes], 1)
        actions[:, 1] = len(envs.actions.camera_deg) // 2
        envs.step(actions)
        return environments

    sim = envs.sim
    steps = _rate(whole_step, seconds)
    envs.episode[:, DONE] = 0
    every = np.arange(environments)
    rays = raster.scratch(size, size)
    rgb, ids, depth = sim.rgb[0].copy(), sim.ids[0].copy(), sim.depth[0].copy()

    def quads() -> int:
        for i in every:
            raster.render(
                sim.grid[i], sim.quads[i], sim.quad_counts[i], sim.chunk_tops[i], sim.models[i], sim.model_counts[i],
                sim.atlas[0], sim.poses[i], sim.air[i], sim.cameras[i], 0, *rays, rgb, ids, depth,
            )  # fmt: skip
        return environments

    def ray_by_ray() -> int:
        for i in every:
            see.render(sim.grid[i], sim.atlas[0], sim.poses[i], sim.air[i], sim.cameras[i], 0, rgb, ids, depth)
        return environments

    arrays = [*vars(sim).values(), envs.field, envs.toll]
    held = sum(a.nbytes // environments for a in arrays if isinstance(a, np.ndarray) and len(a) == environments)
    rates = SimRates(size, steps, _rate(quads, seconds), _rate(ray_by_ray, seconds), held)
    assert not np.isnan(sim.body[:, physics.X]).any()
    envs.close()
    return rates
