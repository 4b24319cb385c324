"""The whole picture is squeezed, and no target is lost in it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.preprocessing import squeeze_goal, squeeze_mask, squeeze_picture
from xview_deploy.spec import ContractError


def test_the_whole_picture_is_squeezed_by_averaging():
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:240] = (200, 100, 0)
    picture[:, ::2] = 0
    squeezed = squeeze_picture(picture, 64)
    assert squeezed.shape == (64, 64, 3)
    assert squeezed.dtype == np.uint8
    assert (squeezed[:32] == (100, 50, 0)).all()
    assert (squeezed[32:] == 0).all()


def test_a_picture_of_the_right_size_stays_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    np.testing.assert_array_equal(squeeze_picture(picture, 64), picture)


def test_a_large_mask_is_cut_at_half_a_cell():
    mask = np.zeros((128, 128), bool)
    mask[20:61, 31:80] = True  # rows: 30.5 cells, the last half covered; columns: the first half covered
    squeezed = squeeze_mask(mask, 64)
    rows, columns = np.nonzero(squeezed)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10, 30, 15, 39)
    assert squeezed[30, 15] == 0  # a quarter covered


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.data())
def test_a_single_pixel_is_never_lost(height, width, data):
    row, column = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    mask = np.zeros((height, width), bool)
    mask[row, column] = True
    rows, columns = np.nonzero(squeeze_mask(mask, 64))
    assert rows.size >= 1
    assert abs((rows.mean() + 0.5) / 64 - (row + 0.5) / height) <= 1 / 64
    assert abs((columns.mean() + 0.5) / 64 - (column + 0.5) / width) <= 1 / 64


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32])
def test_masks_of_any_number_type_mean_the_same(dtype):
    mask = np.zeros((100, 80), dtype)
    mask[10:50, 20:60] = 1
    np.testing.assert_array_equal(squeeze_mask(mask, 32), squeeze_mask(mask.astype(bool), 32))
    np.testing.assert_array_equal(squeeze_mask(mask * np.array(7, dtype), 32), squeeze_mask(mask, 32))


@pytest.mark.parametrize(
    ("picture", "came"),
    [
        (np.zeros((4, 4), np.uint8), r"uint8 \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \(4, 4, 4\)"),
        (np.zeros((4, 4, 3), np.float32), r"float32 \(4, 4, 3\)"),
        (None, "NoneType"),
        (np.zeros((0, 4, 3), np.uint8), "at least one pixel"),
    ],
)
def test_a_picture_that_is_none_is_refused(picture, came):
    with pytest.raises(ContractError, match=came):
        squeeze_picture(picture, 64)


@pytest.mark.parametrize(
    ("mask", "came"),
    [
        (np.zeros((8, 8), bool), "got none"),
        (np.ones((8, 8, 1), bool), r"got \(8, 8, 1\)"),
        ([[1]], "list"),
        (np.array([["x"]]), "expected numbers or bool"),
    ],
)
def test_a_mask_that_is_none_is_refused(mask, came):
    with pytest.raises(ContractError, match=came):
        squeeze_mask(mask, 64)


def test_a_goal_whose_mask_has_another_size_is_refused():
    with pytest.raises(ContractError, match="expected the picture's size 40x30, got 30x40"):
        squeeze_goal(np.zeros((30, 40, 3), np.uint8), np.ones((40, 30), bool), 16)
