"""The action `pursue` on real policy and gate processes, with the probe as its client and as camera and operator."""

import signal

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.action import ActionClient
from xview_agent import topics
from xview_deploy.picture import encode_jpeg
from xview_interfaces.action import Pursue
from xview_interfaces.msg import GateStatus, PolicyStatus

PATIENT = {"picture_timeout": 2.0}  # where a stall of the machine is not the subject
GATE = {**PATIENT, "heartbeat_timeout": 2.0, "velocity_timeout": 2.0, "odometry_frozen_timeout": 60.0}


class Client:
    """Sends goals and keeps what comes back."""

    def __init__(self, probe):
        self.probe = probe
        self.client = ActionClient(probe.node, Pursue, topics.PURSUE)
        self.feedback: list[Pursue.Feedback] = []

    def send(self, id: str = "goal-1", timeout_s=0.0, lost_timeout_s=0.0, stuck_timeout_s=0.0, **changes):
        """The accepted goal's handle."""
        self.probe.until(self.client.server_is_ready, "action server")
        goal = self.probe.goal(id=id, **changes)
        request = Pursue.Goal(
            goal=goal, timeout_s=timeout_s, lost_timeout_s=lost_timeout_s, stuck_timeout_s=stuck_timeout_s
        )
        sent = self.client.send_goal_async(request, lambda message: self.feedback.append(message.feedback))
        self.probe.until(sent.done, "answer to the goal")
        return sent.result()

    def result(self, handle):
        """Its status and result."""
        asked = handle.get_result_async()
        self.probe.until(asked.done, "result")
        return asked.result().status, asked.result().result


@pytest.fixture
def client(probe):
    client = Client(probe)
    yield client
    client.client.destroy()


def start_policy(probe, start_node, kind: str = "forward_biased_random", **parameters):
    policy = start_node("policy", policy=kind, **{**PATIENT, **parameters})
    probe.play_camera()
    probe.policy(PolicyStatus.WAITING_FOR_GOAL)
    return policy


def drive(probe, start_node, client, **goal):
    """A goal on its way behind an armed gate, to a base that moves as it is told: its handle."""
    start_node("gate", **GATE)
    probe.play_base()
    return drive_without_base(probe, start_node, client, **goal)


def drive_without_base(probe, start_node, client, **goal):
    start_policy(probe, start_node)
    probe.play_operator()
    handle = client.send(**goal)
    assert handle.accepted
    arm(probe)
    return handle


def arm(probe):
    """Arms once nothing is missing any more, and waits until the base is told to move."""
    while not (answer := probe.call(topics.ARM)).success:
        probe.newest(GateStatus, topics.GATE_STATUS, what=f"another status after {answer.message}")
    probe.newest(TwistStamped, topics.CMD_VEL, lambda c: c.twist.linear.x > 0.2, "motion")


def stands(probe):
    probe.newest(TwistStamped, topics.CMD_VEL, lambda c: c.twist == Twist(), "a zero")


def test_feedback_tells_what_is_believed_and_the_goals_own_time_ends_it(probe, start_node, client):
    start_policy(probe, start_node)
    status, result = client.result(client.send(timeout_s=3.0))
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Pursue.Result.TIMEOUT)
    assert result.reason == "not reached within 3 s"
    assert 3.0 <= result.seconds < 20.0
    last = client.feedback[-1]
    assert result.steps == last.steps >= 5
    assert (last.armed, last.header.frame_id) == (False, "onboard_optical_frame")
    assert [feedback.state for feedback in client.feedback].count(PolicyStatus.RUNNING) >= 5
    assert all(0 <= feedback.picture_age_ms < 2000 for feedback in client.feedback)


def test_a_goal_that_is_none_is_refused_with_the_reason(probe, start_node, client):
    start_policy(probe, start_node)
    status, result = client.result(client.send(event="hug"))
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Pursue.Result.REFUSED)
    assert "unknown event 'hug'" in result.reason
    status, result = client.result(client.send(id="other", timeout_s=-1.0))
    assert (result.outcome, "timeout_s: expected" in result.reason) == (Pursue.Result.REFUSED, True)


