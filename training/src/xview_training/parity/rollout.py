"""Two networks side by side through one rollout: which choices differ, and by how much their numbers.

The reference acts; each has its own goals and its own memory, as it would have had alone.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from xview_deploy.runtime.network import GraphState, Network, StepAnswer
from xview_deploy.runtime.sampling import choose_actions
from xview_deploy.spec import ACTION_HEADS, STATE_NAMES

from xview_training.parity.scenes import Moment, Scenes

ANSWERS = ("value", "visible", "point", "box", "bearing")


@dataclasses.dataclass(frozen=True)
class RolloutParity:
    """How far bundle and policy were apart in one rollout; the last three are the worst of all steps."""

    steps: int
    choices: int  # compared, most likely and sampled ones
    agreement: float  # share of them that were the same
    logits: float  # largest absolute difference of any action logit
    answers: float  # of value, visible, point, box and bearing
    state: float  # of keys, values and valid


class Side:
    """One of the two networks with the goals and the memory that it made itself."""

    def __init__(self, network: Network, batch: int) -> None:
        self._network = network
        self.state = network.initial_state(batch)

    def answer(self, moment: Moment) -> StepAnswer:
        """One step, its memory kept."""
        if moment.new_goal.any():
            self._goal = self._network.encode_goal(moment.goal_image, moment.goal_mask)
        if moment.forget.any():
            self.state = self.state.forget(moment.forget)
        answer, self.state = self._network.step(
            moment.image, self._goal, moment.event, moment.previous_action, self.state
        )
        return answer


class Rollout:
    """Both networks side by side; the reference acts."""

    def __init__(self, reference: Network, candidate: Network, scenes: Scenes, seed: int) -> None:
        self._networks, self._scenes = (reference, candidate), scenes
        self._rng = np.random.default_rng(seed)
        self._differing = self._choices = 0
        self._apart = {"logits": 0.0, "answers": 0.0, "state": 0.0}
        self.first_difference = ""

    def play(self, steps: int) -> RolloutParity:
        """All steps, whether choices agree or not."""
        action = np.zeros(0)
        sides: tuple[Side, ...] = ()
        for step in range(steps):
            moment = self._scenes.moment(step, action)
            sides = sides or tuple(Side(network, len(moment.event)) for network in self._networks)
            expected, answer = (side.answer(moment) for side in sides)
            action = self._compare(step, expected, answer)
            self._measure((expected, answer), (sides[0].state, sides[1].state))
        return RolloutParity(steps, self._choices, 1 - self._differing / max(self._choices, 1), **self._apart)

    def _compare(self, step: int, expected: StepAnswer, answer: StepAnswer) -> np.ndarray:
        """Counts the choices that differ; returns what the reference drew."""
        uniform = self._rng.random((len(expected.value), len(ACTION_HEADS)))
        for how, draws in (("most likely", None), ("sampled", uniform)):
            wanted, got = (choose_actions(each.logits, uniform=draws) for each in (expected, answer))
            self._choices += wanted.size
            self._differing += int((wanted != got).sum())
            if not self.first_difference and (wanted != got).any():
                self.first_difference = _describe(f"step {step}, {how}", expected, answer, wanted, got)
        return wanted

    def _measure(self, answers: tuple[StepAnswer, StepAnswer], states: tuple[GraphState, GraphState]) -> None:
        apart = {
            "logits": _apart(*answers, ACTION_HEADS),
            "answers": _apart(*answers, ANSWERS),
            "state": _apart(*states, STATE_NAMES),
        }
        self._apart = {name: max(worst, apart[name]) for name, worst in self._apart.items()}


def _describe(when: str, expected: StepAnswer, answer: StepAnswer, wanted: np.ndarray, got: np.ndarray) -> str:
    row, head = (int(index) for index in np.argwhere(wanted != got)[0])
    return (
        f"{when} action, row {row}, head {ACTION_HEADS[head]}: torch chose {wanted[row, head]}, ONNX Runtime chose "
        f"{got[row, head]}; torch's logits are {np.array2string(expected.logits[head][row], precision=6)}, "
        f"ONNX Runtime's {np.array2string(answer.logits[head][row], precision=6)}"
    )


def _apart(one: StepAnswer | GraphState, other: StepAnswer | GraphState, names: tuple[str, ...]) -> float:
    return max(float(np.abs(getattr(one, name) - getattr(other, name)).max()) for name in names)
