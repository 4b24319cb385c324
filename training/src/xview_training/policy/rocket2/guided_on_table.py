"""ROCKET-2 with goal guidance in the contract's terms: its two memories are one state, twice as deep.

So a guided policy is exported, compared and run as any other, by graphs that know nothing of guidance.

    policy = GuidedOnTable(Rocket2Config(rocket2.layout, table), rocket2, scale=1.5)
"""

from __future__ import annotations

import torch
from torch import Tensor

from xview_training.policy.memory import State
from xview_training.policy.rocket2.guidance import GuidedRocket2, GuidedState
from xview_training.policy.rocket2.heads import PreviousAction, Rocket2Output
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable
from xview_training.policy.rocket2.policy import Rocket2Goal, Rocket2Policy


class GuidedOnTable(Rocket2OnTable):
    """See `Rocket2OnTable`, and `GuidedRocket2` for the scale. To be played, not to be trained."""

    def __init__(self, config: Rocket2Config, rocket2: Rocket2Policy, scale: float) -> None:
        super().__init__(config, rocket2)
        self.guided = GuidedRocket2(rocket2, scale)

    def initial_state(self, batch: int) -> State:
        """An empty memory with and one without the goal: layers of the first, then of the second."""
        return _joined(self.guided.initial_state(batch))

    def ask(
        self, images: Tensor, goal: Rocket2Goal, event: Tensor, previous: PreviousAction, state: State
    ) -> tuple[Rocket2Output, State]:
        """See `Rocket2OnTable.ask`."""
        output, after = self.guided(images, goal, event, previous, _parted(state))
        return output, _joined(after)


def _joined(state: GuidedState) -> State:
    """Both memories hold the same steps, so one `valid` (B, M) is enough."""
    keys, values = (torch.cat([getattr(part, name) for part in state], 1) for name in ("keys", "values"))
    return State(keys, values, state.asked.valid)


def _parted(state: State) -> GuidedState:
    """The memories in a state with keys and values (B, 2 * layers, M, D)."""
    keys, values = state.keys.chunk(2, 1), state.values.chunk(2, 1)
    return GuidedState(*(State(k, v, state.valid) for k, v in zip(keys, values, strict=True)))
