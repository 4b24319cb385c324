"""Generated 16x16 textures with their mip levels, in several sets. No image file is read.

A set is a seed: set 0 has the catalogue's colours, the others shift hue, brightness and grain, so that a policy
cannot rely on one palette. Mip levels stand in for the smoothing that a camera's optics and down-scaling do. Rows of
the atlas: six faces of each block, then six of each hide of creatures (sim/figures.py).
"""

import functools

import numpy as np

from xview_training.sim.blocks import BLOCKS, CANDIDATE_KINDS, FIRST_CANDIDATE
from xview_training.sim.figures import HIDES
from xview_training.sim.patterns import holes_of, later_motif
from xview_training.sim.shade import HOLE, PIERCED

SIDE = 16
LEVEL_OFFSETS = np.array([0, 256, 320, 336, 340], np.int32)  # 16^2, 8^2, 4^2, 2^2, 1 texels
TEXELS = 341
FACES = 6  # -x +x -y +y -z +z


def _motif(pattern: str, base: np.ndarray, face: int, rng: np.random.Generator) -> np.ndarray:
    """One face, float (16, 16, 3), before clipping. Row 0 is the top."""
    grain = rng.integers(-14, 15, (SIDE, SIDE, 1)).astype(float)
    image = np.broadcast_to(base, (SIDE, SIDE, 3)) + grain * (0.25 if pattern == "plain" else 1.0)
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    top = face == 3
    if pattern == "grass" and not top:
        soil = np.array([130.0, 95.0, 60.0]) + grain
        image = np.where((rows < 3)[..., None] & (face != 2), image, soil)
    elif pattern == "bark" and face not in (2, 3):
        image = image * np.where(cols % 4 == 0, 0.75, 1.0)[..., None]
    elif pattern == "leaves":
        image = image * np.where(rng.random((SIDE, SIDE)) < 0.3, 0.6, 1.0)[..., None]
    elif pattern == "brick":
        joint = (rows % 4 == 0) | ((cols + 4 * (rows // 4 % 2)) % 8 == 0)
        image = image * np.where(joint, 0.65, 1.0)[..., None]
    elif pattern == "planks":
        image = image * np.where(rows % 4 == 0, 0.75, 1.0)[..., None]
    elif pattern == "tile":
        image = image * np.where((rows == 0) | (cols == 0), 0.85, 1.0)[..., None]
    return image


def _candidate_motif(pattern: str, image: np.ndarray, top: bool, rng: np.random.Generator) -> np.ndarray:
    """Draws a candidate's mark on its face: a dark rim and a pattern of its own."""
    rows, cols = np.mgrid[0:SIDE, 0:SIDE]
    rim = (rows % (SIDE - 1) == 0) | (cols % (SIDE - 1) == 0)
    image = image * np.where(rim, 0.45, 1.0)[..., None]
    if pattern == "ribs":
        image = image * np.where(cols % 5 == 2, 0.7, 1.0)[..., None]
    elif pattern == "window" and not top:
        image = np.where(((rows > 4) & (rows < 12) & (cols > 3) & (cols < 12))[..., None], 30.0, image)
    elif pattern == "cross":
        image = image * np.where((abs(rows - cols) < 2) | (abs(rows + cols - 15) < 2), 0.6, 1.0)[..., None]
    elif pattern == "speckle":
        image = np.where((rng.random((SIDE, SIDE)) < 0.35)[..., None], 0.5 * image + 62, image)
    elif pattern == "band" and not top:
        image = np.where(((rows > 4) & (rows < 10))[..., None], 232.0, image)
    elif pattern == "frame":
        inner = (rows > 3) & (rows < 12) & (cols > 3) & (cols < 12)
        image = image * np.where(inner, 0.8, 1.05)[..., None]
    elif pattern == "weave":
        image = image * np.where((rows // 2 + cols // 2) % 2 == 0, 0.85, 1.05)[..., None]
    elif pattern == "dots":
        image = np.where(((rows % 5 == 2) & (cols % 5 == 2))[..., None], 255.0 - image, image)
    return image


def mips(face: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """All levels of a face as packed 0x00BBGGRR, HOLE where rays pass, and PIERCED in the last texel: uint32 (341,).

    A texel of a higher level is a hole where more than half of it is; its colour is that of what is none.
    """
    levels, colour, solid = [], face, (~holes).astype(float)
    while True:
        packed = np.clip(colour, 0, 255).astype(np.uint32)
        packed = packed[..., 0] | packed[..., 1] << 8 | packed[..., 2] << 16
        levels.append(np.where(solid < 0.5, packed | np.uint32(HOLE), packed).ravel())
        if len(colour) == 1:
            levels[-1] = levels[-1] | np.uint32(PIERCED if holes.any() else 0)
            return np.concatenate(levels)
        side = len(colour) // 2
        weight = np.where(solid > 0, solid, 1e-9).reshape(side, 2, side, 2, 1)
        colour = (colour.reshape(side, 2, side, 2, 3) * weight).sum((1, 3)) / weight.sum((1, 3))
        solid = solid.reshape(side, 2, side, 2).mean((1, 3))


@functools.cache
def atlas(sets: int = 8) -> np.ndarray:
    """Textures of `sets` sets: uint32 (sets, (blocks + hides) * 6, 341), packed 0x00BBGGRR and HOLE, read-only."""
    out = np.zeros((sets, (len(BLOCKS) + len(HIDES)) * FACES, TEXELS), np.uint32)
    for index in range(sets):
        rng = np.random.default_rng(index)
        for number, block in enumerate(BLOCKS):
            candidate = FIRST_CANDIDATE <= number < FIRST_CANDIDATE + CANDIDATE_KINDS
            base = np.array(block.rgb) + rng.normal(0, _strength(index, candidate), 3)
            for face in range(FACES):
                image = _motif(block.pattern, base, face, rng)
                if candidate:
                    image = _candidate_motif(block.pattern, image, face in (2, 3), rng)
                image = later_motif(block.pattern, image, face, rng)
                out[index, number * FACES + face] = mips(np.clip(image, 0, 255), holes_of(block.pattern, rng))
        for number, (rgb, pattern) in enumerate(HIDES.values(), len(BLOCKS)):
            base = np.array(rgb) + rng.normal(0, _strength(index, True), 3)
            for face in range(FACES):
                image = later_motif(pattern, _motif(pattern, base, face, rng), face, rng)
                out[index, number * FACES + face] = mips(np.clip(image, 0, 255), holes_of("", rng))
    out.flags.writeable = False
    return out


def _strength(index: int, pointed_at: bool) -> float:
    """How far a set's colours may lie from the catalogue's: what is pointed at keeps its name."""
    if index == 0:
        return 0.0
    return 10.0 if pointed_at else 22.0
