"""Where a run's processes may run: places in the cluster, reserved before any of them starts.

The learners' come first: rollouts' shares of the GPUs on a node for learners would keep those out for ever. Ray Train
reserves the learners' places by itself, so here they are only held until the rollouts have theirs: what is given up
then is just what Ray Train asks for.
"""

from __future__ import annotations

import ray
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group

from xview_training.ppo.cluster.settings import ClusterSettings

PLACES_WITHIN_S = 120.0  # a node that has just joined, or a run that has just been stopped, frees them by then
LEARNERS = "PACK"  # gradients go between them: on one node where that has room
ROLLOUTS = "SPREAD"


def bundle(cpus: float, gpus: float) -> dict[str, float]:
    """What one process reserves, as Ray names it."""
    return {name: amount for name, amount in (("CPU", cpus), ("GPU", gpus)) if amount}


def reserve(settings: ClusterSettings) -> PlacementGroup:
    """A place for each rollout, spread over the nodes; beside them the learners' are free.

    ValueError where one of them finds no place within PLACES_WITHIN_S.
    """
    held = _placed("learner", settings.learners, bundle(settings.learner_cpus, settings.learner_gpus), LEARNERS)
    try:
        return _placed("rollout", settings.rollouts, bundle(settings.rollout_cpus, settings.rollout_gpus), ROLLOUTS)
    finally:
        remove_placement_group(held)


def _placed(who: str, count: int, each: dict[str, float], strategy: str) -> PlacementGroup:
    places = placement_group([dict(each) for _ in range(count)], strategy=strategy)
    if not places.wait(PLACES_WITHIN_S):
        free = {name: ray.available_resources().get(name, 0.0) for name in each}
        remove_placement_group(places)
        raise ValueError(
            f"expected places for {count} {who}s of {_words(each)} each within {PLACES_WITHIN_S:g} s, the nodes "
            f"together have {_words(free)} free: ask for fewer, or for less each"
        )
    return places


def _words(amounts: dict[str, float]) -> str:
    return " and ".join(f"{amount:g} {name}" for name, amount in amounts.items())
