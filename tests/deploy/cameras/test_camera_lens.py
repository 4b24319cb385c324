"""Calibrations as ROS writes them, against OpenCV's own projection of points."""

import contextlib
import dataclasses

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.cameras.lens import Lens, Pinhole, is_calibrated, lens_of, load_calibration
from xview_deploy.spec import ContractError

PLUMB_BOB = (-0.28, 0.07, 0.002, -0.001, 0.01)
LENSES = {
    "pinhole": Lens(640, 480, Pinhole(400, 410, 315, 250), "plumb_bob", (0.0,) * 5),
    "plumb_bob": Lens(640, 480, Pinhole(400, 410, 315, 250), "plumb_bob", PLUMB_BOB),
    "rational": Lens(640, 480, Pinhole(400, 410, 315, 250), "rational_polynomial", (*PLUMB_BOB, 0.1, 0.02, 0.003)),
    "thin prism": Lens(
        640,
        480,
        Pinhole(400, 410, 315, 250),
        "rational_polynomial",
        (*PLUMB_BOB, 0.1, 0.02, 0.003, 0.004, -0.002, 0.003, 0.001),
    ),
    "equidistant": Lens(640, 480, Pinhole(300, 310, 315, 250), "equidistant", (0.03, -0.01, 0.002, -0.0005)),
}


def project(lens: Lens, rays: np.ndarray) -> np.ndarray:
    """Pixels (N, 2) of rays (N, 2) as tangents right and down, by OpenCV."""
    points = np.column_stack([rays, np.ones(len(rays))]).reshape(-1, 1, 3)
    still, bend = np.zeros(3), np.array(lens.coefficients)
    if lens.is_fisheye:
        pixels, _ = cv2.fisheye.projectPoints(points, still, still, lens.pinhole.matrix, bend)
    else:
        pixels, _ = cv2.projectPoints(points, still, still, lens.pinhole.matrix, bend)
    return pixels.reshape(-1, 2)


def calibration(**changes) -> dict:
    """The fields of a calibration file."""

    def matrix(rows: int, data: list) -> dict:
        return {"rows": rows, "cols": len(data) // rows, "data": data}

    fields = {
        "image_width": 640,
        "image_height": 480,
        "camera_name": "front",
        "camera_matrix": matrix(3, [400.0, 0, 315, 0, 410, 250, 0, 0, 1]),
        "distortion_model": "plumb_bob",
        "distortion_coefficients": matrix(1, list(PLUMB_BOB)),
        "rectification_matrix": matrix(3, [1, 0, 0, 0, 1, 0, 0, 0, 1]),
        "projection_matrix": matrix(3, [380.0, 0, 318, 0, 0, 390, 245, 0, 0, 0, 1, 0]),
    }
    return {**fields, **changes}


def test_a_calibration_file_of_ros_is_read(tmp_path):
    path = tmp_path / "front.yaml"
    path.write_text(yaml.safe_dump(calibration()))
    lens = load_calibration(path)
    assert lens == dataclasses.replace(LENSES["plumb_bob"], straight=Pinhole(380, 390, 318, 245))
    assert lens.straightened() == Lens(640, 480, Pinhole(380, 390, 318, 245))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_width": "wide"}, "image_width: expected a whole number"),
        ({"image_width": 0}, "expected sides of 1 to"),
        ({"camera_matrix": [1, 2]}, "camera_matrix: expected rows, cols and data"),
        ({"camera_matrix": {"data": [1.0] * 4}}, "expected K of 9"),
        ({"camera_matrix": {"data": [0.0] * 9}}, "focal lengths above 0"),
        ({"camera_matrix": {"data": [float("nan")] * 9}}, "finite"),
        ({"distortion_model": "omnidirectional"}, "expected one of plumb_bob.*got 'omnidirectional'"),
        ({"distortion_coefficients": {"data": [0.1] * 7}}, "plumb_bob: expected 4 or 5 coefficients, got 7"),
        ({"distortion_coefficients": {"data": [float("inf")] * 5}}, "finite distortion"),
        ({"distortion_model": "equidistant"}, "equidistant: expected 4 coefficients, got 5"),
    ],
)
def test_a_calibration_that_is_none_is_refused(tmp_path, changes, message):
    path = tmp_path / "front.yaml"
    path.write_text(yaml.safe_dump(calibration(**changes)))
    with pytest.raises(ContractError, match=message) as refusal:
        load_calibration(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"[1, 2]", b"a: [", b""])
def test_a_file_that_is_no_calibration_is_refused(tmp_path, content):
    path = tmp_path / "front.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ContractError, match="camera calibration"):
        load_calibration(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from(["data", "rows"]), inner, max_size=2),
    max_leaves=15,
)


