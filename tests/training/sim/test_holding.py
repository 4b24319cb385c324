"""The item in the hand is in the agent's own picture, belongs to no object, and is off unless it is asked for."""

import numpy as np
import pytest
from xview_training.sim import raster, see
from xview_training.sim.air import VIEW_DISTANCE
from xview_training.sim.blocks import ID
from xview_training.sim.holding import SHAPE_BOXES, WINDOWS, draw_in_hand, in_hand, shape_of
from xview_training.sim.items import FIRST_BLOCK_ITEM, ITEM_ID, ITEMS, SLOTS, give
from xview_training.sim.simulator import Embodiment
from xview_training.sim.textures import atlas

EVERY = [ITEM_ID[item.name] for item in ITEMS[1:]] + [FIRST_BLOCK_ITEM + ID[name] for name in ("grass", "red_flower")]
LIGHT = np.float32(0.9)


def shown(item: int, height: int = 72, width: int = 96) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An item over a picture of nothing but object 7 at 3 blocks."""
    rgb, ids = np.full((height, width, 3), 255, np.uint8), np.full((height, width), 7, np.int32)
    depth = np.full((height, width), 3, np.float32)
    draw_in_hand(atlas()[0], item, LIGHT, rgb, ids, depth)
    return rgb, ids, depth


@pytest.mark.parametrize("item", EVERY)
def test_every_item_is_seen_at_the_lower_right_as_no_object(item):
    rgb, ids, depth = shown(item)
    here = ids == 0
    assert 0.01 < here.mean() < 0.12
    rows, columns = np.nonzero(here)
    assert rows.min() > 30
    assert columns.min() > 44
    assert (depth[here] == VIEW_DISTANCE).all()
    assert (ids[~here] == 7).all()
    assert (depth[~here] == 3).all()
    assert (rgb[~here] == 255).all()
    assert rgb[here].std() > 4


def test_no_two_items_look_alike_and_an_empty_hand_shows_nothing():
    assert len({shown(item)[0].tobytes() for item in EVERY}) == len(EVERY)
    assert (shown(ITEM_ID["nothing"])[1] == 7).all()


@pytest.mark.parametrize("item", EVERY)
def test_the_window_of_an_item_cuts_nothing_off(item):
    """Bounds of all corners hold every pixel in which a box is hit."""
    _, ids, _ = shown(item, 144, 192)
    rows, columns = np.nonzero(ids == 0)
    u0, u1, v0, v1 = WINDOWS[shape_of(item)]
    assert len(SHAPE_BOXES[shape_of(item)]) > 0
    if u1 < 1:
        assert columns.max() <= (u1 + 1) / 2 * 192
        assert columns.max() >= (u1 + 1) / 2 * 192 - 6
    assert columns.min() <= (u0 + 1) / 2 * 192 + 6
    assert rows.min() <= (1 - v1) / 2 * 144 + 6
    assert rows.max() == 143 or v0 > -1


def test_a_pixel_of_it_is_what_a_gpu_draws_there():
    rgb, ids, _ = shown(ITEM_ID["axe"])
    for row, column in ((5, 5), *np.argwhere(ids == 0)[::25].tolist()):
        r, g, b = in_hand(atlas()[0], ITEM_ID["axe"], LIGHT, column, row, 96, 72)
        assert (r >= 0) == (ids[row, column] == 0)
        if r >= 0:
            assert rgb[row, column].tolist() == [int(r), int(g), int(b)]


def test_it_is_in_the_agent_s_own_picture_when_its_body_says_so(meadow):
    sim, seen = meadow, []
    for held_item in (False, True):
        sim.place(0, 48.5, 4.0, 48.5, 0.0, 0.0, Embodiment(held_item=held_item), (("pickaxe", 1),))
        sim.draw(np.array([0]))
        seen.append((sim.rgb[0].copy(), sim.ids[0].copy(), sim.depth[0].copy()))
    changed = seen[0][1] != seen[1][1]
    assert changed.sum() > 40
    assert (seen[1][1][changed] == 0).all()
    assert (seen[0][0][~changed] == seen[1][0][~changed]).mean() > 0.99  # but where sky was behind it
    assert not Embodiment().held_item


def test_quads_and_rays_draw_the_same_item_and_other_cameras_draw_none(meadow):
    sim = meadow
    give(sim.slots[0], ITEM_ID["sword"], 1)
    assert sim.slots.shape[1] == SLOTS
    sim.draw(np.array([0]))
    pictures = []
    for item in (0, ITEM_ID["sword"]):
        drawn = [(np.zeros_like(sim.rgb[0]), np.zeros_like(sim.ids[0]), np.zeros_like(sim.depth[0])) for _ in range(2)]
        raster.render(
            sim.grid[0], sim.quads[0], sim.quad_counts[0], sim.chunk_tops[0], sim.models[0], sim.model_counts[0],
            sim.atlas[0], sim.poses[0], sim.air[0], sim.cameras[0], item, *raster.scratch(64, 64), *drawn[0],
        )  # fmt: skip
        see.render(sim.grid[0], sim.atlas[0], sim.poses[0], sim.air[0], sim.cameras[0], item, *drawn[1])
        assert (drawn[0][1] == drawn[1][1]).all()
        assert np.abs(drawn[0][0].astype(int) - drawn[1][0]).max() <= 2
        pictures.append(drawn[0][1])
    assert (pictures[0] != pictures[1]).sum() > 40
    rgb, ids, depth = drawn[0]
    sim.picture(0, sim.cameras[0], Embodiment(held_item=True), raster.scratch(64, 64), rgb, ids, depth)
    assert (ids == pictures[0]).all()
