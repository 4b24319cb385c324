import dataclasses

import numpy as np
import pytest
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.driving import Steps
from xview_deploy.bases.kinds import DifferentialBase
from xview_deploy.bases.robot_command import STAND
from xview_deploy.cameras.lens import Lens, Pinhole
from xview_deploy.goal import CrossViewGoal
from xview_deploy.picture import encode_jpeg
from xview_deploy.pursuit.motion import MotionSettings
from xview_deploy.pursuit.outcome import Ending, PursuitLimits, StopCondition, StopSettings, Verdict
from xview_deploy.pursuit.pursuit import (
    ENDED,
    REFUSED,
    RUNNING,
    WAITING_FOR_GOAL,
    WAITING_FOR_PICTURE,
    Pursuit,
    PursuitSettings,
)
from xview_deploy.runtime.policy import Decision
from xview_deploy.runtime.random_policy import ForwardBiasedRandomPolicy, RandomPolicy
from xview_deploy.spec import Belief, ContractError, Event

PICTURE = encode_jpeg(np.full((48, 64, 3), 120, np.uint8))
PERIOD_NS = 150_000_000
NEAR = Belief(0.95, (0.5, 0.6), (0.2, 0.3, 0.8, 0.95), (0.0, 1.0))


class Believer(ForwardBiasedRandomPolicy):
    """Walks, and believes to be near."""

    def act(self, image, allowed=None, rng=None, temperature=1.0) -> Decision:
        return dataclasses.replace(super().act(image, allowed, rng, temperature), belief=NEAR)


def goal(id: str = "1", event: Event = Event.APPROACH) -> CrossViewGoal:
    mask = np.zeros((48, 64), bool)
    mask[10:20, 10:20] = True
    return CrossViewGoal(id, event, np.full((48, 64, 3), 90, np.uint8), mask, 0, "corner")


def pursuit(policy=None, stop: StopSettings | None = None, **settings) -> Pursuit:
    condition = StopCondition(stop, MotionSettings(stuck_timeout=2.0))
    random = np.random.default_rng(0)
    return Pursuit(policy or RandomPolicy(), ActionMapping(), PursuitSettings(**settings), random, condition)


class Camera:
    """Shows a pursuit one picture after the other."""

    def __init__(self, pursuit: Pursuit, acting: bool = True):
        self.pursuit, self.acting, self.count = pursuit, acting, 0

    @property
    def now_s(self) -> float:
        return self.count * PERIOD_NS * 1e-9

    def show(self, pictures: int = 1):
        """The outcome of the last of so many pictures."""
        for _ in range(pictures):
            self.count += 1
            outcome = self.pursuit.decide(PICTURE, self.count * PERIOD_NS, 0.01, self.now_s, self.acting)
        return outcome


def test_it_waits_for_a_goal_then_for_a_picture_then_runs():
    robot = pursuit()
    assert robot.decide(None, 0, 0.0).state == WAITING_FOR_GOAL
    robot.pursue(goal())
    assert robot.decide(None, 0, 0.0).state == WAITING_FOR_PICTURE
    assert Camera(robot).show().state == RUNNING
    assert robot.step == 1


def test_a_picture_is_answered_once():
    robot = pursuit()
    robot.pursue(goal())
    assert robot.decide(PICTURE, 1, 0.0).command is not None
    assert "no onboard picture has come since" in robot.decide(PICTURE, 1, 0.0).message


def test_a_reached_target_ends_the_goal_and_stands_still_from_that_decision_on():
    robot = pursuit(Believer())
    robot.pursue(goal())
    camera = Camera(robot)
    outcome = camera.show()
    while outcome.state == RUNNING:
        outcome = camera.show()
    assert (outcome.state, outcome.command, outcome.message.split(":")[0]) == (ENDED, STAND, "reached")
    assert outcome.decision is not None
    assert robot.verdict.ending is Ending.REACHED
    decisions = robot.step
    later = camera.show(10)
    assert (later.state, later.command, later.decision) == (ENDED, STAND, None)
    assert robot.step == decisions == camera.count - 10


def test_an_ended_goal_answers_each_picture_once_and_silence_with_silence():
    robot = pursuit(Believer())
    robot.pursue(goal())
    camera = Camera(robot)
    camera.show(20)
    again = robot.decide(PICTURE, camera.count * PERIOD_NS, 0.01, camera.now_s, True)
    assert (again.state, again.command) == (ENDED, None)
    assert robot.decide(PICTURE, 10**12, 5.0, camera.now_s, True).command is None


def test_a_new_goal_begins_after_an_end():
    robot = pursuit(Believer())
    robot.pursue(goal())
    camera = Camera(robot)
    camera.show(20)
    robot.pursue(goal("2"), now_s=camera.now_s)
    assert robot.verdict is None
    assert camera.show().state == RUNNING


def test_no_goal_ends_while_the_robot_does_not_act_out_what_is_decided():
    robot = pursuit(Believer())
    robot.pursue(goal())
    assert Camera(robot, acting=False).show(100).state == RUNNING


