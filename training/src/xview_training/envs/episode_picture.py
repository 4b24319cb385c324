"""An episode as people watch it: the agent's view, and beside it the goal picture with the target outlined."""

import cv2
import numpy as np

from xview_training.tasks.contact_sheet import outlined

SIDE = 256  # pixels a side at least: smaller pictures are enlarged by a whole number


def episode_picture(image: np.ndarray, goal_image: np.ndarray, goal_mask: np.ndarray) -> np.ndarray:
    """uint8 (H, 2 H, 3) RGB from what the policy sees: two uint8 (S, S, 3) and a mask uint8 (S, S)."""
    scale = -(-SIDE // len(image))
    view, goal, mask = (_enlarged(part, scale) for part in (image, goal_image, goal_mask))
    return np.concatenate([view, outlined(goal, mask)], 1)


def _enlarged(picture: np.ndarray, scale: int) -> np.ndarray:
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
