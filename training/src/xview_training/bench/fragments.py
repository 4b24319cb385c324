"""What a fragment costs: bytes on the disk beside a state at every step, milliseconds to write and read, the index.

    xview bench fragments --json FILE

Pictures are those that the expert sees in the suite's worlds; states are noise of the policy's sizes, as they do not
compress; times are medians of processor and disk together, on the folder that is given.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.imitation.expert import Expert
from xview_training.policy.architectures import build, config_named
from xview_training.policy.memory import State
from xview_training.ppo.fragment import Fragment, Kind
from xview_training.ppo.fragment_files import SUFFIX, read_fragment, read_header, write_fragment
from xview_training.ppo.store import FragmentStore, StoreSettings
from xview_training.ppo.store_ledger import FragmentRecord
from xview_training.ppo.truth import KNOWN
from xview_training.tasks.suites import suite_named
from xview_training.tasks.visibility import VIEW_SIZE

HALF, SINGLE = 2, 4  # bytes of a number


@dataclasses.dataclass(frozen=True)
class FragmentBenchSettings:
    """What to measure."""

    steps: int = 256  # decisions of a fragment, as published (ROCKET-3)
    suite: str = "train-v1"
    fragments: int = 4  # different ones
    rounds: int = 5  # each is written and read so often
    calls: int = 300  # of the index
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.fragments, self.rounds, self.calls) < 1:
            raise ValueError(f"steps, fragments, rounds and calls: expected 1 or more, got {self}")


@dataclasses.dataclass(frozen=True)
class FragmentCosts:
    """One policy's figures. Bytes and milliseconds are of one fragment."""

    policy: str
    image_size: int
    state_mib: float  # of one environment, in single precision
    fragment_bytes: int  # on the disk: one state, in half precision
    pictures_bytes_raw: int
    bytes_with_a_state_each_step: int  # in half precision too, nothing else stored
    times_smaller: float
    write_ms: float
    write_durable_ms: float  # until the disk has it
    read_ms: float
    read_header_ms: float
    weights_mib: float  # of one pull, if every parameter is learnt


@dataclasses.dataclass(frozen=True)
class IndexCosts:
    """Calls of the index a second, in this process; each is on the disk before it is answered."""

    add_per_s: float  # one fragment a call
    take_per_s: float  # one fragment a call
    status_per_s: float
    recovery_ms: float  # of a new index over that journal and folder


def measure(policy: str, settings: FragmentBenchSettings, folder: Path) -> FragmentCosts:
    """Times fragments of the policy of that name; ValueError names the nearest one."""
    config = config_named(policy)
    with torch.device("meta"):  # sizes only
        network = build(config)
        state = State(*(part[0] for part in network.initial_state(1)))
        parameters = sum(parameter.numel() for parameter in network.parameters())
    images = pictures(config.image_size, settings)
    fragments = [_fragment(rows, state, config.action_sizes, settings.seed + k) for k, rows in enumerate(images)]
    numbers = sum(part.numel() for part in state)
    path = folder / f"measured{SUFFIX}"
    sizes = [write_fragment(path, fragment) for fragment in fragments]
    size = round(statistics.mean(sizes))
    raw = images[0].nbytes
    return FragmentCosts(
        policy=policy,
        image_size=config.image_size,
        state_mib=numbers * SINGLE / 2**20,
        fragment_bytes=size,
        pictures_bytes_raw=raw,
        bytes_with_a_state_each_step=settings.steps * numbers * HALF,
        times_smaller=settings.steps * numbers * HALF / size,
        write_ms=_median_ms(fragments, settings, partial(write_fragment, path)),
        write_durable_ms=_median_ms(fragments, settings, partial(write_fragment, path, durable=True)),
        read_ms=_median_ms(fragments, settings, lambda _: read_fragment(path)),
        read_header_ms=_median_ms(fragments, settings, lambda _: read_header(path)),
        weights_mib=parameters * SINGLE / 2**20,
    )


