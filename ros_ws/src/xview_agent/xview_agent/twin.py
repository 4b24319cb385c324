"""The simulated robot as a node: a mecanum base in a room, with the topics of a real one.

Cameras, odometry and a base that obeys cmd_vel; beside them the truth about the running trial, which judges
read and policies do not. The room is `xview_training.envs.robot_room`; this is the one module of the package
that needs the training distribution.

    ros2 run xview_agent twin --ros-args -r __ns:=/xview --params-file robot.yaml --params-file sim.yaml
    ros2 param set /xview/twin onboard_camera_alive false
"""

from __future__ import annotations

import itertools
import math
import time

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage
from xview_deploy.picture import encode_jpeg
from xview_deploy.spec import ContractError
from xview_deploy.velocity import STILL, Velocity
from xview_interfaces.msg import TrialTruth
from xview_interfaces.srv import LoadTrial
from xview_training.envs.robot_room import RobotRoom
from xview_training.tasks.task import DIFFICULTIES

from xview_agent import topics
from xview_agent.parameters import declared
from xview_agent.running import FarewellNode, run
from xview_agent.stamps import jpeg_message

PHYSICS_HZ = 50.0
TRUTH_HZ = 10.0
STEP_S = 0.02  # longest step of the physics: a slow picture must not let the robot jump


class TwinNode(FarewellNode):
    """One robot in one room; `load_trial` puts it into another."""

    def __init__(self) -> None:
        super().__init__("twin")
        seed = declared(self, "seed", 0, "of the first room")
        difficulty = declared(self, "difficulty", "near", "of the first room: near, easy, medium or hard")
        scale = declared(self, "meters_per_block", 0.25, "scale of the room, m")
        self._timeout_s = declared(self, "cmd_vel_timeout", 0.5, "s without a command until the base stops")
        stamped = declared(self, "stamped_cmd_vel", True, "expect TwistStamped rather than Twist")
        onboard_hz = declared(self, "onboard_rate", 15.0, "Hz, of the onboard pictures")
        third_person_hz = declared(self, "third_person_rate", 5.0, "Hz, of each other camera's pictures")
        descriptor = ParameterDescriptor(description="false: the onboard camera is dead; may change")
        self.declare_parameter("onboard_camera_alive", True, descriptor)
        self._room = first_room(seed, difficulty, scale)
        self._begin(seed, difficulty)
        self._pictures = {camera: self._camera_publishers(camera) for camera in self._room.cameras}
        self._odometry = self.create_publisher(Odometry, topics.ODOMETRY, 10)
        self._truth = self.create_publisher(TrialTruth, topics.TRIAL_TRUTH, 10)
        kind, listener = (TwistStamped, self._on_stamped) if stamped else (Twist, self._on_twist)
        self.create_subscription(kind, topics.CMD_VEL, listener, topics.NEWEST_QOS)
        self.create_service(LoadTrial, topics.LOAD_TRIAL, self._on_load_trial)
        self._create_timers(onboard_hz, third_person_hz)

    def _camera_publishers(self, camera: str) -> tuple[Publisher, Publisher]:
        pictures = self.create_publisher(CompressedImage, topics.image_topic(camera), topics.CAMERA_QOS)
        return pictures, self.create_publisher(CameraInfo, topics.camera_info_topic(camera), topics.CAMERA_QOS)

    def _create_timers(self, onboard_hz: float, third_person_hz: float) -> None:
        if min(onboard_hz, third_person_hz) <= 0.0:
            raise ContractError("parameters onboard_rate and third_person_rate: expected positive numbers")
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0 / PHYSICS_HZ, self._drive, clock=steady)
        self.create_timer(1.0 / TRUTH_HZ, self._publish_truth, clock=steady)
        self.create_timer(1.0 / onboard_hz, self._publish_onboard, clock=steady)
        others = [camera for camera in self._room.cameras if camera != topics.ONBOARD]
        self._next_camera = itertools.cycle(others)
        self.create_timer(1.0 / (third_person_hz * len(others)), self._publish_third_person, clock=steady)

    def _begin(self, seed: int, difficulty: str) -> None:
        self._trial_id = f"{difficulty}-{seed}"
        self._command, self._commanded_s = STILL, -math.inf
        self._driven_s = time.monotonic()
        self._started_s: float | None = None

    def _on_load_trial(self, request: LoadTrial.Request, response: LoadTrial.Response) -> LoadTrial.Response:
        try:
            check_difficulty(request.difficulty)
            self._room.load(request.seed, request.difficulty)
        except ValueError as error:
            response.message = f"trial {request.seed}: {error}"
            return response
        self._begin(request.seed, request.difficulty)
        response.ok = True
        response.trial_id = self._trial_id
        response.source_camera = self._room.source_camera
        response.target_box = [int(side) for side in self._room.target_box(self._room.source_camera)]
        response.limit_s = float(self._room.limit_s)
        self.get_logger().info(f"trial {self._trial_id}: target on {self._room.source_camera}")
        return response

    def _on_stamped(self, command: TwistStamped) -> None:
        self._on_twist(command.twist)

    def _on_twist(self, twist: Twist) -> None:
        velocity = Velocity(twist.linear.x, twist.linear.y, twist.angular.z)
        if not velocity.is_finite:
            self.get_logger().error(f"cmd_vel: expected finite numbers, got {tuple(velocity)}; stopping")
            velocity = STILL
        self._command, self._commanded_s = velocity, time.monotonic()

    def _drive(self) -> None:
        now_s = time.monotonic()
        velocity = self._command if now_s - self._commanded_s <= self._timeout_s else STILL
        while self._driven_s < now_s:
            step_s = min(STEP_S, now_s - self._driven_s)
            self._room.drive(velocity.x, velocity.y, velocity.theta, step_s)
            self._driven_s += step_s
        if self._started_s is None and velocity != STILL:
            self._started_s = now_s
        self._publish_odometry()

    def _publish_odometry(self) -> None:
        x_m, y_m, yaw_rad = self._room.pose
        odometry = Odometry(child_frame_id="base_link")
        odometry.header.stamp, odometry.header.frame_id = self._now(), "odom"
        position, rotation = odometry.pose.pose.position, odometry.pose.pose.orientation
        position.x, position.y = float(x_m), float(y_m)
        rotation.z, rotation.w = math.sin(yaw_rad / 2), math.cos(yaw_rad / 2)
        twist = odometry.twist.twist
        twist.linear.x, twist.linear.y, twist.angular.z = map(float, self._room.velocity)
        self._odometry.publish(odometry)

    def _publish_truth(self) -> None:
        truth = TrialTruth(
            trial_id=self._trial_id,
            goal_reached=self._room.goal_reached,
            first_arrival=self._room.first_arrival or "",
            elapsed_s=0.0 if self._started_s is None else time.monotonic() - self._started_s,
            distance_m=float(self._room.distance_m),
        )
        truth.header.stamp, truth.header.frame_id = self._now(), "map"
        self._truth.publish(truth)

    def _publish_onboard(self) -> None:
        if self.get_parameter("onboard_camera_alive").value:
            self._publish_picture(topics.ONBOARD)

    def _publish_third_person(self) -> None:
        self._publish_picture(next(self._next_camera))

    def _publish_picture(self, camera: str) -> None:
        stamp = self._now()
        frame_id = f"{camera}_optical_frame"
        pictures, infos = self._pictures[camera]
        pictures.publish(jpeg_message(encode_jpeg(self._room.render(camera)), stamp, frame_id))
        infos.publish(camera_info(self._room.camera_info(camera), stamp, frame_id))

    def _now(self) -> Time:
        return self.get_clock().now().to_msg()


