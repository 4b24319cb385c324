"""The pictures of a video file with their times, one after the other.

with VideoFrames("drive.mp4") as video:
    for time_s, picture in video: ...
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError

SENSIBLE_HZ = (0.01, 1000.0)  # a rate outside of this is a damaged header's


class VideoFrames:
    """Iterates over (seconds since the first picture, uint8 (H, W, 3) RGB); a context manager.

    Times are those of the file where it states them, else counted by its rate. ContractError where the file is
    missing, holds no video, or says nothing of time.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            found = "a folder" if self.path.is_dir() else "no file"
            raise ContractError(f"{self.path}: expected a video file, found {found}")
        # Named, because by itself OpenCV would take "picture_001.png" for the start of a series of files.
        self._capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise ContractError(f"{self.path}: expected a video that decodes, got {self.path.stat().st_size} bytes")
        rate_hz = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate_hz = rate_hz if SENSIBLE_HZ[0] <= rate_hz <= SENSIBLE_HZ[1] else 0.0  # 0: it does not say

    def __enter__(self) -> VideoFrames:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._capture.release()

    def __iter__(self) -> Iterator[tuple[float, Pixels]]:
        first_s = before_s = -math.inf
        while True:
            decoded, bgr = self._capture.read()
            if not decoded:
                break
            time_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
            if not (math.isfinite(time_s) and time_s > before_s):
                time_s = self._counted(before_s)
            first_s = time_s if first_s == -math.inf else first_s
            before_s = time_s
            yield time_s - first_s, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        if first_s == -math.inf:
            raise ContractError(f"{self.path}: expected a video with pictures, none decodes")

    def _counted(self, before_s: float) -> float:
        if before_s == -math.inf:
            return 0.0
        if not self.rate_hz:
            raise ContractError(f"{self.path}: expected a video with times or a rate, got one with neither")
        return before_s + 1 / self.rate_hz
