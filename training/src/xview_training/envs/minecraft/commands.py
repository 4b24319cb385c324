"""Minecraft's commands as text, in the dialects of the versions that the back-ends run.

Sources: Minecraft Wiki, "Commands" and the pages of each command; 1.13 named blocks and statistics anew and gave
`effect` its verbs. It sends nothing.
"""

from __future__ import annotations

import dataclasses

from xview_training.envs.minecraft.sight import View

PLAYER = "@p"
CREATURE_TAG = "xview"
NOON, DUSK = 6000, 13000  # ticks of the day; at dusk it is not light enough to burn the undead


@dataclasses.dataclass(frozen=True)
class Dialect:
    """What differs between versions. Blocks that are named in none of the tables are called by one name in all."""

    version: str
    heal: tuple[str, ...]
    merge: str  # changes a creature's data
    blocks: dict[str, str]  # 1.13's name -> what this version's setblock and fill are given
    statistics: dict[str, str]  # 1.13's statistic -> what this version's game reports it as

    def block(self, name: str) -> str:
        """What setblock calls the block."""
        return self.blocks.get(name, name)

    def mined(self, name: str) -> str:
        """What the statistic of mined blocks calls it: the block without its data value."""
        return self.block(name).split(" ")[0]

    def used(self, name: str) -> str:
        """What this version calls the statistic."""
        return self.statistics.get(name, name)


MODERN = Dialect(
    version="1.13 and later",
    heal=(f"effect give {PLAYER} instant_health 1 100 true", f"effect give {PLAYER} saturation 1 100 true"),
    merge=f"data merge entity @e[tag={CREATURE_TAG},limit=1] ",
    blocks={},
    statistics={},
)
LEGACY = Dialect(
    version="1.11",
    heal=(f"effect {PLAYER} instant_health 1 100 true", f"effect {PLAYER} saturation 1 100 true"),
    merge=f"entitydata @e[tag={CREATURE_TAG},c=1] ",
    blocks={
        "melon": "melon_block",
        "purple_wool": "wool 10",
        "pink_wool": "wool 6",
        "note_block": "noteblock",
        "oak_trapdoor": "trapdoor",
    },
    statistics={
        "open_chest": "chest_opened",
        "interact_with_furnace": "furnace_interaction",
        "interact_with_crafting_table": "crafting_table_interaction",
        "tune_noteblock": "noteblock_tuned",
    },
)


def prepare_world(time_of_day: int) -> tuple[str, ...]:
    """A clear day that stands still, without creatures."""
    return (
        "gamerule doDaylightCycle false",
        "gamerule doWeatherCycle false",
        "gamerule doMobSpawning false",
        "gamerule sendCommandFeedback false",  # chat would lie over the picture
        "difficulty easy",
        f"time set {time_of_day}",
        "weather clear",
        "kill @e[type=!player]",
    )


def spread(x: float, z: float) -> tuple[str, ...]:
    """The player onto the highest solid block within one block of the column; it stays where that is water or lava."""
    return (f"gamemode creative {PLAYER}", f"spreadplayers {x:.1f} {z:.1f} 0 1 false {PLAYER}")


def teleport(view: View) -> tuple[str, ...]:
    """The player to a place and view."""
    return (f"tp {PLAYER} {view.x:.3f} {view.y:.3f} {view.z:.3f} {view.yaw_deg:.2f} {view.pitch_deg:.2f}",)


def hover(view: View) -> tuple[str, ...]:
    """The player as an eye without a body, hand or hud, at a place and view."""
    return (f"gamemode spectator {PLAYER}", *teleport(view))


def clear_box(low: tuple[int, int, int], high: tuple[int, int, int]) -> tuple[str, ...]:
    """Air between two blocks, both included."""
    return (f"fill {_numbers(low)} {_numbers(high)} air",)


def put_block(dialect: Dialect, name: str, cell: tuple[int, int, int]) -> tuple[str, ...]:
    """One block."""
    return (f"setblock {_numbers(cell)} {dialect.block(name)}",)


def summon(name: str, cell: tuple[int, int, int]) -> tuple[str, ...]:
    """A creature that does nothing yet and does not vanish, its feet in the middle of the cell."""
    x, y, z = cell
    data = f'{{NoAI:1b,PersistenceRequired:1b,Tags:["{CREATURE_TAG}"]}}'
    return (f"summon {name} {x + 0.5:.1f} {y} {z + 0.5:.1f} {data}",)


def wake(dialect: Dialect, creatures: int) -> tuple[str, ...]:
    """Gives that many summoned creatures back their own will; each loses its tag, so that the next is found."""
    return (f"{dialect.merge}{{NoAI:0b,Tags:[]}}",) * creatures


def equip(dialect: Dialect, items: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    """A healthy survivor with nothing but these items, from the hotbar's first slot on."""
    given = (f"give {PLAYER} {name} {count}" for name, count in items)
    return (f"gamemode survival {PLAYER}", f"clear {PLAYER}", *dialect.heal, *given)


def _numbers(cell: tuple[int, int, int]) -> str:
    return " ".join(str(value) for value in cell)
