"""Fuzzing of what comes over the graph, to nodes that run as on a robot: goals, pictures, calibrations, commands,
heartbeats, odometry, parameters, trials.

One thing is sent at a time, and the graph's own answer is waited for: the policy's status, the gate's refusal to be
armed, a service's response. Between two mutated things to the gate goes a sound one, so that a fault is the last's.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from geometry_msgs.msg import Twist
from nav_msgs.msg import Odometry
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, ListParameters, SetParametersAtomically
from rclpy.client import Client
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header
from xview_deploy.cameras.lens import Lens, Pinhole
from xview_deploy.picture import encode_jpeg, encode_mask
from xview_interfaces.msg import CrossViewGoal, GateStatus, PolicyCommand, PolicyStatus
from xview_interfaces.srv import LoadTrial

from xview_agent import topics
from xview_agent.bench.fuzz_kinds import TAKEN, Kind, Unexplained
from xview_agent.bench.mutation import Mutator
from xview_agent.bench.stage import Stage
from xview_agent.camera_info import info_message
from xview_agent.goal_message import GOAL_VERSION
from xview_agent.stamps import as_octets, jpeg_message

ANSWER_S = 5.0  # longest wait for a node's answer
SOUND_ONES = 4  # at most, until the gate is content
SETTLE_S = 0.5  # for each of them
SETTLED_S = 0.02  # age of a sound message from which the next one is told from it
WIDTH_PX, HEIGHT_PX = 64, 48
LENS = Lens(WIDTH_PX, HEIGHT_PX, Pinhole(50.0, 50.0, 32.0, 24.0), "plumb_bob", (0.1, -0.05, 0.0, 0.0, 0.0))


class Ears:
    """What the graph says; to be asked from another thread than the one that spins its node."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.node = stage.node
        self.policy: tuple[float, PolicyStatus] | None = None  # with the time of its arrival
        self.gate: tuple[float, GateStatus] | None = None
        self._came = threading.Condition()
        listen = partial(self.node.create_subscription, callback_group=None)
        listen(PolicyStatus, topics.POLICY_STATUS, partial(self._keep, "policy"), topics.NEWEST_QOS)
        listen(GateStatus, topics.GATE_STATUS, partial(self._keep, "gate"), topics.LATCHED_QOS)

    def _keep(self, name: str, message: Any) -> None:
        with self._came:
            setattr(self, name, (time.monotonic(), message))
            self._came.notify_all()

    def hear(
        self, name: str, since_s: float, verdict: Callable[[Any, float], str | None], wait_s: float = ANSWER_S
    ) -> str:
        """The verdict on the first message of policy or gate after that moment that gives one. Unexplained: none."""
        end_s = time.monotonic() + wait_s
        with self._came:
            while True:
                heard = getattr(self, name)
                if heard is not None and heard[0] > since_s and (found := verdict(heard[1], heard[0])) is not None:
                    return found
                if not self._came.wait(max(end_s - time.monotonic(), 0.0)) and time.monotonic() > end_s:
                    raise Unexplained(f"no answer of the {name} within {wait_s:g} s; its last: {heard}")

    def call(self, client: Client, request: Any) -> Any:
        """A service's response. Unexplained where none comes."""
        answered = threading.Event()
        if not client.wait_for_service(timeout_sec=ANSWER_S):
            raise Unexplained(f"no service {client.srv_name}")
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(ANSWER_S) or future.result() is None:
            raise Unexplained(f"no answer of {client.srv_name} within {ANSWER_S:g} s to {request}"[:300])
        return future.result()


def refusal(reason: str) -> str:
    """A refusal's reason; Unexplained where it says nothing."""
    if not reason:
        raise Unexplained("refused without a word")
    return reason


class Goals:
    """On the operator's topic, to policy and gate."""

    name, share = "goals", 25

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._numbers = itertools.count(1)
        self._publisher = ears.node.create_publisher(CrossViewGoal, topics.GOAL, topics.LATCHED_QOS)
        picture = np.random.default_rng(0).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        mask = np.zeros((HEIGHT_PX, WIDTH_PX), bool)
        mask[10:30, 20:40] = True
        self._image, self._mask = encode_jpeg(picture), encode_mask(mask)

    def sound(self) -> CrossViewGoal:
        """One that the policy takes."""
        stamp = self._ears.stage.stamp()
        goal = CrossViewGoal(id=f"fuzz-{next(self._numbers)}", event="approach", source_camera="third_person")
        goal.version, goal.header = GOAL_VERSION, Header(stamp=stamp, frame_id="third_person_optical_frame")
        goal.image = jpeg_message(self._image, stamp, goal.header.frame_id)
        goal.mask = jpeg_message(self._mask, stamp, goal.header.frame_id)
        goal.mask.format = "png"
        return goal

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        return self.send(mutator.message(self.sound()))

    def send(self, goal: CrossViewGoal) -> str:
        """The policy's verdict."""

        def verdict(status: PolicyStatus, _: float) -> str | None:
            if status.goal_id != goal.id:
                return None
            return refusal(status.message) if status.state == PolicyStatus.REFUSED else TAKEN

        sent_s = time.monotonic()
        self._publisher.publish(goal)
        return self._ears.hear("policy", sent_s, verdict)


