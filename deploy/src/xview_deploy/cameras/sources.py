"""Where pictures come from: a device, a stream, a file, a folder. One class a kind, all over OpenCV.

A source is opened, read until it is lost or over, and closed, all in the same thread; it may block there. It
knows nothing of other threads, of waiting before the next attempt, or of ROS: `reader` does that for all of them.

    source = source_of("device", "/dev/video0", SourceSettings(width=640, height=480))
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from xview_deploy.cameras.encodings import rgb_of_compressed
from xview_deploy.cameras.video import VideoFrames
from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError

KINDS = ("device", "stream", "video", "folder")
SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp", "tcp", "udp")
PICTURE_SUFFIXES = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
OLDEST_STAMP_S = 1.0  # a device's stamp that is older, or ahead, is of a clock that we do not know
OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# Without these FFmpeg collects seconds of a stream before it shows the first picture, and lags behind later ones.
STREAM_OPTIONS = "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay|analyzeduration;500000|probesize;500000"


class SourceLost(Exception):
    """The source cannot be opened, or stopped in mid-stream: worth another attempt."""


class PictureDamaged(Exception):
    """One picture does not decode; the next may."""


@dataclasses.dataclass(frozen=True)
class SourceSettings:
    """What the kinds of source can be told; each heeds what concerns it."""

    width: int = 0  # pixels, asked of a device; 0: its own
    height: int = 0
    rate: float = 0.0  # Hz, asked of a device; of a folder's pictures (0: 10 Hz)
    fourcc: str = ""  # asked of a device, e.g. MJPG, which most need for large pictures
    loop: bool = False  # begin a file or folder again at its end
    timeout: float = 5.0  # s, longest wait for a stream's next picture


@dataclasses.dataclass(frozen=True, eq=False)
class Grab:
    """One picture. picture: uint8 (H, W, 3) RGB."""

    picture: Pixels
    taken_s: float | None = None  # when the hardware took it, on the monotonic clock; None: it does not say
    media_s: float | None = None  # when it is due since the source's start; None: now


class Source(Protocol):
    """A camera, or what stands in for one."""

    @property
    def name(self) -> str:
        """What messages call it, without passwords."""

    def open(self) -> None:
        """Gets ready to read; SourceLost says why it cannot."""

    def read(self) -> Grab | None:
        """The next picture; None at the end. SourceLost ends the stream, PictureDamaged only this picture."""

    def close(self) -> None:
        """Lets go of what `open` took; may be called at any time by the thread that opened."""


def source_of(kind: str, path: str, settings: SourceSettings) -> Source:
    """The source of that kind: path is a device (0, /dev/video0), an address, a file or a folder.

    ContractError where kind, path and settings make no source. Whether it is there is known when it is opened.
    """
    if kind not in KINDS:
        raise ContractError(f"camera source: expected one of {', '.join(KINDS)}, got {kind!r}")
    if not path:
        raise ContractError(f"camera of kind {kind}: expected a path, got none")
    if not (settings.width >= 0 and settings.height >= 0 and settings.rate >= 0 and settings.timeout > 0):
        raise ContractError(f"camera: expected sizes and a rate of 0 or more and a timeout above 0, got {settings}")
    if settings.fourcc and len(settings.fourcc) != 4:
        raise ContractError(f"camera fourcc: expected four letters like MJPG, got {settings.fourcc!r}")
    kinds: dict[str, Callable[[str, SourceSettings], Source]] = {
        "device": Device,
        "stream": Stream,
        "video": Video,
        "folder": Folder,
    }
    return kinds[kind](path, settings)


class Device:
    """A camera of this machine, by Video4Linux."""

    def __init__(self, path: str, settings: SourceSettings) -> None:
        self.name = f"/dev/video{path}" if path.isdecimal() else path
        self._settings = settings
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """See `Source.open`. What the device does not grant is left as it is."""
        if not Path(self.name).exists():
            raise SourceLost(f"{self.name}: expected a camera, found no such device: is it plugged in?")
        self._capture = capture = cv2.VideoCapture(self.name, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceLost(f"{self.name}: expected a camera that opens: is it in use, may this user open it?")
        wanted = self._settings
        if wanted.fourcc:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*wanted.fourcc))
        if wanted.width and wanted.height:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, wanted.width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, wanted.height)
        if wanted.rate:
            capture.set(cv2.CAP_PROP_FPS, wanted.rate)

    def read(self) -> Grab | None:
        """See `Source.read`."""
        picture = _next_picture(self._capture, self.name)
        assert self._capture is not None
        return Grab(picture, taken_s=hardware_time_s(self._capture.get(cv2.CAP_PROP_POS_MSEC), time.monotonic()))

    def close(self) -> None:
        """See `Source.close`."""
        if self._capture is not None:
            self._capture.release()


class Stream:
    """A camera on the network: RTSP, or JPEG over HTTP."""

    def __init__(self, url: str, settings: SourceSettings) -> None:
        scheme = url.partition("://")[0]
        if scheme not in SCHEMES or "://" not in url:
            raise ContractError(
                f"camera stream: expected an address of {', '.join(SCHEMES)}, got {without_secret(url)!r}"
            )
        self.name = without_secret(url)
        self._url, self._timeout_ms = url, int(settings.timeout * 1000)
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """See `Source.open`."""
        waits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, self._timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, self._timeout_ms]
        with stream_options():
            self._capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, waits)
        if not self._capture.isOpened():
            raise SourceLost(
                f"{self.name}: expected a stream that opens, got none: does the camera run, is it reachable?"
            )

    def read(self) -> Grab | None:
        """See `Source.read`. A stream's own times are of a clock that we do not know: the arrival counts."""
        return Grab(_next_picture(self._capture, self.name))

    def close(self) -> None:
        """See `Source.close`."""
        if self._capture is not None:
            self._capture.release()


