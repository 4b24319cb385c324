"""What the camera node gets its pictures from: a source of its own, or the topic of another driver.

Both hand over what came, with its stamp, in the executor's thread, and say how they fare. Neither knows what is
done to the pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from xview_deploy.cameras.encodings import compressed_encoding, rgb_of, rgb_of_compressed
from xview_deploy.cameras.lens import Lens
from xview_deploy.cameras.reader import BackOff, CameraReader, CameraReport, Tally
from xview_deploy.cameras.sources import Source
from xview_deploy.picture import JPEG_START
from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError

from xview_agent import topics
from xview_agent.camera_info import lens_of_message
from xview_agent.stamps import nanoseconds
from xview_agent.subscriptions import tunable_subscription

COMPRESSED_SUFFIX = "/compressed"

TakePicture = Callable[[Pixels, Time], None]
TakeJpeg = Callable[[bytes, Time], None]


class Feed(Protocol):
    """Pictures that come by themselves until closed."""

    @property
    def name(self) -> str:
        """What diagnostics call it."""

    def driver_lens(self) -> Lens | None:
        """The lens that comes with the pictures; None without one. ContractError while it is announced, not here."""

    def report(self) -> CameraReport:
        """How it fares."""

    def close(self) -> None:
        """No more pictures."""


class SourceFeed:
    """A device, stream, file or folder, read in a thread of its own."""

    def __init__(self, node: Node, source: Source, back_off: BackOff, take: TakePicture) -> None:
        self.name = source.name
        self._node, self._take = node, take
        self._reader = CameraReader(source, back_off, self._wake)
        self._reader.start()

    def driver_lens(self) -> Lens | None:
        """None of them knows one."""
        return None

    def report(self) -> CameraReport:
        """See `Feed.report`."""
        return self._reader.report()

    def close(self) -> None:
        """See `Feed.close`."""
        self._reader.close()

    def _wake(self) -> None:
        """From the reader's thread. A task, not a guard condition: not every executor looks at those."""
        if executor := self._node.executor:
            executor.create_task(self._on_news)

    def _on_news(self) -> None:
        frame = self._reader.take()
        if frame is not None:
            ago = Duration(seconds=time.monotonic() - frame.taken_s)
            self._take(frame.picture, (self._node.get_clock().now() - ago).to_msg())


class TopicFeed:
    """Image or CompressedImage, which a name that ends with /compressed says, of another driver."""

    def __init__(
        self, node: Node, topic: str, timeout_s: float, full_scale: int, take: TakePicture, take_jpeg: TakeJpeg
    ) -> None:
        self.name, self.info_topic = topic, sibling_info_topic(topic)
        self._node, self._full_scale = node, full_scale
        self._take, self._take_jpeg = take, take_jpeg
        self._tally = Tally(timeout_s)
        self._info: CameraInfo | None = None
        compressed = topic.endswith(COMPRESSED_SUFFIX)
        kind, listener = (CompressedImage, self._on_compressed) if compressed else (Image, self._on_image)
        quality = topics.CAMERA_QOS
        self._subscriptions = [
            tunable_subscription(node, kind, topic, listener, quality),
            tunable_subscription(node, CameraInfo, self.info_topic, self._on_info, quality),
        ]

    def driver_lens(self) -> Lens | None:
        """See `Feed.driver_lens`."""
        if self._info is not None:
            return lens_of_message(self._info)
        if self._node.count_publishers(self.info_topic) > 0:
            raise ContractError(f"expected the CameraInfo that is announced on {self.info_topic}, none has come yet")
        return None

    def report(self) -> CameraReport:
        """See `Feed.report`."""
        return self._tally.report(time.monotonic())

    def close(self) -> None:
        """See `Feed.close`."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _on_info(self, info: CameraInfo) -> None:
        self._info = info

    def _on_image(self, image: Image) -> None:
        try:
            picture = rgb_of(
                image.encoding,
                image.width,
                image.height,
                image.step,
                image.data,
                bool(image.is_bigendian),
                self._full_scale,
            )
        except ContractError as error:
            self._tally.on_damage(str(error))
            return
        self._tally.on_picture(time.monotonic())
        self._take(picture, self._stamp(image.header.stamp))

    def _on_compressed(self, image: CompressedImage) -> None:
        data = bytes(image.data)
        try:
            bayer = compressed_encoding(image.format).startswith("bayer")
            if data.startswith(JPEG_START) and not bayer:
                self._take_jpeg(data, self._stamp(image.header.stamp))
            else:
                picture = rgb_of_compressed(image.format, data, self._full_scale)
                self._take(picture, self._stamp(image.header.stamp))
        except ContractError as error:
            self._tally.on_damage(str(error))
            return
        self._tally.on_picture(time.monotonic())

    def _stamp(self, stamp: Time) -> Time:
        """The driver's; the arrival where the driver does not stamp."""
        return stamp if nanoseconds(stamp) else self._node.get_clock().now().to_msg()


def sibling_info_topic(topic: str) -> str:
    """Where drivers publish the CameraInfo of an image topic: beside it, whatever the transport."""
    base = topic.removesuffix(COMPRESSED_SUFFIX)
    return f"{base.rpartition('/')[0]}/camera_info" if "/" in base else "camera_info"