def test_a_goal_marked_long_ago_is_refused(probe, start_node, client):
    start_policy(probe, start_node, goal_timeout=5.0)
    _, result = client.result(client.send(age_s=60))
    assert result.outcome == Pursue.Result.REFUSED
    assert "allowed 5 s" in result.reason


def test_cancelling_stops_the_robot_which_then_needs_a_new_arm(probe, start_node, client):
    handle = drive(probe, start_node, client)
    cancelled = handle.cancel_goal_async()
    probe.until(cancelled.done, "answer to the cancellation")
    status, result = client.result(handle)
    assert (status, result.outcome) == (GoalStatus.STATUS_CANCELED, Pursue.Result.STOPPED)
    assert result.reason == "cancelled by the client"
    assert result.steps > 0
    probe.gate(GateStatus.STOPPED)
    stands(probe)
    assert probe.policy(PolicyStatus.ENDED).outcome == "stopped"


@pytest.mark.parametrize("way", ["action", "topic"])
def test_a_second_goal_replaces_the_first_and_waits_for_a_new_arm(probe, start_node, client, way):
    first = drive(probe, start_node, client)
    second = client.send(id="goal-2") if way == "action" else probe.send_goal(id="goal-2")
    status, result = client.result(first)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Pursue.Result.REPLACED)
    assert "'goal-2'" in result.reason
    probe.gate(GateStatus.STOPPED)
    stands(probe)
    probe.policy(PolicyStatus.RUNNING, goal_id="goal-2")
    if second is not None:
        assert second.status in (GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING, GoalStatus.STATUS_UNKNOWN)
    arm(probe)


def test_a_stop_of_the_gate_ends_the_clients_goal_with_its_reason(probe, start_node, client):
    handle = drive(probe, start_node, client)
    assert probe.call(topics.STOP).success
    status, result = client.result(handle)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Pursue.Result.STOPPED)
    assert result.reason.startswith("by the gate: stopped by")


def test_a_base_whose_picture_stays_the_same_is_stuck_and_stands(probe, start_node, client):
    start_node("gate", **GATE, odometry_required="false")
    handle = drive_without_base(probe, start_node, client, stuck_timeout_s=2.0)
    status, result = client.result(handle)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Pursue.Result.STUCK)
    assert "the picture changed by" in result.reason
    stands(probe)
    assert probe.gate(GateStatus.ARMED)


def test_a_base_whose_odometry_does_not_move_as_it_is_told_is_stuck(probe, start_node, client):
    handle = drive(probe, start_node, client, stuck_timeout_s=2.0)
    probe.odometry_frozen = True
    status, result = client.result(handle)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Pursue.Result.STUCK)
    assert "odometry says 0.0" in result.reason


def test_a_target_that_the_network_does_not_see_is_lost(probe, start_node, client):
    probe.jpeg = encode_jpeg(np.full((240, 320, 3), 120, np.uint8))
    start_node("gate", **GATE)
    probe.play_base()
    start_policy(probe, start_node, "bundle")
    probe.play_operator()
    handle = client.send(lost_timeout_s=2.0, stuck_timeout_s=600.0)
    while not probe.call(topics.ARM).success:
        probe.newest(GateStatus, topics.GATE_STATUS)
    _, result = client.result(handle)
    assert result.outcome == Pursue.Result.LOST
    assert "not seen for 2." in result.reason


def test_the_end_of_the_node_is_told_to_the_client(probe, start_node, client):
    policy = start_policy(probe, start_node)
    handle = client.send()
    probe.until(lambda: client.feedback, "feedback")
    asked = handle.get_result_async()
    probe.policy(PolicyStatus.RUNNING)
    policy.send_signal(signal.SIGTERM)
    probe.until(asked.done, "result")
    assert asked.result().result.outcome == Pursue.Result.STOPPED
    assert asked.result().result.reason == "the policy was deactivated"
    probe.until(lambda: policy.poll() is not None, "end of the policy")
    assert policy.returncode == 0
