"""Tools break by the published table, bows shoot by their formula, doors open, falls hurt, water carries."""

import math

import numpy as np
import pytest
from xview_training.sim import physics
from xview_training.sim.blocks import BLOCKS, BREAK_TICKS, ID, Tool
from xview_training.sim.creatures import SPECIES, TIMER
from xview_training.sim.figures import KIND_ID
from xview_training.sim.hands import BROKEN, DRAWN, EDITED, SHOT_DEAD, USED_BLOCK, flat_id
from xview_training.sim.items import ARROWS
from xview_training.sim.physics import FALLEN, HEALTH, ON_GROUND, VX, VZ, X, Y, Z, key_rows
from xview_training.sim.simulator import Embodiment, VoxelSim, tick

STILL = np.zeros(2)


def play(sim: VoxelSim, *names: str, ticks: int = 1) -> None:
    for _ in range(ticks):
        tick(
            sim.grid[0], sim.floor[0], sim.body[0], sim.hands[0], sim.slots[0], sim.creatures[0], sim.arrows[0],
            sim.random[0], key_rows((names,))[0], STILL, sim.embodiment[0],
        )  # fmt: skip


# Seconds as Minecraft Wiki's "Breaking" tabulates them for these hardnesses: by hand, and with the iron tool.
@pytest.mark.parametrize(
    ("name", "tool", "seconds"),
    [
        ("stone", Tool.HAND, 7.5), ("stone", Tool.PICKAXE, 0.4), ("stone", Tool.AXE, 7.5), ("log", Tool.HAND, 3.0),
        ("log", Tool.AXE, 0.5), ("dirt", Tool.HAND, 0.75), ("dirt", Tool.SHOVEL, 0.15), ("iron_ore", Tool.HAND, 15.0),
        ("iron_ore", Tool.PICKAXE, 0.75), ("chest", Tool.AXE, 0.65),
    ],
)  # fmt: skip
def test_blocks_break_in_the_published_time_by_each_tool(name, tool, seconds):
    assert BREAK_TICKS[ID[name], tool] == pytest.approx(20 * seconds, abs=0.51)


def test_nothing_breaks_bedrock_and_the_border():
    for name in ("bedrock", "barrier"):
        assert BLOCKS[ID[name]].hardness == math.inf
        assert (BREAK_TICKS[ID[name]] > 1e9).all()


def archer(meadow, arrows: int) -> VoxelSim:
    meadow.place(0, 48.5, 4.0, 48.5, 0.0, 0.0, Embodiment(), (("bow", 1), ("arrows", arrows)))
    return meadow


def quiver(sim: VoxelSim) -> int:
    slots = sim.slots[0]
    return int(slots[slots[:, 0] == ARROWS, 1].sum())


def test_a_bow_is_full_after_a_second_and_its_arrow_flies_by_gravity_and_drag(meadow):
    sim = archer(meadow, 3)
    play(sim, "use", ticks=25)
    assert sim.hands[0, DRAWN] == 20
    play(sim)
    assert quiver(sim) == 2
    z, y, speed, sink = 48.5, 4 + 1.62 - 0.1, 3.0, 0.0
    for _ in range(8):
        z, y = z + speed, y + sink
        speed, sink = speed * 0.99, sink * 0.99 - 0.05
        assert sim.arrows[0, 0, [X, Y, Z]] == pytest.approx([48.5, y, z], abs=1e-9)
        play(sim)


@pytest.mark.parametrize(("drawn", "power"), [(10, 1.25 / 3), (20, 1.0)])
def test_a_bow_let_go_early_shoots_slower(meadow, drawn, power):
    sim = archer(meadow, 3)
    play(sim, "use", ticks=drawn)
    play(sim)
    assert sim.arrows[0, 0, Z] - 48.5 == pytest.approx(3 * power, abs=1e-9)


def test_without_arrows_no_arrow_flies(meadow):
    sim = archer(meadow, 1)
    for _ in range(2):
        play(sim, "use", ticks=20)
        play(sim)
    assert quiver(sim) == 0
    assert (sim.arrows[0, :, ON_GROUND] > 0).sum() <= 1
    assert not sim.arrows[0, 1].any()


@pytest.mark.parametrize(("block", "stopped"), [("red_flower", False), ("tall_grass", False), ("stone", True)])
def test_an_arrow_flies_through_plants_and_no_farther_than_a_wall(meadow, block, stopped):
    sim = archer(meadow, 3)
    sim.grid[0, 48, 51:54, 5] = ID[block]
    play(sim, "use", ticks=20)
    play(sim, ticks=2)
    assert sim.arrows[0, 0, Z] == pytest.approx(51.0 if stopped else 48.5 + 3 + 3 * 0.99)
    assert (sim.arrows[0, 0, ON_GROUND] == 0) == stopped


def test_a_shot_that_kills_is_booked_on_the_creature_that_fell(meadow):
    sim = archer(meadow, 8)
    row = sim.creatures[0, 5]
    row[:] = 0
    kind = KIND_ID["horse"]  # tall enough for a level shot; nearly dead, and at rest
    row[[X, Y, Z, ON_GROUND, HEALTH, SPECIES, TIMER]] = 48.5, 4.0, 53.5, 1, 4, kind, 1000
    booked = set()
    play(sim, "use", ticks=20)
    for _ in range(10):
        play(sim)
        booked.add(int(sim.hands[0, SHOT_DEAD]))
    assert booked == {0, 6}


