"""Masks from boxes and clicks on cubes with textures, and their corrections by hand."""

import contextlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.picture import decode_picture, encode_jpeg
from xview_deploy.segmentation.grabcut import intersection_over_union, propose
from xview_deploy.segmentation.mask_editing import fill_holes, fill_polygon, keep_component, paint
from xview_deploy.segmentation.prompt import Prompt
from xview_deploy.spec import ContractError

COLOURS = {
    "orange on grey": ((226, 130, 28), (125, 125, 125)),
    "grey on wood": ((92, 92, 98), (172, 136, 84)),
    "teal on brick": ((72, 202, 208), (152, 90, 78)),
    "white on carpet": ((240, 236, 220), (96, 102, 128)),
}


def cube_on_floor(colours, x: int = 300, y: int = 200, side: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """A cube with three faces, each lit differently, a dark rim and grain: picture (480, 640, 3) and mask."""
    rng = np.random.default_rng(0)
    cube, floor = (np.array(colour, float) for colour in colours)
    grain = cv2.resize(rng.normal(0, 12, (120, 160)), (640, 480), interpolation=cv2.INTER_NEAREST)
    picture = floor + grain[..., None]
    picture[:120] *= 0.6  # a wall behind
    mask = np.zeros((480, 640), np.uint8)
    d = side // 2
    faces = {
        1.0: [(x, y - d), (x + side, y), (x, y + d), (x - side, y)],
        0.8: [(x - side, y), (x, y + d), (x, y + d + side), (x - side, y + side)],
        0.6: [(x + side, y), (x, y + d), (x, y + d + side), (x + side, y + side)],
    }
    for shade, corners in faces.items():
        face = np.zeros((480, 640), np.uint8)
        cv2.fillPoly(face, [np.array(corners)], 1)
        picture[face > 0] = (cube * shade + grain[..., None])[face > 0]
        cv2.polylines(picture, [np.array(corners)], True, (cube * shade * 0.45).tolist(), 2)
        mask |= face
    return decode_picture(encode_jpeg(np.clip(picture, 0, 255).astype(np.uint8))), mask > 0


@pytest.mark.parametrize("colours", COLOURS.values(), ids=COLOURS.keys())
@pytest.mark.parametrize("side", [12, 25, 50])
def test_box_around_a_cube_gives_the_cube(colours, side):
    picture, cube = cube_on_floor(colours, side=side)
    x, y, width, height = cv2.boundingRect(cube.astype(np.uint8))
    [mask] = propose(picture, Prompt(box=(x - 3, y - 3, x + width + 3, y + height + 3)))
    assert intersection_over_union(mask, cube) > (0.75 if side < 20 else 0.85)


@pytest.mark.parametrize("colours", COLOURS.values(), ids=COLOURS.keys())
@pytest.mark.parametrize("side", [12, 25, 50])
def test_click_on_a_cube_offers_the_cube(colours, side):
    picture, cube = cube_on_floor(colours, side=side)
    proposals = propose(picture, Prompt(positive=((300.0, 200.0 + side / 3),)))
    assert max(intersection_over_union(mask, cube) for mask in proposals[:3]) > 0.85
    assert proposals[0][int(200 + side / 3), 300]


def test_same_click_gives_the_same_mask():
    picture, _ = cube_on_floor(COLOURS["grey on wood"])
    first, second = (propose(picture, Prompt(positive=((300, 210),))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_negative_click_leaves_out_what_it_hits():
    near, cube = cube_on_floor(COLOURS["orange on grey"], x=270, side=30)
    far, _ = cube_on_floor(COLOURS["teal on brick"], x=330, side=30)
    picture = np.where(np.arange(640)[None, :, None] < 300, near, far)
    mask = propose(picture, Prompt(box=(235.0, 180.0, 365.0, 250.0), negative=((335, 230),)))[0]
    assert not mask[230, 335]
    assert intersection_over_union(mask, cube) > 0.8


def test_second_click_joins_what_the_first_missed():
    left, _ = cube_on_floor(COLOURS["teal on brick"], x=280, side=20)
    right, _ = cube_on_floor(COLOURS["teal on brick"], x=330, side=20)
    picture = np.where(np.arange(640)[None, :, None] < 305, left, right)
    mask = propose(picture, Prompt(positive=((280, 205), (330, 205))))[0]
    assert mask[205, 280]
    assert mask[205, 330]


def test_large_picture_is_cut_at_its_own_size():
    picture, cube = cube_on_floor(COLOURS["orange on grey"])
    large = cv2.resize(picture, (1920, 1440))
    [mask] = propose(large, Prompt(box=(740, 515, 1060, 840)))
    assert mask.shape == (1440, 1920)
    smaller = cv2.resize(mask.astype(np.uint8), (640, 480), interpolation=cv2.INTER_AREA) > 0
    assert intersection_over_union(smaller, cube) > 0.85


def test_click_on_a_bare_wall_asks_for_a_box():
    with pytest.raises(ContractError, match=r"stands out at \(50, 60\), found nothing: draw a box"):
        propose(np.full((480, 640, 3), 90, np.uint8), Prompt(positive=((50, 60),)))


def test_box_on_a_bare_wall_is_taken_as_it_is():
    [mask] = propose(np.full((480, 640, 3), 90, np.uint8), Prompt(box=(100, 50, 140, 90)))
    assert mask.sum() == 40 * 40


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (Prompt(), "expected a box or a click"),
        (Prompt(negative=((3, 3),)), "expected a box or a click"),
        (Prompt(positive=((640, 3),)), r"inside 640x480, got \(640, 3\)"),
        (Prompt(positive=((float("nan"), 3),)), "inside 640x480"),
        (Prompt(box=(10, 10, 12, 40)), "sides of at least 4 pixels"),
        (Prompt(box=(40, 40, 10, 10)), "sides of at least 4 pixels"),
        (Prompt(box=(10, 10, 641, 40)), "box: expected one inside 640x480"),
        (Prompt(positive=((5, 5),) * 65), "at most 64 clicks"),
    ],
)
def test_senseless_prompt_is_refused(prompt, said):
    with pytest.raises(ContractError, match=said):
        propose(np.zeros((480, 640, 3), np.uint8), prompt)


coordinate = st.floats(-20, 120)
point = st.tuples(coordinate, coordinate)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    levels=st.integers(1, 255),
    box=st.none() | st.tuples(coordinate, coordinate, coordinate, coordinate),
    positive=st.lists(point, max_size=3),
    negative=st.lists(point, max_size=3),
)
def test_any_picture_and_prompt_give_masks_or_a_contract_error(seed, levels, box, positive, negative):
    picture = np.random.default_rng(seed).integers(0, levels, (80, 100, 3)).astype(np.uint8)
    with contextlib.suppress(ContractError):
        proposals = propose(picture, Prompt(box, tuple(positive), tuple(negative)))
        assert proposals
        assert all(mask.shape == (80, 100) and mask.dtype == bool and mask.any() for mask in proposals)