def test_but_its_own_time_runs_out():
    robot = pursuit()
    robot.pursue(goal(), limits=PursuitLimits(timeout_s=3.0))
    outcome = Camera(robot, acting=False).show(25)
    assert outcome.message == "timeout: not reached within 3 s"


def test_a_policy_that_pushes_in_vain_is_stuck():
    robot = pursuit(ForwardBiasedRandomPolicy())
    robot.pursue(goal())
    assert Camera(robot).show(40).message.startswith("stuck: told to drive")


def test_an_end_from_outside_stands_still_and_the_first_end_is_kept():
    robot = pursuit()
    robot.end(Verdict(Ending.STOPPED, "nothing to end"))
    assert robot.verdict is None
    robot.pursue(goal())
    robot.end(Verdict(Ending.STOPPED, "cancelled"))
    robot.end(Verdict(Ending.STOPPED, "again"))
    assert Camera(robot).show().message == "stopped: cancelled"


def test_a_refused_goal_pursues_nothing():
    robot = pursuit()
    robot.pursue(goal())
    robot.refuse("no mask")
    outcome = Camera(robot).show()
    assert (outcome.state, outcome.message, outcome.command) == (REFUSED, "no mask", None)


@pytest.mark.parametrize(
    ("age_s", "message"),
    [(61.0, "61.0 s old, allowed 60 s"), (-10.0, "10.00 s in the future"), (float("nan"), "allowed 60 s")],
)
def test_a_goal_of_another_time_is_refused_and_changes_nothing(age_s, message):
    robot = pursuit(goal_timeout=60.0)
    robot.pursue(goal("1"), 59.0)
    with pytest.raises(ContractError, match=message):
        robot.pursue(goal("2"), age_s)
    assert robot.goal.id == "1"


def test_another_policy_goes_on_with_the_goal_and_does_not_revive_one_that_ended():
    robot = pursuit(Believer())
    robot.pursue(goal())
    camera = Camera(robot)
    robot.use(RandomPolicy())
    assert camera.show().state == RUNNING
    robot.end(Verdict(Ending.STOPPED, "cancelled"))
    robot.use(Believer())
    assert camera.show().state == ENDED


def test_a_robot_that_drives_by_steps_decides_by_a_picture_that_was_taken_after_the_step():
    robot = Pursuit(
        ForwardBiasedRandomPolicy(),
        ActionMapping(DifferentialBase(("forward",)), Steps(step_m=0.1, speed_m_per_s=0.2, turn_rad_per_s=2.0)),
        PursuitSettings(),
        np.random.default_rng(0),
    )
    robot.pursue(goal())
    command = Camera(robot).show().command
    assert command.hold_s >= 0.5
    over_ns = PERIOD_NS + int((command.hold_s + Steps(0.1, 0.2, 2.0).settle_s) * 1e9)
    during = robot.decide(PICTURE, over_ns - PERIOD_NS, 0.01, acting=True)
    assert (during.state, during.command) == (WAITING_FOR_PICTURE, None)
    assert "since the end of the last step" in during.message
    assert robot.decide(PICTURE, over_ns + PERIOD_NS, 0.01, acting=True).state == RUNNING


class Looker(Believer):
    """Keeps what it was shown."""

    image_size = 16

    def act(self, image, allowed=None, rng=None, temperature=1.0) -> Decision:
        self.seen = image
        return super().act(image, allowed, rng, temperature)


def test_a_wide_picture_is_cut_to_the_trained_shape_and_the_belief_is_led_back_into_it():
    robot = pursuit(policy := Looker())
    robot.pursue(goal())
    wide = np.zeros((48, 128, 3), np.uint8)
    wide[:, 32:96] = 200
    outcome = robot.decide(encode_jpeg(wide), 1, 0.0)
    assert policy.seen.shape == (16, 16, 3)
    assert policy.seen.min() > 150
    assert outcome.decision.belief.point == pytest.approx((0.5, 0.6))
    assert outcome.decision.belief.box == pytest.approx((0.35, 0.3, 0.65, 0.95))


def test_through_a_narrow_lens_the_policy_sees_its_rim_black():
    robot = pursuit(policy := Looker())
    robot.look_through(Lens(64, 48, Pinhole(68.6, 68.6, 31.5, 23.5)))  # half of the trained field of view
    robot.pursue(goal())
    robot.decide(PICTURE, 1, 0.0)
    assert (policy.seen[:4] == 0).all()
    assert policy.seen[4:12, 4:12].min() > 100
    assert robot.view.covered == pytest.approx(0.25)


def test_a_calibration_of_other_pictures_or_none_yet_is_a_reason_to_wait():
    robot = pursuit()
    robot.pursue(goal())
    robot.look_through(Lens(640, 360, Pinhole(300, 300, 320, 180)))
    outcome = robot.decide(PICTURE, 1, 0.0)
    assert (outcome.state, outcome.command) == (WAITING_FOR_PICTURE, None)
    assert "expected pictures of 640x360 or of the same shape, got 64x48" in outcome.message
    robot.look_away("camera_info: none has come yet")
    assert robot.decide(PICTURE, 2, 0.0).message == "camera_info: none has come yet"
    robot.look_through(None)
    assert robot.decide(PICTURE, 3, 0.0).state == RUNNING
