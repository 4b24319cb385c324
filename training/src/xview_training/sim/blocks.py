"""The kinds of block: names, looks, forms, and how long they take to break.

Break times follow Minecraft's rule (Minecraft Wiki, "Breaking"): each tick adds speed / hardness / 30 where the tool
harvests the block and / 100 where it does not. Names and looks are this project's own; no Mojang asset is used.
"""

import dataclasses
import enum
import math

import numpy as np


class Form(enum.IntEnum):
    """How a block fills its cell, for drawing and for bodies."""

    CUBE = 0  # hides what is behind it
    CUTOUT = 1  # a cube whose texture has holes: leaves, glass
    FLUID = 2  # bodies swim in it, light is tinted by it
    MODEL = 3  # boxes smaller than the cell (sim/models.py)


class Tool(enum.IntEnum):
    """What breaks a block faster than the hand."""

    HAND = 0
    PICKAXE = 1
    AXE = 2
    SHOVEL = 3
    SWORD = 4


@dataclasses.dataclass(frozen=True)
class Block:
    """One kind of block. `hardness` is Minecraft's unit; `rgb` the mean colour of its texture.

    by_hand: false where only its tool harvests it. model: name in sim/models.py. passable: bodies walk through.
    """

    name: str
    rgb: tuple[int, int, int]
    hardness: float
    by_hand: bool = True
    pattern: str = "noise"
    tool: Tool = Tool.HAND
    form: Form = Form.CUBE
    model: str = ""
    passable: bool = False


def _stone(name: str, rgb: tuple[int, int, int], hardness: float, pattern: str = "noise") -> Block:
    return Block(name, rgb, hardness, by_hand=False, pattern=pattern, tool=Tool.PICKAXE)


def _wood(name: str, rgb: tuple[int, int, int], hardness: float, pattern: str = "noise") -> Block:
    return Block(name, rgb, hardness, pattern=pattern, tool=Tool.AXE)


def _soil(name: str, rgb: tuple[int, int, int], hardness: float, pattern: str = "noise") -> Block:
    return Block(name, rgb, hardness, pattern=pattern, tool=Tool.SHOVEL)


def _model(name: str, rgb: tuple[int, int, int], hardness: float, model: str, pattern: str = "noise") -> Block:
    return Block(name, rgb, hardness, pattern=pattern, tool=Tool.AXE, form=Form.MODEL, model=model)


def _plant(name: str, rgb: tuple[int, int, int], pattern: str) -> Block:
    return Block(name, rgb, 0.05, pattern=pattern, form=Form.MODEL, model="plant", passable=True)


