"""Real nodes as real processes on a ROS domain of their own, and a probe that plays whatever is not under test."""

import itertools
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from xview_agent import topics
from xview_agent.domains import free_domain_id
from xview_agent.graph import GRAPHS, configuration_file
from xview_agent.stamps import jpeg_message
from xview_agent.starter import localhost_environment
from xview_deploy.picture import encode_jpeg, encode_mask
from xview_interfaces.msg import CrossViewGoal, GateStatus, PolicyCommand, PolicyStatus

os.environ.update(localhost_environment())  # before the first context is made
DEADLINE_S = 90.0  # a busy machine takes long to start a process


CAMERAS = ("onboard/", "third_person/", "corner/")


def scene(width: int = 320, height: int = 240) -> np.ndarray:
    """A picture with an orange box on a grey floor: uint8 (H, W, 3) RGB."""
    picture = np.full((height, width, 3), 120, np.uint8)
    cv2.rectangle(picture, (width // 3, height // 3), (width // 2, height // 2), (240, 120, 20), -1)
    return picture


def quality(topic: str):
    """The quality of service to listen with: no more than the topic's publisher offers."""
    if topic in (topics.GATE_STATUS, topics.GOAL):
        return topics.LATCHED_QOS
    return topics.CAMERA_QOS if topic.startswith(CAMERAS) else topics.NEWEST_QOS


class Probe:
    """A node in the test's own process, under the namespace of the graph."""

    def __init__(self, domain_id: int, namespace: str = topics.NAMESPACE) -> None:
        self.domain_id = domain_id
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self.node = Node("probe", namespace=namespace, context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.received: dict[str, list] = {}
        self.jpeg = encode_jpeg(scene())
        self.timers = {}
        self.goal_id, self.goal_stamp = "goal-1", self.stamp()  # that the played policy pursues
        self.odometry_frozen = False
        self.moved_m = 0.0

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def listen(self, kind: type, topic: str) -> list:
        """Messages of the topic with their times of arrival, growing while the probe spins."""
        if topic not in self.received:
            self.received[topic] = []
            keep = self.received[topic].append
            self.node.create_subscription(kind, topic, lambda message: keep((time.time(), message)), quality(topic))
        return self.received[topic]

    def spin(self) -> None:
        self.executor.spin_once(timeout_sec=0.01)

    def until(self, condition, what: str, deadline_s: float = DEADLINE_S):
        """Spins until the condition returns something true, and returns that."""
        end_s = time.monotonic() + deadline_s
        while time.monotonic() < end_s:
            if found := condition():
                return found
            self.spin()
        pytest.fail(f"not within {deadline_s} s: {what}; last: { {k: v[-1:] for k, v in self.received.items()} }")

    def newest(self, kind: type, topic: str, fits=lambda message: True, what: str = ""):
        """The first message from now on that fits."""
        messages = self.listen(kind, topic)
        start = len(messages)
        return self.until(
            lambda: next((message for _, message in messages[start:] if fits(message)), None), what or topic
        )

    def gate(self, state: str) -> GateStatus:
        return self.newest(GateStatus, topics.GATE_STATUS, lambda s: s.state == state, f"gate {state}")

    def policy(self, state: str, **fields) -> PolicyStatus:
        def fits(status: PolicyStatus) -> bool:
            return status.state == state and all(getattr(status, name) == v for name, v in fields.items())

        return self.newest(PolicyStatus, topics.POLICY_STATUS, fits, f"policy {state} {fields}")

    def call(self, service: str, kind: type = Trigger, request=None):
        client = self.node.create_client(kind, service)
        self.until(client.service_is_ready, f"service {service}")
        future = client.call_async(request or kind.Request())
        self.until(future.done, f"answer of {service}")
        self.node.destroy_client(client)
        return future.result()

    def begin_call(self, service: str, kind: type = Trigger):
        """The answer to come, for who spins other probes meanwhile."""
        client = self.node.create_client(kind, service)
        self.until(client.service_is_ready, f"service {service}")
        return client.call_async(kind.Request())

    def every(self, name: str, period_s: float, action) -> None:
        """Does something at a fixed rate while the probe spins, until `silence(name)`."""
        self.timers[name] = self.node.create_timer(period_s, action)

    def silence(self, name: str) -> None:
        self.node.destroy_timer(self.timers.pop(name))

    def stamp(self):
        return self.node.get_clock().now().to_msg()

    def play_camera(self, hz: float = 20.0) -> None:
        publisher = self.node.create_publisher(CompressedImage, topics.image_topic(topics.ONBOARD), topics.CAMERA_QOS)
        counter = itertools.count(1)

        def publish() -> None:
            # A comment after the first two bytes: no real camera sends the same bytes twice.
            jpeg = self.jpeg[:2] + b"\xff\xfe\x00\x06" + next(counter).to_bytes(4, "big") + self.jpeg[2:]
            publisher.publish(jpeg_message(jpeg, self.stamp(), "onboard_optical_frame"))

        self.every("camera", 1 / hz, publish)

    def play_base(self, hz: float = 20.0) -> None:
        """Odometry of a base that does what it is told at once."""
        publisher = self.node.create_publisher(Odometry, topics.ODOMETRY, 10)
        commands = self.listen(TwistStamped, topics.CMD_VEL)

        def publish() -> None:
            odometry = Odometry(child_frame_id="base_link")
            odometry.header.stamp = self.stamp()
            if commands and not self.odometry_frozen:
                odometry.twist.twist = commands[-1][1].twist
                self.moved_m += odometry.twist.twist.linear.x / hz
            odometry.pose.pose.position.x = self.moved_m
            publisher.publish(odometry)

        self.every("base", 1 / hz, publish)

    def play_operator(self) -> None:
        publisher = self.node.create_publisher(Header, topics.OPERATOR_HEARTBEAT, topics.NEWEST_QOS)
        self.every("operator", 0.1, lambda: publisher.publish(Header(stamp=self.stamp())))

    def play_policy(self, forward: float = 0.4) -> None:
        self.command_publisher = self.node.create_publisher(PolicyCommand, topics.COMMAND, topics.NEWEST_QOS)
        self.every("policy", 0.1, lambda: self.command(forward))

    def command(self, forward: float) -> None:
        command = PolicyCommand(goal_id=self.goal_id, goal_stamp=self.goal_stamp)
        command.header.stamp = command.decided = self.stamp()
        command.velocity.linear.x = forward
        self.command_publisher.publish(command)

    def play_everything(self) -> None:
        self.play_camera()
        self.play_base()
        self.play_operator()
        self.play_policy()

    def send_goal(self, **changes) -> None:
        if not hasattr(self, "goal_publisher"):
            self.goal_publisher = self.node.create_publisher(CrossViewGoal, topics.GOAL, topics.LATCHED_QOS)
        self.goal_publisher.publish(self.goal(**changes))

    def goal(self, age_s: float = 0.0, **changes) -> CrossViewGoal:
        """A goal that was marked so long ago."""
        marked = self.node.get_clock().now() - Duration(seconds=age_s)
        return goal_message(marked.to_msg(), **changes)


def goal_message(stamp, id="goal-1", event="approach", image=None, mask=None, version=1) -> CrossViewGoal:
    """A sound goal but for the given changes; image and mask as bytes."""
    picture = scene()
    marked = (picture == (240, 120, 20)).all(-1)
    goal = CrossViewGoal(id=id, event=event, source_camera="overhead", version=version)
    goal.header.stamp = stamp
    goal.header.frame_id = "overhead_optical_frame"
    goal.image = jpeg_message(encode_jpeg(picture) if image is None else image, stamp, "overhead_optical_frame")
    goal.mask = jpeg_message(encode_mask(marked) if mask is None else mask, stamp, "overhead_optical_frame")
    goal.mask.format = "png"
    return goal


@pytest.fixture(scope="session")
def domain_id():
    return free_domain_id()


@pytest.fixture
def probe(domain_id):
    probe = Probe(domain_id)
    yield probe
    probe.close()


@pytest.fixture
def probe_in(domain_id):
    """Makes probes in other namespaces than the usual one."""
    made = []

    def make(namespace: str) -> Probe:
        made.append(Probe(domain_id, namespace))
        return made[-1]

    yield make
    for probe in made:
        probe.close()


@pytest.fixture
def start_node(domain_id):
    """Starts nodes by name for one test: see `starter_of`."""
    yield from starter_of(domain_id)


@pytest.fixture(scope="module")
def start_shared_node(domain_id):
    """Starts nodes by name for all tests of a file: see `starter_of`."""
    yield from starter_of(domain_id)


def starter_of(domain_id: int):
    """Yields a function that starts a node with its own parameter files and given changes; ends all at last."""
    running = []

    def start(name: str, **parameters) -> subprocess.Popen:
        node = next(node for node in (*GRAPHS["sim"], *GRAPHS["camera"]) if node.name == name)
        command = [sys.executable, "-m", node.module, "--ros-args", "-r", f"__ns:={topics.NAMESPACE}"]
        for file in node.parameter_files:
            command += ["--params-file", str(configuration_file(file))]
        for key, value in parameters.items():
            command += ["-p", f"{key}:={value}"]
        environment = {**os.environ, "ROS_DOMAIN_ID": str(domain_id)}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        process.communicate(timeout=DEADLINE_S)
