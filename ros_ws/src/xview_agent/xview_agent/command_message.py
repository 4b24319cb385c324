"""A robot's command as a message, and back: the one road between policy node and gate."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist
from std_msgs.msg import Header
from xview_deploy.bases.robot_command import CameraRate, RobotCommand
from xview_deploy.bases.velocity import Velocity
from xview_interfaces.msg import PolicyCommand


def command_message(
    command: RobotCommand, picture: Header, decided: Time, goal_id: str, goal_stamp: Time
) -> PolicyCommand:
    """The command that answers the picture of that header, on the way to that goal."""
    return PolicyCommand(
        header=picture,
        decided=decided,
        goal_id=goal_id,
        goal_stamp=goal_stamp,
        velocity=as_twist(command.velocity),
        camera_pitch=command.camera.pitch,
        camera_yaw=command.camera.yaw,
        hold_s=command.hold_s,
        presses=list(command.presses),
    )


def read_command(message: PolicyCommand) -> RobotCommand:
    """What the message asks of the robot."""
    return RobotCommand(
        velocity=as_velocity(message.velocity),
        camera=CameraRate(message.camera_pitch, message.camera_yaw),
        hold_s=message.hold_s,
        presses=tuple(message.presses),
    )


def as_twist(velocity: Velocity) -> Twist:
    """The velocity as a message."""
    twist = Twist()
    twist.linear.x, twist.linear.y, twist.angular.z = velocity
    return twist


def as_velocity(twist: Twist) -> Velocity:
    """What of the message a base on the floor can do."""
    return Velocity(twist.linear.x, twist.linear.y, twist.angular.z)
