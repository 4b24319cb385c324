"""The same graph with the simulated robot and its room in the place of cameras and base.

ros2 launch xview_agent sim.launch.py
"""

from launch import LaunchDescription
from xview_agent.launching import describe


def generate_launch_description() -> LaunchDescription:
    """Read by `ros2 launch`."""
    return describe("sim")
