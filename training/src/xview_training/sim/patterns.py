"""Motifs of textures beyond plain materials: ores, furniture, plants and faces, and which texels are holes."""

import numpy as np

SIDE = 16
ORE_RGB = {
    "ore_dark": (30.0, 30.0, 32.0),
    "ore_tan": (216.0, 174.0, 140.0),
    "ore_gold": (250.0, 216.0, 76.0),
    "ore_cyan": (90.0, 226.0, 222.0),
}
AHEAD = 5  # the face that looks along +z: a creature's front


def later_motif(pattern: str, image: np.ndarray, face: int, rng: np.random.Generator) -> np.ndarray:
    """Draws the pattern over a face, float (16, 16, 3), row 0 on top; faces -x +x -y +y -z +z."""
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    side = face not in (2, 3)
    if pattern in ORE_RGB:
        return np.where(_blobs(rows, cols, rng)[..., None], np.array(ORE_RGB[pattern]), image)
    if pattern == "clasp" and side:
        lid = (rows == 5)[..., None]
        clasp = (abs(rows - 6) < 2) & (abs(cols - 7.5) < 1.5)
        return np.where(clasp[..., None], 210.0, np.where(lid, 40.0, image))
    if pattern == "fire" and side:
        mouth = (rows > 8) & (rows < 14) & (cols > 3) & (cols < 12)
        return np.where(mouth[..., None], np.array([250.0, 150.0, 40.0]), image)
    if pattern == "pillow" and face == 3:
        return np.where((rows > 10)[..., None], 236.0, image)
    if pattern == "patches":
        return np.where(_blobs(rows, cols, rng)[..., None], 236.0, image)
    if pattern in ("eyes", "red_eyes") and face == AHEAD:
        eyes = (abs(rows - 6) < 2) & ((abs(cols - 4) < 1.6) | (abs(cols - 11) < 1.6))
        color = np.array([220.0, 30.0, 30.0]) if pattern == "red_eyes" else np.array([20.0, 20.0, 24.0])
        return np.where(eyes[..., None], color, image)
    if pattern == "pane":
        return np.where(_frame(rows, cols)[..., None], image * 0.9, 240.0)
    if pattern == "blossom":
        return np.where((rows > 7)[..., None], np.array([70.0, 132.0, 52.0]), image)
    return image


def holes_of(pattern: str, rng: np.random.Generator) -> np.ndarray:
    """Which texels of a face rays pass through: bool (16, 16)."""
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    if pattern == "pane":
        streak = (abs(rows + cols - 12) < 1) & (rows > 2) & (cols > 2)
        return ~(_frame(rows, cols) | streak)
    if pattern == "foliage":
        return rng.random((SIDE, SIDE)) < 0.28
    if pattern == "blades":
        height = rng.integers(1, 9, SIDE)
        return (cols % 3 == 1) | (rows < height[cols])
    if pattern == "sprouts":
        height = rng.integers(9, 14, SIDE)
        return (cols % 2 == 1) | (rows < height[cols])
    if pattern == "blossom":
        flower = (rows - 5) ** 2 + (cols - 7.5) ** 2 < 12
        stalk = (rows >= 5) & (abs(cols - 7.5) < 1)
        return ~(flower | stalk)
    return np.zeros((SIDE, SIDE), bool)


def _frame(rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    return (rows % (SIDE - 1) == 0) | (cols % (SIDE - 1) == 0)


def _blobs(rows: np.ndarray, cols: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five spots of about two texels' radius."""
    spots = np.zeros((SIDE, SIDE), bool)
    for _ in range(5):
        y, x = rng.uniform(2, 14, 2)
        spots |= (rows - y) ** 2 + (cols - x) ** 2 < rng.uniform(1.5, 5)
    return spots