@settings(max_examples=60)
@given(st.sampled_from(list(calibration())), anything)
def test_a_field_of_any_kind_makes_a_lens_or_a_refusal(tmp_path_factory, name, value):
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    path.write_text(yaml.safe_dump(calibration(**{name: value})))
    with contextlib.suppress(ContractError):
        assert load_calibration(path).width > 0


def test_zeros_that_a_driver_pads_with_are_no_coefficients():
    lens = lens_of(width=640, height=480, model="plumb_bob", k=[1, 0, 1, 0, 1, 1, 0, 0, 1], d=[0.1] * 5 + [0.0] * 7)
    assert lens.coefficients == (0.1,) * 5


def test_a_camera_that_nobody_calibrated_says_so():
    assert not is_calibrated([0.0] * 9)
    assert not is_calibrated([])
    assert is_calibrated([400.0, 0, 315, 0, 410, 250, 0, 0, 1])


def test_a_smaller_picture_of_the_same_camera_has_its_pixels_scaled_as_areas():
    half = LENSES["plumb_bob"].sized(320, 240)
    assert half.pinhole == Pinhole(200, 205, 157.25, 124.75)
    with pytest.raises(ContractError, match=r"expected pictures of 640x480 or of the same shape, got 640x360"):
        LENSES["plumb_bob"].sized(640, 360)


def test_region_of_interest_and_binning_say_which_pixels_are_sent():
    k = [400.0, 0, 315, 0, 410, 250, 0, 0, 1]
    lens = lens_of(width=640, height=480, model="", k=k, d=[], binning=(2, 2), roi=(100, 60, 400, 300))
    assert (lens.width, lens.height) == (200, 150)
    assert lens.pinhole == Pinhole(200, 205, (215 + 0.5) / 2 - 0.5, (190 + 0.5) / 2 - 0.5)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("name", LENSES)
def test_a_turned_picture_has_a_lens_that_is_turned_with_it(name, degrees):
    lens = LENSES[name]
    rays = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 2))
    pixels = project(lens, rays)
    for _ in range(degrees // 90):
        rays = np.column_stack([-rays[:, 1], rays[:, 0]])
    width, height = lens.width, lens.height
    for _ in range(degrees // 90):
        pixels = np.column_stack([height - 1 - pixels[:, 1], pixels[:, 0]])
        width, height = height, width
    turned = lens.turned(degrees)
    assert (turned.width, turned.height) == (width, height)
    np.testing.assert_allclose(project(turned, rays), pixels, atol=1e-6)


def test_a_tilted_sensor_and_odd_angles_are_not_turned():
    tilted = Lens(640, 480, Pinhole(400, 410, 315, 250), "rational_polynomial", (0.01,) * 14)
    with pytest.raises(ContractError, match="not tilted"):
        tilted.turned(90)
    with pytest.raises(ContractError, match="expected 0, 90, 180 or 270 degrees clockwise, got 45"):
        LENSES["plumb_bob"].turned(45)


@pytest.mark.parametrize("name", LENSES)
def test_every_pixel_of_a_pinhole_picture_is_looked_up_where_opencv_projects_it(name):
    lens, view = LENSES[name], Pinhole(90, 95, 63, 50)
    x, y = lens.source_pixels(view, 128, 100)
    rows, columns = np.nonzero(np.isfinite(x))
    rays = np.column_stack([(columns - view.cx) / view.fx, (rows - view.cy) / view.fy])
    expected = project(lens, rays)
    np.testing.assert_allclose(np.column_stack([x[rows, columns], y[rows, columns]]), expected, atol=0.01)
    inside = (expected > -0.5).all(1) & (expected < (lens.width - 0.5, lens.height - 0.5)).all(1)
    assert inside.all()


def test_what_lies_beyond_the_fold_of_a_distortion_is_not_seen():
    # The radius r (1 - 0.3 r^2) grows up to r = sqrt(1 / 0.9) = 1.054 and comes back for wider angles.
    lens = Lens(640, 480, Pinhole(200, 200, 319.5, 239.5), "plumb_bob", (-0.3, 0.0, 0.0, 0.0))
    view = Pinhole(50, 50, 99.5, 99.5)
    x, _ = lens.source_pixels(view, 200, 200)
    axis = (np.arange(200) - 99.5) / 50
    tangents = np.hypot(axis[None], axis[:, None])
    assert np.isnan(x[tangents > 1.06]).all()
    assert np.isfinite(x[tangents < 1.05]).all()
