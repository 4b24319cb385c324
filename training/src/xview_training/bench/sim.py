"""How fast the world runs: whole steps, drawing alone, the ray caster and ViZDoom, turn about in one run.

    xview bench sim --json FILE

Figures are per second of processor time, one thread, so that a shared machine disturbs them less. A step is one tick:
random keys, physics, hands, creatures and arrows, the task's judge, and a picture of colour, object id and depth.
Making new tasks is told apart.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from xview_training.bench.sim_worlds import SUITE, BenchWorlds, bytes_per_env
from xview_training.bench.turns import Contestant, take_turns
from xview_training.tasks.goal_views import GOAL_SIDE

NEW_TASKS, WHOLE_STEP, DRAWING, RAY_CASTER, VIZDOOM = "new tasks", "whole step", "drawing", "ray caster", "vizdoom"


@dataclasses.dataclass(frozen=True)
class SimBenchSettings:
    """What to measure. ValueError for numbers that nothing can be measured with."""

    size: int = 128  # pixels a side
    environments: int = 16
    seconds: float = 5.0  # core-seconds of each contestant
    rounds: int = 5  # turns of each contestant
    seed: int = 0
    scaling: tuple[int, ...] = (1, 4, 16, 64, 256)  # batches whose whole steps are measured too

    def __post_init__(self) -> None:
        if self.size < GOAL_SIDE:
            raise ValueError(f"size: expected {GOAL_SIDE} or more, where targets are still seen, got {self.size}")
        if min(self.environments, self.rounds, *self.scaling) < 1 or self.seconds <= 0:
            raise ValueError(f"environments, rounds, scaling and seconds: expected more than 0, got {self}")


@dataclasses.dataclass(frozen=True)
class SimRates:
    """Per core-second. None: ViZDoom is not installed."""

    size: int  # pixels a side
    environments: int
    steps_per_core_second: float
    render_only: float  # pictures by merged quads
    ray_caster: float  # the same pictures by a ray a pixel
    steps_by_ray_caster: float  # quotient of the two
    vizdoom: float | None  # steps of ViZDoom, WIDTH_PX x HEIGHT_PX, colour, labels and depth
    pixels_by_vizdoom: float | None  # pixels of whole steps by ViZDoom's
    vizdoom_missing: str | None  # why there is none
    scaling: dict[int, float]  # environments -> steps_per_core_second
    new_tasks: float  # made from their seeds and entered
    bytes_per_env: int


def measure(settings: SimBenchSettings) -> SimRates:
    """All contestants in one run."""
    with contextlib.ExitStack() as stack:
        worlds = BenchWorlds(max(settings.environments, *settings.scaling), settings.size, settings.seed)
        stack.callback(worlds.close)
        doom, missing = _doom(settings.seed, stack)
        contestants = _contestants(worlds, settings.environments) | doom
        rates = take_turns(contestants, settings.seconds, settings.rounds)
        more = {str(n): worlds.whole_step(n) for n in settings.scaling if n != settings.environments}
        scaling = take_turns(more, settings.seconds, settings.rounds)
    steps, rays = rates[WHOLE_STEP], rates[RAY_CASTER]
    return SimRates(
        size=settings.size,
        environments=settings.environments,
        steps_per_core_second=steps,
        render_only=rates[DRAWING],
        ray_caster=rays,
        steps_by_ray_caster=steps / rays,
        vizdoom=rates.get(VIZDOOM),
        pixels_by_vizdoom=_pixels_by_vizdoom(steps * settings.size**2, rates.get(VIZDOOM)),
        vizdoom_missing=missing,
        scaling={n: scaling.get(str(n), steps) for n in settings.scaling},
        new_tasks=rates[NEW_TASKS],
        bytes_per_env=bytes_per_env(settings.size),
    )


def _contestants(worlds: BenchWorlds, environments: int) -> dict[str, Contestant]:
    return {
        NEW_TASKS: worlds.new_tasks(environments),  # first: each round plays and draws other worlds
        WHOLE_STEP: worlds.whole_step(environments),
        DRAWING: worlds.drawing(environments),
        RAY_CASTER: worlds.ray_caster(environments),
    }


def _doom(seed: int, stack: contextlib.ExitStack) -> tuple[dict[str, Contestant], str | None]:
    """ViZDoom where it is installed, else why it is not."""
    try:
        from xview_training.bench.doom import Doom
    except ModuleNotFoundError as error:
        return {}, f"{error}: install the extra, xview-training[bench]"
    doom = Doom(seed)
    stack.callback(doom.close)
    return {VIZDOOM: doom.contestant()}, None


def _pixels_by_vizdoom(pixels: float, vizdoom: float | None) -> float | None:
    if vizdoom is None:
        return None
    from xview_training.bench.doom import HEIGHT_PX, WIDTH_PX

    return pixels / (vizdoom * WIDTH_PX * HEIGHT_PX)


def as_text(rates: SimRates) -> Iterator[str]:
    """Lines to print."""
    yield (
        f"{rates.environments} worlds of {SUITE}, {rates.size} x {rates.size}, colour + object id + depth, one thread, "
        "per core-second, turn about:"
    )
    yield f"  whole step                       {rates.steps_per_core_second:8,.0f}"
    yield f"  drawing, merged quads            {rates.render_only:8,.0f}"
    yield f"  drawing, ray caster              {rates.ray_caster:8,.0f}"
    yield f"  whole step / ray caster          {rates.steps_by_ray_caster:8.2f}"
    if rates.vizdoom is None:
        yield f"  ViZDoom                          left out: {rates.vizdoom_missing}"
    else:
        yield f"  ViZDoom, 160 x 120, labels+depth {rates.vizdoom:8,.0f}"
        yield f"  pixels, whole step / ViZDoom     {rates.pixels_by_vizdoom:8.2f}"
    yield f"  new tasks                        {rates.new_tasks:8,.0f}"
    yield f"  memory per environment           {rates.bytes_per_env / 2**20:8.2f} MiB"
    yield "  worlds      " + "".join(f"{n:8,}" for n in rates.scaling)
    yield "  whole steps " + "".join(f"{rate:8,.0f}" for rate in rates.scaling.values())
