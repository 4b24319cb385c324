"""A camera as a node: pictures of a device, stream, video file, folder or of another driver's topic.

Publishes CompressedImage and CameraInfo under the names that the policy and the console expect, and how the camera
fares under /diagnostics. Reading, reconnecting, converting and undistorting are written in `xview_deploy.cameras`.
Each camera is a process of its own; `camera` names it.

    ros2 run xview_agent camera --ros-args -r __ns:=/xview -p source:=device -p path:=/dev/video0
    ros2 run xview_agent camera --ros-args -r __ns:=/xview -r __node:=overhead_camera -p camera:=overhead \\
        -p source:=stream -p path:=rtsp://10.0.0.7/1 -p calibration:=/path/of/overhead.yaml -p rectify:=true
"""

from __future__ import annotations

import re
from collections.abc import Callable

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CameraInfo, CompressedImage
from xview_deploy.cameras.finish import Finish, FinishSettings
from xview_deploy.cameras.lens import load_calibration
from xview_deploy.cameras.reader import LOST, STREAMING, BackOff, CameraReport
from xview_deploy.cameras.sources import KINDS, SourceSettings, source_of
from xview_deploy.picture import check_container, decode_picture
from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError

from xview_agent import topics
from xview_agent.camera_feeds import Feed, SourceFeed, TopicFeed
from xview_agent.camera_info import info_message
from xview_agent.diagnostics import ERROR, OK, WARN, diagnostic_array
from xview_agent.managed import ManagedNode
from xview_agent.parameters import Described, declared, declared_settings
from xview_agent.running import run
from xview_agent.stamps import jpeg_message
from xview_agent.subscriptions import tunable_publisher

TOPIC = "topic"
DIAGNOSTICS_S = 1.0
SOURCE_SETTINGS = {
    "width": Described("pixels, asked of a device; 0: its own", 0, 32766),
    "height": Described("pixels, asked of a device; 0: its own", 0, 32766),
    "rate": Described("Hz, asked of a device; of a folder's pictures; 0: its own, or 10", 0.0, 1000.0),
    "fourcc": Described("asked of a device, e.g. MJPG"),
    "loop": Described("begin a file or folder again at its end"),
    "timeout": Described("s, longest wait for the next picture", 0.1, 60.0),
}
FINISH_SETTINGS = {
    "rotation": Described("degrees clockwise that make the picture upright: 0, 90, 180 or 270", 0, 270),
    "rectify": Described("straighten the pictures; needs a calibration"),
    "jpeg_quality": Described("of what is compressed here", 1, 100),
}


