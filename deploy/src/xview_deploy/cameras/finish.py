"""What is done to each picture of a camera before others get it: straightened, turned upright, made a JPEG.

The lens goes the same way as the picture, so that the calibration that is published beside it stays right. Knows
neither where the pictures come from nor ROS.

    finish = Finish(FinishSettings(rotation=180), lens)
    jpeg, lens_of_it = finish.jpeg(picture), finish.lens_for(640, 480)
"""

from __future__ import annotations

import dataclasses

from xview_deploy.cameras.encodings import turned
from xview_deploy.cameras.lens import Lens, quarters
from xview_deploy.cameras.view import Straightener
from xview_deploy.picture import encode_jpeg
from xview_deploy.preprocessing import Pixels
from xview_deploy.spec import ContractError


@dataclasses.dataclass(frozen=True)
class FinishSettings:
    """How pictures are to look. Raises ContractError for what cannot be."""

    rotation: int = 0  # degrees clockwise that make the picture upright: 0, 90, 180 or 270
    rectify: bool = False  # straighten, for pictures that operators mark targets on; needs a calibration
    jpeg_quality: int = 90

    def __post_init__(self) -> None:
        quarters(self.rotation)
        if not 1 <= self.jpeg_quality <= 100:
            raise ContractError(f"jpeg quality: expected 1 to 100, got {self.jpeg_quality}")


class Finish:
    """For the pictures of one camera, of any size that its lens allows."""

    def __init__(self, settings: FinishSettings, lens: Lens | None) -> None:
        self.settings = settings
        self.lens = lens  # of the pictures that come in
        self._straightener: Straightener | None = None

    @property
    def changes_nothing(self) -> bool:
        """A JPEG may pass as it came."""
        return not self.settings.rotation and not self.settings.rectify

    def picture(self, picture: Pixels) -> Pixels:
        """RGB uint8 (H, W, 3), straightened and turned. ContractError where the lens is that of other pictures."""
        if self.settings.rectify:
            picture = self._straight(picture.shape[1], picture.shape[0]).picture(picture)
        return turned(picture, self.settings.rotation)

    def jpeg(self, picture: Pixels) -> bytes:
        """The same as a JPEG."""
        return encode_jpeg(self.picture(picture), self.settings.jpeg_quality)

    def lens_for(self, width: int, height: int) -> Lens | None:
        """The lens of what becomes of pictures that come in with that size; None without a calibration."""
        if self.lens is None:
            return None
        lens = self.lens.sized(width, height)
        return (lens.straightened() if self.settings.rectify else lens).turned(self.settings.rotation)

    def _straight(self, width: int, height: int) -> Straightener:
        if self.lens is None:
            raise ContractError("rectify: expected a calibrated camera, got none: give a calibration file")
        before = self._straightener
        if before is None or (before.lens.width, before.lens.height) != (width, height):
            self._straightener = before = Straightener(self.lens.sized(width, height))
        return before