class Pictures:
    """Of the onboard camera, to policy, gate and console."""

    name, share = "onboard pictures", 3

    def __init__(self, ears: Ears, goals: Goals) -> None:
        self._ears, self._goals = ears, goals
        topic = topics.image_topic(topics.ONBOARD)
        self._publisher = ears.node.create_publisher(CompressedImage, topic, topics.CAMERA_QOS)
        picture = np.random.default_rng(1).integers(0, 256, (HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        self._jpeg = encode_jpeg(picture)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        return self.send(partial(self._mutate, mutator))

    def sound(self) -> CompressedImage:
        """One that the policy decides by."""
        return jpeg_message(self._jpeg, self._ears.stage.stamp(), "onboard_optical_frame")

    def send(self, make: Callable[[CompressedImage], CompressedImage] = lambda picture: picture) -> str:
        """The policy's verdict on what was made of a sound picture. A new goal goes before: it waits for no turn."""
        self._goals.send(self._goals.sound())
        picture = make(self.sound())

        def verdict(status: PolicyStatus, _: float) -> str | None:
            if status.header.stamp != picture.header.stamp:
                return None
            waits = status.state == PolicyStatus.WAITING_FOR_PICTURE
            return refusal(status.message) if waits else TAKEN

        sent_s = time.monotonic()
        self._publisher.publish(picture)
        return self._ears.hear("policy", sent_s, verdict)

    def _mutate(self, mutator: Mutator, picture: CompressedImage) -> CompressedImage:
        if mutator.random.random() < 0.3:
            return mutator.message(picture)
        picture.data = as_octets(mutator.octets(self._jpeg))
        return picture


class Calibrations:
    """CameraInfo of the onboard camera, to the policy."""

    name, share = "camera infos", 3

    def __init__(self, ears: Ears, pictures: Pictures) -> None:
        self._ears, self._pictures = ears, pictures
        topic = topics.camera_info_topic(topics.ONBOARD)
        self._publisher = ears.node.create_publisher(CameraInfo, topic, topics.CAMERA_QOS)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        self._publisher.publish(mutator.message(self.sound()))
        answer = self._pictures.send()
        self._publisher.publish(self.sound())
        return answer

    def sound(self) -> CameraInfo:
        """One that fits the pictures."""
        stamp = self._ears.stage.stamp()
        return info_message(LENS, WIDTH_PX, HEIGHT_PX, stamp, "onboard_optical_frame")


class GateInput:
    """One of the sources that the gate listens to: what is wrong with it, the gate says to whoever wants to arm."""

    def __init__(self, ears: Ears, name: str, share: int, kind: type, topic: str, make: Callable[[], Any]) -> None:
        self.name, self.share = f"{name} to the gate", share
        self._ears, self._source, self._make = ears, name, make
        self._age = {"operator heartbeat": "heartbeat"}.get(name, name) + "_age_ms"
        self._publisher: Publisher = ears.node.create_publisher(kind, topic, topics.NEWEST_QOS)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`. After a stamp of the future the gate rightly doubts the next sound one."""
        for _ in range(SOUND_ONES):
            sent_s = self._send(self._make())
            if self._answer(sent_s, SETTLE_S) == TAKEN:
                break
        else:
            raise Unexplained(f"the gate doubts sound ones too: {self._complaint()}")
        time.sleep(SETTLED_S)
        sent_s = self._send(mutator.message(self._make()))
        if (answer := self._answer(sent_s, ANSWER_S)) is None:
            raise Unexplained(f"no answer of the gate within {ANSWER_S:g} s")
        return answer

    def _send(self, message: Any) -> float:
        sent_s = time.monotonic()
        self._publisher.publish(message)
        return sent_s

    def _answer(self, sent_s: float, wait_s: float) -> str | None:
        """What the gate makes of the message that was sent then; None where it says nothing in that time."""
        while time.monotonic() < sent_s + wait_s:
            complaint, heard = self._complaint(), self._ears.gate
            if heard is None or heard[0] < sent_s:
                continue
            if complaint:
                return complaint
            if getattr(heard[1], self._age) / 1000 < heard[0] - sent_s:
                return TAKEN
        return None

    def _complaint(self) -> str:
        """Of this source, by the gate's refusal to be armed."""
        answer = self._ears.stage.link.arm()
        if answer.ok:
            raise RuntimeError("the gate was armed")
        words = ("command", "goal") if self._source == "command" else (self._source,)
        parts = answer.message.removeprefix("not armed: ").split("; ")
        return next((part for part in parts if any(word in part for word in words)), "")


class Parameters:
    """Of every node, by the service that sets several at once. What was taken is set back."""

    name, share = "parameters", 15
    NODES = ("gate", "policy", "twin", "camera", "console")

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        service, kind = ears.node.create_client, SetParametersAtomically
        self._set: dict[str, Client] = {n: service(kind, f"{n}/set_parameters_atomically") for n in self.NODES}
        self._values = {node: self._declared(node) for node in self.NODES}

    def _declared(self, node: str) -> list[Parameter]:
        lists: Client = self._ears.node.create_client(ListParameters, f"{node}/list_parameters")
        gets: Client = self._ears.node.create_client(GetParameters, f"{node}/get_parameters")
        names = list(self._ears.call(lists, ListParameters.Request()).result.names)
        values = self._ears.call(gets, GetParameters.Request(names=names)).values
        return [Parameter(name=name, value=value) for name, value in zip(names, values, strict=True)]

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        node = mutator.random.choice(self.NODES)
        before = mutator.random.choice(self._values[node])
        changed = Parameter(name=before.name, value=self._mutated(before.value, mutator))
        if mutator.random.random() < 0.1:
            changed.name = mutator.text(before.name)
        result = self._ask(node, changed)
        if not result.successful:
            return refusal(result.reason)
        self._ask(node, before)
        return TAKEN

    def _ask(self, node: str, parameter: Parameter) -> Any:
        request = SetParametersAtomically.Request(parameters=[parameter])
        return self._ears.call(self._set[node], request).result

    @staticmethod
    def _mutated(value: ParameterValue, mutator: Mutator) -> ParameterValue:
        chance = mutator.random
        changed = ParameterValue(
            type=value.type,
            bool_value=value.bool_value,
            integer_value=value.integer_value,
            double_value=value.double_value,
            string_value=value.string_value,
            double_array_value=list(value.double_array_value),
            string_array_value=list(value.string_array_value),
        )
        if chance.random() < 0.3:
            changed.type = chance.randrange(ParameterType.PARAMETER_STRING_ARRAY + 1)
        changed.bool_value = chance.random() < 0.5
        changed.integer_value = mutator.whole(value.integer_value)
        changed.double_value = mutator.number(value.double_value)
        changed.string_value = mutator.text(value.string_value)
        changed.double_array_value = [mutator.number(item) for item in value.double_array_value]
        return changed


class Trials:
    """To the simulated robot: rooms that are asked for."""

    name, share = "trials", 1

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._load: Client = ears.node.create_client(LoadTrial, topics.LOAD_TRIAL)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`."""
        request = mutator.message(LoadTrial.Request(seed=0, difficulty="near"))
        response = self._ears.call(self._load, request)
        return TAKEN if response.ok else refusal(response.message)


def graph_kinds(stage: Stage) -> list[Kind]:
    """All of them, on a stage whose own camera, odometry and heartbeats are silent."""
    ears = Ears(stage)
    goals = Goals(ears)
    pictures = Pictures(ears, goals)

    def command() -> PolicyCommand:
        stamp = stage.stamp()
        made = PolicyCommand(goal_id="fuzz", goal_stamp=stamp, decided=stamp, velocity=Twist())
        made.header.stamp, made.presses = stamp, ["attack"]
        return made

    def odometry() -> Odometry:
        made = Odometry(child_frame_id="base_link")
        made.header.stamp, made.pose.pose.orientation.w = stage.stamp(), 1.0
        return made

    def beat() -> Header:
        return Header(stamp=stage.stamp(), frame_id="operator")

    return [
        goals,
        pictures,
        Calibrations(ears, pictures),
        GateInput(ears, "command", 6, PolicyCommand, topics.COMMAND, command),
        GateInput(ears, "operator heartbeat", 3, Header, topics.OPERATOR_HEARTBEAT, beat),
        GateInput(ears, "odometry", 3, Odometry, topics.ODOMETRY, odometry),
        Parameters(ears),
        Trials(ears),
    ]
