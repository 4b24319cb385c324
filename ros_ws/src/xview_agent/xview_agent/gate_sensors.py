"""What the gate may listen to beside camera, policy and operator: odometry, a joystick's button, a range sensor.

Turns messages into numbers for `xview_deploy.safety.gate`. A range sensor's place on the base is a parameter: there
is no tree of transforms to wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import Joy, LaserScan, PointCloud2, PointField
from xview_deploy.safety.gate import SafetyGate
from xview_deploy.safety.ranging import Mounting, cloud_points, scan_points
from xview_deploy.spec import ContractError

from xview_agent import topics
from xview_agent.command_message import as_velocity
from xview_agent.gate_parameters import numbers
from xview_agent.parameters import declared
from xview_agent.stamps import age_s
from xview_agent.subscriptions import tunable_subscription

NONE, SCAN, CLOUD = "none", "scan", "cloud"
SOURCES = {SCAN: (LaserScan, topics.SCAN), CLOUD: (PointCloud2, topics.POINTS)}
NO_BUTTON = -1


class GateSensors:
    """Declares what is listened to; `listen` begins."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._button = declared(
            node,
            "enable_button",
            NO_BUTTON,
            "button of the joystick to be held while driving; -1: none",
            low=-1,
            high=63,
        )
        self._ranging = declared(node, "obstacle_source", NONE, f"{NONE}, {SCAN} (LaserScan) or {CLOUD} (PointCloud2)")
        if self._ranging not in (NONE, *SOURCES):
            raise ContractError(f"parameter obstacle_source: expected none, scan or cloud, got {self._ranging!r}")
        pose = "[x, y, z, roll, pitch, yaw] of the range sensor on the base, m and rad"
        band = "[lowest, highest], m above the base's origin: what a cloud shows outside does not count"
        self._mounting = Mounting(
            *numbers(node, "obstacle_sensor_pose", [0.0] * 6, pose, 6),
            *numbers(node, "obstacle_heights", [0.05, 2.0], band, 2),
        )

    @property
    def has_deadman(self) -> bool:
        """Whether a button must be held."""
        return bool(self._button != NO_BUTTON)

    @property
    def has_ranging(self) -> bool:
        """Whether a range sensor must see a free way."""
        return bool(self._ranging != NONE)

    def listen(self, gate: SafetyGate, now_s: Callable[[], float]) -> None:
        """Tells the gate all that comes, from now on. now_s: the gate's time; whoever asks lets it see its clock."""
        self._gate, self._now_s = gate, now_s
        self._subscribe(Odometry, topics.ODOMETRY, self._on_odometry)
        if self.has_deadman:
            self._subscribe(Joy, topics.JOY, self._on_joy)
        if self.has_ranging:
            kind, topic = SOURCES[self._ranging]
            self._subscribe(kind, topic, self._on_scan if kind is LaserScan else self._on_cloud)

    def _subscribe(self, kind: type, topic: str, callback: Any) -> None:
        tunable_subscription(self._node, kind, topic, callback, topics.CAMERA_QOS)

    def _age_s(self, message: Any) -> float:
        return age_s(message.header.stamp, self._node.get_clock())

    def _on_odometry(self, odometry: Odometry) -> None:
        pose = odometry.pose.pose
        position, turn = pose.position, pose.orientation
        where = (position.x, position.y, position.z, turn.x, turn.y, turn.z, turn.w)
        now_s = self._now_s()
        self._gate.on_odometry(as_velocity(odometry.twist.twist), where, self._age_s(odometry), now_s)

    def _on_joy(self, joy: Joy) -> None:
        held, fault = False, f"joystick: expected button {self._button} (enable_button), got {len(joy.buttons)} buttons"
        if self._button < len(joy.buttons):
            held, fault = bool(joy.buttons[self._button]), ""
        now_s = self._now_s()
        self._gate.on_joystick(held, self._age_s(joy), now_s, fault)

    def _on_scan(self, scan: LaserScan) -> None:
        ranges = np.asarray(scan.ranges, np.float32)
        try:
            points = scan_points(ranges, scan.angle_min, scan.angle_increment, scan.range_min, scan.range_max)
        except ContractError as error:
            self._tell(scan, np.zeros((0, 3)), str(error))
        else:
            self._tell(scan, points)

    def _on_cloud(self, cloud: PointCloud2) -> None:
        offsets = {field.name: field.offset for field in cloud.fields if field.datatype == PointField.FLOAT32}
        count = cloud.width * cloud.height
        try:
            points = cloud_points(bytes(cloud.data), count, cloud.point_step, offsets, bool(cloud.is_bigendian))
        except ContractError as error:
            self._tell(cloud, np.zeros((0, 3)), str(error))
        else:
            self._tell(cloud, points)

    def _tell(self, message: LaserScan | PointCloud2, points: np.ndarray, fault: str = "") -> None:
        mounting = self._mounting
        if isinstance(message, LaserScan):  # a plane: its height is the sensor's, whatever the heights say
            mounting = Mounting(mounting.x, mounting.y, 0.0, mounting.roll, mounting.pitch, mounting.yaw)
        now_s = self._now_s()
        self._gate.on_obstacles(mounting.placed(points), self._age_s(message), now_s, fault)
