"""Hands break blocks in Minecraft's time, within reach, and heads turn as their embodiment says."""

import math

import numpy as np
import pytest
from xview_training.sim import mesh, physics
from xview_training.sim.blocks import BLOCKS, ID
from xview_training.sim.hands import BROKEN, EDITED, PROGRESS, flat_id
from xview_training.sim.physics import PITCH, YAW, key_rows
from xview_training.sim.simulator import Embodiment, VoxelSim, tick
from xview_training.sim.worlds import WorldSeed

STILL = np.zeros(2)  # no turn asked for
TARGET = (48, 5, 50)  # x, y, z: two blocks ahead of the player, at the height of its eye


def put(sim: VoxelSim, x: int, y: int, z: int, name: str) -> None:
    sim.grid[0, x, z, y] = ID[name]
    sim.mesh(0)


def play(sim: VoxelSim, *names: str, camera_rad=STILL) -> None:
    tick(
        sim.grid[0], sim.floor[0], sim.body[0], sim.hands[0], sim.slots[0], sim.creatures[0], sim.arrows[0],
        sim.random[0], key_rows((names,))[0], np.asarray(camera_rad), sim.embodiment[0],
    )  # fmt: skip
    mesh.remesh_column(
        sim.grid[0], sim.hands[0, EDITED], sim.quads[0], sim.quad_counts[0], sim.chunk_tops[0], sim.models[0],
        sim.model_counts[0],
    )  # fmt: skip


def ticks_to_break(sim: VoxelSim) -> int:
    for count in range(1, 500):
        play(sim, "attack")
        if sim.hands[0, BROKEN] > 0:
            return count
    raise AssertionError("the block does not break")


# Seconds by hand, as Minecraft Wiki's "Breaking" tabulates them for these hardnesses.
@pytest.mark.parametrize(
    ("name", "seconds"),
    [("dirt", 0.75), ("leaves", 0.3), ("log", 3.0), ("stone", 7.5), ("brick", 10.0), ("gourd", 1.5)],
)
def test_blocks_break_in_the_published_time(meadow, name, seconds):
    put(meadow, *TARGET, name)
    assert ticks_to_break(meadow) == round(20 * seconds)
    assert meadow.grid[0, TARGET[0], TARGET[2], TARGET[1]] == 0


def test_every_kind_of_block_can_be_broken_but_air_needs_no_time():
    assert all(block.hardness > 0 for block in BLOCKS[1:])


def test_breaking_starts_afresh_when_the_button_is_let_go_or_the_view_turns_away(meadow):
    put(meadow, *TARGET, "dirt")
    for _ in range(14):
        play(meadow, "attack")
    assert meadow.hands[0, PROGRESS] == pytest.approx(14 / 15)
    play(meadow)
    assert ticks_to_break(meadow) == 15
    put(meadow, *TARGET, "dirt")
    for _ in range(14):
        play(meadow, "attack")
    play(meadow, "attack", camera_rad=(0.0, 0.5))
    play(meadow, "attack", camera_rad=(0.0, -0.5))
    assert ticks_to_break(meadow) == 14


@pytest.mark.parametrize(("distance", "reached"), [(4, True), (5, False)])
def test_hands_reach_four_and_a_half_blocks(meadow, distance, reached):
    put(meadow, 48, 5, 48 + distance, "leaves")  # its near side lies distance - 0.5 away from the eye
    for _ in range(20):
        play(meadow, "attack")
    assert (meadow.grid[0, 48, 48 + distance, 5] == 0) == reached


def test_only_the_nearest_block_on_the_line_is_touched(meadow):
    put(meadow, 48, 5, 50, "leaves")
    put(meadow, 48, 5, 51, "leaves")
    ticks_to_break(meadow)
    assert meadow.grid[0, 48, 50, 5] == 0
    assert meadow.grid[0, 48, 51, 5] != 0


def test_the_world_s_lowest_layer_cannot_be_broken_so_that_nobody_falls_out(meadow):
    meadow.grid[0, 48, 48, 1:4] = 0
    meadow.place(0, 48.5, 1.0, 48.5, 0.0, math.pi / 2, Embodiment())
    for _ in range(400):
        play(meadow, "attack")
    assert meadow.grid[0, 48, 48, 0] != 0
    assert meadow.body[0, physics.Y] == 1.0


def test_a_broken_block_is_gone_from_the_picture_and_the_floor(meadow):
    put(meadow, *TARGET, "gourd")
    meadow.grid[0, 48, 50, 4] = ID["gourd"]
    meadow.mesh(0)
    meadow.floor[0, 48, 50] = 6
    block = flat_id(meadow.grid[0], 48, 50, 5)
    meadow.draw(np.array([0]))
    assert (meadow.ids == block).sum() > 20
    ticks_to_break(meadow)
    meadow.draw(np.array([0]))
    assert (meadow.ids == block).sum() == 0
    assert meadow.floor[0, 48, 50] == 5


def test_the_view_turns_by_what_is_asked_and_stops_at_the_poles(meadow):
    play(meadow, camera_rad=(0.1, 0.2))
    assert meadow.body[0, [PITCH, YAW]] == pytest.approx([0.1, 0.2])
    for _ in range(40):
        play(meadow, camera_rad=(0.1, 0.2))
    assert meadow.body[0, PITCH] == math.pi / 2
    assert -math.pi <= meadow.body[0, YAW] <= math.pi
    assert math.cos(meadow.body[0, YAW]) == pytest.approx(math.cos(41 * 0.2))


def test_a_sluggish_body_turns_late_but_as_far(meadow):
    meadow.place(0, 48.5, 4.0, 48.5, 0.0, 0.0, Embodiment(turn=0.5, turn_lag=0.6))
    play(meadow, camera_rad=(0.0, 0.2))
    assert meadow.body[0, YAW] == pytest.approx(0.04, abs=1e-6)
    for _ in range(40):
        play(meadow)
    assert meadow.body[0, YAW] == pytest.approx(0.1, abs=1e-6)


def test_right_is_right_in_the_picture(meadow):
    put(meadow, 45, 5, 52, "gourd")  # yaw 0 looks along +z, and right of it lies -x
    meadow.draw(np.array([0]))
    columns = np.nonzero(meadow.ids[0] == flat_id(meadow.grid[0], 45, 52, 5))[1]
    assert columns.min() > 32


def test_slices_of_the_batch_do_not_touch_each_other(new_sim):
    one, many = new_sim(1), new_sim(5, threads=3)
    for sim in (one, many):
        for slot in range(len(sim.grid)):
            sim.load_world(slot, WorldSeed("rooms", 40 + slot))
            sim.place(slot, 48.5, 4.0, 48.5, 0.3 * slot, 0.0, Embodiment(textures=slot))
    one.draw(np.array([0]))
    many.draw(np.arange(5))
    assert (one.rgb[0] == many.rgb[0]).all()
    assert len({sim_rgb.tobytes() for sim_rgb in many.rgb}) == 5
