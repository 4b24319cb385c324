"""Fuzzing of what the policy is told: goals by topic and action, onboard pictures, the camera's calibration.

Its status is the verdict.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from rclpy.action import ActionClient
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header
from xview_deploy.cameras.lens import Lens, Pinhole
from xview_deploy.picture import encode_jpeg, encode_mask
from xview_interfaces.action import Pursue
from xview_interfaces.msg import CrossViewGoal, PolicyStatus

from xview_agent import topics
from xview_agent.bench.fuzzing.ears import Ears, refusal
from xview_agent.bench.fuzzing.kinds import TAKEN, Unexplained
from xview_agent.bench.fuzzing.mutation import Mutator
from xview_agent.camera_info import info_message
from xview_agent.goal_message import GOAL_VERSION
from xview_agent.stamps import as_octets, jpeg_message

WIDTH_PX, HEIGHT_PX = 64, 48
LENS = Lens(WIDTH_PX, HEIGHT_PX, Pinhole(50.0, 50.0, 32.0, 24.0), "plumb_bob", (0.1, -0.05, 0.0, 0.0, 0.0))


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
        sent_s = time.monotonic()
        self._publisher.publish(goal)
        return self.verdict(goal, sent_s)

    def verdict(self, goal: CrossViewGoal, sent_s: float) -> str:
        """The policy's, on a goal that was sent then."""

        def said(status: PolicyStatus, _: float) -> str | None:
            if status.goal_id != goal.id:
                return None
            return refusal(status.message) if status.state == PolicyStatus.REFUSED else TAKEN

        return self._ears.hear("policy", sent_s, said)


class Pursuits:
    """The same goals by the action, with limits of time."""

    name, share = "pursue requests", 5

    def __init__(self, ears: Ears, goals: Goals) -> None:
        self._ears, self._goals = ears, goals
        self._client: ActionClient = ActionClient(ears.node, Pursue, topics.PURSUE)

    def attempt(self, mutator: Mutator) -> str:
        """See `Kind.attempt`. What was taken is cancelled, and its end must have a reason."""
        limits = {"timeout_s": 60.0, "lost_timeout_s": 10.0, "stuck_timeout_s": 5.0}
        request = mutator.message(Pursue.Goal(goal=self._goals.sound(), **limits))
        sent_s = time.monotonic()
        handle = self._ears.answer(self._client.send_goal_async(request), f"the action to {request}")
        if not handle.accepted:
            raise Unexplained("an active policy would not take a request")
        verdict = self._goals.verdict(request.goal, sent_s)
        if verdict == TAKEN:
            self._ears.answer(handle.cancel_goal_async(), "the cancelling")
        refusal(self._ears.answer(handle.get_result_async(), "the action's end").result.reason)
        return verdict


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
