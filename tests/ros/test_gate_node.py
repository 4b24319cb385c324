import math
import signal
import time

import numpy as np
import pytest
from geometry_msgs.msg import Twist, TwistStamped
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Joy, LaserScan, PointCloud2, PointField
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory
from xview_agent import topics
from xview_agent.stamps import as_octets, jpeg_message
from xview_interfaces.msg import GateStatus, PolicyCommand

PATIENT = {"picture_timeout": 2.0, "heartbeat_timeout": 2.0}  # where a stall of the machine is not the subject
STATUS = (GateStatus, topics.GATE_STATUS)


def forward(command: TwistStamped) -> float:
    return command.twist.linear.x


def drive(probe) -> None:
    """Arms the gate and waits until the base is told to move; again where a busy machine made it stop."""
    probe.play_everything()
    probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    drive_on(probe)


def drive_on(probe) -> None:
    """Arms the gate while everything plays, and waits until the base is told to move."""
    commands, statuses = probe.listen(TwistStamped, topics.CMD_VEL), probe.listen(*STATUS)

    def moves() -> bool:
        if statuses[-1][1].state != GateStatus.ARMED:
            probe.call(topics.ARM)
            statuses.append((0.0, probe.newest(*STATUS)))
        return forward(commands[-1][1]) > 0.3

    probe.until(lambda: commands, "velocities")
    probe.until(moves, "motion")


def test_nothing_moves_until_it_is_armed(probe, start_node):
    start_node("gate")
    probe.play_everything()
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    status = probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    assert status.state == GateStatus.DISARMED
    probe.until(lambda: len(commands) >= 20, "zeros")
    assert all(command.twist == Twist() for _, command in commands)
    assert probe.call(topics.ARM).success
    probe.newest(TwistStamped, topics.CMD_VEL, lambda command: forward(command) > 0.3, "motion")
    assert max(forward(command) for _, command in commands) <= 0.5


def test_arming_is_refused_with_the_reason_while_the_operator_is_absent(probe, start_node):
    start_node("gate")
    probe.play_camera()
    probe.play_base()
    probe.play_policy()
    missing = "no operator heartbeat has come yet"
    probe.newest(*STATUS, lambda s: s.reason == missing, "only the operator missing")
    answer = probe.call(topics.ARM)
    assert not answer.success
    assert missing in answer.message


def test_a_dead_camera_gives_zeros_within_300_ms_and_driving_needs_a_new_arm(probe, start_node):
    start_node("gate")
    drive(probe)
    probe.silence("camera")
    died_s = probe.last_picture_s
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    start = len(commands)
    came_s, _ = probe.until(lambda: next((c for c in commands[start:] if c[1].twist == Twist()), None), "zero velocity")
    assert came_s - died_s < 0.3
    assert "picture is dead" in probe.gate(GateStatus.STOPPED).reason
    refusal = probe.call(topics.ARM)
    assert not refusal.success
    probe.play_camera()
    probe.newest(*STATUS, lambda s: 0 <= s.picture_age_ms < 100, "pictures again")
    assert probe.newest(TwistStamped, topics.CMD_VEL).twist == Twist()
    assert probe.call(topics.ARM).success
    probe.newest(TwistStamped, topics.CMD_VEL, lambda command: forward(command) > 0.3, "motion")


@pytest.mark.parametrize("source", ["policy", "operator"])
def test_silence_of_policy_or_operator_stops_with_the_reason(probe, start_node, source):
    start_node("gate", picture_timeout=2.0, heartbeat_timeout=1.0)
    drive(probe)
    probe.silence(source)
    reason = probe.gate(GateStatus.STOPPED).reason
    assert reason.startswith({"policy": "command is dead", "operator": "operator heartbeat is dead"}[source])


def test_the_operator_stops_at_once(probe, start_node):
    start_node("gate", **PATIENT)
    drive(probe)
    answer = probe.call(topics.STOP)
    assert answer.success
    assert answer.message == "stopped: stopped by the operator"
    assert probe.newest(*STATUS).state == GateStatus.STOPPED
    assert probe.newest(TwistStamped, topics.CMD_VEL).twist == Twist()


