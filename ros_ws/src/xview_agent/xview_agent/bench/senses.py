"""What the robot on the stage senses, on its way from the simulated base to the graph: passed on, altered or withheld.

And what the base does, as it says itself at the source, where no alteration reaches. Times of motion are this
process's steady clock. It knows no fault: whoever causes one says what becomes of pictures and odometry.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections import deque
from collections.abc import Callable

from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from xview_deploy.pursuit.motion import Pose
from xview_interfaces.msg import PolicyCommand

from xview_agent import topics
from xview_agent.stamps import pose_of

# Where the simulated robot speaks; the graph listens under the usual names.
SOURCE_PICTURE, SOURCE_CAMERA_INFO = "driver/image_raw/compressed", "driver/camera_info"
ROBOT_PICTURE, ROBOT_ODOMETRY = "twin/image_raw/compressed", "twin/odom"
KEPT = 3000  # samples of the motion: a minute
STIRS = 1e-3  # m/s and rad/s, from which a base moves

Alter = Callable[[CompressedImage], "CompressedImage | None"]
AlterOdometry = Callable[[Odometry], "Odometry | None"]


@dataclasses.dataclass(frozen=True)
class Sample:
    """The base at one moment."""

    at_s: float
    pose: Pose
    moves: bool


class Senses:
    """Between base and graph; None passes on what comes."""

    def __init__(self, node: Node) -> None:
        self.alter_picture: Alter | None = None
        self.alter_odometry: AlterOdometry | None = None
        self.motion: deque[Sample] = deque(maxlen=KEPT)
        self.commanded: deque[tuple[float, bool]] = deque(maxlen=KEPT)  # when, and whether to move
        self._pictures = node.create_publisher(CompressedImage, SOURCE_PICTURE, topics.CAMERA_QOS)
        self._odometry = node.create_publisher(Odometry, topics.ODOMETRY, topics.NEWEST_QOS)
        self.commands = node.create_publisher(PolicyCommand, topics.COMMAND, topics.NEWEST_QOS)
        node.create_subscription(CompressedImage, ROBOT_PICTURE, self._on_picture, topics.CAMERA_QOS)
        node.create_subscription(Odometry, ROBOT_ODOMETRY, self._on_odometry, topics.NEWEST_QOS)
        node.create_subscription(TwistStamped, topics.CMD_VEL, self._on_velocity, topics.NEWEST_QOS)

    def heal(self) -> None:
        """Everything is passed on again."""
        self.alter_picture = self.alter_odometry = None

    @property
    def moves(self) -> bool:
        """Whether the base moves now."""
        return bool(self.motion) and self.motion[-1].moves

    def rest_since(self) -> float | None:
        """When the base came to the rest in which it is; None while it moves."""
        rest_s = None
        for sample in reversed(list(self.motion)):
            if sample.moves:
                return rest_s
            rest_s = sample.at_s
        return rest_s

    def path_m(self, since_s: float) -> float:
        """How far the base came since then, turns counted as metres on a circle of one metre."""
        poses = [sample.pose for sample in list(self.motion) if sample.at_s >= since_s]
        return sum(
            math.hypot(b.x_m - a.x_m, b.y_m - a.y_m) + abs(math.remainder(b.yaw_rad - a.yaw_rad, math.tau))
            for a, b in itertools.pairwise(poses)
        )

    def told_to_move(self, since_s: float) -> bool:
        """Whether any velocity but zero went to the base since then."""
        return any(moves for at_s, moves in list(self.commanded) if at_s >= since_s)

    def _on_picture(self, picture: CompressedImage) -> None:
        altered = self.alter_picture(picture) if self.alter_picture else picture
        if altered is not None:
            self._pictures.publish(altered)

    def _on_odometry(self, odometry: Odometry) -> None:
        self.motion.append(Sample(time.monotonic(), pose_of(odometry), stirs(odometry.twist.twist)))
        altered = self.alter_odometry(odometry) if self.alter_odometry else odometry
        if altered is not None:
            self._odometry.publish(altered)

    def _on_velocity(self, velocity: TwistStamped) -> None:
        self.commanded.append((time.monotonic(), velocity.twist != Twist()))


def stirs(twist: Twist) -> bool:
    """Whether that is motion; what is no number is."""
    speeds = (twist.linear.x, twist.linear.y, twist.angular.z)
    return not all(abs(speed) < STIRS for speed in speeds)
