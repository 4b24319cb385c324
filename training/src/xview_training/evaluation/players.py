"""Who acts in an evaluation: a policy's network, the expert, and the random policies they are measured against.

Every episode has random numbers of its own, from the player's seed and the task's name: what is played beside it, and
by how many processes, changes nothing.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from xview_deploy.runtime.execution import Execution
from xview_deploy.runtime.network import EncodedGoal, GraphState, Network, StepAnswer
from xview_deploy.runtime.onnx_graphs import Graphs
from xview_deploy.runtime.onnx_policy import belief_of
from xview_deploy.runtime.policy import NO_BELIEF
from xview_deploy.runtime.random_policy import ForwardBiasedRandomPolicy, RandomPolicy
from xview_deploy.runtime.sampling import choose_actions
from xview_deploy.shipped import SHIPPED, SHIPPED_BUNDLE
from xview_deploy.spec import ActionTable, Belief

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.task_batch import TaskBatch
from xview_training.imitation.expert import Expert
from xview_training.naming import named

IMAGE_SIZE = 64  # of the pictures of players that look at none


class Player(Protocol):
    """Acts in a batch of environments, by the rows of its table."""

    name: str
    actions: ActionTable
    image_size: int

    def begin(self, envs: TaskBatch, slots: np.ndarray) -> None:
        """New tasks have been put into these slots; what was played in any slot is over."""

    def act(self, envs: TaskBatch) -> np.ndarray:
        """Actions int64 (N, 3); those of finished environments do not matter."""

    def belief(self, slot: int) -> Belief:
        """Where it believed the target when it last acted in a slot that is not done."""


def episode_rng(seed: int, task_id: str) -> np.random.Generator:
    """The random numbers of one episode."""
    return np.random.default_rng([seed, zlib.crc32(task_id.encode())])


def _rngs(envs: TaskBatch, slots: np.ndarray, seed: int) -> dict[int, np.random.Generator]:
    names = {int(slot): task.task_id for slot in slots if (task := envs.tasks[slot]) is not None}
    return {slot: episode_rng(seed, name) for slot, name in names.items()}


class RandomPlayer:
    """A random policy of the robot's package."""

    image_size = IMAGE_SIZE

    def __init__(self, policy: RandomPolicy, seed: int):
        self.name, self.actions = policy.name, policy.actions
        self._policy, self._seed = policy, seed

    def begin(self, envs: TaskBatch, slots: np.ndarray) -> None:
        """It remembers nothing."""
        self._rngs = _rngs(envs, slots, self._seed)

    def act(self, envs: TaskBatch) -> np.ndarray:
        """Random actions."""
        actions = np.tile(np.array(self.actions.noop, np.int64), (len(envs), 1))
        for slot in np.flatnonzero(~envs.done):
            actions[slot] = self._policy.act(envs.observation.image[slot], rng=self._rngs[int(slot)]).action
        return actions

    def belief(self, slot: int) -> Belief:
        """None."""
        return NO_BELIEF


class ExpertPlayer:
    """The privileged expert: the upper bound of every table."""

    name = "expert"
    image_size = IMAGE_SIZE

    def __init__(self, actions: ActionTable | None = None) -> None:
        self.actions = actions or ActionTable()
        self._expert: Expert | None = None
        self._envs: CrossViewEnvs | None = None

    def begin(self, envs: TaskBatch, slots: np.ndarray) -> None:
        """Starts its search afresh."""
        assert isinstance(envs, CrossViewEnvs), "it needs our own world's maps; real_game.py refuses it"
        if self._expert is None or self._envs is not envs:
            self._expert, self._envs = Expert(envs), envs
        self._expert.forget(slots)

    def act(self, envs: TaskBatch) -> np.ndarray:
        """The expert's actions."""
        assert self._expert is not None
        self._expert.label(np.flatnonzero(~envs.done))
        return self._expert.actions.copy()

    def belief(self, slot: int) -> Belief:
        """It knows, but says nothing."""
        return NO_BELIEF