class Video:
    """A video file, at the speed at which it was taken."""

    def __init__(self, path: str, settings: SourceSettings) -> None:
        self.name = path
        self._loop = settings.loop
        self._video: VideoFrames | None = None
        self._frames: Iterator[tuple[float, Pixels]] = iter(())
        self._start_s = self._end_s = 0.0

    def open(self) -> None:
        """See `Source.open`."""
        self._start_s = self._end_s = 0.0
        self._begin()

    def read(self) -> Grab | None:
        """See `Source.read`."""
        try:
            following = next(self._frames, None)
        except ContractError as error:
            raise SourceLost(str(error)) from None
        if following is None:
            if not self._loop:
                return None
            self._start_s = self._end_s
            self._begin()
            return self.read()
        media_s, picture = following
        assert self._video is not None
        self._end_s = self._start_s + media_s + 1 / (self._video.rate_hz or 30.0)
        return Grab(picture, media_s=self._start_s + media_s)

    def close(self) -> None:
        """See `Source.close`."""
        if self._video is not None:
            self._video.close()

    def _begin(self) -> None:
        self.close()
        try:
            self._video = VideoFrames(self.name)
        except ContractError as error:
            raise SourceLost(str(error)) from None
        self._frames = iter(self._video)


class Folder:
    """The JPEG and PNG files of a folder, in the order of their names."""

    def __init__(self, path: str, settings: SourceSettings) -> None:
        self.name = path
        self._loop, self._period_s = settings.loop, 1 / (settings.rate or 10.0)
        self._files: list[Path] = []
        self._next = self._shown = self._sound = 0

    def open(self) -> None:
        """See `Source.open`."""
        self._shown = 0
        self._list()

    def read(self) -> Grab | None:
        """See `Source.read`."""
        if self._next == len(self._files):
            if not self._sound:
                raise SourceLost(
                    f"{self.name}: expected a picture that decodes among {len(self._files)} files, got none"
                )
            if not self._loop:
                return None
            self._list()
        file = self._files[self._next]
        self._next += 1
        try:
            picture = rgb_of_compressed(PICTURE_SUFFIXES[file.suffix.lower()], file.read_bytes(), what=str(file))
        except (OSError, ContractError) as error:
            raise PictureDamaged(str(error)) from None
        media_s, self._shown, self._sound = self._shown * self._period_s, self._shown + 1, self._sound + 1
        return Grab(picture, media_s=media_s)

    def close(self) -> None:
        """See `Source.close`."""

    def _list(self) -> None:
        folder = Path(self.name)
        if not folder.is_dir():
            raise SourceLost(
                f"{folder}: expected a folder of pictures, found {'a file' if folder.exists() else 'nothing'}"
            )
        self._files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
        self._next = self._sound = 0
        if not self._files:
            raise SourceLost(f"{folder}: expected files named {', '.join(PICTURE_SUFFIXES)}, found none")


@contextlib.contextmanager
def stream_options() -> Iterator[None]:
    """OpenCV hears FFmpeg's options through the environment alone. Files opened with these would lose pictures."""
    given = os.environ.setdefault(OPTIONS_VARIABLE, STREAM_OPTIONS) != STREAM_OPTIONS
    try:
        yield
    finally:
        if not given:
            os.environ.pop(OPTIONS_VARIABLE, None)


def hardware_time_s(position_ms: float, now_s: float) -> float | None:
    """A device's stamp in ms on the monotonic clock as seconds; None where it must be of another clock."""
    taken_s = position_ms / 1000
    return taken_s if 0 <= now_s - taken_s <= OLDEST_STAMP_S else None


def without_secret(url: str) -> str:
    """The address without its user's password."""
    return re.sub(r"(?<=://)([^/@:]*):[^/]*@", r"\1:***@", url)


def _next_picture(capture: cv2.VideoCapture | None, name: str) -> Pixels:
    decoded, bgr = capture.read() if capture is not None else (False, None)
    if not decoded or bgr is None:
        raise SourceLost(f"{name}: no picture came any more")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
