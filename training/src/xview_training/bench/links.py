"""What crosses a cluster's links costs, over a real Ray on this machine: calls of the index, pulls of the weights.

    xview bench links --json FILE

One caller, one call after the other: the time of a round trip. The index writes to the disk before it answers `add` and
`take`, not for `status`.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch

from xview_training.policy.architectures import build, config_named
from xview_training.ppo.cluster.actors import IndexHost, WeightsHost, ask, hosted
from xview_training.ppo.cluster.running import start_ray
from xview_training.ppo.cluster.settings import ClusterSettings
from xview_training.ppo.store import StoreSettings
from xview_training.ppo.store_ledger import FragmentRecord


@dataclasses.dataclass(frozen=True)
class LinkCosts:
    """Medians of round trips."""

    status_ms: float  # the index answers from memory
    add_ms: float  # ... after the disk has it; one fragment
    take_ms: float  # ... after the disk has it; a batch of ten
    weights_mib: float  # of one version
    publish_ms: float
    pull_ms: float  # by a process of the same node, copied out of shared memory
    nothing_newer_ms: float  # a pull where there is nothing newer


def measure(policy: str, calls: int, folder: Path) -> LinkCosts:
    """Times the links with weights of the policy of that name; ValueError names the nearest one."""
    if calls < 1:
        raise ValueError(f"calls: expected 1 or more, got {calls}")
    weights = _weights_like(policy)
    began = start_ray(None, ClusterSettings())
    index = hosted("index", IndexHost, folder, StoreSettings(max_waiting=20 * calls))
    server = hosted("weights", WeightsHost)
    try:
        ask(index.begin.remote, "bench", 0)
        records = [FragmentRecord(f"a-{k}", 256, 1, "bench", 1) for k in range(10 * calls)]
        add_ms = _median_ms([partial(ask, index.add.remote, [record]) for record in records])
        take_ms = _median_ms([partial(ask, index.take.remote, "bench", k, 10) for k in range(1, calls + 1)])
        status_ms = _median_ms([partial(ask, index.status.remote)] * calls)
        publish = [partial(ask, server.publish.remote, version, weights, {}) for version in range(1, 6)]
        return LinkCosts(
            status_ms=status_ms,
            add_ms=add_ms,
            take_ms=take_ms,
            weights_mib=sum(array.nbytes for array in weights.values()) / 2**20,
            publish_ms=_median_ms(publish),
            pull_ms=_median_ms([partial(_pull, server)] * 5),
            nothing_newer_ms=_median_ms([partial(ask, server.newer.remote, len(publish))] * calls),
        )
    finally:
        ray.kill(index)
        ray.kill(server)
        if began:
            ray.shutdown()


def _weights_like(policy: str) -> dict[str, np.ndarray]:
    """Arrays as large as the policy's parameters."""
    with torch.device("meta"):
        network = build(config_named(policy))
    return {name: np.zeros(tuple(p.shape), np.float32) for name, p in network.named_parameters()}


def _pull(server: Any) -> int:
    _, box = ask(server.newer.remote, 0)
    return sum(array.copy().nbytes for array in ray.get(box[0]).values())


def _median_ms(calls: Sequence[Callable[[], Any]]) -> float:
    taken = []
    for call in calls:
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def measure_below(policy: str, calls: int, folder: Path | None) -> LinkCosts:
    """The same, in a folder below `folder` that is removed afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        return measure(policy, calls, Path(place))


def as_text(policy: str, costs: LinkCosts) -> Iterator[str]:
    """Lines to print."""
    yield f"round trips over Ray, one caller: {policy}'s weights, {costs.weights_mib:.1f} MiB"
    yield f"  index: status {costs.status_ms:.1f} ms, add {costs.add_ms:.1f} ms, take {costs.take_ms:.1f} ms"
    yield (
        f"  weights: publish {costs.publish_ms:.0f} ms, pull {costs.pull_ms:.0f} ms, "
        f"nothing newer {costs.nothing_newer_ms:.1f} ms"
    )
