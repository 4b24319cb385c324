"""The two actors that everybody asks: the index of fragments and the newest weights. They host plain classes.

Both are restarted by Ray where they die, and calls that were under way are made again: the index goes on from its
journal and answers the same, the weights come with the learner's next version and until then rollouts keep theirs.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.exceptions import ActorDiedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from xview_training.ppo.cluster.weights_server import WeightsServer
from xview_training.ppo.store import FragmentStore, StoreSettings, StoreStatus
from xview_training.ppo.store_ledger import FragmentRecord, Handed


class IndexHost:
    """Hosts the index; every call may safely be made twice."""

    def __init__(self, folder: Path, settings: StoreSettings):
        self._store = FragmentStore(folder, settings)

    def add(self, records: Sequence[FragmentRecord]) -> int:
        """FragmentStore.add."""
        return self._store.add(records)

    def begin(self, learner: str, trained: int) -> int:
        """FragmentStore.begin."""
        return self._store.begin(learner, trained)

    def next_version(self, learner: str, after: int) -> int:
        """FragmentStore.next_version."""
        return self._store.next_version(learner, after)

    def take(self, learner: str, batch: int, count: int) -> list[Handed]:
        """FragmentStore.take."""
        return self._store.take(learner, batch, count)

    def release(self, learner: str, batch: int) -> None:
        """FragmentStore.release."""
        self._store.release(learner, batch)

    def damaged(self, id: str, reason: str) -> None:
        """FragmentStore.damaged."""
        self._store.damaged(id, reason)

    def scan(self) -> int:
        """FragmentStore.scan."""
        return self._store.scan()

    def status(self) -> tuple[int, StoreStatus]:
        """The process's number, which a restart changes, and FragmentStore.status."""
        return os.getpid(), self._store.status()


class WeightsHost:
    """Hosts the newest weights. They lie in the object store, owned by this actor: a dead learner does not take them
    along, and a node fetches them once for all its rollouts. The previous version goes when nobody reads it any more.
    """

    def __init__(self) -> None:
        self._server = WeightsServer()

    def publish(self, version: int, weights: dict[str, np.ndarray], figures: Mapping[str, float]) -> bool:
        """WeightsServer.publish."""
        return self._server.publish(version, [ray.put(weights)], figures)

    def newer(self, than: int) -> tuple[int, list[Any]] | None:
        """WeightsServer.newer; the weights as a reference in a list, so that they do not pass through here."""
        return self._server.newer(than)

    def figures(self) -> tuple[int, int, dict[str, float]]:
        """The process's number, the version and the learner's figures."""
        return os.getpid(), self._server.version, self._server.figures


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Names of the two, unique to a driver: handles among a constructor's arguments would lie in the object store, and
    an actor that is restarted needs them for ever.
    """

    index_name: str
    weights_name: str

    @property
    def index(self) -> Any:
        """The index's handle, in any process of the driver's."""
        return ray.get_actor(self.index_name)

    @property
    def weights(self) -> Any:
        """The weights' handle."""
        return ray.get_actor(self.weights_name)


def hosted(name: str, host: type, *arguments: Any) -> Any:
    """The actor of that class, on this node: it is restarted as often as it dies, and its calls are made again."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    actor: Any = ray.remote(host)
    always = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}
    return actor.options(name=name, scheduling_strategy=here, **always).remote(*arguments)


def ask(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls an actor's method and waits for the answer."""
    return ray.get(function(*arguments))


def ask_first(function: Callable[..., Any], *arguments: Any) -> Any:
    """The same of an actor that has just been made; ValueError with the reason where it could not begin."""
    try:
        return ask(function, *arguments)
    except ActorDiedError as error:
        reason = str(error).strip().splitlines()[-1]  # what its constructor raised, the end of a whole traceback
        raise ValueError(reason.removeprefix("ValueError: ")) from error