AIR = 0
GROUND = (
    Block("air", (0, 0, 0), 0.0, passable=True),
    _stone("stone", (125, 125, 125), 1.5),
    _soil("dirt", (130, 95, 60), 0.5),
    _soil("grass", (92, 158, 62), 0.6, "grass"),
    _soil("sand", (216, 204, 152), 0.5),
    _wood("log", (100, 75, 45), 2.0, "bark"),
    Block("leaves", (50, 108, 40), 0.2, pattern="leaves"),
    _stone("brick", (152, 90, 78), 2.0, "brick"),
    Block("plaster", (226, 224, 218), 1.0, pattern="plain"),
    _wood("planks", (172, 136, 84), 2.0, "planks"),
    _stone("marble", (214, 210, 212), 1.5, "tile"),
    _stone("concrete", (150, 152, 156), 1.8, "plain"),
    Block("carpet", (96, 102, 128), 0.8),
    _stone("slate", (70, 74, 82), 1.5, "tile"),
    _soil("snow", (236, 242, 248), 0.2, "plain"),
    Block("painted", (150, 186, 172), 1.0, pattern="plain"),
)
# What an operator points at among blocks of one size.
CANDIDATES = (
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
MORE_GROUND = (
    Block("water", (48, 92, 190), 100.0, form=Form.FLUID, pattern="plain", passable=True),
    Block("glass", (206, 226, 232), 0.3, form=Form.CUTOUT, pattern="pane"),
    Block("foliage", (58, 122, 44), 0.2, form=Form.CUTOUT, pattern="foliage", tool=Tool.SWORD),
    Block("needles", (38, 84, 58), 0.2, form=Form.CUTOUT, pattern="foliage", tool=Tool.SWORD),
    Block("bedrock", (52, 52, 56), math.inf),
    _soil("gravel", (134, 128, 124), 0.6),
    _soil("clay", (160, 166, 178), 0.6),
    _soil("path", (148, 122, 66), 0.65),
    _soil("farmland", (92, 62, 36), 0.6, "planks"),
    _stone("sandstone", (208, 190, 134), 0.8, "brick"),
    _stone("cobble", (112, 112, 114), 2.0, "tile"),
    _stone("ice", (160, 196, 244), 0.5, "plain"),
    _stone("polished", (196, 202, 208), 1.5, "plain"),
    _stone("dark_stone", (74, 72, 80), 1.5),
    _wood("pine_log", (74, 54, 36), 2.0, "bark"),
    _wood("thatch", (186, 160, 60), 0.5, "planks"),
    _wood("shelf", (150, 112, 66), 1.5, "band"),
    Block("cactus", (66, 124, 52), 0.4, pattern="ribs", form=Form.MODEL, model="cactus"),
    _plant("tall_grass", (96, 160, 66), "blades"),
    _plant("red_flower", (206, 52, 46), "blossom"),
    _plant("yellow_flower", (236, 210, 60), "blossom"),
    _plant("dead_bush", (140, 102, 52), "blades"),
    _plant("young_crop", (110, 170, 60), "sprouts"),
    _plant("ripe_crop", (206, 176, 72), "blades"),
    _model("fence", (150, 116, 70), 2.0, "fence"),
    _model("lantern", (250, 222, 150), 0.3, "lantern", "dots"),
    _model("table", (140, 104, 62), 1.5, "table", "planks"),
    _model("stool", (118, 84, 50), 1.0, "stool", "planks"),
    # Stops bodies, is never seen: the border of places smaller than the arrays.
    Block("barrier", (0, 0, 0), math.inf, form=Form.MODEL, model="barrier"),
)
ORES = (
    _stone("coal_ore", (92, 92, 94), 3.0, "ore_dark"),
    _stone("iron_ore", (150, 138, 128), 3.0, "ore_tan"),
    _stone("gold_ore", (158, 148, 108), 3.0, "ore_gold"),
    _stone("gem_ore", (118, 160, 164), 3.0, "ore_cyan"),
)
# Usable blocks stand beside what a use makes of them: USED maps one to the other.
USABLE = (
    _model("chest", (160, 112, 48), 2.5, "chest", "clasp"),
    _model("open_chest", (134, 92, 38), 2.5, "open_chest", "clasp"),
    _stone("furnace", (118, 118, 120), 3.5, "window"),
    _stone("lit_furnace", (136, 120, 108), 3.5, "fire"),
    _wood("workbench", (164, 118, 66), 2.5, "cross"),
    _model("bed", (186, 40, 44), 0.2, "bed", "pillow"),
    _model("door_x", (156, 120, 70), 3.0, "door_x", "planks"),
    _model("open_door_x", (156, 120, 70), 3.0, "door_z", "planks"),
    _model("door_z", (156, 120, 70), 3.0, "door_z", "planks"),
    _model("open_door_z", (156, 120, 70), 3.0, "door_x", "planks"),
)
BLOCKS = GROUND + CANDIDATES + MORE_GROUND + ORES + USABLE
ID = {block.name: index for index, block in enumerate(BLOCKS)}
FIRST_CANDIDATE = len(GROUND)
CANDIDATE_KINDS = len(CANDIDATES)

# What pressing "use" turns a block into; 0 where it does nothing. A workbench and a bed are used and stay as they are.
USED = np.zeros(len(BLOCKS), np.uint8)
for _before, _after in (
    ("chest", "open_chest"),
    ("furnace", "lit_furnace"),
    ("workbench", "workbench"),
    ("bed", "bed"),
    ("door_x", "open_door_x"),
    ("open_door_x", "door_x"),
    ("door_z", "open_door_z"),
    ("open_door_z", "door_z"),
):
    USED[ID[_before]] = ID[_after]

FORM = np.array([b.form for b in BLOCKS], np.uint8)
OPAQUE = np.array([b.form == Form.CUBE and index != AIR for index, b in enumerate(BLOCKS)])  # hides the faces behind it
PASSABLE = np.array([b.passable for b in BLOCKS])
BARRIER = ID["barrier"]

# Tools get faster with their material (Minecraft Wiki, "Breaking"): times the hand.
TOOL_SPEED = {"hand": 1.0, "wood": 2.0, "stone": 4.0, "iron": 6.0, "diamond": 8.0, "gold": 12.0}
IRON_SPEED = TOOL_SPEED["iron"]
SWORD_SPEED = 1.5  # a sword's on anything it cuts


def break_ticks(block: Block, tool: Tool) -> int:
    """Ticks to break the block with the hand or an iron tool."""
    if block.hardness == 0.0:
        return 1
    fits = tool != Tool.HAND and tool == block.tool
    speed = (SWORD_SPEED if tool == Tool.SWORD else IRON_SPEED) if fits else 1.0
    harvests = block.by_hand or fits
    ticks = block.hardness * (30 if harvests else 100) / speed
    return 2**30 if math.isinf(ticks) else max(1, math.ceil(ticks - 1e-9))


BREAK_TICKS = np.array([[break_ticks(block, tool) for tool in Tool] for block in BLOCKS], np.int32)  # (blocks, tools)
