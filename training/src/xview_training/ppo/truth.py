"""What the simulator knows of each decision and the policy does not: where the target is, what the expert would do.

The learner's critic and its beside losses are made of it; actions and what the policy sees are not. Axis letter: N
environments.
"""

from __future__ import annotations

import numpy as np

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.insight import INSIGHT
from xview_training.imitation.expert import Expert
from xview_training.policy.heads import PolicyOutput
from xview_training.ppo.fragment import HEADS, NOT_ASKED
from xview_training.tasks.visibility import PIXELS, SEEN_PIXELS

BELIEFS = 3  # bearing, and whether the target is in sight
KNOWN = INSIGHT + BELIEFS  # what a critic is told


class Truth:
    """Follows the episodes of N environments, since what an agent could know depends on what it has seen."""

    def __init__(self, envs: CrossViewEnvs, ask_expert: bool):
        self._envs = envs
        self._expert = Expert(envs) if ask_expert else None
        self._seen = np.zeros(len(envs), bool)  # the target has been in sight in this episode

    def begin(self, slots: np.ndarray) -> None:
        """New episodes."""
        self._seen[slots] = False
        if self._expert is not None:
            self._expert.forget(slots)

    def columns(self, alive: np.ndarray) -> dict[str, np.ndarray]:
        """A fragment's fields of the present pictures, (N, ...) each; once a decision, before it is played."""
        envs = self._envs
        view = envs.view.copy()
        view[:, PIXELS] *= envs.pixel_scale
        self._seen |= view[:, PIXELS] >= SEEN_PIXELS
        return {
            "view": view,
            "bearing": envs.bearings() * self._seen[:, None],
            "expert_action": self._asked(alive),
        }

    def insight(self, output: PolicyOutput) -> np.ndarray:
        """float32 (N, KNOWN): what is so of the present pictures, and what the policy, which answered this, believes.

        A value needs both: a policy that is sure of the wrong way is worth less than one that knows.
        """
        self._envs.follow(np.arange(len(self._envs)))
        believed = (output.bearing[:, 0], output.visible[:, :1])
        return np.concatenate([self._envs.insight(), *(part.float().cpu().numpy() for part in believed)], -1)

    def _asked(self, alive: np.ndarray) -> np.ndarray:
        if self._expert is None:
            return np.full((len(self._envs), HEADS), NOT_ASKED)
        self._expert.label(alive)
        return self._expert.actions