def test_sigint_ends_the_gate_with_zeros_and_status_0(probe, start_node):
    gate = start_node("gate", **PATIENT)
    drive(probe)
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    gate.send_signal(signal.SIGINT)
    probe.until(lambda: gate.poll() is not None, "end of the gate")
    assert gate.returncode == 0
    probe.until(lambda: commands[-1][1].twist == Twist(), "a last zero")
    assert probe.listen(*STATUS)[-1][1].reason == "the gate is shutting down"


def test_a_base_that_expects_twist_gets_twist(probe, start_node):
    start_node("gate", stamped_cmd_vel="false")
    assert probe.newest(Twist, topics.CMD_VEL) == Twist()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_velocity": "[1.0, 2.0]"}, "max_velocity: expected 3 finite numbers"),
        ({"max_velocity": "fast"}, "parameter max_velocity: expected list like"),
        ({"picture_timeout": "-1.0"}, "parameter picture_timeout: expected 0.01 to 10, got -1.0"),
        ({"obstacle_source": "radar"}, "parameter obstacle_source: expected none, scan or cloud"),
        ({"action_mapping": "robot.yaml"}, "action mapping: expected fields of"),
        ({"stamped_cmd_vel": "7"}, "parameter stamped_cmd_vel: expected bool"),
    ],
)
def test_senseless_parameters_end_the_gate_with_a_reason(start_node, parameters, message):
    gate = start_node("gate", **parameters)
    _, errors = gate.communicate(timeout=90)
    assert gate.returncode == 2
    assert message in errors
    assert "Traceback" not in errors


# Each fault with the time from its beginning to the first zero.

MARGIN_S = 0.2  # for the messages' ways on a busy machine


def stop_time(probe, since_s: float) -> float:
    """From that moment to the first zero that was sent after it, s."""
    commands = probe.listen(TwistStamped, topics.CMD_VEL)

    def zero():
        sent = ((c.header.stamp.sec + c.header.stamp.nanosec * 1e-9, c) for _, c in commands)
        return next((at_s for at_s, command in sent if at_s >= since_s and command.twist == Twist()), None)

    return probe.until(zero, "zero velocity") - since_s


def stays_stopped(probe) -> None:
    """Until armed anew, whatever keeps coming."""
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    start = len(commands)
    probe.until(lambda: len(commands) > start + 30, "more velocities")
    assert all(command.twist == Twist() for _, command in commands[start:])


def test_a_frozen_camera_stops_the_moving_robot_and_a_new_arm_lets_it_drive(probe, start_node):
    start_node("gate", **PATIENT, picture_frozen_timeout=0.5, picture_frozen_distance=0.1)
    drive(probe)
    probe.camera_frozen, since_s = True, time.time()
    assert stop_time(probe, since_s) < 0.5 + MARGIN_S
    assert probe.gate(GateStatus.STOPPED).reason.startswith("picture is frozen: the same for 0.5")
    stays_stopped(probe)
    probe.camera_frozen = False
    drive_on(probe)


def test_a_camera_that_falls_to_1_hz_stops_it(probe, start_node):
    start_node("gate")
    drive(probe)
    probe.silence("camera")
    since_s = probe.last_picture_s
    probe.play_camera(hz=1.0)
    assert stop_time(probe, since_s) < 0.2 + MARGIN_S
    assert probe.gate(GateStatus.STOPPED).reason.startswith("picture is dead")
    stays_stopped(probe)


@pytest.mark.parametrize(
    ("shift_s", "reason"), [(1.0, "in the future"), (-1.0, "jumped in time"), (-0.3, "jumped in time")]
)
def test_pictures_of_another_time_stop_it_at_once(probe, start_node, shift_s, reason):
    start_node("gate")
    drive(probe)
    probe.silence("camera")
    since_s = time.time()
    stamp = probe.node.get_clock().now() + Duration(seconds=shift_s)
    pictures = probe.node.create_publisher(CompressedImage, topics.image_topic(topics.ONBOARD), topics.CAMERA_QOS)
    probe.until(lambda: pictures.get_subscription_count() > 0, "the gate's subscription")
    pictures.publish(jpeg_message(probe.jpeg, stamp.to_msg(), "onboard_optical_frame"))
    assert stop_time(probe, since_s) < 0.2 + MARGIN_S
    status = probe.gate(GateStatus.STOPPED)
    assert reason in status.reason or status.reason.startswith("picture is dead")  # the connection took too long


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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_commands_that_are_no_numbers_stop_it_at_once(probe, start_node, value):
    start_node("gate", **PATIENT)
    drive(probe)
    probe.silence("policy")
    since_s = time.time()
    probe.command(value)
    assert stop_time(probe, since_s) < MARGIN_S
    assert "not finite" in probe.gate(GateStatus.STOPPED).reason


