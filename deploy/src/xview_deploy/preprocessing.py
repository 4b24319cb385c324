"""From any picture to the square that a policy sees: the one rule, for training and robot alike.

The whole picture is squeezed to S x S, whatever its aspect, averaging the pixels that fall together. Nothing is
cropped, so that a target marked at the rim of the goal picture is kept.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.spec import ContractError

Pixels = NDArray[np.uint8]
MASK_SHARE = 0.5  # of a cell that the target must cover


def check_picture(picture: Pixels, what: str = "picture") -> None:
    """ContractError unless `picture` is uint8 (H, W, 3) and not empty."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        came = f"{picture.dtype} {picture.shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise ContractError(f"{what}: expected RGB uint8 of shape (height, width, 3), got {came}")
    if picture.size == 0:
        raise ContractError(f"{what}: expected at least one pixel, got shape {picture.shape}")


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
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.size == 0:
        raise ContractError(f"mask: expected shape (height, width), got {getattr(mask, 'shape', type(mask).__name__)}")
    if not mask.any():
        raise ContractError("mask: expected at least one pixel of the target, got none")
    cover = cv2.resize((mask != 0).astype(np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cover >= min(MASK_SHARE, float(cover.max())), np.uint8)
