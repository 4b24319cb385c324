"""Pictures on their way to a page: one binary message each, and the memory of which ones a page was shown.

A binary message is: header length (uint32, little endian), header (JSON: camera, frame, stamp_ns, tick), JPEG.
"""

from __future__ import annotations

import json
import struct
from collections import OrderedDict

from xview_deploy.console.robot import Frame
from xview_deploy.spec import ContractError

REMEMBERED = 90  # frames a camera: three seconds at 30 Hz, longer than a click may take
MAX_UNSEEN = 2  # frames of one camera under way at once; more would queue up and grow old


def binary_message(frame: Frame, tick: int) -> bytes:
    """The picture with a header that lets a click name it."""
    header = {"camera": frame.camera, "frame": frame.number, "stamp_ns": str(frame.stamp_ns), "tick": tick}
    encoded = json.dumps(header).encode()
    return struct.pack("<I", len(encoded)) + encoded + frame.jpeg


class ShownFrames:
    """The frames of one camera that one page was sent: the only ones that it may click on."""

    def __init__(self, camera: str) -> None:
        self.camera = camera
        self._sent: OrderedDict[int, Frame] = OrderedDict()
        self._seen = -1

    @property
    def on_screen(self) -> Frame | None:
        """The newest frame that the page says it shows."""
        return self._sent.get(self._seen)

    def wants(self, frame: Frame) -> bool:
        """Whether this frame is new, and the page has kept up with the ones before."""
        unseen = sum(1 for number in self._sent if number > self._seen)
        return frame.number not in self._sent and unseen < MAX_UNSEEN

    def sent(self, frame: Frame) -> None:
        """Remembers a frame that went out."""
        self._sent[frame.number] = frame
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def seen(self, number: int) -> None:
        """The page shows that frame now."""
        if number in self._sent:
            self._seen = max(self._seen, number)

    def clicked(self, number: int, stamp_ns: int, now_ns: int, max_age_s: float) -> Frame:
        """The frame that a click names; ContractError if it was never shown, or is too old to act on."""
        frame = self._sent.get(number)
        if frame is None or frame.stamp_ns != stamp_ns:
            raise ContractError(
                f"stale click: expected one of the last pictures of {self.camera!r} that this page was sent, "
                f"got picture {number}: click again on the live picture"
            )
        age_s = (now_ns - frame.stamp_ns) * 1e-9
        if age_s > max_age_s:
            raise ContractError(
                f"stale click: expected a picture of at most {max_age_s:g} s, got one of {age_s:.1f} s: "
                "click again on the live picture, or look after the camera"
            )
        return frame
