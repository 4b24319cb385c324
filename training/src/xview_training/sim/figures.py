"""What creatures look like: each kind as a handful of boxes with a texture, and arrows.

Only shapes and colours; how creatures live is sim/creatures.py. Boxes are in blocks in the creature's frame (x to its
left, y up from its feet, z ahead), (x0, y0, z0, x1, y1, z1). Shapes and names are this project's own.
"""

import dataclasses

import numpy as np

Box = tuple[float, float, float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Part:
    """One box. swing: which way it moves with a step, 0 for what stays."""

    box: Box
    hide: str
    swing: int = 0


def _legs(width: float, length: float, height: float, thick: float, hide: str) -> tuple[Part, ...]:
    """Four legs under a body of that width and length."""
    x, z, t = width / 2, length / 2, thick
    return tuple(
        Part(
            (a * x - t * (a > 0), 0.0, b * z - t * (b > 0), a * x + t * (a < 0), height, b * z + t * (b < 0)),
            hide,
            a * b,
        )
        for a in (-1, 1)
        for b in (-1, 1)
    )


def _upright(hide: str, shirt: str, height: float) -> tuple[Part, ...]:
    """Two legs, trunk, arms held ahead, head."""
    h = height / 1.95
    return (
        Part((-0.25, 0.0, -0.12, -0.01, 0.75 * h, 0.12), shirt, 1),
        Part((0.01, 0.0, -0.12, 0.25, 0.75 * h, 0.12), shirt, -1),
        Part((-0.25, 0.75 * h, -0.13, 0.25, 1.45 * h, 0.13), hide),
        Part((-0.42, 1.2 * h, -0.1, -0.26, 1.4 * h, 0.62), hide),
        Part((0.26, 1.2 * h, -0.1, 0.42, 1.4 * h, 0.62), hide),
        Part((-0.25, 1.45 * h, -0.25, 0.25, height, 0.25), f"{hide}_face"),
    )


def _quadruped(hide: str, width: float, length: float, top: float, leg: float, head: Box) -> tuple[Part, ...]:
    """Body on four legs, and a head."""
    return (
        Part((-width / 2, leg, -length / 2, width / 2, top, length / 2), hide),
        Part(head, f"{hide}_face"),
        *_legs(width * 0.9, length * 0.9, leg, 0.22, hide),
    )


FIGURES: dict[str, tuple[Part, ...]] = {
    "cow": _quadruped("brindle", 0.85, 1.1, 1.25, 0.7, (-0.25, 0.95, 0.5, 0.25, 1.4, 0.95)),
    "sheep": _quadruped("fleece", 0.9, 1.05, 1.2, 0.55, (-0.22, 0.9, 0.45, 0.22, 1.28, 0.9)),
    "pig": _quadruped("pink", 0.75, 1.0, 0.85, 0.35, (-0.25, 0.45, 0.45, 0.25, 0.9, 0.9)),
    "hen": (
        Part((-0.19, 0.25, -0.22, 0.19, 0.58, 0.22), "feathers"),
        Part((-0.12, 0.5, 0.14, 0.12, 0.78, 0.34), "feathers_face"),
        Part((-0.12, 0.0, -0.04, -0.05, 0.25, 0.04), "beak", 1),
        Part((0.05, 0.0, -0.04, 0.12, 0.25, 0.04), "beak", -1),
        Part((-0.06, 0.58, 0.34, 0.06, 0.66, 0.46), "beak"),
    ),
    "horse": _quadruped("chestnut", 0.8, 1.5, 1.4, 0.8, (-0.18, 1.2, 0.7, 0.18, 1.85, 1.15)),
    "ghoul": _upright("moss", "rags", 1.95),
    "archer": _upright("bone", "bone", 1.99),
    "spider": (
        Part((-0.35, 0.25, -0.85, 0.35, 0.85, 0.0), "chitin"),
        Part((-0.27, 0.28, 0.0, 0.27, 0.8, 0.55), "chitin_face"),
        Part((-0.95, 0.0, -0.45, -0.35, 0.3, -0.33), "chitin", 1),
        Part((0.35, 0.0, -0.45, 0.95, 0.3, -0.33), "chitin", -1),
        Part((-0.95, 0.0, 0.15, -0.3, 0.3, 0.27), "chitin", -1),
        Part((0.3, 0.0, 0.15, 0.95, 0.3, 0.27), "chitin", 1),
    ),
    "arrow": (
        Part((-0.03, -0.03, -0.4, 0.03, 0.03, 0.4), "shaft"),
        Part((-0.08, -0.08, -0.45, 0.08, 0.08, -0.25), "feathers"),
    ),
}
KINDS = tuple(FIGURES)
KIND_ID = {name: index for index, name in enumerate(KINDS)}
ARROW = KIND_ID["arrow"]

# (rgb, pattern) of each hide; "_face" ones show eyes on the side that looks ahead.
HIDES: dict[str, tuple[tuple[int, int, int], str]] = {
    "brindle": ((112, 84, 62), "patches"),
    "brindle_face": ((120, 92, 70), "eyes"),
    "fleece": ((232, 230, 224), "leaves"),
    "fleece_face": ((214, 184, 160), "eyes"),
    "pink": ((236, 160, 158), "noise"),
    "pink_face": ((240, 150, 150), "eyes"),
    "feathers": ((244, 244, 240), "noise"),
    "feathers_face": ((244, 240, 236), "eyes"),
    "beak": ((232, 168, 48), "plain"),
    "chestnut": ((140, 78, 40), "noise"),
    "chestnut_face": ((132, 70, 34), "eyes"),
    "moss": ((82, 130, 76), "noise"),
    "moss_face": ((92, 146, 84), "eyes"),
    "rags": ((52, 62, 130), "noise"),
    "bone": ((206, 204, 196), "planks"),
    "bone_face": ((214, 212, 206), "eyes"),
    "chitin": ((48, 40, 40), "noise"),
    "chitin_face": ((58, 44, 44), "red_eyes"),
    "shaft": ((126, 96, 58), "plain"),
}
HIDE_ID = {name: index for index, name in enumerate(HIDES)}

PARTS = np.array([part.box for kind in KINDS for part in FIGURES[kind]], np.float32)  # (parts, 6)
PART_HIDE = np.array([HIDE_ID[part.hide] for kind in KINDS for part in FIGURES[kind]], np.int32)
SWINGS = np.array([0.18 * part.swing for kind in KINDS for part in FIGURES[kind]], np.float32)  # blocks at full swing
FIRST_PART = np.cumsum([0, *(len(FIGURES[kind]) for kind in KINDS)]).astype(np.int32)
MOST_PARTS = int(np.diff(FIRST_PART).max())
# Of a ball around the point between its feet that holds all of it, wherever its legs are.
RADIUS = np.array(
    [
        max(float(np.linalg.norm(np.abs(np.array(p.box)).reshape(2, 3).max(0))) + 0.2 for p in FIGURES[kind])
        for kind in KINDS
    ],
    np.float32,
)