class NetworkPlayer:
    """A policy's network, sampled as the robot samples it, in one batch of the episodes that are under way."""

    def __init__(
        self,
        network: Network,
        name: str,
        seed: int,
        actions: ActionTable | None = None,
        image_size: int = IMAGE_SIZE,
        temperature: float = 1.0,
    ):
        """temperature: of the sampling; 0 takes the most likely action."""
        self.name, self.actions, self.image_size = name, actions or ActionTable(), image_size
        self._network, self._seed, self._temperature = network, seed, temperature
        self._slots = np.zeros(0, np.int64)  # of the rows of goal, state and answer
        self._goal: EncodedGoal
        self._state: GraphState
        self._answer: StepAnswer

    def begin(self, envs: TaskBatch, slots: np.ndarray) -> None:
        """Encodes the new goals and starts with empty memories."""
        self._slots = np.asarray(slots, np.int64)
        self._rngs = _rngs(envs, slots, self._seed)
        self._goal = self._network.encode_goal(envs.observation.goal_image[slots], envs.observation.goal_mask[slots])
        self._state = self._network.initial_state(len(slots))

    def act(self, envs: TaskBatch) -> np.ndarray:
        """Actions, sampled or the most likely ones."""
        self._leave(~envs.done[self._slots])
        seen, slots = envs.observation, self._slots
        self._answer, self._state = self._network.step(
            seen.image[slots], self._goal, seen.event[slots], seen.previous_action[slots], self._state
        )
        actions = np.tile(np.array(self.actions.noop, np.int64), (len(envs), 1))
        actions[slots] = self._chosen(slots)
        return actions

    def _chosen(self, slots: np.ndarray) -> np.ndarray:
        """Actions (K, 3) by the last answer."""
        if self._temperature == 0:
            return choose_actions(self._answer.logits)
        uniform = np.stack([self._rngs[int(slot)].random(3) for slot in slots])
        return choose_actions(self._answer.logits, uniform=uniform, temperature=self._temperature)

    def _leave(self, alive: np.ndarray) -> None:
        """Drops the rows of finished episodes: bool, one a row."""
        if not alive.all():
            rows = np.flatnonzero(alive)
            self._slots, self._goal, self._state = self._slots[rows], self._goal.rows(rows), self._state.rows(rows)

    def belief(self, slot: int) -> Belief:
        """The network's."""
        return belief_of(self._answer, int(np.flatnonzero(self._slots == slot)[0]))


SCRIPTED = (RandomPolicy.name, ForwardBiasedRandomPolicy.name, ExpertPlayer.name)  # play without a network


def settled(name: str | None) -> str | None:
    """The name of one player for as long as its folder lasts: a run's is that of the checkpoint that stands for it now.

    ValueError where the run has no checkpoint.
    """
    if name is None or name in SCRIPTED or not Path(name).is_dir():
        return name
    from xview_training.trained import checkpoint_of

    return str(checkpoint_of(Path(name)))


def player_named(name: str | None, seed: int, actions: ActionTable | None = None, temperature: float = 1.0) -> Player:
    """ "random", "forward_biased_random", "expert", a bundle, a run, a checkpoint, or the robot's bundle for None.

    actions: the table of those that have none of their own; a network's is known. temperature: of a network's sampling.
    ValueError for an unknown name.
    """
    players: dict[str, Callable[[], Player]] = {
        RandomPolicy.name: lambda: RandomPlayer(RandomPolicy(actions), seed),
        ForwardBiasedRandomPolicy.name: lambda: RandomPlayer(ForwardBiasedRandomPolicy(actions), seed),
        ExpertPlayer.name: lambda: ExpertPlayer(actions),
        **{known: functools.partial(_bundled, path, seed, temperature) for known, path in SHIPPED.items()},
    }
    if name is None:
        return _bundled(SHIPPED_BUNDLE, seed, temperature)
    place = Path(name)
    if name not in SCRIPTED and (place.is_dir() or place.parent.name == "checkpoints"):
        return _trained(place, seed, temperature)
    if name not in players and (place.suffix or place.exists()):
        return _bundled(place, seed, temperature)
    return named(players, name, "policy, bundle or run")()


def _bundled(path: Path, seed: int, temperature: float) -> Player:
    # One thread: processes share the work, and no result may depend on how many they are.
    graphs = Graphs.load(path, Execution(threads=1))
    metadata = graphs.metadata
    return NetworkPlayer(graphs, metadata.name, seed, metadata.actions, metadata.image_size, temperature)


def _trained(folder: Path, seed: int, temperature: float) -> Player:
    from xview_training.trained import trained

    found = trained(folder)
    return NetworkPlayer(found.network, found.name, seed, found.actions, found.image_size, temperature)