def test_a_use_opens_both_halves_of_a_door_once_a_press(meadow):
    meadow.grid[0, 48, 50, 4:6] = ID["door_x"]
    play(meadow, "use", ticks=5)
    assert (meadow.grid[0, 48, 50, 4:6] == ID["open_door_x"]).all()
    play(meadow)
    assert meadow.hands[0, [USED_BLOCK, EDITED]].tolist() == [0, 0]


@pytest.mark.parametrize("pitch", [0.0, 0.5], ids=["above", "below"])
def test_a_door_breaks_whole_and_is_booked_by_its_foot(meadow, pitch):
    meadow.grid[0, 48, 50, 4:6] = ID["door_x"]
    meadow.body[0, physics.PITCH] = pitch
    booked = set()
    for _ in range(int(BREAK_TICKS[ID["door_x"], Tool.HAND]) + 1):
        play(meadow, "attack")
        booked.add(int(meadow.hands[0, BROKEN]))
    assert (meadow.grid[0, 48, 50, 4:6] == 0).all()
    assert booked == {0, flat_id(meadow.grid[0], 48, 50, 4)}
    assert meadow.floor[0, 48, 50] == 4


def test_chests_that_stand_on_each_other_open_one_by_one(meadow):
    meadow.grid[0, 48, 50, 4:7] = ID["chest"]
    play(meadow, "use")
    assert [BLOCKS[kind].name for kind in meadow.grid[0, 48, 50, 4:7]] == ["chest", "open_chest", "chest"]


@pytest.mark.parametrize("who", ["the player", "a cow"])
def test_no_door_shuts_on_who_stands_in_it(meadow, who):
    meadow.grid[0, 48, 50, 4:6] = ID["open_door_x"]
    if who == "a cow":
        row = meadow.creatures[0, 5]
        row[:] = 0
        row[[X, Y, Z, ON_GROUND, HEALTH, SPECIES, TIMER]] = 48.9, 4.0, 50.5, 1, 4, KIND_ID["cow"], 1000
        meadow.place(0, 48.1, 4.0, 48.5, 0.0, 0.0, Embodiment())
    else:  # a shoulder in the doorway
        meadow.place(0, 48.55, 4.0, 49.8, 0.54, 0.0, Embodiment())
    play(meadow, "use")
    assert (meadow.grid[0, 48, 50, 4:6] == ID["open_door_x"]).all()
    assert meadow.hands[0, [USED_BLOCK, EDITED]].tolist() == [0, 0]
    meadow.creatures[0, 5, SPECIES] = -1
    meadow.place(0, 48.1, 4.0, 48.5, 0.0, 0.0, Embodiment())
    play(meadow, "use")
    assert (meadow.grid[0, 48, 50, 4:6] == ID["door_x"]).all()


def test_a_chest_that_is_used_is_booked_and_open(meadow):
    meadow.grid[0, 48, 50, 5] = ID["chest"]
    play(meadow, "use")
    assert meadow.grid[0, 48, 50, 5] == ID["open_chest"]
    assert meadow.hands[0, USED_BLOCK] == flat_id(meadow.grid[0], 48, 50, 5)


@pytest.mark.parametrize(("blocks", "points"), [(3, 0), (4, 1), (7, 4), (12, 9), (22, 19), (23, 20)])
def test_a_fall_hurts_by_its_height_less_three_blocks(meadow, blocks, points):
    meadow.place(0, 48.5, 4.0 + blocks, 48.5, 0.0, 0.0, Embodiment())
    meadow.body[0, ON_GROUND] = 0
    play(meadow, ticks=80)
    assert meadow.body[0, Y] == 4
    assert meadow.body[0, HEALTH] == 20 - points
    assert meadow.body[0, FALLEN] == 0


@pytest.fixture
def lake(meadow):
    """The meadow with deep water in its middle."""
    meadow.grid[0, 40:57, 40:57, 4:12] = ID["water"]
    return meadow


def test_water_breaks_a_fall(lake):
    lake.place(0, 48.5, 40.0, 48.5, 0.0, 0.0, Embodiment())
    lake.body[0, ON_GROUND] = 0
    play(lake, ticks=200)
    assert lake.body[0, HEALTH] == 20
    assert lake.body[0, Y] == 4


def test_a_swimmer_sinks_slowly_rises_with_jump_and_swims_slower_than_it_walks(lake):
    lake.place(0, 48.5, 8.0, 48.5, 0.0, 0.0, Embodiment())
    lake.body[0, ON_GROUND] = 0
    play(lake, ticks=20)
    assert 5 < lake.body[0, Y] < 8
    play(lake, "jump", ticks=120)
    assert 11 < lake.body[0, Y] < 12.2
    play(lake, "jump", "forward", ticks=30)
    pace = 20 * math.hypot(*lake.body[0, [VX, VZ]]) / physics.WATER_DRAG
    assert 1.5 < pace < 2.5
