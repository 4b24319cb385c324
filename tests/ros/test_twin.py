"""The whole graph but the console: simulated robot, policy and gate, with the probe as the operator."""

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from sensor_msgs.msg import CameraInfo, CompressedImage
from xview_agent import topics
from xview_agent.stamps import jpeg_message
from xview_agent.starter import RunningGraph, StartSettings, chosen
from xview_deploy.picture import decode_picture, encode_mask
from xview_interfaces.msg import CrossViewGoal, GateStatus, PolicyStatus, TrialTruth
from xview_interfaces.srv import LoadTrial


@pytest.fixture
def sim(probe, tmp_path):
    settings = StartSettings(
        domain_id=probe.domain_id,
        log_folder=tmp_path,
        parameters={"policy": {"policy": "forward_biased_random"}},
    )
    with RunningGraph(chosen("sim", ("twin", "gate", "policy")), settings) as graph:
        yield graph
        assert graph.deaths() == []


def load_trial(probe, seed: int, difficulty: str = "near") -> LoadTrial.Response:
    return probe.call(topics.LOAD_TRIAL, LoadTrial, LoadTrial.Request(seed=seed, difficulty=difficulty))


def mark_target(probe, trial: LoadTrial.Response) -> None:
    """Publishes the goal that an operator would who boxes the target in the source camera's picture."""
    view = probe.newest(CompressedImage, topics.image_topic(trial.source_camera))
    mask = np.zeros(decode_picture(bytes(view.data)).shape[:2], np.uint8)
    x0, y0, x1, y1 = (int(side) for side in trial.target_box)
    cv2.rectangle(mask, (x0, y0), (x1 - 1, y1 - 1), 255, -1)
    goal = CrossViewGoal(id=trial.trial_id, event="approach", source_camera=trial.source_camera, image=view)
    goal.header = view.header
    goal.mask = jpeg_message(encode_mask(mask > 0), view.header.stamp, view.header.frame_id)
    goal.mask.format = "png"
    probe.goal_publisher = probe.node.create_publisher(CrossViewGoal, topics.GOAL, topics.LATCHED_QOS)
    probe.goal_publisher.publish(goal)


def drive(probe) -> LoadTrial.Response:
    """A trial with the robot on its way."""
    trial = load_trial(probe, 3)
    mark_target(probe, trial)
    probe.play_operator()
    probe.policy(PolicyStatus.RUNNING, goal_id=trial.trial_id)
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    statuses = probe.listen(GateStatus, topics.GATE_STATUS)

    def moves() -> bool:
        if statuses and not statuses[-1][1].armed:
            probe.call(topics.ARM)
            statuses.append((0.0, probe.newest(GateStatus, topics.GATE_STATUS)))
        return bool(commands) and commands[-1][1].twist.linear.x > 0.5

    probe.until(moves, "motion")
    return trial


def test_the_robot_moves_only_after_arming_and_the_truth_tells_how_far(probe, sim):
    trial = load_trial(probe, 3)
    assert (trial.ok, trial.trial_id) == (True, "near-3")
    start = probe.newest(Odometry, topics.ODOMETRY).pose.pose.position
    truth = probe.newest(TrialTruth, topics.TRIAL_TRUTH, lambda t: t.trial_id == "near-3")
    assert (truth.elapsed_s, truth.first_arrival, truth.goal_reached) == (0.0, "", False)
    drive(probe)
    probe.newest(
        Odometry,
        topics.ODOMETRY,
        lambda o: np.hypot(o.pose.pose.position.x - start.x, o.pose.pose.position.y - start.y) > 0.2,
        "0.2 m of motion",
    )
    assert probe.newest(TrialTruth, topics.TRIAL_TRUTH).elapsed_s > 0


def test_its_onboard_camera_can_be_switched_off(probe, sim):
    mark_target(probe, load_trial(probe, 3))
    probe.policy(PolicyStatus.RUNNING)
    set_camera(probe, alive=False)
    probe.newest(PolicyStatus, topics.POLICY_STATUS, lambda status: "old" in status.message, "an old picture")
    set_camera(probe, alive=True)
    probe.policy(PolicyStatus.RUNNING)


def set_camera(probe, alive: bool) -> None:
    value = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=alive)
    request = SetParameters.Request(parameters=[Parameter(name="onboard_camera_alive", value=value)])
    assert probe.call("twin/set_parameters", SetParameters, request).results[0].successful


def test_cameras_come_with_pictures_and_intrinsics(probe, sim):
    trial = load_trial(probe, 5)
    for camera in (topics.ONBOARD, trial.source_camera):
        picture = probe.newest(CompressedImage, topics.image_topic(camera))
        info = probe.newest(CameraInfo, topics.camera_info_topic(camera))
        assert decode_picture(bytes(picture.data)).shape == (info.height, info.width, 3)
        assert picture.header.frame_id == info.header.frame_id == f"{camera}_optical_frame"
        assert info.k[2] == info.width / 2


def test_the_same_seed_is_the_same_trial_and_an_unknown_difficulty_is_none(probe, sim):
    first = load_trial(probe, 8)
    other = load_trial(probe, 9)
    again = load_trial(probe, 8)
    assert list(first.target_box) == list(again.target_box)
    assert list(first.target_box) != list(other.target_box)
    refused = load_trial(probe, 8, "impossible")
    assert not refused.ok
    assert "expected one of near, easy, medium, hard, got 'impossible'" in refused.message
