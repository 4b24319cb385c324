"""A video through a policy, with neither robot nor ROS: what it would have believed and chosen.

Nothing that is chosen changes what the video shows next, so this tells what a policy sees and wants, not how well it
would drive. Knows the policy as the robot does: the same views, the same rate, a memory that grows with the video.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections import Counter
from pathlib import Path

import numpy as np

from xview_deploy.cameras.lens import Lens, load_calibration
from xview_deploy.cameras.video import VideoFrames
from xview_deploy.cameras.view import Straightener, View, located, view_of
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import decode_mask, decode_picture
from xview_deploy.preprocessing import Pixels
from xview_deploy.replay.annotate import LIKELY, Annotator, Caption, chosen
from xview_deploy.replay.sink import VideoSink, check_output
from xview_deploy.replay.timing import turns
from xview_deploy.runtime.policy import Decision, Policy
from xview_deploy.spec import ActionTable, ContractError, Event


@dataclasses.dataclass(frozen=True)
class Choosing:
    """How actions are chosen from the policy's answers."""

    temperature: float = 0.0  # of the sampling; 0 takes the most likely action
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ContractError(f"temperature: expected a number of 0 or more, got {self.temperature}")


@dataclasses.dataclass(frozen=True, eq=False)
class Replayed:
    """What came of a video. decisions: (seconds, decision), beliefs about the video's own pictures."""

    decisions: list[tuple[float, Decision]]
    seconds: float  # of video
    covered: float  # share of what the policy was trained to see that the camera shows

    def summary(self, policy: Policy) -> list[str]:
        """A few lines for people."""
        visible_s = [time_s for time_s, decision in self.decisions if decision.belief.visible >= LIKELY]
        first = f", first at {visible_s[0]:.1f} s" if visible_s else ""
        keys = Counter(_keys(decision, policy.actions) for _, decision in self.decisions)
        ms = np.array([decision.ms for _, decision in self.decisions])
        count = len(self.decisions)
        return [
            f"{self.seconds:.1f} s, {count} decisions at {policy.actions.rate_hz:.2f} Hz by {policy.name}",
            f"target believed in view (probability {LIKELY} or more): {len(visible_s) / count:.0%} of them{first}",
            "keys: " + ", ".join(f"{name} {times / count:.0%}" for name, times in keys.most_common(5)),
            f"a decision took {np.median(ms):.1f} ms (median), {np.percentile(ms, 99):.1f} ms (p99), "
            f"{policy.provider or 'no network'}",
            f"the camera shows {self.covered:.0%} of what the policy was trained to see",
        ]


def load_goal(image: Path, mask: Path, event: str, lens: Lens | None = None) -> CrossViewGoal:
    """The goal of a picture file and a mask file; ContractError names the file and what is wrong with it.

    lens: of the camera that took the picture, to straighten both.
    """
    picture = decode_picture(_content(image, "goal picture"), f"goal picture {image}")
    marked = decode_mask(_content(mask, "goal mask"), f"goal mask {mask}")
    if lens is not None and picture.shape[:2] == marked.shape:
        straightener = Straightener(lens.sized(picture.shape[1], picture.shape[0]))
        picture, marked = straightener.picture(picture), straightener.mask(marked)
    name = "".join(letter for letter in image.stem if letter.isprintable())[:64].strip() or "goal"
    return CrossViewGoal(name, Event.parse(event), picture, marked, 0, name)


def replay(
    video: Path,
    goal: CrossViewGoal,
    policy: Policy,
    out: Path,
    calibration: Path | None = None,
    choosing: Choosing = Choosing(),
) -> Replayed:
    """Shows the video to the policy and writes what came of it; ContractError where anything does not fit.

    The output has the policy's rate, so it plays as fast as the video. A file that was there is replaced only once
    the new one is whole.
    """
    check_output(out)
    if out.exists() and video.exists() and out.samefile(video):
        raise ContractError(f"{out}: expected another file than the video that is read")
    lens = None if calibration is None else load_calibration(calibration)
    policy.set_goal(goal.image, goal.mask, goal.event)
    decisions: list[tuple[float, Decision]] = []
    with contextlib.ExitStack() as stack:
        pictures = turns(stack.enter_context(VideoFrames(video)), policy.actions.rate_hz)
        time_s, picture = first = next(pictures)
        assert picture is not None
        height, width = picture.shape[:2]
        view = view_of(policy.camera, policy.image_size, width, height, lens)
        annotator = Annotator(width, height, goal, policy.actions)
        sink = stack.enter_context(VideoSink(out, policy.actions.rate_hz, *annotator.size))
        rng = None if choosing.temperature == 0 else np.random.default_rng(choosing.seed)
        drawn: Pixels | None = None
        for time_s, picture in itertools.chain([first], pictures):
            if picture is not None:
                decision = _decide(policy, view, picture, choosing.temperature, rng)
                decisions.append((time_s, decision))
                drawn = annotator.draw(picture, decision, Caption(time_s, policy.name))
            assert drawn is not None
            sink.write(drawn)
    return Replayed(decisions, time_s, view.covered)


def _decide(
    policy: Policy, view: View, picture: Pixels, temperature: float, rng: np.random.Generator | None
) -> Decision:
    decision = policy.act(view.square(picture), rng=rng, temperature=temperature or 1.0)
    return dataclasses.replace(decision, belief=located(view, decision.belief))


def _keys(decision: Decision, table: ActionTable) -> str:
    return chosen(decision.action, table)[0][1]


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContractError(f"{what}: expected a file that can be read, got {error}") from None
