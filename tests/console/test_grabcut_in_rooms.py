"""Masks proposed for the simulated room's pictures, as JPEG, against the renderer's exact ones."""

import cv2
import numpy as np
import pytest
from xview_deploy.picture import decode_picture, encode_jpeg
from xview_deploy.segmentation.grabcut import intersection_over_union, propose
from xview_deploy.segmentation.prompt import Prompt

SEEDS = range(100, 108)


@pytest.fixture(scope="module")
def views(room) -> list[tuple[np.ndarray, np.ndarray]]:
    """Third-person pictures with the exact masks of their targets, each room another."""
    views = []
    for seed in SEEDS:
        room.load(seed)
        picture = decode_picture(encode_jpeg(room.render("third_person"), quality=85))
        views.append((picture, room.target_mask("third_person")))
    return views


def test_loose_boxes_give_the_targets(views):
    overlaps = []
    for picture, target in views:
        x, y, width, height = cv2.boundingRect(target.astype(np.uint8))
        box = (max(0, x - 3), max(0, y - 3), min(640, x + width + 3), min(480, y + height + 3))
        overlaps.append(intersection_over_union(propose(picture, Prompt(box=box))[0], target))
    assert np.mean(overlaps) > 0.9, overlaps


def test_one_click_offers_the_targets(views):
    overlaps = []
    for picture, target in views:
        depth = cv2.distanceTransform(np.pad(target, 1).astype(np.uint8), cv2.DIST_L2, 3)
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        proposals = propose(picture, Prompt(positive=((float(x) - 0.5, float(y) - 0.5),)))
        overlaps.append(max(intersection_over_union(mask, target) for mask in proposals[:3]))
    assert np.mean(overlaps) > 0.85, overlaps
