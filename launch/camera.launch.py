"""One camera: a device, stream, video file, folder or another driver's topic under the names that the robot expects.

ros2 launch xview_agent camera.launch.py camera:=overhead source:=stream path:=rtsp://10.0.0.7/1
"""

from launch import LaunchDescription
from xview_agent.launching import describe


def generate_launch_description() -> LaunchDescription:
    """Read by `ros2 launch`."""
    return describe("camera")
