"""A mask from a box or from clicks, without a learned model (GrabCut: Rother, Kolmogorov, Blake, 2004).

A box is cut directly. A click says where but not how large: boxes of several sizes around it are cut, each
result is cut again inside its own bounding box, and the one that differs most from what lies around it wins;
the others are kept as alternatives. Colours count more than brightness, since the faces of one object are lit
differently. It knows neither console nor robot.

    proposals = propose(image, Prompt(positive=((320, 200),)))   # best first
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from xview_deploy.segmentation.mask_editing import Mask, close_gaps, fill_holes, keep_component
from xview_deploy.segmentation.prompt import Point, Prompt
from xview_deploy.spec import ContractError

Picture = NDArray[np.uint8]  # (H, W, 3)
Window = tuple[int, int, int, int]  # x0, y0, x1, y1, half open


@dataclasses.dataclass(frozen=True)
class GrabCutSettings:
    """Chosen on rendered rooms with exact masks, 640x480, objects of 13 to 100 pixels."""

    iterations: int = 4
    lightness_weight: float = 0.3  # of Lab's L; a face in the shade still is the same object
    chroma_weight: float = 1.5
    margin: float = 0.5  # of the box's longer side: surroundings that teach what is not the target
    min_margin_px: int = 12
    max_crop_px: int = 256  # a longer crop is cut at a smaller scale: GrabCut's time grows with the area
    coarse_iterations: int = 2  # for the boxes around a click: their results are cut again, finely
    coarse_crop_px: int = 128
    click_scales: tuple[float, ...] = (0.021, 0.03, 0.042, 0.058, 0.083, 0.117, 0.163)  # half a box / height
    usual_size: float = 0.068  # square root of the target's area / picture's height
    size_weight: float = 0.16
    cut_off_weight: float = 2.2
    off_centre_weight: float = 0.19
    max_overlap: float = 0.98  # of the colours inside and outside: above it, nothing stands out
    least_share: float = 0.08  # of a box: a smaller result means that nothing stood out
    same_iou: float = 0.85  # two alternatives closer than this are one
    positive_radius_px: int = 2
    negative_radius_px: int = 4
    alike_tolerance: int = 24  # in weighted Lab, for the surroundings of a negative click


DEFAULT = GrabCutSettings()


def propose(image: Picture, prompt: Prompt, settings: GrabCutSettings = DEFAULT) -> list[Mask]:
    """Masks bool (H, W) for the prompt, the best first, at least one.

    Raises ContractError for a prompt outside the picture, or a click where nothing stands out.
    """
    height, width = image.shape[:2]
    prompt.check(width, height)
    features = _features(image, settings)
    if prompt.box is not None:
        return [_cut_box(features, _window(prompt.box, width, height), prompt, settings)]
    return _cut_clicks(features, prompt, settings)


def _cut_box(features: Picture, box: Window, prompt: Prompt, settings: GrabCutSettings) -> Mask:
    """What GrabCut finds in the box; the box itself where nothing in it stands out."""
    mask, _ = _cut(features, box, prompt, settings)
    area = (box[2] - box[0]) * (box[3] - box[1])
    if np.count_nonzero(mask) < settings.least_share * area:
        mask = np.zeros(features.shape[:2], bool)
        mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def _cut_clicks(features: Picture, prompt: Prompt, settings: GrabCutSettings) -> list[Mask]:
    quick = dataclasses.replace(settings, iterations=settings.coarse_iterations, max_crop_px=settings.coarse_crop_px)
    scored: list[tuple[float, Mask]] = []
    for scale in settings.click_scales:
        box = _around(prompt.positive, scale * features.shape[0], features)
        coarse, cut_off = _cut(features, box, prompt, quick)
        if not coarse.any():
            continue
        fine, _ = _cut(features, _bounds(coarse, 3), prompt, settings)
        overlap = _overlap(features, fine) if fine.any() else 1.0
        if overlap <= settings.max_overlap:
            score = -overlap - _oddness(features, fine, cut_off, prompt, settings)
            scored.append((score, fine))
    if not scored:
        x, y = prompt.positive[0]
        raise ContractError(
            f"click: expected something that stands out at ({x:.0f}, {y:.0f}), found nothing: draw a box"
        )
    scored.sort(key=lambda pair: -pair[0])
    return _distinct([mask for _, mask in scored], settings.same_iou)


def _cut(features: Picture, box: Window, prompt: Prompt, settings: GrabCutSettings) -> tuple[Mask, float]:
    """One GrabCut inside the box: the mask, and the share of its outline that the box cut off."""
    height, width = features.shape[:2]
    margin = int(max(settings.min_margin_px, settings.margin * max(box[2] - box[0], box[3] - box[1])))
    crop = (max(0, box[0] - margin), max(0, box[1] - margin), min(width, box[2] + margin), min(height, box[3] + margin))
    view = features[crop[1] : crop[3], crop[0] : crop[2]]
    seeds = _seeds(view, crop, box, prompt, settings)
    inside = seeds != cv2.GC_BGD
    found = _run_grabcut(view, seeds, settings)
    points = [(x - crop[0], y - crop[1]) for x, y in prompt.positive]
    found = fill_holes(close_gaps(found)) & inside  # a negative click may have made a hole: it stays one
    found = keep_component(found, points)
    mask = np.zeros((height, width), bool)
    mask[crop[1] : crop[3], crop[0] : crop[2]] = found
    return mask, _share_cut_off(found, inside)


def _seeds(view: Picture, crop: Window, box: Window, prompt: Prompt, settings: GrabCutSettings) -> NDArray[np.uint8]:
    """GrabCut's starting labels of the crop: surely outside the box, perhaps inside it, sure at the points."""
    seeds = np.full(view.shape[:2], cv2.GC_BGD, np.uint8)
    x0, y0, x1, y1 = box[0] - crop[0], box[1] - crop[1], box[2] - crop[0], box[3] - crop[1]
    seeds[y0:y1, x0:x1] = cv2.GC_PR_FGD
    if not prompt.positive:
        # The middle tenth of a drawn box is taken for the target: without it a target of the floor's colour is lost.
        centre_x, centre_y, reach_x, reach_y = (x0 + x1) // 2, (y0 + y1) // 2, (x1 - x0) // 10, (y1 - y0) // 10
        seeds[centre_y - reach_y : centre_y + reach_y + 1, centre_x - reach_x : centre_x + reach_x + 1] = cv2.GC_FGD
    for x, y in prompt.negative:
        alike = _alike(view, int(x) - crop[0], int(y) - crop[1], settings)
        seeds[alike & (seeds != cv2.GC_BGD)] = cv2.GC_PR_BGD
    _draw_points(seeds, crop, prompt.positive, settings.positive_radius_px, cv2.GC_FGD)
    _draw_points(seeds, crop, prompt.negative, settings.negative_radius_px, cv2.GC_BGD)
    return seeds


