"""How well a goal's end is told from the policy's belief: verdicts against the simulated room's truth.

    xview bench endings --trials 100 --json FILE

A policy plays trials of the twin's rooms to their time limit, without ROS and without an end of its own; then the very
stop condition of the robot judges what it believed and did. Precision and recall come with their counts, so other
thresholds can be tried on the same tracks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.velocity import Velocity
from xview_deploy.pursuit.motion import MotionSettings, Pose
from xview_deploy.pursuit.outcome import Ending, StopCondition, StopSettings, Verdict
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.runtime.policy import Policy
from xview_deploy.shipped import bundle_path
from xview_deploy.spec import Belief, Event
from xview_deploy.trials.intervals import wilson

from xview_training.envs.robot_room import ONBOARD, THIRD_PERSON, RobotRoom

STEP_S = 0.02  # of the room's physics
LOOKS_AROUND_S = 2.0
BLANK = np.zeros((24, 32, 3), np.uint8)  # odometry is at hand, so the picture does not matter


@dataclasses.dataclass(frozen=True)
class Moment:
    """One decision, and the truth when it was taken. arrived: the target had been arrived at."""

    at_s: float
    belief: Belief
    velocity: Velocity
    pose: Pose
    distance_m: float
    at: str  # the object that the robot is at: "target", "distractor" or ""
    arrived: bool


Track = Sequence[Moment]


@dataclasses.dataclass(frozen=True)
class EndingFigures:
    """Counts over trials. A verdict "reached" is right where the target had been arrived at."""

    trials: int
    arrivals: int  # trials in which the target was arrived at before the limit
    reached: int  # verdicts "reached"
    reached_right: int
    reached_object: int  # of all "reached" those at some object, right or wrong: what the policy took for the target
    lost: int
    lost_early: int  # of them in trials in which the target would have been arrived at later
    stuck: int
    stuck_early: int
    delay_s: float  # median from arrival to a right verdict
    distance_m: float  # median at a right verdict

    @property
    def precision(self) -> float:
        """Share of the verdicts "reached" that are right; 0 without any."""
        return self.reached_right / max(self.reached, 1)

    @property
    def recall(self) -> float:
        """Share of the arrivals that are noticed; 0 without any."""
        return self.reached_right / max(self.arrivals, 1)

    def as_json(self) -> dict[str, float]:
        """The counts with the two rates."""
        return {**dataclasses.asdict(self), "precision": self.precision, "recall": self.recall}

    def __str__(self) -> str:
        """A line an ending, rates with their 95 % Wilson intervals."""
        return "\n".join(
            (
                f"{self.trials} trials, the target arrived at in {self.arrivals}",
                f"reached: {self.reached} verdicts, right {wilson(self.reached_right, self.reached)}, "
                f"at the target or what was taken for it {wilson(self.reached_object, self.reached)}; "
                f"arrivals noticed {wilson(self.reached_right, self.arrivals)}, "
                f"{self.delay_s:.1f} s after the arrival, {self.distance_m:.2f} m from the target (medians)",
                f"lost: {self.lost} verdicts, {self.lost_early} of them before an arrival that was still to come",
                f"stuck: {self.stuck} verdicts, {self.stuck_early} of them before an arrival that was still to come",
            )
        )


def measure_endings(bundle: Path | None, trials: int, seed: int, difficulty: str) -> EndingFigures:
    """The figures of a bundle's policy, or of the shipped one, with the thresholds that robots start with."""
    tracks = list(play(OnnxPolicy.load(bundle_path(bundle)), trials, seed, difficulty))
    return judge(tracks, StopSettings(), MotionSettings())


def play(
    policy: Policy, trials: int, seed: int, difficulty: str = "near", mapping: ActionMapping | None = None
) -> Iterator[list[Moment]]:
    """Plays trials to their limits; the target's exact mask is the goal."""
    seeds = np.random.default_rng(seed).integers(0, 2**31, trials)
    room, rng = RobotRoom(int(seeds[0]), difficulty), np.random.default_rng(seed)
    for trial in seeds:
        room.load(int(trial), difficulty)
        policy.set_goal(room.render(THIRD_PERSON), room.target_mask(THIRD_PERSON), Event.APPROACH)
        yield list(_moments(policy, room, mapping or ActionMapping(), rng))


def _moments(policy: Policy, room: RobotRoom, mapping: ActionMapping, rng: np.random.Generator) -> Iterator[Moment]:
    period_s = 1.0 / policy.actions.rate_hz
    allowed = mapping.allowed(policy.actions)
    while room.elapsed_s < room.limit_s:
        decision = policy.act(room.render(ONBOARD), allowed, rng)
        velocity = mapping.command(decision.action, policy.actions).velocity
        yield Moment(
            room.elapsed_s,
            decision.belief,
            velocity,
            Pose(*room.pose),
            room.distance_m,
            room.arrival() or "",
            room.goal_reached,
        )
        steps = math.ceil(period_s / STEP_S)
        for _ in range(steps):
            room.drive(*velocity, period_s / steps)


def verdict_on(track: Track, stop: StopCondition) -> tuple[Moment, Verdict] | None:
    """The first verdict and its moment; None where the goal would have had no end of its own."""
    stop.begin(0.0)
    for moment in track:
        stop.on_odometry(moment.pose, moment.at_s)
        if verdict := stop.on_decision(moment.belief, moment.velocity, BLANK, moment.at_s):
            return moment, verdict
    return None


def judge(tracks: Sequence[Track], settings: StopSettings, motion: MotionSettings) -> EndingFigures:
    """How the condition with these thresholds would have ended the trials."""
    stop = StopCondition(settings, motion)
    verdicts = [verdict_on(track, stop) for track in tracks]
    by_ending: dict[Ending, list[tuple[Track, Moment]]] = {ending: [] for ending in Ending}
    for track, found in zip(tracks, verdicts, strict=True):
        if found is not None:
            by_ending[found[1].ending].append((track, found[0]))
    right = [(track, moment) for track, moment in by_ending[Ending.REACHED] if moment.arrived]
    return EndingFigures(
        trials=len(tracks),
        arrivals=sum(_arrival_s(track) is not None for track in tracks),
        reached=len(by_ending[Ending.REACHED]),
        reached_right=len(right),
        reached_object=sum(_at_object(track, moment) for track, moment in by_ending[Ending.REACHED]),
        lost=len(by_ending[Ending.LOST]),
        lost_early=_early(by_ending[Ending.LOST]),
        stuck=len(by_ending[Ending.STUCK]),
        stuck_early=_early(by_ending[Ending.STUCK]),
        delay_s=median([moment.at_s - (_arrival_s(track) or 0.0) for track, moment in right] or [math.nan]),
        distance_m=median([moment.distance_m for _, moment in right] or [math.nan]),
    )


def _arrival_s(track: Track) -> float | None:
    return next((moment.at_s for moment in track if moment.arrived), None)


def _at_object(track: Track, moment: Moment) -> bool:
    """Whether the robot was at some object shortly before: at the verdict it may be looking around."""
    return any(m.at for m in track if 0.0 <= moment.at_s - m.at_s <= LOOKS_AROUND_S)


def _early(ended: Sequence[tuple[Track, Moment]]) -> int:
    return sum(not moment.arrived and _arrival_s(track) is not None for track, moment in ended)
