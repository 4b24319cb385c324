"""What is known of the present frames of a batch of environments: where each target is, in the picture and around.

The same for sequences that are learnt from at once and for those that are written to disk. Knows no policy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.imitation.expert import Expert
from xview_training.tasks.visibility import PIXELS, POINT_X, POINT_Y, X0


class Sight(NamedTuple):
    """Of N environments, as datasets/recording.py says of its columns."""

    visible: np.ndarray  # bool (N,)
    point: np.ndarray  # float32 (N, 2)
    box: np.ndarray  # float32 (N, 4)
    bearing: np.ndarray  # float32 (N, 2)
    bearing_known: np.ndarray  # bool (N,)


def sight_of(envs: CrossViewEnvs, expert: Expert) -> Sight:
    """What the present frames show and what an agent could know, after the expert has looked at them."""
    view, body, target = envs.view, envs.sim.body, envs.target
    towards = np.arctan2(-(target[:, 0] + 0.5 - body[:, 0]), target[:, 2] + 0.5 - body[:, 2]) - body[:, 6]
    return Sight(
        visible=view[:, PIXELS] >= expert.seen_pixels,
        point=view[:, POINT_X : POINT_Y + 1].copy(),
        box=view[:, X0:].copy(),
        bearing=np.stack([np.sin(towards), np.cos(towards)], -1).astype(np.float32),
        bearing_known=expert.found,
    )


def cells_of(visible: np.ndarray, point: np.ndarray, side: int) -> np.ndarray:
    """Row-major cell int64 of each point (..., 2) in a grid of `side` a side; side * side where not visible."""
    column, row = (np.minimum(point[..., axis] * side, side - 1).astype(np.int64) for axis in (0, 1))
    return np.where(visible, row * side + column, side * side)
