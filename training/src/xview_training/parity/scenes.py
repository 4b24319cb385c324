"""What bundle and policy are shown when they are compared: random noise and goals, or the voxel world itself.

Random pictures reach what no world shows, and zeros would hide a memory that is not carried; the world's frames are
what the policy was trained for, in the order in which its own actions bring them. Axis letters: B batch, S image side.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np
from xview_deploy.spec import INTERACTION_ROWS, ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.tasks.suites import Suite


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
    """The inputs of one step of B rows, and what changes before it."""

    image: np.ndarray  # uint8 (B, S, S, 3)
    event: np.ndarray  # int64 (B,)
    previous_action: np.ndarray  # int64 (B, 3)
    goal_image: np.ndarray  # uint8 (B, S, S, 3)
    goal_mask: np.ndarray  # uint8 (B, S, S), 0 or 1
    new_goal: np.ndarray  # bool (B,), rows whose goal is another than before
    forget: np.ndarray  # bool (B,), rows whose memory is emptied


class Scenes(Protocol):
    """A rollout's moments."""

    def moment(self, step: int, action: np.ndarray) -> Moment:
        """Moment number `step`, which follows from `action` int64 (B, 3) at the one before; at 0 from nothing."""


class RandomInputs:
    """Random inputs of the contract's shapes, reproducible by their seed."""

    def __init__(self, side: int, sizes: tuple[int, int, int], batch: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.side, self.sizes, self.batch = side, sizes, batch

    def image(self) -> np.ndarray:
        """uint8 (B, S, S, 3): patches of colour of a random size, as pictures have, under pixel noise."""
        cell = int(self.rng.choice([1, 4, 16]))
        cells = -(-self.side // cell)
        patches = self.rng.integers(0, 256, (self.batch, cells, cells, 3)).repeat(cell, 1).repeat(cell, 2)
        noise = self.rng.integers(-20, 21, (self.batch, self.side, self.side, 3))
        return (patches[:, : self.side, : self.side] + noise).clip(0, 255).astype(np.uint8)

    def goal(self) -> tuple[np.ndarray, np.ndarray]:
        """A picture, and a mask uint8 (B, S, S) of one rectangle a row."""
        mask = np.zeros((self.batch, self.side, self.side), np.uint8)
        for row in mask:
            y, x = self.rng.integers(0, self.side, 2)
            height, width = self.rng.integers(1, self.side // 2, 2)
            row[y : y + height, x : x + width] = 1
        return self.image(), mask

    def event(self) -> np.ndarray:
        """int64 (B,) rows of the interaction embedding."""
        return self.rng.integers(0, INTERACTION_ROWS, self.batch)

    def action(self) -> np.ndarray:
        """int64 (B, 3)"""
        return np.stack([self.rng.integers(0, size, self.batch) for size in self.sizes], 1)


class RandomScenes:
    """Noise; all rows get new goals now and then, with their memories kept, and the first row forgets."""

    def __init__(self, inputs: RandomInputs, goal_every: int, forget_every: int) -> None:
        self._inputs, self._goal_every, self._forget_every = inputs, goal_every, forget_every
        self._event, self._goal = inputs.event(), inputs.goal()

    def moment(self, step: int, action: np.ndarray) -> Moment:
        """See `Scenes.moment`."""
        inputs, rows = self._inputs, np.arange(self._inputs.batch)
        turn = step % self._goal_every == 0
        if turn and step > 0:
            self._event, self._goal = inputs.event(), inputs.goal()
        forget = (rows == 0) & (step > 0) & (step % self._forget_every == 0)
        previous = action if step > 0 else inputs.action()
        return Moment(inputs.image(), self._event, previous, *self._goal, np.full(len(rows), turn), forget)


class WorldScenes:
    """Tasks of a suite, played one after the other; a row whose task is over gets the next."""

    def __init__(self, suite: Suite, side: int, batch: int, seed: int, actions: ActionTable) -> None:
        self._envs = CrossViewEnvs(batch, side, threads=1, actions=actions)
        order = np.random.default_rng(seed).permutation(suite.size)
        self._requests = ((suite, int(index), None, None) for index in order)

    def moment(self, step: int, action: np.ndarray) -> Moment:
        """See `Scenes.moment`."""
        envs = self._envs
        if step > 0:
            envs.step(action)
        over = envs.done
        if over.any():
            envs.assign(np.flatnonzero(over), self._requests)
        seen = envs.observation
        return Moment(
            *(seen.image.copy(), seen.event.copy(), seen.previous_action.copy()),
            *(seen.goal_image, seen.goal_mask),
            *(over, over),
        )

    def close(self) -> None:
        """Ends the worlds."""
        self._envs.close()
