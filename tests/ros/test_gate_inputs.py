"""What the gate's node listens to, and how soon it stops by it; the commonest faults are in test_faults.py."""

import math
import time

import numpy as np
import pytest
from driven_gate_node import MARGIN_S, PATIENT, STATUS, drive, drive_on, stays_stopped, stop_time
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.duration import Duration
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Joy, LaserScan, PointCloud2, PointField
from xview_agent import topics
from xview_agent.stamps import as_octets, jpeg_message
from xview_interfaces.msg import GateStatus


@pytest.mark.parametrize("shift_s", [-1.0, -0.3])
def test_a_picture_from_before_its_predecessor_stops_it_at_once(probe, start_node, shift_s):
    start_node("gate")
    drive(probe)
    probe.silence("camera")
    since_s = time.time()
    stamp = probe.node.get_clock().now() + Duration(seconds=shift_s)
    pictures = probe.node.create_publisher(CompressedImage, topics.image_topic(topics.ONBOARD), topics.CAMERA_QOS)
    probe.until(lambda: pictures.get_subscription_count() > 0, "the gate's subscription")
    pictures.publish(jpeg_message(probe.jpeg, stamp.to_msg(), "onboard_optical_frame"))
    assert stop_time(probe, since_s) < 0.2 + MARGIN_S
    reason = probe.gate(GateStatus.STOPPED).reason
    assert "jumped in time" in reason or reason.startswith("picture is dead")  # the connection took too long


def test_a_goal_that_is_replaced_in_motion_stops_it_and_the_old_goals_commands_move_nothing(probe, start_node):
    start_node("gate", **PATIENT)
    probe.send_goal(id="goal-1")
    drive(probe)
    since_s = time.time()
    probe.send_goal(id="goal-2")
    assert stop_time(probe, since_s) < MARGIN_S
    status = probe.gate(GateStatus.STOPPED)
    assert status.reason == "goal was replaced by 'goal-2' while the robot drove"
    assert status.goal_id == "goal-2"
    probe.newest(*STATUS, lambda s: s.command_age_ms > 600, "commands refused")
    assert "command pursues goal 'goal-1', which 'goal-2' replaced" in probe.call(topics.ARM).message
    probe.goal_id = "goal-2"
    drive_on(probe)


def test_a_stale_goal_stops_it_and_cannot_be_armed_for(probe, start_node):
    start_node("gate", **PATIENT, goal_timeout=60.0)
    probe.send_goal(id="goal-1")
    drive(probe)
    since_s = time.time()
    probe.send_goal(id="old", age_s=90.0)
    assert stop_time(probe, since_s) < MARGIN_S
    probe.goal_id = "old"
    probe.gate(GateStatus.STOPPED)
    refusal = probe.call(topics.ARM)
    assert not refusal.success
    assert "'old' was marked on a picture 90." in refusal.message
    stays_stopped(probe)


def test_odometry_that_falls_silent_stops_it(probe, start_node):
    start_node("gate", **PATIENT)
    drive(probe)
    probe.silence("base")
    assert probe.gate(GateStatus.STOPPED).reason.startswith("odometry is dead")


def test_a_simulated_clock_that_is_stepped_stops_it(probe, start_node):
    offset_s = 0.0
    clock = probe.node.create_publisher(Clock, "/clock", 10)

    def stamp():
        return (probe.node.get_clock().now() + Duration(seconds=offset_s)).to_msg()

    probe.stamp = stamp
    probe.goal_stamp = stamp()
    probe.every("clock", 0.01, lambda: clock.publish(Clock(clock=stamp())))
    start_node("gate", **PATIENT, use_sim_time="true", future_tolerance=0.2)
    drive(probe)
    offset_s = 10.0
    reason = probe.gate(GateStatus.STOPPED).reason
    assert "clock was stepped by +" in reason or "in the future" in reason  # whichever message came first
    stays_stopped(probe)


def test_the_deadman_button_must_be_held(probe, start_node):
    start_node("gate", **PATIENT, enable_button=4)
    held = True
    joystick = probe.node.create_publisher(Joy, topics.JOY, 10)

    def publish() -> None:
        message = Joy(buttons=[0, 0, 0, 0, int(held)])
        message.header.stamp = probe.stamp()
        joystick.publish(message)

    probe.every("joystick", 0.05, publish)
    drive(probe)
    held, since_s = False, time.time()
    assert stop_time(probe, since_s) < 0.05 + MARGIN_S
    assert probe.gate(GateStatus.STOPPED).reason == "deadman button is released"
    assert "deadman button is released" in probe.call(topics.ARM).message


def scan_of(distance_m: float, stamp) -> LaserScan:
    """A wall ahead that a sensor sees which looks to the left of the base."""
    scan = LaserScan(angle_min=-math.pi / 2 - 0.1, angle_max=-math.pi / 2 + 0.1, angle_increment=0.1)
    scan.range_min, scan.range_max, scan.ranges = 0.05, 10.0, [distance_m] * 3
    scan.header.stamp = stamp
    return scan


def cloud_of(distance_m: float, stamp) -> PointCloud2:
    fields = [PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, name in enumerate("xyz")]
    points = np.array([[0.0, -distance_m, 0.3], [0.0, -0.4, 5.0]], np.float32)  # the second far above the robot
    cloud = PointCloud2(height=1, width=2, fields=fields, point_step=12, row_step=24, is_dense=True)
    cloud.data = as_octets(points.tobytes())
    cloud.header.stamp = stamp
    return cloud


@pytest.mark.parametrize(
    ("source", "kind", "topic", "message"),
    [("scan", LaserScan, topics.SCAN, scan_of), ("cloud", PointCloud2, topics.POINTS, cloud_of)],
)
def test_an_obstacle_ahead_stops_it_and_a_silent_sensor_does_too(probe, start_node, source, kind, topic, message):
    turned = f"[0.0, 0.0, 0.0, 0.0, 0.0, {math.pi / 2}]"
    start_node("gate", **PATIENT, obstacle_source=source, obstacle_sensor_pose=turned, obstacle_timeout=1.0)
    distance_m = 5.0
    sensor = probe.node.create_publisher(kind, topic, topics.CAMERA_QOS)
    probe.every("sensor", 0.05, lambda: sensor.publish(message(distance_m, probe.stamp())))
    drive(probe)
    distance_m, since_s = 0.35, time.time()
    assert stop_time(probe, since_s) < 0.05 + MARGIN_S
    assert probe.gate(GateStatus.STOPPED).reason.startswith("obstacle at x 0.35 m")
    distance_m = 5.0
    drive_on(probe)
    probe.silence("sensor")
    assert probe.gate(GateStatus.STOPPED).reason.startswith("obstacle scan is dead")


def test_zeros_go_out_until_odometry_confirms_the_stop_and_then_others_may_drive(probe, start_node):
    start_node("gate", **PATIENT, yield_when_still="true")
    drive(probe)
    moving = probe.newest(*STATUS, lambda s: s.base == GateStatus.MOVING, "a base that moves")
    assert moving.armed
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    probe.call(topics.STOP)
    assert commands[-1][1].twist == Twist()
    probe.newest(*STATUS, lambda s: s.base == GateStatus.STILL, "a base that stands")
    statuses = probe.listen(*STATUS)
    probe.newest(*STATUS)
    count, told = len(commands), len(statuses)
    probe.until(lambda: len(statuses) > told + 5, "five reports")
    assert len(commands) == count
