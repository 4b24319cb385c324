"""The kinds of block: names, and how many ticks a bare hand needs to break them.

Break times follow Minecraft's rule (Minecraft Wiki, "Breaking"): hardness x 1.5 s where the hand harvests the
block, hardness x 5 s where it does not. Names and looks are this project's own; no Mojang asset is used.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Block:
    """One kind of block. `hardness` is Minecraft's unit; `rgb` the mean colour of its texture."""

    name: str
    rgb: tuple[int, int, int]
    hardness: float
    by_hand: bool = True
    pattern: str = "noise"


AIR = 0
BLOCKS = (
    Block("air", (0, 0, 0), 0.0),
    Block("stone", (125, 125, 125), 1.5, by_hand=False),
    Block("dirt", (130, 95, 60), 0.5),
    Block("grass", (92, 158, 62), 0.6, pattern="grass"),
    Block("sand", (216, 204, 152), 0.5),
    Block("log", (100, 75, 45), 2.0, pattern="bark"),
    Block("leaves", (50, 108, 40), 0.2, pattern="leaves"),
    Block("brick", (152, 90, 78), 2.0, by_hand=False, pattern="brick"),
    Block("plaster", (226, 224, 218), 1.0, pattern="plain"),
    Block("planks", (172, 136, 84), 2.0, pattern="planks"),
    Block("marble", (214, 210, 212), 1.5, by_hand=False, pattern="tile"),
    Block("concrete", (150, 152, 156), 1.8, by_hand=False, pattern="plain"),
    Block("carpet", (96, 102, 128), 0.8),
    Block("slate", (70, 74, 82), 1.5, by_hand=False, pattern="tile"),
    Block("snow", (236, 242, 248), 0.2, pattern="plain"),
    Block("painted", (150, 186, 172), 1.0, pattern="plain"),
    # Candidates: what an operator points at.
    Block("gourd", (226, 130, 28), 1.0, pattern="ribs"),
    Block("oven", (92, 92, 98), 1.0, pattern="window"),
    Block("crate", (176, 124, 56), 1.0, pattern="cross"),
    Block("crystal", (72, 202, 208), 1.0, pattern="speckle"),
    Block("dynamite", (204, 44, 40), 1.0, pattern="band"),
    Block("ingot", (242, 216, 76), 1.0, pattern="frame"),
    Block("wool", (152, 70, 192), 1.0, pattern="weave"),
    Block("lamp", (246, 240, 214), 1.0, pattern="dots"),
    Block("melon", (108, 172, 44), 1.0, pattern="ribs"),
    Block("barrel", (60, 84, 170), 1.0, pattern="band"),
    Block("coral", (240, 120, 168), 1.0, pattern="speckle"),
    Block("coal", (40, 38, 42), 1.0, pattern="dots"),
)
FIRST_CANDIDATE = 16
CANDIDATE_KINDS = len(BLOCKS) - FIRST_CANDIDATE
ID = {block.name: index for index, block in enumerate(BLOCKS)}

BREAK_TICKS = np.array([max(1, round(b.hardness * (1.5 if b.by_hand else 5.0) * 20)) for b in BLOCKS], np.int32)
