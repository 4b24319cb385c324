"""Which pictures of a Minecraft resource pack our blocks wear: file names, and which of them are grey until tinted.

Names are those of packs for Minecraft 1.13 and later (assets/minecraft/textures/block/NAME.png; Minecraft Wiki, "List
of block textures"); several are tried in their order, for some were renamed. Our blocks are no copies of the game's:
what has no like there is left out and keeps its generated texture. Tints are those of the plains (Minecraft Wiki,
"Color").
"""

import dataclasses

Names = str | tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Wear:
    """Pictures of a block's sides, top and bottom; the top's is the bottom's too unless it has its own."""

    side: Names
    top: Names = ()
    bottom: Names = ()
    overlay: str = ""  # grey, tinted, laid over the side

    def names(self, face: int) -> tuple[str, ...]:
        """What a face wears, the first that a pack has; faces -x +x -y +y -z +z."""
        chosen = {2: self.bottom or self.top or self.side, 3: self.top or self.side}.get(face, self.side)
        return (chosen,) if isinstance(chosen, str) else chosen


GRASS, LEAVES, NEEDLES = (145, 189, 89), (119, 171, 47), (97, 153, 97)
TINTS = {
    "grass_block_top": GRASS,
    "grass_block_side_overlay": GRASS,
    "short_grass": GRASS,
    "grass": GRASS,
    "oak_leaves": LEAVES,
    "spruce_leaves": NEEDLES,
}
UNSEEN = ("air", "barrier", "water")  # nothing shows a texture of these

WEARS = {
    "stone": Wear("stone"),
    "dirt": Wear("dirt"),
    "grass": Wear("grass_block_side", "grass_block_top", "dirt", overlay="grass_block_side_overlay"),
    "sand": Wear("sand"),
    "log": Wear("oak_log", "oak_log_top"),
    "leaves": Wear("oak_leaves"),
    "brick": Wear("bricks"),
    "plaster": Wear("white_concrete"),
    "planks": Wear("oak_planks"),
    "marble": Wear("quartz_block_side", "quartz_block_top"),
    "concrete": Wear("light_gray_concrete"),
    "carpet": Wear("gray_wool"),
    "slate": Wear("deepslate_tiles"),
    "snow": Wear("snow"),
    "painted": Wear("cyan_terracotta"),
    "gourd": Wear("pumpkin_side", "pumpkin_top"),
    "oven": Wear("smoker_front", "smoker_top", "smoker_bottom"),
    "crate": Wear("composter_side", "composter_top", "composter_bottom"),
    "crystal": Wear("diamond_block"),
    "dynamite": Wear("tnt_side", "tnt_top", "tnt_bottom"),
    "ingot": Wear("gold_block"),
    "wool": Wear("purple_wool"),
    "lamp": Wear("glowstone"),
    "melon": Wear("melon_side", "melon_top"),
    "barrel": Wear("barrel_side", "barrel_top", "barrel_bottom"),
    "coral": Wear("brain_coral_block"),
    "coal": Wear("coal_block"),
    "glass": Wear("glass"),
    "foliage": Wear("oak_leaves"),
    "needles": Wear("spruce_leaves"),
    "bedrock": Wear("bedrock"),
    "gravel": Wear("gravel"),
    "clay": Wear("clay"),
    "path": Wear(("dirt_path_side", "grass_path_side"), ("dirt_path_top", "grass_path_top"), "dirt"),
    "farmland": Wear("dirt", "farmland", "dirt"),
    "sandstone": Wear("sandstone", "sandstone_top", "sandstone_bottom"),
    "cobble": Wear("cobblestone"),
    "ice": Wear("packed_ice"),
    "polished": Wear("polished_diorite"),
    "dark_stone": Wear("deepslate", "deepslate_top"),
    "pine_log": Wear("spruce_log", "spruce_log_top"),
    "thatch": Wear("hay_block_side", "hay_block_top"),
    "shelf": Wear("bookshelf", "oak_planks"),
    "cactus": Wear("cactus_side", "cactus_top", "cactus_bottom"),
    "tall_grass": Wear(("short_grass", "grass")),
    "red_flower": Wear("poppy"),
    "yellow_flower": Wear("dandelion"),
    "dead_bush": Wear("dead_bush"),
    "young_crop": Wear("wheat_stage3"),
    "ripe_crop": Wear("wheat_stage7"),
    "fence": Wear("oak_planks"),
    "table": Wear("spruce_planks"),
    "stool": Wear("dark_oak_planks"),
    "coal_ore": Wear("coal_ore"),
    "iron_ore": Wear("iron_ore"),
    "gold_ore": Wear("gold_ore"),
    "gem_ore": Wear("diamond_ore"),
    "furnace": Wear("furnace_front", "furnace_top"),
    "lit_furnace": Wear("furnace_front_on", "furnace_top"),
    "workbench": Wear("crafting_table_front", "crafting_table_top", "oak_planks"),
    "bed": Wear("red_wool"),
    "door_x": Wear("oak_door_bottom"),
    "open_door_x": Wear("oak_door_bottom"),
    "door_z": Wear("oak_door_bottom"),
    "open_door_z": Wear("oak_door_bottom"),
}
