"""A video file that is written whole or not at all.

with VideoSink("out.mp4", rate_hz=6.7, width=640, height=480) as sink:
    sink.write(picture)
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError

# What OpenCV's wheels can write without further libraries, and players can play.
CODECS = {".mp4": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP80"}


def check_output(path: Path) -> None:
    """ContractError unless a video could be written there: known before the work is done, not after."""
    if path.suffix.lower() not in CODECS:
        raise ContractError(f"{path}: expected a file named {', '.join(CODECS)}, got {path.suffix or 'no suffix'!r}")
    if path.is_dir():
        raise ContractError(f"{path}: expected a file to write, found a folder")
    if not path.parent.is_dir():
        raise ContractError(f"{path}: expected a folder to write into, found no {path.parent}")
    try:  # what permissions promise, a file system need not keep
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ContractError(
            f"{path}: expected a folder that may be written to, {path.parent} may not: {error.strerror}"
        ) from None


class VideoSink:
    """Takes RGB pictures of one size, of even sides; a context manager that leaves nothing behind on errors."""

    def __init__(self, path: str | Path, rate_hz: float, width: int, height: int) -> None:
        self.path = Path(path)
        check_output(self.path)
        self._size = (width, height)
        self._partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}.partial{self.path.suffix}")
        fourcc = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(self._partial), cv2.CAP_FFMPEG, fourcc, rate_hz, self._size)
        if not self._writer.isOpened():
            self._partial.unlink(missing_ok=True)
            raise ContractError(f"{self.path}: expected a video that OpenCV can write, it cannot: try another suffix")

    def __enter__(self) -> VideoSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.release()
        try:
            if kind is None:
                self._check_written()
                self._partial.replace(self.path)
        finally:
            self._partial.unlink(missing_ok=True)

    def write(self, picture: Pixels) -> None:
        """uint8 (height, width, 3) RGB."""
        if picture.shape != (self._size[1], self._size[0], 3):
            raise ContractError(f"video: expected pictures of {self._size}, got {picture.shape}")
        self._writer.write(np.ascontiguousarray(picture[:, :, ::-1]))

    def _check_written(self) -> None:
        """A full disk is told by nothing but what is missing."""
        if not self._partial.is_file() or self._partial.stat().st_size == 0:
            raise ContractError(f"{self.path}: expected a video to be written, nothing was: is the disk full?")
