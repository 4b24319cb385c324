"""Goal masks as an operator would draw them: not quite along the edge."""

from __future__ import annotations

import cv2
import numpy as np


def roughen(mask: np.ndarray, rng: np.random.Generator) -> None:
    """Grows or shrinks a goal mask uint8 (S, S) by about a pixel, in place; never to nothing."""
    kernel = np.ones((2, 2) if rng.random() < 0.5 else (3, 3), np.uint8)
    change = cv2.dilate if rng.random() < 0.7 else cv2.erode
    changed = change(mask, kernel)
    if changed.any():
        mask[:] = changed
