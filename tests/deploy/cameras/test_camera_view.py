"""Pictures of bent cameras become what the trained pinhole would have seen, as OpenCV's projection has it."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from xview_deploy.cameras.lens import COEFFICIENTS, Lens, Pinhole, lens_of
from xview_deploy.cameras.view import CutView, LensView, Straightener, located, trained_pinhole, view_of
from xview_deploy.picture import decode_picture, encode_jpeg
from xview_deploy.preprocessing import squeeze_picture
from xview_deploy.spec import Belief, CameraModel, ContractError

TRAINED = CameraModel()
SIDE = 128
BENDS = (-0.28, 0.07, 0.002, -0.001, 0.0)
LENSES = {
    "plumb_bob": Lens(640, 480, Pinhole(330, 335, 310, 250), "plumb_bob", BENDS),
    "rational": Lens(640, 480, Pinhole(330, 335, 310, 250), "rational_polynomial", (*BENDS, 0.05, 0.02, 0.003)),
    "equidistant": Lens(800, 600, Pinhole(330, 330, 405, 290), "equidistant", (0.03, -0.01, 0.002, -0.0005)),
    "large": Lens(2592, 1944, Pinhole(1400, 1400, 1300, 970), "plumb_bob", BENDS),
    "another pinhole": Lens(640, 480, Pinhole(300, 300, 330, 235)),
}


def pixels_of(lens: Lens, rays: np.ndarray) -> np.ndarray:
    points = np.column_stack([rays, np.ones(len(rays))]).reshape(-1, 1, 3)
    still, bend = np.zeros(3), np.array(lens.coefficients)
    projection = cv2.fisheye.projectPoints if lens.is_fisheye else cv2.projectPoints
    return projection(points, still, still, lens.pinhole.matrix, bend)[0].reshape(-1, 2)


def rays_of(lens: Lens) -> np.ndarray:
    """Tangents right and down of each pixel, (height, width, 2), by OpenCV's search for the inverse."""
    columns, rows = np.meshgrid(np.arange(lens.width, dtype=float), np.arange(lens.height, dtype=float))
    pixels = np.stack([columns, rows], -1).reshape(-1, 1, 2)
    if lens.is_fisheye:
        rays = cv2.fisheye.undistortPoints(pixels, lens.pinhole.matrix, np.array(lens.coefficients))
    else:
        stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-8)
        bend = np.array(lens.coefficients or (0.0,) * 5)
        rays = cv2.undistortPoints(pixels, lens.pinhole.matrix, bend, criteria=stop)
    return rays.reshape(lens.height, lens.width, 2)


def scene(rays: np.ndarray) -> np.ndarray:
    """A world at infinity whose colours change with the direction: uint8 (..., 3)."""
    x, y = rays[..., 0], rays[..., 1]
    waves = np.stack([np.sin(9 * x), np.cos(7 * y), np.sin(5 * (x + y))], -1)
    return np.uint8(np.round(127.5 + 120 * waves))


@pytest.mark.parametrize("name", LENSES)
def test_a_point_lands_where_the_trained_pinhole_would_put_it(name):
    lens, view = LENSES[name], view_of(TRAINED, SIDE, LENSES[name].width, LENSES[name].height, LENSES[name])
    wanted = trained_pinhole(TRAINED, SIDE, SIDE)
    for ray in np.random.default_rng(1).uniform((-0.7, -0.5), (0.7, 0.5), (25, 2)):
        (x, y) = pixels_of(lens, ray[None])[0]
        if not (20 < x < lens.width - 20 and 20 < y < lens.height - 20):
            continue
        picture = np.zeros((lens.height, lens.width, 3), np.uint8)
        cv2.circle(picture, (round(x * 16), round(y * 16)), round(lens.width / 80 * 16), (255, 255, 255), -1, 0, 4)
        square = view.square(picture)[..., 0].astype(float)
        rows, columns = np.mgrid[:SIDE, :SIDE]
        spot = np.array([(square * columns).sum(), (square * rows).sum()]) / square.sum()
        expected = ray * (wanted.fx, wanted.fy) + (wanted.cx, wanted.cy)
        assert np.abs(spot - expected).max() < 0.3, (ray, spot, expected)
        found = view.spot(*(expected + 0.5) / SIDE)
        assert np.abs(np.array(found) * (lens.width, lens.height) - 0.5 - (x, y)).max() < 2.5


