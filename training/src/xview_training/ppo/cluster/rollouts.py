"""Keeps the rollout processes playing: no more than the learner can use, and dead ones come back.

A process that died is restarted by Ray, in its place; one that failed is replaced. What they had written and not
named is found by the index. The run gives up where one fails several times in a row.
"""

from __future__ import annotations

import logging
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from xview_training.ppo.cluster.plan import ClusterRun
from xview_training.ppo.cluster.playing import ClusterRollout, Played

LOG = logging.getLogger(__name__)


class Rollouts:
    """The rollouts of a run, each in its bundle of the placement group."""

    def __init__(self, run: ClusterRun, index: Any, weights: Any, places: PlacementGroup):
        self._run, self._index = run, index
        settings = run.settings
        host: Any = ray.remote(ClusterRollout)
        self._actors: list[Any] = [
            host.options(
                num_cpus=settings.rollout_cpus,
                num_gpus=settings.rollout_gpus,
                max_restarts=-1,
                max_task_retries=0,  # what was played is not played again: the call is counted as lost instead
                scheduling_strategy=PlacementGroupSchedulingStrategy(places, placement_group_bundle_index=number),
            ).remote(run, number, index, weights)
            for number in range(settings.rollouts)
        ]
        self.restarts = 0
        self.reasons: list[str] = []
        self.latest: dict[int, Played] = {}
        self.decisions = 0
        self._usual = run.experiment.rollout.environments  # fragments of one call
        self._playing: dict[Any, int] = {}
        self._failures = [0] * settings.rollouts

    @property
    def playing(self) -> int:
        """How many are at it."""
        return len(self._playing)

    def keep_playing(self, room: int, wait_s: float) -> None:
        """Lets as many play as there is room for their fragments, and takes note of who came back within `wait_s`."""
        for number, actor in enumerate(self._actors):
            if number not in self._playing.values() and room > self._usual * len(self._playing):
                self._playing[actor.play.remote()] = number
        if self._playing:
            ready, _ = ray.wait(list(self._playing), timeout=wait_s)
            for call in ready:
                self._note(call, self._playing.pop(call))

    def _note(self, call: Any, number: int) -> None:
        try:
            played = ray.get(call)
        except RayActorError:
            self._failed(number, f"rollout {number} died and is restarted")
        except RayTaskError as error:
            self._failed(number, f"rollout {number} failed: {error.cause}")
            ray.kill(self._actors[number], no_restart=False)
        else:
            self._failures[number] = 0
            self.latest[number] = played
            self.decisions += played.decisions

    def _failed(self, number: int, reason: str) -> None:
        LOG.warning(reason)
        self.restarts += 1
        self.reasons.append(reason)
        self._failures[number] += 1
        if self._failures[number] >= self._run.settings.failures:
            raise RuntimeError(f"{self._failures[number]} failures of a rollout in a row; the last: {reason}")
        self._index.scan.remote()

    def close(self) -> None:
        """Ends the processes."""
        for actor in self._actors:
            ray.kill(actor)