def first_room(seed: int, difficulty: str, meters_per_block: float) -> RobotRoom:
    """The room to begin with; ContractError where there is none."""
    check_difficulty(difficulty)
    try:
        return RobotRoom(seed, difficulty, meters_per_block)
    except ValueError as error:
        raise ContractError(f"room {seed}: {error}") from None


def check_difficulty(name: str) -> None:
    """ContractError, which is a ValueError, unless tasks know that difficulty."""
    if name not in DIFFICULTIES:
        raise ContractError(f"difficulty: expected one of {', '.join(DIFFICULTIES)}, got {name!r}")


def camera_info(model: tuple[int, int, float, float, float, float], stamp: Time, frame_id: str) -> CameraInfo:
    """A pinhole without distortion: width, height, fx, fy, cx, cy in pixels."""
    width, height, fx, fy, cx, cy = model
    info = CameraInfo(width=int(width), height=int(height), distortion_model="plumb_bob", d=[0.0] * 5)
    info.header.stamp, info.header.frame_id = stamp, frame_id
    info.k = [float(value) for value in (fx, 0, cx, 0, fy, cy, 0, 0, 1)]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [float(value) for value in (fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0)]
    return info


def main() -> None:
    """Entry point."""
    run(TwinNode)


if __name__ == "__main__":
    main()
