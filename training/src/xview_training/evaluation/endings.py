"""How an episode ended, and of a lost one why: what a table of successes alone does not say.

The reason of a lost episode is what it looked like in the end: dead, at a wrong object, near the target, or far from
it and then pushing on without moving (stuck), not even trying (idle), or still under way.
"""

from __future__ import annotations

import enum

import numpy as np
from xview_deploy.spec import ActionTable

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim import physics
from xview_training.tasks import rules

NEAR_BLOCKS = 5.0  # on the ground, from the body's axis to the target's
REST_S = 5.0  # the end of an episode that tells stuck and idle from under way
REST_BLOCKS = 1.0  # how far an agent that rests has gone meanwhile
IDLE_SHARE = 0.5  # of the decisions meanwhile that walk: below, it does not try
WALKING = {"forward", "back", "left", "right"}


class Ending(str, enum.Enum):
    """What an episode came to."""

    SUCCESS = "success"
    DIED = "died"
    WRONG_OBJECT = "wrong object"  # of a strict task
    NEAR = "time out, near"
    STUCK = "time out, stuck"
    IDLE = "time out, idle"
    FAR = "time out, far"
    LIMIT = "time out"  # in the real game, which does not say where things are


def booked_ending(episode: np.ndarray) -> Ending:
    """What the books (rules.EPISODE_SIZE,) say of an episode that is over; LIMIT where they say no more."""
    if episode[rules.SUCCESS]:
        return Ending.SUCCESS
    if episode[rules.DIED]:
        return Ending.DIED
    if episode[rules.STRICT] and episode[rules.FIRST] == rules.DISTRACTOR_FIRST:
        return Ending.WRONG_OBJECT
    return Ending.LIMIT


class Watch:
    """Remembers of each slot where the agent was lately, and whether it pressed a key that walks; for one batch."""

    def __init__(self, envs: CrossViewEnvs) -> None:
        self._envs = envs
        self._walks = walking_rows(envs.actions)
        length = round(REST_S * envs.actions.rate_hz)
        self._places = np.full((len(envs), length, 2), np.nan)
        self._pressed = np.zeros((len(envs), length), bool)

    def saw(self, rows: np.ndarray, actions: np.ndarray) -> None:
        """Books one decision of the slots `rows`; actions int64 (N, 3)."""
        for memory, now in ((self._places, self._feet(rows)), (self._pressed, self._walks[actions[rows, 0]])):
            memory[rows, :-1] = memory[rows, 1:]
            memory[rows, -1] = now

    def ending(self, slot: int) -> tuple[Ending, float]:
        """How the episode that is over in `slot` ended, and how many blocks from its target."""
        self._envs.follow(np.array([slot]))
        target = self._envs.target[slot, [0, 2]] + 0.5
        left = float(np.linalg.norm(self._feet(np.array([slot]))[0] - target))
        booked = booked_ending(self._envs.episode[slot])
        if booked is not Ending.LIMIT:
            return booked, left
        return (Ending.NEAR if left <= NEAR_BLOCKS else self._lost(slot)), left

    def _lost(self, slot: int) -> Ending:
        places = self._places[slot]
        if np.isnan(places).any() or np.ptp(places, axis=0).max() > REST_BLOCKS:
            return Ending.FAR
        return Ending.STUCK if self._pressed[slot].mean() >= IDLE_SHARE else Ending.IDLE

    def _feet(self, rows: np.ndarray) -> np.ndarray:
        return self._envs.sim.body[rows][:, [physics.X, physics.Z]]


def walking_rows(table: ActionTable) -> np.ndarray:
    """bool (rows,): which rows of the table walk."""
    return np.array([bool(WALKING & set(row)) for row in table.buttons])
