"""Names and qualities of service of the graph, stated once for every node.

All names are relative: the nodes run in the namespace /xview, and remapping works as usual. This module knows
no node; what the messages mean is written in xview_interfaces.

    /xview/onboard/image_raw/compressed  CompressedImage  camera, best effort
    /xview/onboard/camera_info           CameraInfo       camera, best effort
    /xview/policy/goal                   CrossViewGoal    latched
    /xview/policy/command                PolicyCommand    newest; stamped with the picture it answers
    /xview/policy/status                 PolicyStatus     newest
    /xview/policy/belief                 MarkerArray      newest; for RViz, in the base's frame
    /xview/pursue                        Pursue           action of the policy
    /xview/operator_heartbeat            Header           newest; stamped when the operator's page sent it
    /xview/cmd_vel                       TwistStamped or Twist
    /xview/camera_trajectory             JointTrajectory  where the camera's joints should be
    /xview/gate/status                   GateStatus       latched
    /xview/arm, stop, reset_memory       Trigger          services
    /xview/odom                          Odometry         of the base; best effort
    /xview/joint_states                  JointState       of the robot, where its camera has joints
    /xview/joy, scan, points             Joy, LaserScan, PointCloud2, where the gate is told to listen to them
    /xview/truth, trial_result           of the simulated robot and of trials
    /xview/load_trial                    LoadTrial        service of the simulated robot
"""

from __future__ import annotations

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)

NAMESPACE = "/xview"

ONBOARD = "onboard"  # name of the camera that the policy sees through
GOAL = "policy/goal"
COMMAND = "policy/command"
POLICY_STATUS = "policy/status"
BELIEF_MARKERS = "policy/belief"
OPERATOR_HEARTBEAT = "operator_heartbeat"
CMD_VEL = "cmd_vel"
GATE_STATUS = "gate/status"
CAMERA_TRAJECTORY = "camera_trajectory"
ODOMETRY = "odom"
JOINT_STATES = "joint_states"
JOY = "joy"
SCAN = "scan"
POINTS = "points"
TRIAL_TRUTH = "truth"
TRIAL_RESULT = "trial_result"
DIAGNOSTICS = "/diagnostics"

PURSUE = "pursue"
ARM = "arm"
STOP = "stop"
RESET_MEMORY = "reset_memory"
LOAD_TRIAL = "load_trial"


def image_topic(camera: str) -> str:
    """Topic of a camera's CompressedImage."""
    return f"{camera}/image_raw/compressed"


def camera_info_topic(camera: str) -> str:
    """Topic of a camera's CameraInfo."""
    return f"{camera}/camera_info"


# Depth 1: a node that was busy gets the newest picture next, never a queue of old ones.
CAMERA_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
NEWEST_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE,
)
# A node that starts later still gets the last one.
LATCHED_QOS = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
