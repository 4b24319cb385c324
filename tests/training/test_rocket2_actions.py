"""Minecraft's joint classes are VPT's: their number, their order, the camera's bins, what cancels what."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.policy.minecraft_actions import (
    BUTTON_CLASSES,
    CAMERA_CLASSES,
    CAMERA_DEG,
    CAMERA_MOVES,
    EMBEDDED_KEYS,
    INVENTORY_CLASS,
    KEY_TABLE,
    KEYS,
    STILL_CLASS,
    as_minerl,
    decode,
    encode,
    nearest_bins,
)


def pressed(*names: str) -> np.ndarray:
    return np.array([[key in names for key in KEYS]])


def classes_of(*names: str, camera=(0.0, 0.0)) -> tuple[int, int]:
    buttons, moved = encode(pressed(*names), np.array([camera]))
    return int(buttons[0]), int(moved[0])


def test_classes_and_keys_are_as_many_as_published():
    assert BUTTON_CLASSES == 8641 == 10 * 3 * 3 * 3 * 2**5 + 1
    assert (CAMERA_CLASSES, STILL_CLASS) == (121, 60)
    assert (len(EMBEDDED_KEYS), len(KEYS), len(set(KEYS))) == (19, 20, 20)
    assert len(np.unique(np.column_stack([KEY_TABLE, CAMERA_MOVES]), axis=0)) == 8641


def test_camera_bins_are_the_published_mu_law():
    published = [-10, -5.81, -3.22, -1.61, -0.62, 0, 0.62, 1.61, 3.22, 5.81, 10]
    np.testing.assert_allclose(CAMERA_DEG, published, atol=0.006)


def test_the_order_of_classes_is_the_published_one():
    """Hotbar, forward/back, left/right, sprint/sneak, use, drop, attack, jump, camera: the last varies fastest."""
    assert classes_of() == (0, 60)
    assert classes_of(camera=(0.0, 10.0)) == (1, 5 * 11 + 10)
    assert classes_of("jump") == (2, 60)
    assert classes_of("attack") == (4, 60)
    assert classes_of("drop") == (8, 60)
    assert classes_of("use") == (16, 60)
    assert classes_of("sprint") == (32, 60)
    assert classes_of("sneak") == (64, 60)
    assert classes_of("left") == (96, 60)
    assert classes_of("back") == (2 * 288, 60)
    assert classes_of("hotbar.9") == (9 * 864, 60)
    assert classes_of("inventory") == (INVENTORY_CLASS, 60) == (8640, 60)


def test_what_excludes_what():
    assert classes_of("forward", "back", "left", "right", "jump") == classes_of("jump")
    assert classes_of("sprint", "sneak") == classes_of("sneak")
    assert classes_of("hotbar.2", "hotbar.7") == classes_of("hotbar.7")
    assert classes_of("inventory", "attack", camera=(3.0, 3.0)) == (INVENTORY_CLASS, STILL_CLASS)


def test_the_camera_is_read_where_it_moves_only():
    keys, camera = decode(np.array([0, 1, INVENTORY_CLASS]), np.array([10, 10, 10]))
    np.testing.assert_allclose(camera, [[0, 0], [-10, 10], [-10, 10]])
    assert keys.sum(1).tolist() == [0, 0, 1]


def test_every_class_comes_back():
    buttons = np.repeat(np.arange(BUTTON_CLASSES), 2)
    camera = np.where(CAMERA_MOVES[buttons], np.arange(len(buttons)) % CAMERA_CLASSES, STILL_CLASS)
    exact = (camera != STILL_CLASS) == CAMERA_MOVES[buttons]
    exact &= buttons != INVENTORY_CLASS
    again, moved = encode(*decode(buttons, camera))
    np.testing.assert_array_equal(again[exact], buttons[exact])
    np.testing.assert_array_equal(moved[exact], camera[exact])


@settings(max_examples=50)
@given(st.floats(-1e6, 1e6))
def test_any_turn_has_its_nearest_bin_on_the_mu_laws_scale(degrees):
    chosen = int(nearest_bins(np.array(degrees)))

    def level(turn: np.ndarray) -> np.ndarray:
        return np.sign(turn) * np.log1p(np.abs(turn)) / np.log1p(10)

    distances = np.abs(level(CAMERA_DEG) - level(np.clip(degrees, -10, 10)))
    assert distances[chosen] <= distances.min() + 1e-9


def test_an_action_becomes_minerls_dictionary():
    keys, camera = decode(np.array([classes_of("forward", "jump", camera=(0, 1))[0]]), np.array([5 * 11 + 6]))
    action = as_minerl(keys[0], camera[0])
    assert action.keys() == {*KEYS, "camera"}
    assert [name for name in KEYS if action[name]] == ["forward", "jump"]
    np.testing.assert_allclose(action["camera"], [0, 0.62], atol=0.01)


@pytest.mark.parametrize(("buttons", "camera"), [(8641, 0), (-1, 0), (0, 121), (0, -1)])
def test_a_class_out_of_range_is_refused(buttons, camera):
    with pytest.raises(ValueError, match=r"class .*: expected 0\.\."):
        decode(np.array([buttons]), np.array([camera]))


def test_a_camera_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="camera_deg holds values that are no numbers"):
        classes_of(camera=(0.0, float("nan")))