@pytest.mark.parametrize("name", LENSES)
def test_the_whole_scene_looks_as_it_did_in_training(name):
    lens = LENSES[name]
    square = view_of(TRAINED, SIDE, lens.width, lens.height, lens).square(scene(rays_of(lens)))
    fine = trained_pinhole(TRAINED, SIDE * 4, SIDE * 4)
    axis = np.arange(SIDE * 4)
    rays = np.stack(np.broadcast_arrays(((axis - fine.cx) / fine.fx)[None], ((axis - fine.cy) / fine.fy)[:, None]), -1)
    expected = squeeze_picture(scene(rays), SIDE).astype(int)
    seen = (square > 0).any(-1)
    assert seen.mean() > 0.9
    error = np.abs(square.astype(int) - expected)[seen]
    assert np.percentile(error, 99) <= 4
    assert error.mean() < 1.0


@pytest.mark.parametrize(
    ("name", "spare"),
    [("plumb_bob", 1), ("rational", 1), ("equidistant", 1), ("another pinhole", 2), ("large", 6), (None, 2)],
)
def test_a_picture_decoded_at_a_part_of_its_size_shows_the_policy_the_same(name, spare):
    lens = LENSES.get(name)
    width, height = (lens.width, lens.height) if lens else (640, 480)
    view = view_of(TRAINED, SIDE, width, height, lens)
    assert view.spare == spare
    assert view_of(TRAINED, 64, width, height, lens).spare >= 2 * spare
    jpeg = encode_jpeg(scene(rays_of(lens or LENSES["another pinhole"])))
    small = decode_picture(jpeg, spare=lambda width, height: view.spare)
    assert height / small.shape[0] <= view.spare < 2 * height / small.shape[0]
    square = view_of(TRAINED, SIDE, small.shape[1], small.shape[0], lens).square(small).astype(int)
    assert np.abs(square - view.square(decode_picture(jpeg))).mean() < 1.0


@pytest.mark.parametrize("name", ["plumb_bob", "large"])
def test_fine_stripes_become_grey_not_a_pattern(name):
    lens = LENSES[name]
    picture = np.zeros((lens.height, lens.width, 3), np.uint8)
    picture[:, ::2] = 255
    inner = view_of(TRAINED, SIDE, lens.width, lens.height, lens).square(picture)[20:-20, 20:-20].astype(int)
    assert np.abs(inner - 127).max() < 40
    assert inner.std() < 10


def test_what_a_narrow_camera_does_not_see_is_black():
    wanted = trained_pinhole(TRAINED, 640, 480)
    narrow = Lens(640, 480, Pinhole(wanted.fx * 2, wanted.fy * 2, wanted.cx, wanted.cy))
    view = view_of(TRAINED, 64, 640, 480, narrow)
    square = view.square(np.full((480, 640, 3), 200, np.uint8))
    expected = np.zeros((64, 64, 3), np.uint8)
    expected[16:48, 16:48] = 200
    np.testing.assert_array_equal(square, expected)
    assert view.covered == 0.25


def test_a_wide_camera_gives_the_middle_of_its_picture():
    wanted = trained_pinhole(TRAINED, 640, 480)
    wide = Lens(640, 480, Pinhole(wanted.fx / 2, wanted.fy / 2, wanted.cx, wanted.cy))
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    view = view_of(TRAINED, 64, 640, 480, wide)
    expected = squeeze_picture(np.ascontiguousarray(picture[120:360, 160:480]), 64).astype(int)
    assert np.abs(view.square(picture).astype(int) - expected).max() <= 20  # white noise between its pixels
    assert view.covered == 1.0
    assert view.spot(0.5, 0.5) == pytest.approx((0.5, 0.5), abs=0.002)
    assert view.spot(0.0, 1.0) == pytest.approx((0.25, 0.75), abs=0.002)


def test_the_trained_camera_itself_costs_nothing_but_the_squeezing():
    wanted = trained_pinhole(TRAINED, 640, 480)
    lens = Lens(640, 480, Pinhole(wanted.fx, wanted.fy, wanted.cx + 0.5, wanted.cy + 0.5))
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    view = view_of(TRAINED, 64, 640, 480, lens)
    np.testing.assert_array_equal(view.square(picture), squeeze_picture(picture, 64))
    assert isinstance(view, CutView)
    assert isinstance(view_of(TRAINED, 64, 640, 480, LENSES["plumb_bob"]), LensView)


@pytest.mark.parametrize(
    ("width", "height", "cut"),
    [
        (640, 480, (0, 0, 640, 480)),
        (640, 360, (80, 0, 480, 360)),
        (1920, 1080, (240, 0, 1440, 1080)),
        (480, 640, (0, 140, 480, 360)),
        (1, 1, (0, 0, 1, 1)),
    ],
)
def test_without_a_calibration_the_middle_of_the_trained_shape_is_taken(width, height, cut):
    left, top, cut_width, cut_height = cut
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    view = view_of(TRAINED, 32, width, height)
    middle = np.ascontiguousarray(picture[top : top + cut_height, left : left + cut_width])
    np.testing.assert_array_equal(view.square(picture), squeeze_picture(middle, 32))
    assert view.spot(0.0, 0.0) == (left / width, top / height)
    assert view.spot(1.0, 1.0) == ((left + cut_width) / width, (top + cut_height) / height)


