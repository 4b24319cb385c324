"""Who acts in an evaluation: a policy's network, the expert, and the random policies they are measured against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from xview_deploy.runtime.execution import Execution
from xview_deploy.runtime.network import EncodedGoal, Network
from xview_deploy.runtime.onnx_graphs import Graphs
from xview_deploy.runtime.random_policy import ForwardBiasedRandomPolicy, RandomPolicy
from xview_deploy.runtime.sampling import choose_actions
from xview_deploy.shipped import bundle_path
from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.imitation.expert import Expert
from xview_training.naming import named

BUNDLE_THREADS = 2  # a batch of pictures feeds more than one


class Player(Protocol):
    """Acts in a batch of environments, by the rows of its table."""

    name: str
    actions: ActionTable

    def begin(self, envs: CrossViewEnvs, slots: np.ndarray) -> None:
        """New tasks have been put into these slots."""

    def act(self, envs: CrossViewEnvs) -> np.ndarray:
        """Actions int64 (N, 3); those of finished environments do not matter."""


class RandomPlayer:
    """A random policy of the robot's package, one draw an environment."""

    def __init__(self, policy: RandomPolicy):
        self.name, self.actions = policy.name, policy.actions
        self._policy = policy

    def begin(self, envs: CrossViewEnvs, slots: np.ndarray) -> None:
        """It remembers nothing."""

    def act(self, envs: CrossViewEnvs) -> np.ndarray:
        """Random actions."""
        return np.stack([self._policy.act(image).action for image in envs.observation.image])


class ExpertPlayer:
    """The privileged expert: the upper bound of every table."""

    name = "expert"

    def __init__(self, actions: ActionTable | None = None) -> None:
        self.actions = actions or ActionTable()
        self._expert: Expert | None = None

    def begin(self, envs: CrossViewEnvs, slots: np.ndarray) -> None:
        """Starts its search afresh."""
        self._expert = self._expert or Expert(envs)
        self._expert.forget(slots)

    def act(self, envs: CrossViewEnvs) -> np.ndarray:
        """The expert's actions."""
        assert self._expert is not None
        self._expert.label(np.flatnonzero(~envs.done))
        return self._expert.actions.copy()


class NetworkPlayer:
    """A policy's network, sampled as the robot samples it, in one batch."""

    def __init__(self, network: Network, name: str, seed: int, actions: ActionTable | None = None):
        self.name, self.actions = name, actions or ActionTable()
        self._network = network
        self._rng = np.random.default_rng(seed)
        self._goal: EncodedGoal | None = None

    def begin(self, envs: CrossViewEnvs, slots: np.ndarray) -> None:
        """Encodes the new goals and empties these slots' memory."""
        if self._goal is None:
            self._goal = self._network.encode_goal(envs.observation.goal_image, envs.observation.goal_mask)
            self._state = self._network.initial_state(len(envs))
            return
        fresh = self._network.encode_goal(envs.observation.goal_image[slots], envs.observation.goal_mask[slots])
        self._goal.tokens[slots], self._goal.vector[slots] = fresh.tokens, fresh.vector
        forgotten = np.zeros(len(envs), bool)
        forgotten[slots] = True
        self._state = self._state.forget(forgotten)

    def act(self, envs: CrossViewEnvs) -> np.ndarray:
        """Sampled actions."""
        assert self._goal is not None
        seen = envs.observation
        answer, self._state = self._network.step(seen.image, self._goal, seen.event, seen.previous_action, self._state)
        return choose_actions(answer.logits, uniform=self._rng.random((len(envs), 3)))


def player_named(name: str | None, seed: int, actions: ActionTable | None = None) -> Player:
    """ "random", "forward_biased_random", "expert", a bundle's path, or the shipped bundle for None.

    actions: the table of those that have none of their own; a bundle's is in it. ValueError for an unknown name.
    """
    players: dict[str, Callable[[], Player]] = {
        RandomPolicy.name: lambda: RandomPlayer(RandomPolicy(actions, seed)),
        ForwardBiasedRandomPolicy.name: lambda: RandomPlayer(ForwardBiasedRandomPolicy(actions, seed)),
        ExpertPlayer.name: lambda: ExpertPlayer(actions),
    }
    if name is None or (name not in players and (Path(name).suffix or Path(name).exists())):
        graphs = Graphs.load(bundle_path(name), Execution(threads=BUNDLE_THREADS))
        return NetworkPlayer(graphs, graphs.metadata.name, seed, graphs.metadata.actions)
    return named(players, name, "policy or bundle")()
