"""ROS stamps, pictures and odometry to plain numbers and bytes, and back."""

from __future__ import annotations

import array
import math

from builtin_interfaces.msg import Time
from nav_msgs.msg import Odometry
from rclpy.clock import Clock
from sensor_msgs.msg import CompressedImage
from xview_deploy.pursuit.motion import Pose


def nanoseconds(stamp: Time) -> int:
    """The stamp in whole nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp_of(time_ns: int) -> Time:
    """The stamp of that many nanoseconds."""
    seconds, nanosec = divmod(time_ns, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanosec)


def shifted(stamp: Time, seconds: float) -> Time:
    """A stamp that much later."""
    return stamp_of(nanoseconds(stamp) + round(seconds * 1e9))


def age_s(stamp: Time, clock: Clock) -> float:
    """How long ago that was by this clock, in seconds; negative for a stamp in the future."""
    return (clock.now().nanoseconds - nanoseconds(stamp)) * 1e-9


def jpeg_message(data: bytes, stamp: Time, frame_id: str) -> CompressedImage:
    """A JPEG as a message."""
    message = CompressedImage(format="jpeg")
    message.header.stamp = stamp
    message.header.frame_id = frame_id
    message.data = as_octets(data)
    return message


def as_octets(data: bytes) -> array.array[int]:
    """Bytes for a message's uint8[] field; any other type is copied element by element, 200 times slower."""
    octets = array.array("B")
    octets.frombytes(data)
    return octets


def pose_of(odometry: Odometry) -> Pose:
    """Where odometry sees the base on the floor."""
    place, turn = odometry.pose.pose.position, odometry.pose.pose.orientation
    yaw_rad = math.atan2(2 * (turn.w * turn.z + turn.x * turn.y), 1 - 2 * (turn.y * turn.y + turn.z * turn.z))
    return Pose(place.x, place.y, yaw_rad)
