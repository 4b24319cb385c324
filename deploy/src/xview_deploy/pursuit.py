"""One robot pursuing one goal: what happens to each picture, apart from where it came from and where it goes.

Checks what arrives, asks the policy, maps its action to a velocity, and says why where it does not. Knows
neither ROS nor a clock: pictures come as bytes with their age. Limits and stops are the gate's business.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from xview_deploy.actions import ActionMapping
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import decode_picture
from xview_deploy.policy import Decision, Policy
from xview_deploy.spec import ContractError
from xview_deploy.velocity import Velocity

WAITING_FOR_GOAL = "waiting_for_goal"
WAITING_FOR_PICTURE = "waiting_for_picture"
RUNNING = "running"
REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class PursuitSettings:
    """How to choose, and which pictures to choose by."""

    picture_timeout: float = 0.2  # s, oldest picture to decide by
    temperature: float = 1.0  # of the sampling; 0 takes the most likely action


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one decision's turn. Without a decision the robot is told nothing, and the gate stops it."""

    state: str
    message: str = ""
    decision: Decision | None = None
    velocity: Velocity | None = None


class Pursuit:
    """Holds policy and goal; `decide` is called at the policy's rate."""

    def __init__(
        self,
        policy: Policy,
        mapping: ActionMapping,
        settings: PursuitSettings,
        rng: np.random.Generator,
    ) -> None:
        self.policy = policy
        self.goal: CrossViewGoal | None = None
        self.step = 0  # decisions since the goal or the last reset
        self._mapping = mapping
        self._settings = settings
        self._rng = rng
        self._refusal = ""
        self._answered_ns: int | None = None  # stamp of the last picture that was decided by

    def pursue(self, goal: CrossViewGoal) -> None:
        """A new goal, with an empty memory. ContractError where the policy was not trained for its event."""
        if goal.event.value not in self.policy.events:
            known = ", ".join(self.policy.events)
            raise ContractError(f"policy {self.policy.name}: expected an event of {known}, got {goal.event.value}")
        self.policy.set_goal(goal.image, goal.mask, goal.event)
        self.goal, self._refusal, self.step = goal, "", 0

    def refuse(self, reason: str) -> None:
        """A goal came that is none: pursue nothing until a sound one comes."""
        self.goal, self._refusal = None, reason

    def use(self, policy: Policy) -> None:
        """Go on with another policy and the same goal; ContractError where it cannot pursue that."""
        before, self.policy = self.policy, policy
        if self.goal is not None:
            try:
                self.pursue(self.goal)
            except ContractError:
                self.policy = before
                raise

    def reset(self) -> None:
        """Forget what was seen, keep the goal."""
        self.policy.reset()
        self.step = 0

    def decide(self, picture: bytes | None, stamp_ns: int, age_s: float) -> Outcome:
        """Decide by the newest picture, JPEG or PNG, of that age by its stamp. None: none has come yet."""
        if self._refusal:
            return Outcome(REFUSED, self._refusal)
        if self.goal is None:
            return Outcome(WAITING_FOR_GOAL, "expected a goal, none has come yet")
        if picture is None:
            return Outcome(WAITING_FOR_PICTURE, "no onboard picture has come yet")
        if complaint := self._picture_complaint(stamp_ns, age_s):
            return Outcome(WAITING_FOR_PICTURE, complaint)
        try:
            image = decode_picture(picture, "onboard picture")
        except ContractError as error:
            return Outcome(WAITING_FOR_PICTURE, str(error))
        self._answered_ns = stamp_ns
        try:
            return self._answer(image)
        except ContractError as error:
            return Outcome(REFUSED, str(error))

    def _answer(self, image: NDArray[np.uint8]) -> Outcome:
        rng = self._rng if self._settings.temperature > 0 else None
        decision = self.policy.act(
            image,
            allowed=self._mapping.allowed(self.policy.actions),
            rng=rng,
            temperature=self._settings.temperature or 1.0,
        )
        self.step += 1
        velocity = self._mapping.velocity(decision.action, self.policy.actions)
        return Outcome(RUNNING, decision=decision, velocity=velocity)

    def _picture_complaint(self, stamp_ns: int, age_s: float) -> str:
        allowed_s = self._settings.picture_timeout
        if age_s > allowed_s:
            return f"newest onboard picture is {age_s:.2f} s old, allowed {allowed_s:.2f} s"
        if stamp_ns == self._answered_ns:
            return "no onboard picture has come since the last decision"
        return ""