def test_brush_marks_and_erases_where_it_went():
    empty = np.zeros((60, 80), bool)
    painted = paint(empty, [(10, 10), (50, 10)], 4, add=True)
    assert painted[10, 10:50].all()
    assert not painted[20].any()
    assert not paint(painted, [(30, 10)], 6, add=False)[10, 30]
    assert not empty.any()


def test_polygon_marks_its_inside():
    marked = fill_polygon(np.zeros((60, 80), bool), [(10, 10), (30, 10), (30, 30)], add=True)
    assert marked[15, 25]
    assert not marked[28, 12]


@pytest.mark.parametrize("radius", [0, -1, float("nan"), 1e6])
def test_brush_of_no_sensible_size_is_refused(radius):
    with pytest.raises(ContractError, match="expected a radius"):
        paint(np.zeros((60, 80), bool), [(1, 1)], radius, add=True)


@pytest.mark.parametrize("stroke", [[], [(1, float("inf"))], [(1, float("nan"))]])
def test_stroke_to_nowhere_is_refused(stroke):
    with pytest.raises(ContractError, match="stroke: expected"):
        paint(np.zeros((60, 80), bool), stroke, 3, add=True)


def test_component_under_the_click_is_kept():
    mask = np.zeros((60, 80), bool)
    mask[5:15, 5:15] = mask[30:50, 30:60] = True
    assert keep_component(mask, [(10, 10)]).sum() == 100
    assert keep_component(mask, [(70, 5)]).sum() == 600
    assert keep_component(mask).sum() == 600


def test_holes_belong_to_what_surrounds_them():
    mask = np.zeros((60, 80), bool)
    mask[10:40, 10:40] = True
    mask[20:25, 20:25] = False
    assert fill_holes(mask).sum() == 900