def measure_index(settings: FragmentBenchSettings, folder: Path) -> IndexCosts:
    """Times the index over a folder of its own."""
    calls = settings.calls
    limits = StoreSettings(max_waiting=calls + 1)
    store = FragmentStore(folder, limits)
    names = [f"a-{k}" for k in range(calls)]
    for name in names:
        (folder / f"{name}{SUFFIX}").write_bytes(b"x")
    store.begin("bench", trained=0)
    records = [FragmentRecord(name, settings.steps, 1, "bench", 1) for name in names]
    add_s = _seconds([partial(store.add, [record]) for record in records])
    status_s = _seconds([store.status] * calls)
    take_s = _seconds([partial(store.take, "bench", batch, 1) for batch in range(1, calls // 2 + 1)])
    store.close()
    started = time.perf_counter()
    FragmentStore(folder, limits).close()
    recovery_s = time.perf_counter() - started
    return IndexCosts(calls / add_s, (calls // 2) / take_s, calls / status_s, 1000 * recovery_s)


def pictures(side: int, settings: FragmentBenchSettings) -> list[np.ndarray]:
    """uint8 (steps, S, S, 3) for each fragment: what an expert that is pushed about sees, task after task."""
    rng, suite = np.random.default_rng(settings.seed), suite_named(settings.suite)
    envs = CrossViewEnvs(settings.fragments, side, threads=1)
    expert, given, seen = Expert(envs), 0, []
    bins = len(envs.actions.camera_deg)
    for _ in range(settings.steps):
        free = np.flatnonzero(envs.done)
        if len(free):
            envs.assign(free, iter([(suite, given + k, None, None) for k in range(len(free))]))
            expert.forget(free)
            given += len(free)
        seen.append(envs.observation.image.copy())
        expert.label(np.flatnonzero(~envs.done))
        actions = expert.actions.copy()
        pushed = rng.random(len(actions)) < 0.2
        actions[pushed, 1:] = rng.integers(0, bins, (pushed.sum(), 2))
        envs.step(actions)
    envs.close()
    return list(np.stack(seen, 1))


def _fragment(images: np.ndarray, state: State, actions: tuple[int, ...], seed: int) -> Fragment:
    """A fragment of those pictures; all else is noise of the right sizes."""
    rng, steps = np.random.default_rng(seed), len(images)

    def noise(*shape: int, dtype: Any = np.float32) -> np.ndarray:
        return rng.standard_normal(shape, np.float32).astype(dtype)

    return Fragment(
        keys=noise(*state.keys.shape, dtype=np.float16),
        values=noise(*state.values.shape, dtype=np.float16),
        valid=np.ones(state.valid.shape, np.float16),
        seen=images,
        goal_image=images[0],
        goal_mask=np.zeros(images.shape[1:3], np.uint8),
        event=7,
        previous_action=rng.integers(0, min(actions), (steps, len(actions))),
        action=rng.integers(0, min(actions), (steps, len(actions))),
        log_prob=noise(steps),
        value=noise(steps),
        reward=np.zeros(steps, np.float32),
        reference_logits=noise(steps, sum(actions), dtype=np.float16),
        view=noise(steps, VIEW_SIZE),
        bearing=noise(steps, 2),
        insight=noise(steps, KNOWN),
        next_insight=noise(KNOWN),
        expert_action=rng.integers(0, min(actions), (steps, len(actions))),
        terminated=False,
        truncated=False,
        next_value=0.5,
        policy_version=1,
        kind=Kind("bench", "approach", "near", visible=True, strict=False),
        task_id="bench",
        episode=0,
        start=0,
    )


def _median_ms(fragments: list[Fragment], settings: FragmentBenchSettings, do: Callable[[Fragment], Any]) -> float:
    taken = [_seconds([partial(do, fragment)]) for _ in range(settings.rounds) for fragment in fragments]
    return 1000 * statistics.median(taken)


def _seconds(calls: list[Callable[[], Any]]) -> float:
    started = time.perf_counter()
    for call in calls:
        call()
    return time.perf_counter() - started


def measure_all(
    policies: tuple[str, ...], settings: FragmentBenchSettings, folder: Path | None
) -> tuple[list[FragmentCosts], IndexCosts]:
    """All of it, in a folder below `folder` that is removed afterwards; below the system's one for such by default."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        costs = [measure(policy, settings, Path(place)) for policy in policies]
        index = Path(place) / "index"
        return costs, measure_index(settings, index)


def as_text(costs: list[FragmentCosts], index: IndexCosts, settings: FragmentBenchSettings) -> Iterator[str]:
    """Lines to print."""
    yield f"fragments of {settings.steps} decisions, pictures of {settings.suite}:"
    yield "  policy       pixels   state  a fragment  state each step   smaller  write  durable   read  header  weights"
    for c in costs:
        yield (
            f"  {c.policy:<12}{c.image_size:7} {c.state_mib:5.1f} MiB{c.fragment_bytes / 2**20:8.2f} MiB"
            f"{c.bytes_with_a_state_each_step / 2**20:13,.1f} MiB {c.times_smaller:8.1f}x {c.write_ms:4.0f} ms"
            f"{c.write_durable_ms:6.0f} ms{c.read_ms:4.0f} ms{c.read_header_ms:5.2f} ms{c.weights_mib:6.0f} MiB"
        )
    yield (
        f"  index, calls a second: add {index.add_per_s:,.0f}, take {index.take_per_s:,.0f}, status "
        f"{index.status_per_s:,.0f}; recovery from {settings.calls} fragments {index.recovery_ms:.0f} ms"
    )


def as_json(costs: list[FragmentCosts], index: IndexCosts, settings: FragmentBenchSettings) -> dict[str, Any]:
    """Everything."""
    policies = {cost.policy: dataclasses.asdict(cost) for cost in costs}
    return {"settings": dataclasses.asdict(settings), "policies": policies, "index": dataclasses.asdict(index)}
