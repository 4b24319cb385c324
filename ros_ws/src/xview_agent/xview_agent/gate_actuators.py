"""What the gate moves beside the base: the joints of the camera, and services that a key triggers.

Joints get trajectories of one point (trajectory_msgs/JointTrajectory), which ros2_control's joint trajectory
controller takes: it carries the joints' names, and a joint that reached its point stops there when nobody speaks any
more. Triggers are std_srvs/Trigger services, called once a press.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from rclpy.client import Client
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.camera_mount import CameraMount
from xview_deploy.bases.robot_command import CameraRate
from xview_deploy.bases.triggers import Presses

from xview_agent import topics
from xview_agent.subscriptions import tunable_subscription


class CameraJoints:
    """Publishes where the camera's joints should be."""

    def __init__(self, node: Node, mapping: ActionMapping) -> None:
        self._node = node
        self._mount = CameraMount(mapping.camera)
        if mapping.camera.joints:
            self._targets = node.create_publisher(JointTrajectory, topics.CAMERA_TRAJECTORY, topics.NEWEST_QOS)
            tunable_subscription(node, JointState, topics.JOINT_STATES, self._on_joints, topics.CAMERA_QOS)

    def _on_joints(self, state: JointState) -> None:
        for joint, position in zip(state.name, state.position, strict=False):
            self._mount.on_joint(joint, position)

    def turn(self, rate: CameraRate, period_s: float) -> None:
        """At these rates for the next period."""
        target = self._mount.advance(rate, period_s)
        if target is None:
            return
        point = JointTrajectoryPoint(positions=list(target.positions_rad))
        point.time_from_start = Duration(seconds=target.seconds).to_msg()
        # A stamp of zero means "now" to the controller, whatever its clock.
        self._targets.publish(JointTrajectory(joint_names=list(target.joints), points=[point]))


class TriggerCalls:
    """Calls the services of keys that are pressed anew."""

    def __init__(self, node: Node, mapping: ActionMapping) -> None:
        self._node = node
        self._presses = Presses(mapping.triggers)
        services = {trigger.service for trigger in mapping.triggers.values()}
        self._clients: dict[str, Client] = {service: node.create_client(Trigger, service) for service in services}

    def press(self, keys: Iterable[str], now_s: float) -> None:
        """These keys are down, and the robot acts it out."""
        for service in self._presses.new(keys, now_s):
            client = self._clients[service]
            if client.service_is_ready():
                client.call_async(Trigger.Request()).add_done_callback(partial(self._done, service))
            else:
                self._node.get_logger().error(f"trigger: expected a service {client.srv_name}, found none")

    def release(self) -> None:
        """The robot acts nothing out: the next press is a new one."""
        self._presses.release()

    def _done(self, service: str, call: Any) -> None:
        answer = call.result()
        if answer is None or not answer.success:
            self._node.get_logger().error(f"trigger {service}: {answer.message if answer else 'no answer'}")
