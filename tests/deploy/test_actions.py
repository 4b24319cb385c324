import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.actions import ActionMapping
from xview_deploy.spec import ActionTable, ContractError
from xview_deploy.velocity import STILL, Velocity

TABLE = ActionTable()
CENTRE = TABLE.noop[1]


def row(*keys: str) -> int:
    return TABLE.buttons.index(keys)


def test_no_key_and_a_level_camera_stand_still():
    assert ActionMapping().velocity(TABLE.noop, TABLE) == STILL


@pytest.mark.parametrize(
    ("key", "direction"), [("forward", (1, 0)), ("back", (-1, 0)), ("left", (0, 1)), ("right", (0, -1))]
)
def test_direction_keys_walk_at_the_scaled_walking_speed_in_rep_103_axes(key, direction):
    velocity = ActionMapping(meters_per_block=0.25).velocity((row(key), CENTRE, CENTRE), TABLE)
    assert velocity == pytest.approx((direction[0] * 1.07925, direction[1] * 1.07925, 0.0))


def test_a_turn_to_the_right_is_clockwise():
    rightmost = len(TABLE.camera_deg) - 1
    theta = ActionMapping().velocity((0, CENTRE, rightmost), TABLE).theta
    assert theta == pytest.approx(-math.radians(TABLE.camera_deg[rightmost] * 20))


def test_two_directions_at_once_are_no_faster_than_one():
    table = ActionTable(buttons=((), ("forward", "left")))
    velocity = ActionMapping().velocity((1, CENTRE, CENTRE), table)
    assert math.hypot(velocity.x, velocity.y) == pytest.approx(ActionMapping().walk_m_per_s)
    assert velocity.x == pytest.approx(velocity.y)


def test_gains_scale_walking_and_turning_apart():
    mapping = ActionMapping(walk_gain=0.5, turn_gain=2.0)
    plain, scaled = (m.velocity((row("forward"), CENTRE, 0), TABLE) for m in (ActionMapping(), mapping))
    assert scaled == pytest.approx(Velocity(plain.x * 0.5, 0.0, plain.theta * 2.0))


def test_masks_leave_only_what_the_base_has():
    buttons, pitch, yaw = ActionMapping(keys=("forward", "back")).allowed(TABLE)
    allowed = [TABLE.buttons[index] for index in np.flatnonzero(buttons)]
    assert allowed == [(), ("forward",), ("back",)]
    assert np.flatnonzero(pitch).tolist() == [CENTRE]
    assert yaw.all()


@pytest.mark.parametrize("action", [(7, 5, 5), (-1, 5, 5), (0, 5, 11), (0, 5), (0.0, 5.0, 5.0)])
def test_actions_outside_the_table_are_refused(action):
    with pytest.raises(ContractError, match=r"action: expected"):
        ActionMapping().velocity(action, TABLE)


def test_a_yaml_file_sets_the_fields(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text("meters_per_block: 0.5\nkeys: [forward]\n")
    assert ActionMapping.load(path) == ActionMapping(meters_per_block=0.5, keys=("forward",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("meters_per_blok: 1", "did you mean 'meters_per_block'"),
        ("meters_per_block: -1", "expected a positive number, got -1"),
        ("meters_per_block: .nan", "expected a positive number"),
        ("walk_gain: fast", "expected a positive number, got 'fast'"),
        ("keys: [jump]", "expected some of"),
        ("keys: forward", "expected some of"),
        ("keys: [[forward]]", "expected some of"),
        ("keys: 3", "expected some of"),
        ("[1, 2]", "expected names and values"),
        ("{", "expected a readable YAML file"),
    ],
)
def test_a_wrong_file_is_refused_with_what_was_expected(tmp_path, text, message):
    path = tmp_path / "base.yaml"
    path.write_text(text)
    with pytest.raises(ContractError, match=message):
        ActionMapping.load(path)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_file_brings_anything_but_a_mapping_or_a_contract_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("yaml") / "base.yaml"
    path.write_bytes(content)
    with contextlib.suppress(ContractError):
        assert isinstance(ActionMapping.load(path), ActionMapping)