def _alike(view: Picture, x: int, y: int, settings: GrabCutSettings) -> Mask:
    """What is joined to that pixel by colours like its own: a click beside the target means all of it.

    Thin rims between the faces of one object do not part them.
    """
    height, width = view.shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        return np.zeros((height, width), bool)
    difference = np.abs(view.astype(np.int16) - view[y, x].astype(np.int16)).max(axis=2)
    return keep_component(close_gaps(difference <= settings.alike_tolerance), [(x, y)])


def _draw_points(
    labels: NDArray[np.uint8], crop: Window, points: tuple[Point, ...], radius_px: int, label: int
) -> None:
    for x, y in points:
        cv2.circle(labels, (int(x) - crop[0], int(y) - crop[1]), radius_px, label, -1)


def _run_grabcut(features: Picture, seeds: NDArray[np.uint8], settings: GrabCutSettings) -> Mask:
    height, width = seeds.shape
    shrink = min(1.0, settings.max_crop_px / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    labels = cv2.resize(seeds, size, interpolation=cv2.INTER_NEAREST)
    cv2.setRNGSeed(0)  # GrabCut's k-means starts at random: the same click must give the same mask
    try:
        cv2.grabCut(
            cv2.resize(features, size, interpolation=cv2.INTER_AREA),
            labels,
            (0, 0, 0, 0),
            np.zeros((1, 65)),
            np.zeros((1, 65)),
            settings.iterations,
            cv2.GC_INIT_WITH_MASK,
        )
    except cv2.error:
        return np.zeros((height, width), bool)  # no sample of one side, as in a picture of one colour
    found = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) >= 0.5


