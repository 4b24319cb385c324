"""What a critic may know of an episode and its agent may not: where the target is, what lies before it, who it is.

A value that knows them tells luck from skill better than one that guesses from pictures (asymmetric actor-critic: Pinto
et al. 2018); the policy never sees them. All are about as large as one, so that a network takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xview_training.sim import hands, physics
from xview_training.sim.simulator import SPEED, TURN
from xview_training.tasks import rules
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.visibility import PIXELS, POINT_X, POINT_Y

if TYPE_CHECKING:
    from xview_training.envs.crossview import CrossViewEnvs

FAR = 100.0  # blocks: as far as there is no other candidate, or no way
# On foot and through the air to the target, how much higher it lies, unit vector right and forward to it; how much of
# it is seen, and where; to the nearest other candidate likewise; strict or not, and whether a wrong object was first;
# what the hands are at; health of the agent and of its prey; its body; one column an event.
INSIGHT = 3 + 2 + 3 + 3 + 2 + 2 + 2 + 3 + len(TaskEvent)


def insight(envs: CrossViewEnvs) -> np.ndarray:
    """float32 (N, INSIGHT) of the present moment; slots without a task hold numbers without a meaning."""
    sim, episode = envs.sim, envs.episode
    body, slots = sim.body, np.arange(len(envs))
    away = envs.targets_now() - body[:, [physics.X, physics.Z]]
    x, z = (np.clip(body[:, axis].astype(np.int64), 0, envs.field.shape[k + 1] - 1) for k, axis in enumerate((0, 2)))
    prey = sim.creatures[slots, _creature(envs), physics.HEALTH] / physics.FULL_HEALTH
    columns = [
        np.log1p(np.minimum(envs.field[slots, x, z], FAR)),
        np.log1p(np.hypot(*away.T)),
        (envs.target[:, 1] - body[:, physics.Y]) / 5,
        *envs.bearings().T,
        np.log1p(envs.view[:, PIXELS] * envs.pixel_scale) / 4,
        *envs.view[:, POINT_X : POINT_Y + 1].T,
        *_nearest_other(envs),
        episode[:, rules.STRICT],
        episode[:, rules.FIRST] == rules.DISTRACTOR_FIRST,
        sim.hands[:, hands.PROGRESS],
        sim.hands[:, hands.DRAWN] / hands.FULL_DRAW,
        body[:, physics.HEALTH] / physics.FULL_HEALTH,
        prey,
        *sim.embodiment[:, [SPEED, TURN]].T,
        episode[:, rules.ACTION_TICKS] / 3 - 1,
        *np.eye(len(TaskEvent))[episode[:, rules.EVENT].astype(np.int64)].T,
    ]
    return np.stack(columns, -1).astype(np.float32)


def _creature(envs: CrossViewEnvs) -> np.ndarray:
    """int64 (N,): number of the creature that is hunted, 0 where none is."""
    return np.array([task.creature if task is not None and task.event.hunts else 0 for task in envs.tasks], np.int64)


def _nearest_other(envs: CrossViewEnvs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance (as a logarithm), right and forward of the nearest candidate that is not the target, (N,) each."""
    sim, slots = envs.sim, np.arange(len(envs))
    away = sim.candidates[:, :, [0, 2]] + 0.5 - sim.body[:, None, [physics.X, physics.Z]]
    blocks = np.hypot(away[..., 0], away[..., 1])
    blocks[np.arange(blocks.shape[1]) >= sim.candidate_count[:, None]] = FAR
    hunts = np.array([task is not None and task.event.hunts for task in envs.tasks])
    blocks[hunts] = FAR
    blocks[slots[~hunts], envs.episode[~hunts, rules.TARGET].astype(np.int64)] = FAR
    nearest = blocks.argmin(1)
    right, ahead = envs.towards(away[slots, nearest]).T
    return np.log1p(np.minimum(blocks[slots, nearest], FAR)), right, ahead
