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
from rclpy.clock import Clock, ClockType
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.picture import encode_jpeg
from xview_deploy.spec import ContractError
from xview_interfaces.msg import TrialTruth
from xview_interfaces.srv import LoadTrial
from xview_training.envs.robot_room import RobotRoom
from xview_training.tasks.task import DIFFICULTIES

from xview_agent import topics
from xview_agent.managed import ManagedNode
from xview_agent.parameters import declared
from xview_agent.running import run
from xview_agent.stamps import jpeg_message
from xview_agent.subscriptions import tunable_publisher

PHYSICS_HZ = 50.0
TRUTH_HZ = 10.0
STEP_S = 0.02  # longest step of the physics: a slow picture must not let the robot jump


class TwinNode(ManagedNode):
    """One robot in one room; `load_trial` puts it into another."""

    def __init__(self) -> None:
        super().__init__("twin")
        self._seed = declared(self, "seed", 0, "of the first room", low=0, high=2**31 - 1)
        self._difficulty = declared(self, "difficulty", "near", "of the first room: near, easy, medium or hard")
        self._scale = declared(self, "meters_per_block", 0.25, "scale of the room, m", low=0.01, high=10.0)
        timeout = "s without a command until the base stops"
        self._timeout_s = declared(self, "cmd_vel_timeout", 0.5, timeout, low=0.01, high=10.0)
        self._stamped = declared(self, "stamped_cmd_vel", True, "expect TwistStamped rather than Twist")
        self._base_frame = declared(self, "base_frame", "base_link", "frame of the base")
        self._odometry_frame = declared(self, "odom_frame", "odom", "frame of the odometry")
        rate = "Hz, of the onboard pictures"
        self._onboard_hz = declared(self, "onboard_rate", 15.0, rate, low=0.1, high=100.0)
        rate = "Hz, of each other camera's pictures"
        self._third_person_hz = declared(self, "third_person_rate", 5.0, rate, low=0.1, high=100.0)
        alive = "false: the onboard camera is dead; may change"
        declared(self, "onboard_camera_alive", True, alive, read_only=False)
        self._room: RobotRoom | None = None

    def configure(self) -> None:
        """Builds the room."""
        self._room = first_room(self._seed, self._difficulty, self._scale)
        self._begin(self._seed, self._difficulty)
        self._pictures = {camera: self._camera_publishers(camera) for camera in self._room.cameras}
        self._odometry = tunable_publisher(self, Odometry, topics.ODOMETRY, topics.NEWEST_QOS)
        self._truth = self.create_publisher(TrialTruth, topics.TRIAL_TRUTH, 10)

    def activate(self) -> None:
        """Time begins to pass in the room."""
        self._driven_s = time.monotonic()
        kind, listener = (TwistStamped, self._on_stamped) if self._stamped else (Twist, self._on_twist)
        self._commands = self.create_subscription(kind, topics.CMD_VEL, listener, topics.NEWEST_QOS)
        self._loading = self.create_service(LoadTrial, topics.LOAD_TRIAL, self._on_load_trial)
        self._create_timers()

    def deactivate(self) -> None:
        """The base stands, cameras and odometry fall silent."""
        self._command, self._commanded_s = STILL, -math.inf
        self.destroy_subscription(self._commands)
        self.destroy_service(self._loading)
        for timer in self._running:
            self.destroy_timer(timer)

    def cleanup(self) -> None:
        """Frees the room."""
        for publisher in (self._odometry, self._truth, *itertools.chain(*self._pictures.values())):
            self.destroy_publisher(publisher)
        self._room = None

    @property
    def room(self) -> RobotRoom:
        """The room; there is one from configuration on."""
        assert self._room is not None
        return self._room

    def _camera_publishers(self, camera: str) -> tuple[Publisher, Publisher]:
        pictures = tunable_publisher(self, CompressedImage, topics.image_topic(camera), topics.CAMERA_QOS)
        return pictures, tunable_publisher(self, CameraInfo, topics.camera_info_topic(camera), topics.CAMERA_QOS)

    def _create_timers(self) -> None:
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        others = [camera for camera in self.room.cameras if camera != topics.ONBOARD]
        self._next_camera = itertools.cycle(others)
        periods_s = {
            self._drive: 1.0 / PHYSICS_HZ,
            self._publish_truth: 1.0 / TRUTH_HZ,
            self._publish_onboard: 1.0 / self._onboard_hz,
            self._publish_third_person: 1.0 / (self._third_person_hz * len(others)),
        }
        self._running = [self.create_timer(period_s, work, clock=steady) for work, period_s in periods_s.items()]

    def _begin(self, seed: int, difficulty: str) -> None:
        self._trial_id = f"{difficulty}-{seed}"
        self._command, self._commanded_s = STILL, -math.inf
        self._driven_s = time.monotonic()
        self._started_s: float | None = None

    def _on_load_trial(self, request: LoadTrial.Request, response: LoadTrial.Response) -> LoadTrial.Response:
        try:
            check_difficulty(request.difficulty)
            self.room.load(request.seed, request.difficulty)
        except ValueError as error:
            response.message = f"trial {request.seed}: {error}"
            return response
        self._begin(request.seed, request.difficulty)
        response.ok = True
        response.trial_id = self._trial_id
        response.source_camera = self.room.source_camera
        response.target_box = [int(side) for side in self.room.target_box(self.room.source_camera)]
        response.limit_s = float(self.room.limit_s)
        self.get_logger().info(f"trial {self._trial_id}: target on {self.room.source_camera}")
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
            self.room.drive(velocity.x, velocity.y, velocity.theta, step_s)
            self._driven_s += step_s
        if self._started_s is None and velocity != STILL:
            self._started_s = now_s
        self._publish_odometry()

    def _publish_odometry(self) -> None:
        x_m, y_m, yaw_rad = self.room.pose
        odometry = Odometry(child_frame_id=self._base_frame)
        odometry.header.stamp, odometry.header.frame_id = self._now(), self._odometry_frame
        position, rotation = odometry.pose.pose.position, odometry.pose.pose.orientation
        position.x, position.y = float(x_m), float(y_m)
        rotation.z, rotation.w = math.sin(yaw_rad / 2), math.cos(yaw_rad / 2)
        twist = odometry.twist.twist
        twist.linear.x, twist.linear.y, twist.angular.z = map(float, self.room.velocity)
        self._odometry.publish(odometry)

    def _publish_truth(self) -> None:
        truth = TrialTruth(
            trial_id=self._trial_id,
            goal_reached=self.room.goal_reached,
            first_arrival=self.room.first_arrival or "",
            elapsed_s=0.0 if self._started_s is None else time.monotonic() - self._started_s,
            distance_m=float(self.room.distance_m),
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
        pictures.publish(jpeg_message(encode_jpeg(self.room.render(camera)), stamp, frame_id))
        infos.publish(camera_info(self.room.camera_info(camera), stamp, frame_id))

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
