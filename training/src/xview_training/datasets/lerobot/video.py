"""The agent's pictures of many episodes as one MP4 file, and any episode's pictures back out of it.

H.264 with a key frame every other picture, so that a reader can jump. Colours lose a little. Knows PyAV.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from xview_training.datasets.recording import DatasetError

ENCODER = {"crf": "16", "g": "2", "bf": "0", "preset": "veryfast"}


class VideoWriter:
    """Pictures one after the other at a fixed rate."""

    def __init__(self, path: Path, side: int, rate_hz: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.frames = path, 0
        self._container = av.open(str(path), "w", format="mp4")
        rate = Fraction(rate_hz).limit_denominator(1000)
        self._stream = self._container.add_stream("libx264", rate=rate, options=dict(ENCODER))
        self._stream.width = self._stream.height = side
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = 1 / rate

    def add(self, picture: np.ndarray) -> None:
        """uint8 (S, S, 3), RGB; S is even."""
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = self.frames
        self.frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Ends the file."""
        self._container.mux(self._stream.encode())
        self._container.close()


def read_video(path: Path, start_s: float, frames: int, rate_hz: float) -> Iterator[np.ndarray]:
    """Pictures uint8 (H, W, 3), RGB, from `start_s` on; DatasetError where there are fewer, or the file is damaged."""
    found = 0
    try:
        with av.open(str(path), "r") as container:
            stream = container.streams.video[0]
            container.seek(int(start_s * av.time_base))
            for frame in container.decode(stream):
                if frame.time is None or frame.time < start_s - 0.5 / rate_hz:
                    continue
                if found == frames:
                    return
                found += 1
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError) as error:
        raise DatasetError(f"{path} is damaged or no video: {error}") from None
    if found < frames:
        raise DatasetError(f"{path}: expected {frames} pictures from {start_s:g} s on, got {found}")
