"""What a player carries: tools, weapons and blocks in nine hotbar slots and a bag of twenty-seven.

Figures are Minecraft Java Edition's (Minecraft Wiki, "Inventory", "Sword", "Pickaxe", "Axe", "Shovel" and "Attack
cooldown"), of iron tools, ticks rounded to whole ones: a sword strikes for 6 points 1.6 times a second, a pickaxe for 4
at 1.2, an axe for 9 at 0.9, a shovel for 4.5 at 1, the bare hand and anything else for 1 at 4; stacks hold 64.
Deviation: tools never wear out, for no task lasts long enough.
"""

import dataclasses

import numpy as np

from xview_training.sim.blocks import BLOCKS, Tool
from xview_training.sim.compiled import compiled

HOTBAR, SLOTS = 9, 36
ITEM, COUNT = range(2)  # columns of a slot
STACK = 64


@dataclasses.dataclass(frozen=True)
class Item:
    """What can be held. damage: points of a blow; ticks: from one full blow to the next."""

    name: str
    tool: Tool = Tool.HAND
    damage: float = 1.0
    ticks: int = 5


ITEMS = (
    Item("nothing"),
    Item("sword", Tool.SWORD, 6.0, 13),
    Item("pickaxe", Tool.PICKAXE, 4.0, 17),
    Item("axe", Tool.AXE, 9.0, 22),
    Item("shovel", Tool.SHOVEL, 4.5, 20),
    Item("bow"),
    Item("arrows"),
)
ITEM_ID = {item.name: index for index, item in enumerate(ITEMS)}
NOTHING, BOW, ARROWS = ITEM_ID["nothing"], ITEM_ID["bow"], ITEM_ID["arrows"]
FIRST_BLOCK_ITEM = 16  # a block in a slot is this plus its number
TOOL_OF = np.array([item.tool for item in ITEMS] + [0] * (FIRST_BLOCK_ITEM - len(ITEMS) + len(BLOCKS)), np.int32)
DAMAGE_OF = np.array([item.damage for item in ITEMS] + [1.0] * (FIRST_BLOCK_ITEM - len(ITEMS) + len(BLOCKS)))
BLOW_TICKS = np.array([item.ticks for item in ITEMS] + [5] * (FIRST_BLOCK_ITEM - len(ITEMS) + len(BLOCKS)), np.int32)


@compiled()
def give(slots, item, count):
    """Adds items to slots int16 (SLOTS, 2): to a stack of their kind, else to the first free slot. False: no room."""
    for s in range(slots.shape[0]):
        if slots[s, COUNT] > 0 and slots[s, ITEM] == item and slots[s, COUNT] + count <= STACK:
            slots[s, COUNT] += count
            return True
    for s in range(slots.shape[0]):
        if slots[s, COUNT] == 0:
            slots[s, ITEM], slots[s, COUNT] = item, count
            return True
    return False


@compiled()
def take(slots, item):
    """Takes one item away; False where there is none."""
    for s in range(slots.shape[0]):
        if slots[s, COUNT] > 0 and slots[s, ITEM] == item:
            slots[s, COUNT] -= 1
            return True
    return False


@compiled()
def held(slots, selected):
    """The item in the hand."""
    return int(slots[selected, ITEM]) if slots[selected, COUNT] > 0 else NOTHING
