"""Where the policy node has its camera's calibration from: a file, the camera's CameraInfo, or nowhere.

A camera whose CameraInfo is announced but has not come yet is waited for: the first pictures must not be made into
the policy's by another rule than those that follow.
"""

from __future__ import annotations

from rclpy.node import Node
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo
from xview_deploy.cameras.lens import Lens, load_calibration
from xview_deploy.pursuit.pursuit import Pursuit
from xview_deploy.spec import ContractError

from xview_agent import topics
from xview_agent.camera_info import lens_of_message
from xview_agent.parameters import declared
from xview_agent.subscriptions import tunable_subscription

# The pictures are bent as the lens bends them, or straight already (image_rect), or nobody knows.
RAW, RECTIFIED, UNCALIBRATED = "raw", "rectified", "uncalibrated"
PICTURES = (RAW, RECTIFIED, UNCALIBRATED)
LITTLE = 0.6  # share of what the policy was trained to see below which an operator is warned


class OnboardLens:
    """Keeps a pursuit looking through the onboard camera's lens."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._file = declared(node, "calibration", "", "YAML file of the onboard camera, instead of its CameraInfo")
        self._pictures = declared(node, "onboard_pictures", RAW, f"by their calibration {', '.join(PICTURES)}")
        if self._pictures not in PICTURES:
            raise ContractError(
                f"parameter onboard_pictures: expected one of {', '.join(PICTURES)}, got {self._pictures!r}"
            )
        self._topic = topics.camera_info_topic(topics.ONBOARD)
        self._subscription: Subscription | None = None

    def watch(self, pursuit: Pursuit) -> None:
        """Begins to tell the pursuit; ContractError where the file is no calibration."""
        self._pursuit = pursuit
        self._last = ""
        self._covered = 1.0
        knows = self._pictures != UNCALIBRATED
        self._waits = knows and not self._file
        self._pursuit.look_through(self._seen_through(load_calibration(self._file)) if knows and self._file else None)
        if self._waits:
            listen = tunable_subscription
            self._subscription = listen(self._node, CameraInfo, self._topic, self._on_info, topics.CAMERA_QOS)

    def leave(self) -> None:
        """Ceases to listen."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def before_picture(self) -> None:
        """To be called before each decision: keeps the first waiting for a CameraInfo that somebody publishes."""
        if self._pursuit.view is None:
            self._wait_for_info()

    def _wait_for_info(self) -> None:
        if not self._waits:
            return
        if self._node.count_publishers(self._topic) > 0:
            self._pursuit.look_away(f"the onboard camera's calibration: announced on {self._topic}, none has come yet")
        else:
            self._pursuit.look_through(None)

    def after_picture(self) -> None:
        """To be called after each decision: keeps the next waiting, and warns of a camera that sees too little."""
        self._wait_for_info()
        view = self._pursuit.view
        if view is None or view.covered == self._covered:
            return
        self._covered = view.covered
        if view.covered < LITTLE:
            share = f"{view.covered:.0%} of what the policy was trained to see, the rest is black"
            self._node.get_logger().warning(f"the onboard camera shows {share}: a wider lens would help")

    def _seen_through(self, lens: Lens) -> Lens:
        return lens.straightened() if self._pictures == RECTIFIED else lens

    def _on_info(self, info: CameraInfo) -> None:
        roi = (info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height)
        numbers = (tuple(info.k), tuple(info.d), tuple(info.p), info.binning_x, info.binning_y)
        content = repr((info.width, info.height, info.distortion_model, *numbers, roi))  # NaN is not like NaN
        if content == self._last:
            return
        self._last, self._waits = content, False
        try:
            lens = lens_of_message(info)  # None: nobody calibrated it
        except ContractError as error:
            self._pursuit.look_away(f"the onboard camera's calibration: {error}")
            self._node.get_logger().error(f"{self._topic}: {error}")
            return
        self._pursuit.look_through(None if lens is None else self._seen_through(lens))
        rule = (
            "its pictures are cut to shape: nobody calibrated it" if lens is None else f"{lens.model or 'pinhole'} lens"
        )
        self._node.get_logger().info(f"onboard camera of {info.width}x{info.height}: {rule}")
