"""One robot pursuing one goal: what happens to each picture, apart from where it came from and where it goes.

Checks what arrives, makes the picture into what the policy was trained to see, asks the policy, maps its action to a
command, says why where it does not, and notices when the goal is over (`xview_deploy.pursuit.outcome`): from then on it
commands to stand until another goal comes. Knows neither ROS nor a clock: pictures come as bytes with their age.
Limits and stops are the gate's business.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.robot_command import STAND, RobotCommand
from xview_deploy.cameras.lens import Lens
from xview_deploy.cameras.view import View, located, view_of
from xview_deploy.goal import CrossViewGoal, age_fault
from xview_deploy.picture import decode_picture
from xview_deploy.pursuit.outcome import PursuitLimits, StopCondition, Verdict
from xview_deploy.runtime.policy import Decision, Policy
from xview_deploy.spec import ContractError

WAITING_FOR_GOAL = "waiting_for_goal"
WAITING_FOR_PICTURE = "waiting_for_picture"
RUNNING = "running"
REFUSED = "refused"
ENDED = "ended"


@dataclasses.dataclass(frozen=True)
class PursuitSettings:
    """How to choose, and which pictures to choose by."""

    picture_timeout: float = 0.2  # s, oldest picture to decide by
    temperature: float = 1.0  # of the sampling; 0 takes the most likely action
    goal_timeout: float = 600.0  # s, oldest picture that a goal may be marked on: the room changes
    future_tolerance: float = 0.05  # s, that a goal's stamp may lie ahead of this clock


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one decision's turn. Without a decision the robot is told nothing, and the gate stops it.

    The decision's belief is about the onboard picture as it came, not about the square that the policy saw.
    """

    state: str
    message: str = ""
    decision: Decision | None = None
    command: RobotCommand | None = None