def _features(image: Picture, settings: GrabCutSettings) -> Picture:
    """Smoothed Lab with weights: texture's grain goes, edges stay, shading counts little."""
    smooth = cv2.bilateralFilter(np.ascontiguousarray(image), 5, 30, 3)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB).astype(np.float32) - 128
    weights = (settings.lightness_weight, settings.chroma_weight, settings.chroma_weight)
    return np.clip(lab * np.array(weights, np.float32) + 128, 0, 255).astype(np.uint8)


def _oddness(features: Picture, mask: Mask, cut_off: float, prompt: Prompt, settings: GrabCutSettings) -> float:
    """Higher for a mask of an unusual size, beside the clicks, or cut off by the box around them."""
    side = math.sqrt(np.count_nonzero(mask))
    unusual = abs(math.log(side / features.shape[0] / settings.usual_size))
    rows, columns = np.nonzero(mask)
    clicked = np.mean(prompt.positive, axis=0)
    off_centre = math.hypot(columns.mean() - clicked[0], rows.mean() - clicked[1]) / side
    return settings.size_weight * unusual + settings.cut_off_weight * cut_off + settings.off_centre_weight * off_centre


def _overlap(features: Picture, mask: Mask) -> float:
    """Bhattacharyya coefficient of the colours just inside and just outside: 0 unlike, 1 the same."""
    x0, y0, x1, y1 = _bounds(mask, 16)
    colours = features[y0:y1, x0:x1]
    kernel, area = np.ones((3, 3), np.uint8), mask[y0:y1, x0:x1].astype(np.uint8)
    near, far = cv2.dilate(area, kernel, iterations=2), cv2.dilate(area, kernel, iterations=8)
    core = cv2.erode(area, kernel) - cv2.erode(area, kernel, iterations=13)
    inner = core > 0 if np.count_nonzero(core) >= 10 else area > 0
    outer = far > near
    if not outer.any():
        return 1.0
    return float(np.sqrt(_histogram(colours[inner]) * _histogram(colours[outer])).sum())


def _histogram(colours: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(16, 16, 16) smoothed shares of the colours (N, 3)."""
    counts = np.zeros((16, 16, 16), np.float32)
    np.add.at(counts, tuple((colours >> 4).T), 1)
    for axis in range(3):
        counts = counts + 0.5 * np.roll(counts, 1, axis) + 0.5 * np.roll(counts, -1, axis)
    return counts / counts.sum()


def _share_cut_off(found: Mask, inside: Mask) -> float:
    kernel = np.ones((3, 3), np.uint8)
    outline = found & (cv2.erode(found.astype(np.uint8), kernel) == 0)
    rim = inside & (cv2.erode(inside.astype(np.uint8), kernel) == 0)
    return float(np.count_nonzero(outline & rim)) / max(1, int(np.count_nonzero(outline)))


def _distinct(masks: list[Mask], same_iou: float) -> list[Mask]:
    kept: list[Mask] = []
    for mask in masks:
        if all(intersection_over_union(mask, other) < same_iou for other in kept):
            kept.append(mask)
    return kept


def intersection_over_union(a: Mask, b: Mask) -> float:
    """Shared area over joint area of two masks of one size; 1 where both are empty."""
    joint = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / joint if joint else 1.0


def _window(box: tuple[float, float, float, float], width: int, height: int) -> Window:
    return (int(box[0]), int(box[1]), min(width, math.ceil(box[2])), min(height, math.ceil(box[3])))


def _around(points: tuple[Point, ...], reach: float, features: Picture) -> Window:
    columns, rows = [x for x, _ in points], [y for _, y in points]
    height, width = features.shape[:2]
    return (
        int(max(0, min(columns) - reach)),
        int(max(0, min(rows) - reach)),
        int(min(width, max(columns) + reach + 1)),
        int(min(height, max(rows) + reach + 1)),
    )


def _bounds(mask: Mask, margin_px: int) -> Window:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return (
        max(0, x - margin_px),
        max(0, y - margin_px),
        min(mask.shape[1], x + width + margin_px),
        min(mask.shape[0], y + height + margin_px),
    )
