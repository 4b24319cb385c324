"""The spaces of xview/CrossView-v0, and an observation in them: what the contract says a policy sees and answers.

Observation, a Dict; S is the image size in pixels:
    image            uint8 (S, S, 3), 0..255 RGB: the agent's own view, squeezed to a square
    goal_image       uint8 (S, S, 3), 0..255 RGB: another camera's view, the same throughout an episode
    goal_mask        uint8 (S, S), 0 or 1: where the target is in goal_image
    event            int64, row of the interaction embedding: what to do to the target (spec.Event.interaction_index)
    previous_action  int64 (3,), the last action; the table's no-op at first
Action, a MultiDiscrete: int64 (3,), [row of the table's keys, bin of the pitch, bin of the yaw] (spec.ActionTable);
camera bins are degrees a tick, an action lasts `ticks_per_action` ticks of 1/20 s.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from gymnasium import spaces
from xview_deploy.spec import INTERACTION_ROWS, ActionTable

from xview_training.envs.crossview import Observation


def action_space(actions: ActionTable) -> spaces.MultiDiscrete:
    """Of one environment."""
    return spaces.MultiDiscrete(list(actions.sizes))


def observation_space(image_size: int, actions: ActionTable) -> spaces.Dict:
    """Of one environment."""
    side = (image_size, image_size)
    return spaces.Dict(
        {
            "image": spaces.Box(0, 255, (*side, 3), np.uint8),
            "goal_image": spaces.Box(0, 255, (*side, 3), np.uint8),
            "goal_mask": spaces.Box(0, 1, side, np.uint8),
            "event": spaces.Discrete(INTERACTION_ROWS),
            "previous_action": action_space(actions),
        }
    )


def as_dict(seen: Observation) -> dict[str, np.ndarray]:
    """The observations of a batch, its own arrays."""
    return {field.name: getattr(seen, field.name) for field in dataclasses.fields(seen)}