class CameraNode(ManagedNode):
    """One camera."""

    def __init__(self) -> None:
        super().__init__("camera")
        self._camera = declared(self, "camera", topics.ONBOARD, "name: pictures go to NAME/image_raw/compressed")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self._camera):
            raise ContractError(f"parameter camera: expected letters, digits and _, got {self._camera!r}")
        self._kind = declared(self, "source", "device", f"{', '.join(KINDS)} or {TOPIC}")
        self._path = declared(self, "path", "/dev/video0", "device, address, file, folder or topic")
        self._full_scale = declared(self, "full_scale", 65535, "white of 16-bit pictures of a topic", low=1, high=65535)
        self._calibration = declared(self, "calibration", "", "YAML file; empty: the driver's CameraInfo, or none")
        self._frame_id = declared(self, "frame_id", "", "of the pictures; empty: NAME_optical_frame")
        self._settings = declared_settings(self, SourceSettings(), SOURCE_SETTINGS)
        self._finishing = declared_settings(self, FinishSettings(), FINISH_SETTINGS)
        first = declared(self, "reconnect_first", 0.5, "s before a lost source is opened again", low=0.01, high=60.0)
        longest = declared(self, "reconnect_longest", 10.0, "s, up to which that doubles", low=0.01, high=600.0)
        self._back_off = BackOff(first, longest)

    def configure(self) -> None:
        """Checks the settings and reads the calibration."""
        self._lens = load_calibration(self._calibration) if self._calibration else None
        if self._finishing.rectify and self._lens is None and self._kind != TOPIC:
            raise ContractError("parameter rectify: expected a calibration file beside it, got none")
        self._source = None if self._kind == TOPIC else source_of(self._kind, self._path, self._settings)
        self._frame_id = self._frame_id or f"{self._camera}_optical_frame"
        self._pictures = tunable_publisher(self, CompressedImage, topics.image_topic(self._camera), topics.CAMERA_QOS)
        self._infos = tunable_publisher(self, CameraInfo, topics.camera_info_topic(self._camera), topics.CAMERA_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, topics.DIAGNOSTICS, 10)

    def activate(self) -> None:
        """Begins to read."""
        self._finish = Finish(self._finishing, self._lens)
        self._said, self._problem = "", ""
        self._feed = self._make_feed()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnosing = self.create_timer(DIAGNOSTICS_S, self._diagnose, clock=steady)

    def deactivate(self) -> None:
        """Lets go of the camera."""
        self._feed.close()
        self.destroy_timer(self._diagnosing)

    def cleanup(self) -> None:
        """Nothing is published any more."""
        for publisher in (self._pictures, self._infos, self._diagnostics):
            self.destroy_publisher(publisher)

    def _make_feed(self) -> Feed:
        if self._source is not None:
            return SourceFeed(self, self._source, self._back_off, self._on_picture)
        own = self.resolve_topic_name(topics.image_topic(self._camera))
        if self.resolve_topic_name(self._path) == own:
            raise ContractError(f"parameter path: expected another topic than {own}, which this node publishes")
        return TopicFeed(self, self._path, self._settings.timeout, self._full_scale, self._on_picture, self._on_jpeg)

    def _on_picture(self, picture: Pixels, stamp: Time) -> None:
        height, width = picture.shape[:2]
        self._show(width, height, stamp, lambda: self._finish.jpeg(picture))

    def _on_jpeg(self, jpeg: bytes, stamp: Time) -> None:
        """A JPEG that need not be changed is not decoded. ContractError where it is damaged."""
        width, height = check_container(jpeg)
        if self._finish.changes_nothing:
            self._show(width, height, stamp, lambda: jpeg)
        else:
            self._on_picture(decode_picture(jpeg), stamp)

    def _show(self, width: int, height: int, stamp: Time, finished: Callable[[], bytes]) -> None:
        """Publishes what came with that size; a calibration that does not fit is told by the diagnostics."""
        try:
            self._heed_driver()
            lens, jpeg = self._finish.lens_for(width, height), finished()
        except ContractError as error:
            self._problem = str(error)
            return
        self._problem = ""
        if self._finishing.rotation in (90, 270):
            width, height = height, width
        self._infos.publish(info_message(lens, width, height, stamp, self._frame_id))
        self._pictures.publish(jpeg_message(jpeg, stamp, self._frame_id))

    def _heed_driver(self) -> None:
        """Without a calibration file the driver's own holds."""
        if self._lens is None and (lens := self._feed.driver_lens()) != self._finish.lens:
            self._finish = Finish(self._finishing, lens)

    def _diagnose(self) -> None:
        report = self._feed.report()
        level, message = self._verdict(report)
        values = {
            "source": self._feed.name,
            "state": report.state,
            "rate_hz": f"{report.rate_hz:.1f}",
            "frames": str(report.frames),
            "dropped": str(report.dropped),
            "damaged": str(report.damaged),
            "reconnects": str(report.reconnects),
            "silence_s": f"{report.silence_s:.2f}",
        }
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(diagnostic_array(stamp, self.get_fully_qualified_name(), level, message, values))
        if message != self._said:
            self._log(level, message)
            self._said = message

    def _log(self, level: bytes, message: str) -> None:
        if level == OK:
            self.get_logger().info(message)
        else:  # on a line of its own: rclpy raises where one line logs at two levels
            self.get_logger().warning(message)

    def _verdict(self, report: CameraReport) -> tuple[bytes, str]:
        words = f"{report.state}: {report.detail}" if report.detail else report.state
        if report.state != STREAMING:
            return ERROR if report.state == LOST else WARN, words
        if report.silence_s > self._settings.timeout:
            return ERROR, f"no picture for longer than {self._settings.timeout:g} s"
        if self._problem:
            return ERROR, self._problem
        return WARN if report.detail else OK, words


def main() -> None:
    """Entry point."""
    run(CameraNode)


if __name__ == "__main__":
    main()