def test_what_the_policy_points_at_is_shown_where_it_is_in_the_live_picture():
    belief = Belief(0.9, (0.5, 0.5), (0.25, 0.25, 0.75, 0.75), (0.0, 1.0))
    moved = located(view_of(TRAINED, 32, 640, 360), belief)
    assert moved.point == (0.5, 0.5)
    assert moved.box == pytest.approx((0.3125, 0.25, 0.6875, 0.75))
    assert (moved.visible, moved.bearing) == (0.9, (0.0, 1.0))


def test_a_belief_outside_of_what_the_camera_sees_is_shown_at_its_rim():
    wanted = trained_pinhole(TRAINED, 640, 480)
    narrow = Lens(640, 480, Pinhole(wanted.fx * 2, wanted.fy * 2, wanted.cx, wanted.cy))
    x, y = view_of(TRAINED, 64, 640, 480, narrow).spot(1.0, 0.5)
    assert x == pytest.approx(1.0, abs=0.05)
    assert y == pytest.approx(0.5, abs=0.05)


def test_a_camera_that_shows_nothing_of_it_and_a_picture_of_another_size_are_refused():
    away = Lens(640, 480, Pinhole(400, 400, 1e6, 240))
    with pytest.raises(ContractError, match="expected a camera that sees a part"):
        view_of(TRAINED, 64, 640, 480, away)
    with pytest.raises(ContractError, match=r"expected pictures of 640x480.*got 640x360"):
        view_of(TRAINED, 64, 640, 360, LENSES["plumb_bob"])
    with pytest.raises(ContractError, match=r"picture: expected 640x480, got 320x240"):
        view_of(TRAINED, 64, 640, 480).square(np.zeros((240, 320, 3), np.uint8))


def test_a_bent_picture_and_its_mask_are_straightened_together():
    lens = Lens(640, 480, Pinhole(330, 335, 310, 250), "plumb_bob", BENDS, Pinhole(280, 280, 320, 240))
    straight = Straightener(lens)
    picture = straight.picture(scene(rays_of(lens)))
    columns, rows = np.meshgrid(np.arange(640), np.arange(480))
    expected = scene(np.stack([(columns - 320) / 280, (rows - 240) / 280], -1)).astype(int)
    seen = (picture > 0).any(-1)
    assert seen.mean() > 0.8
    assert np.percentile(np.abs(picture.astype(int) - expected)[seen], 99) <= 4
    mask = np.zeros((480, 640), bool)
    (x, y) = pixels_of(lens, np.array([[0.3, -0.2]]))[0]
    mask[round(y) - 10 : round(y) + 11, round(x) - 10 : round(x) + 11] = True
    rows, columns = np.nonzero(straight.mask(mask))
    assert (columns.mean(), rows.mean()) == pytest.approx((0.3 * 280 + 320, -0.2 * 280 + 240), abs=1.0)
    assert straight.lens.pinhole == Pinhole(280, 280, 320, 240)


numbers = st.floats() | st.floats(-2, 2) | st.floats(1, 2000)


@settings(max_examples=150)
@given(
    st.integers(-1, 5000),
    st.integers(-1, 5000),
    st.sampled_from([*COEFFICIENTS, "", "other"]),
    st.lists(numbers, min_size=4, max_size=4),
    st.lists(numbers, max_size=14),
    st.tuples(st.integers(0, 10), st.integers(0, 10)),
    st.tuples(*[st.integers(0, 6000)] * 4),
    st.sampled_from([1, 64]),
)
@example(1, 1, "plumb_bob", [1.0, 1.0, 0.0, 0.0], [0.0], (0, 0), (0, 0, 0, 0), 1)  # one zero: no distortion
def test_any_camera_info_is_a_view_or_a_refusal(width, height, model, pinhole, d, binning, roi, side):
    fx, fy, cx, cy = pinhole
    k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    try:
        lens = lens_of(width=width, height=height, model=model, k=k, d=d, binning=binning, roi=roi)
        view = view_of(TRAINED, side, lens.width, lens.height, lens)
    except ContractError:
        return
    assert view.square(np.full((lens.height, lens.width, 3), 200, np.uint8)).shape == (side, side, 3)
    x, y = view.spot(0.9, 0.1)
    assert -0.01 <= x <= 1.01
    assert -0.01 <= y <= 1.01
