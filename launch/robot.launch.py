"""The graph on a robot: policy, safety gate and console. Cameras and base are the robot's own.

ros2 launch xview_agent robot.launch.py parameters:=/path/of/my_robot.yaml
"""

from launch import LaunchDescription
from xview_agent.launching import describe


def generate_launch_description() -> LaunchDescription:
    """Read by `ros2 launch`."""
    return describe("robot")
