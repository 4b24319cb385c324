"""Two robots on one ROS domain, each in its namespace: what one is told the other does not hear."""

import pytest
from geometry_msgs.msg import Twist, TwistStamped
from xview_agent import topics
from xview_agent.graph import GRAPHS
from xview_agent.starter import RunningGraph, StartSettings
from xview_interfaces.msg import GateStatus, PolicyStatus

NODES = tuple(node for node in GRAPHS["robot"] if node.name in ("gate", "policy"))
PATIENT = {"picture_timeout": 2.0}


@pytest.fixture
def robots(probe, probe_in, tmp_path):
    """A probe for each robot: the usual one speaks in /left, the other in /right."""
    settings = [
        StartSettings(
            namespace=f"/{name}",
            domain_id=probe.domain_id,
            log_folder=tmp_path / name,
            parameters={
                "policy": PATIENT,
                "gate": {**PATIENT, "heartbeat_timeout": 2.0, "velocity_timeout": 2.0},
            },
            arguments={"policy": "forward_biased_random"},
        )
        for name in ("left", "right")
    ]
    left, right = probe_in("/left"), probe_in("/right")
    with RunningGraph(NODES, settings[0]) as one, RunningGraph(NODES, settings[1]) as other:
        yield left, right
        assert one.deaths() == other.deaths() == []


def test_one_robot_drives_and_the_other_stands(robots):
    left, right = robots
    for robot in robots:
        robot.play_camera()
        robot.play_operator()
    left.send_goal(id="for-left")

    def both(condition, what):
        """Both probes must spin: each plays a robot's camera and operator."""
        left.until(lambda: right.spin() or condition(), what)

    heard = {robot: robot.listen(PolicyStatus, topics.POLICY_STATUS) for robot in robots}
    gates = {robot: robot.listen(GateStatus, topics.GATE_STATUS) for robot in robots}
    moves = {robot: robot.listen(TwistStamped, topics.CMD_VEL) for robot in robots}
    both(lambda: heard[left] and heard[left][-1][1].goal_id == "for-left", "left takes its goal")
    both(lambda: gates[left] and "ready" in gates[left][-1][1].reason, "left ready")
    armed = left.begin_call(topics.ARM)
    both(armed.done, "left arms")
    assert armed.result().success
    both(lambda: moves[left] and moves[left][-1][1].twist.linear.x > 0.2, "left drives")
    both(lambda: heard[right] and moves[right], "right speaks")
    assert all(status.state == PolicyStatus.WAITING_FOR_GOAL for _, status in heard[right])
    assert all(command.twist == Twist() for _, command in moves[right])
    assert not any(status.armed for _, status in gates[right])
    right.send_goal(id="for-right")
    both(lambda: heard[right][-1][1].goal_id == "for-right", "right takes its goal")
    assert heard[left][-1][1].goal_id == "for-left"
