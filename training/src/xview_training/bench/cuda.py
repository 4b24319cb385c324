"""How fast the world runs on a GPU: whole steps, the rules alone and drawing alone, for several batches and sizes.

    xview bench sim --device cuda --json FILE

Worlds are train-v1's. Wall-clock time of one process on one GPU, launches included. A step is one tick: random keys,
physics, hands, creatures and arrows, and a picture of colour, object id and depth of every player.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from xview_deploy.spec import ActionTable

from xview_training.sim import physics
from xview_training.sim.cuda import CudaSim
from xview_training.sim.cuda_kernels import cuda
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.tasks.suites import suite_named
from xview_training.tasks.synthesis import Synthesiser

ENVIRONMENTS = (64, 512, 4096)
SIZES = (128, 224)  # pixels a side
DIFFERENT_WORLDS = 16  # uploaded over and over; every environment has its own copy
STEPS_AT_ONCE = 20  # between two looks at the clock, for which the GPU must be waited for


@dataclasses.dataclass(frozen=True)
class CudaRates:
    """Per second of wall-clock time, at one batch and picture size."""

    environments: int
    size: int  # pixels a side
    steps_per_second: float  # of all environments together
    rendering_share: float  # of a step's time
    rules_share: float
    bytes_per_env: int  # on the GPU


def train_worlds(count: int, seed: int) -> VoxelSim:
    """Worlds of train-v1, creatures and all, with their players at the start of a task."""
    worlds = VoxelSim(SimConfig(count, 64, 64, threads=1))
    maker, suite = Synthesiser(worlds), suite_named("train-v1")
    for slot in range(count):
        maker.enter(slot, maker.make(slot, suite, seed + slot))
    return worlds


def measure(worlds: VoxelSim, environments: int, size: int, seconds: float, seed: int, device: str) -> CudaRates:
    """Runs the three loops, `seconds` each, in that many copies of the worlds."""
    sim = CudaSim(SimConfig(environments, size, size), device)
    different = len(worlds.grid)
    for source in range(min(different, environments)):
        sim.upload(range(source, environments, different), worlds, source)
    press = _player(sim, seed)

    def step() -> None:
        press()
        sim.step()

    steps = _rate(step, seconds)
    rules, rendering = _rate(lambda: sim.play(1), seconds), _rate(sim.draw, seconds)
    if not bool(torch.isfinite(sim.body).all()):
        raise RuntimeError(f"a body left the numbers after random keys of seed {seed}: please report it")
    held = sum(t.nbytes // environments for t in vars(sim).values() if _is_a_batch(t, environments))
    return CudaRates(environments, size, steps * environments, steps / rendering, steps / rules, held)


def _is_a_batch(value: object, environments: int) -> bool:
    return isinstance(value, torch.Tensor) and len(value) == environments


def _player(sim: CudaSim, seed: int) -> Callable[[], None]:
    """Presses random keys of the default action table and turns at random, all on the GPU."""
    actions = ActionTable()
    table = torch.from_numpy(physics.key_rows(actions.buttons)).to(sim.device)
    turns = torch.from_numpy(np.radians(np.array(actions.camera_deg))).to(sim.device)
    chance = torch.Generator(sim.device).manual_seed(seed)
    n = sim.config.environments

    def press() -> None:
        sim.keys.copy_(table[torch.randint(len(table), (n,), generator=chance, device=sim.device)])
        sim.camera_rad[:, 1] = turns[torch.randint(len(turns), (n,), generator=chance, device=sim.device)]

    return press


def _rate(work: Callable[[], None], seconds: float) -> float:
    """Calls a second; the first compiles and is not counted."""
    work()
    cuda.synchronize()
    done, start = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - start < seconds:
        for _ in range(STEPS_AT_ONCE):
            work()
        cuda.synchronize()
        done += STEPS_AT_ONCE
    return done / (time.perf_counter() - start)


def measure_all(
    environments: tuple[int, ...], sizes: tuple[int, ...], seconds: float, seed: int, device: str
) -> Iterator[CudaRates]:
    """Every batch with every size, one after the other."""
    worlds = train_worlds(min(DIFFERENT_WORLDS, *environments), seed)
    try:
        for size in sizes:
            for count in environments:
                yield measure(worlds, count, size, seconds, seed, device)
    finally:
        worlds.close()