class Pursuit:
    """Holds policy and goal; `decide` is called at the policy's rate."""

    def __init__(
        self,
        policy: Policy,
        mapping: ActionMapping,
        settings: PursuitSettings,
        rng: np.random.Generator,
        stop: StopCondition | None = None,
    ) -> None:
        self.policy = policy
        self.stop = stop or StopCondition()
        self.settings = settings
        self.goal: CrossViewGoal | None = None
        self.verdict: Verdict | None = None  # how the goal ended, once it has
        self.step = 0  # decisions since the goal or the last reset
        self.view: View | None = None  # from the newest picture to the policy's square
        mapping.check_table(policy.actions)
        self._mapping = mapping
        self._rng = rng
        self._refusal = ""
        self._lens: Lens | None = None
        self._blindness = ""  # why no picture can be made into the policy's
        self._answered_ns: int | None = None  # stamp of the last picture that was decided by
        self._step_over_ns = 0  # when the last step of a robot that drives by steps will be over, on the stamps' clock

    def pursue(
        self, goal: CrossViewGoal, age_s: float = 0.0, now_s: float = 0.0, limits: PursuitLimits | None = None
    ) -> None:
        """A new goal, with an empty memory. age_s: of the picture that it is marked on, by its stamp.

        ContractError where it is too old or from the future, or the policy was not trained for its event.
        """
        if fault := age_fault(goal.id, age_s, self.settings.goal_timeout, self.settings.future_tolerance):
            raise ContractError(fault)
        self._take(goal)
        self.verdict = None
        self.stop.begin(now_s, limits)

    def _take(self, goal: CrossViewGoal) -> None:
        if goal.event.value not in self.policy.events:
            known = ", ".join(self.policy.events)
            raise ContractError(f"policy {self.policy.name}: expected an event of {known}, got {goal.event.value}")
        self.policy.set_goal(goal.image, goal.mask, goal.event)
        self.goal, self._refusal, self.step = goal, "", 0

    def end(self, verdict: Verdict) -> None:
        """The goal is over for a reason from outside; zeros until another comes."""
        if self.goal is not None:
            self.verdict = self.verdict or verdict

    def refuse(self, reason: str) -> None:
        """A goal came that is none: pursue nothing until a sound one comes."""
        self.goal, self.verdict, self._refusal = None, None, reason

    def forget_goal(self) -> None:
        """Pursue nothing, as before the first goal."""
        self.goal, self.verdict, self._refusal = None, None, ""

    def use(self, policy: Policy) -> None:
        """Go on with another policy and the same goal; ContractError where it cannot pursue that."""
        self._mapping.check_table(policy.actions)
        before, self.policy = self.policy, policy
        if self.goal is not None:
            try:
                self._take(self.goal)
            except ContractError:
                self.policy = before
                raise

    def reset(self) -> None:
        """Forget what was seen, keep the goal."""
        self.policy.reset()
        self.step = 0

    def look_through(self, lens: Lens | None) -> None:
        """The onboard camera's calibration from now on. None: it has none, and its pictures are cut to shape."""
        self._lens, self._blindness = lens, ""

    def look_away(self, reason: str) -> None:
        """The onboard camera's calibration is awaited, or is none: decide by no picture until `look_through`."""
        self._blindness = reason

    def decide(
        self, picture: bytes | None, stamp_ns: int, age_s: float, now_s: float = 0.0, acting: bool = False
    ) -> Outcome:
        """Decide by the newest picture, JPEG or PNG, of that age by its stamp. None: none has come yet.

        acting: whether the robot acts out what is decided; only then does a decision count towards the goal's end.
        """
        if self._refusal:
            return Outcome(REFUSED, self._refusal)
        if self.goal is None:
            return Outcome(WAITING_FOR_GOAL, "expected a goal, none has come yet")
        if not acting:
            self.stop.hold()
        self.verdict = self.verdict or self.stop.timed_out(now_s)
        complaint = self._picture_complaint(picture, stamp_ns, age_s)
        if self.verdict is not None:
            self._answered_ns = stamp_ns
            return Outcome(ENDED, str(self.verdict), command=None if complaint else STAND)
        if picture is None or complaint:
            return Outcome(WAITING_FOR_PICTURE, complaint)
        try:
            image = decode_picture(picture, "onboard picture", lambda width, height: self._view(width, height).spare)
            self.view = self._view(image.shape[1], image.shape[0])
        except ContractError as error:
            return Outcome(WAITING_FOR_PICTURE, str(error))
        self._answered_ns = stamp_ns
        try:
            outcome = self._answer(image, self.view, now_s, acting)
        except ContractError as error:
            return Outcome(REFUSED, str(error))
        if acting and outcome.decision is not None and outcome.command is not None:
            lasting_s = age_s + outcome.decision.ms / 1000 + outcome.command.hold_s + self._mapping.motion.settle_s
            self._step_over_ns = stamp_ns + int(lasting_s * 1e9) if outcome.command.hold_s else 0
        return outcome

    def _view(self, width: int, height: int) -> View:
        return view_of(self.policy.camera, self.policy.image_size, width, height, self._lens)

    def _answer(self, image: NDArray[np.uint8], view: View, now_s: float, acting: bool) -> Outcome:
        rng = self._rng if self.settings.temperature > 0 else None
        square = view.square(image)
        decision = self.policy.act(
            square,
            allowed=self._mapping.allowed(self.policy.actions),
            rng=rng,
            temperature=self.settings.temperature or 1.0,
        )
        self.step += 1
        command = self._mapping.command(decision.action, self.policy.actions)
        if acting:
            self.verdict = self.stop.on_decision(decision.belief, command.velocity, square, now_s)
        decision = dataclasses.replace(decision, belief=located(view, decision.belief))
        if self.verdict is not None:
            return Outcome(ENDED, str(self.verdict), decision, STAND)
        return Outcome(RUNNING, decision=decision, command=command)

    def _picture_complaint(self, picture: bytes | None, stamp_ns: int, age_s: float) -> str:
        allowed_s = self.settings.picture_timeout
        if picture is None:
            return "no onboard picture has come yet"
        if self._blindness:
            return self._blindness
        if age_s > allowed_s:
            return f"newest onboard picture is {age_s:.2f} s old, allowed {allowed_s:.2f} s"
        if stamp_ns == self._answered_ns:
            return "no onboard picture has come since the last decision"
        if stamp_ns < self._step_over_ns:
            return "no onboard picture has come since the end of the last step"
        return ""
