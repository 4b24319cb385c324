"""Pictures as a video that every browser plays: VP9 in WebM, as bytes to write or to put into a page."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np

TYPE = "video/webm"
# A tenth of the size of what OpenCV's own writer makes of these textures; "realtime" encodes faster than it plays.
ENCODER = {"crf": "40", "b": "0", "deadline": "realtime", "cpu-used": "7"}


def webm(pictures: Iterable[np.ndarray], rate_hz: float) -> bytes:
    """The video of RGB pictures uint8 (H, W, 3), all of one size with even sides. ValueError where there is none."""
    out = io.BytesIO()
    stream = None
    with av.open(out, "w", format="webm") as container:
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libvpx-vp9", rate=Fraction(rate_hz).limit_denominator(1000))
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, stream.options = "yuv420p", dict(ENCODER)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        if stream is None:
            raise ValueError("video: expected at least one picture, got none")
        container.mux(stream.encode())
    return out.getvalue()