def test_odometry_that_is_stuck_stops_it_and_one_that_falls_silent_does_too(probe, start_node):
    start_node("gate", **PATIENT, odometry_frozen_timeout=1.0)
    drive(probe)
    probe.odometry_frozen, since_s = True, time.time()
    assert stop_time(probe, since_s) < 1.0 + 2 * MARGIN_S
    assert probe.gate(GateStatus.STOPPED).reason.startswith("odometry is frozen: the same for 1.")
    probe.odometry_frozen = False
    drive_on(probe)
    probe.silence("base")
    assert probe.gate(GateStatus.STOPPED).reason.startswith("odometry is dead")


def test_a_clock_that_is_stepped_stops_it(probe, start_node):
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


def set_parameters(probe, **values) -> SetParametersResult:
    parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
    request = SetParametersAtomically.Request(parameters=parameters)
    return probe.call("gate/set_parameters_atomically", SetParametersAtomically, request).result


def test_limits_change_while_it_drives_all_or_none(probe, start_node):
    start_node("gate", **PATIENT)
    drive(probe)
    refused = set_parameters(probe, max_velocity=[0.1, 0.1, 0.1], picture_timeout=-1.0)
    assert not refused.successful
    assert "picture_timeout" in refused.reason
    assert not set_parameters(probe, max_accel=[1.0, -1.0, 1.0]).successful
    assert not set_parameters(probe, enable_button=3).successful
    assert forward(probe.newest(TwistStamped, topics.CMD_VEL)) > 0.3
    assert set_parameters(probe, max_velocity=[0.1, 0.1, 0.1]).successful
    probe.newest(TwistStamped, topics.CMD_VEL, lambda command: 0 < forward(command) <= 0.1, "a slower robot")


def test_the_robot_car_drives_a_step_tilts_its_camera_and_beeps_once_a_press(probe, start_node):
    start_node("gate", **PATIENT, velocity_timeout=2.0, action_mapping="robot_car.yaml")
    beeps = []

    def beep(request, response):
        beeps.append(time.time())
        response.success = True
        return response

    probe.node.create_service(Trigger, "beeper", beep)
    targets = probe.listen(JointTrajectory, topics.CAMERA_TRAJECTORY)
    keys = ["attack"]

    def step() -> None:
        command = PolicyCommand(goal_id=probe.goal_id, goal_stamp=probe.goal_stamp, presses=keys, hold_s=0.25)
        command.header.stamp = command.decided = probe.stamp()
        command.velocity.linear.x, command.camera_pitch = 0.4, 0.5
        probe.command_publisher.publish(command)

    probe.play_camera()
    probe.play_base()
    probe.play_operator()
    probe.command_publisher = probe.node.create_publisher(PolicyCommand, topics.COMMAND, topics.NEWEST_QOS)
    probe.every("policy", 0.5, step)
    commands = probe.listen(TwistStamped, topics.CMD_VEL)
    probe.newest(*STATUS, lambda s: "ready" in s.reason, "gate ready")
    assert targets == []
    assert probe.call(topics.ARM).success
    probe.until(lambda: beeps and len(targets) > 10, "a beep and a camera that tilts")
    target = targets[-1][1]
    assert target.joint_names == ["camera_pitch_joint"]
    assert 0.0 < target.points[0].positions[0] <= 0.5
    probe.until(lambda: any(forward(c) > 0.2 for _, c in commands), "a step")
    moving = next(i for i, (_, c) in enumerate(commands) if forward(c) > 0.2)
    probe.until(lambda: any(c.twist == Twist() for _, c in commands[moving:]), "its end")
    assert probe.newest(*STATUS).armed
    assert len(beeps) == 1
    keys = []
    probe.newest(JointTrajectory, topics.CAMERA_TRAJECTORY)
    probe.until(lambda: time.time() - beeps[0] > 2.5, "a while without the key")
    keys = ["attack"]
    probe.until(lambda: len(beeps) == 2, "a second beep")
