"""From a picture to the square that a policy sees: the one rule, for training and robot alike.

The whole picture is squeezed to S x S, whatever its aspect, averaging the pixels that fall together. Nothing is
cropped, so that a target marked at the rim of the goal picture is kept, and a point at (x, y) in 0..1 of the
square is at (x, y) of the picture. Knows neither policies nor cameras: a live picture of another camera than the
trained one is made into that one's first (`cameras.view`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.spec import ContractError

Pixels = NDArray[np.uint8]
MASK_SHARE = 0.5  # of a cell that the target must cover


def squeeze_picture(picture: Pixels, side: int) -> Pixels:
    """RGB uint8 (H, W, 3) -> uint8 (S, S, 3)."""
    check_picture(picture)
    if picture.shape[:2] == (side, side):
        return picture
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def squeeze_mask(mask: NDArray[np.generic], side: int) -> Pixels:
    """Mask (H, W), anything non-zero being the target -> uint8 (S, S) of 0 and 1.

    A cell is the target where the target covers half of it; the best covered cell always is, so that a target
    smaller than a cell is not lost. ContractError where the mask is empty.
    """
    check_mask(mask)
    # Exact areas, not cv2: where one side grows it interpolates, and may step over a lone pixel on the other.
    cover = _shares(_shares((mask != 0).astype(np.float64), side).T, side).T
    # A hair below: rounding must not decide whether a cell that is exactly half covered counts.
    return np.asarray(cover >= min(MASK_SHARE, float(cover.max())) - 1e-5, np.uint8)


def squeeze_goal(picture: Pixels, mask: NDArray[np.generic], side: int) -> tuple[Pixels, Pixels]:
    """A goal's picture (H, W, 3) and its mask (H, W) -> (S, S, 3) and (S, S); ContractError if sizes differ."""
    check_picture(picture, "goal picture")
    check_mask(mask, "goal mask")
    if mask.shape != picture.shape[:2]:
        raise ContractError(
            f"goal mask: expected the picture's size {picture.shape[1]}x{picture.shape[0]}, "
            f"got {mask.shape[1]}x{mask.shape[0]}"
        )
    return squeeze_picture(picture, side), squeeze_mask(mask, side)


def check_picture(picture: object, what: str = "picture") -> None:
    """ContractError unless `picture` is uint8 (H, W, 3) and not empty."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        came = f"{picture.dtype} {picture.shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise ContractError(f"{what}: expected RGB uint8 of shape (height, width, 3), got {came}")
    if picture.size == 0:
        raise ContractError(f"{what}: expected at least one pixel, got shape {picture.shape}")


def check_mask(mask: object, what: str = "mask") -> None:
    """ContractError unless `mask` is an array (H, W) that marks something."""
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.size == 0:
        raise ContractError(
            f"{what}: expected shape (height, width), got {getattr(mask, 'shape', type(mask).__name__)}"
        )
    if mask.dtype.kind not in "biuf":
        raise ContractError(f"{what}: expected numbers or bool, got {mask.dtype}")
    if not mask.any():
        raise ContractError(f"{what}: expected at least one pixel of the target, got none")


def _shares(cover: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """The mean of each of `cells` equal parts of the first axis: (pixels, n) -> (cells, n).

    Differences of sums from the edge, not a product of matrices: that is handed to threads, and on a busy machine
    waits for them a hundred times as long as it computes.
    """
    pixels = len(cover)
    sums = np.concatenate([np.zeros((1, cover.shape[1])), np.cumsum(cover, axis=0)])
    ends = np.arange(cells + 1) * (pixels / cells)
    whole = np.minimum(ends.astype(np.int64), pixels - 1)
    upto = sums[whole] + (ends - whole)[:, None] * cover[whole]
    return np.asarray(np.diff(upto, axis=0) * (cells / pixels), np.float64)
