import contextlib
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.bases.actions import ActionMapping
from xview_deploy.bases.camera_mount import CameraJoint, Gimbal
from xview_deploy.bases.driving import Steps, Velocities
from xview_deploy.bases.kinds import AckermannBase, DifferentialBase, LeggedBase, OmniBase
from xview_deploy.bases.robot_command import HELD, MAX_HOLD_S, STAND
from xview_deploy.bases.triggers import TriggerService
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.spec import ActionTable, ContractError

TABLE = ActionTable()
CENTRE = TABLE.noop[1]
LAST = len(TABLE.camera_deg) - 1
CONFIG = Path(__file__).parents[3] / "ros_ws/src/xview_agent/config"
SHIPPED = ("mecanum", "diff_drive", "ackermann", "legged", "gimbal", "robot_car")
WALK_M_PER_S = 0.25 * 4.317
CAR = AckermannBase(wheelbase_m=0.32, max_steering_rad=0.45, standing_turn="stand")
TILT = CameraJoint("tilt", "down", -0.5, 0.5, 1.2)


def row(*keys: str) -> int:
    return TABLE.buttons.index(keys)


def shipped(name: str) -> ActionMapping:
    return ActionMapping.load(CONFIG / f"{name}.yaml")


@pytest.mark.parametrize("name", SHIPPED)
def test_on_every_shipped_robot_no_key_and_a_level_camera_stand_still(name):
    assert shipped(name).command(TABLE.noop, TABLE) == STAND


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_robot_can_act_out_the_table_of_the_shipped_policies(name):
    mapping = shipped(name)
    mapping.check_table(TABLE)
    assert all(mask.any() for mask in mapping.allowed(TABLE))


@settings(max_examples=60)
@given(st.sampled_from(SHIPPED), st.integers(0, len(TABLE.buttons) - 1), st.integers(0, LAST), st.integers(0, LAST))
def test_every_action_of_every_shipped_robot_is_a_sound_command(name, buttons, pitch, yaw):
    command = shipped(name).command((buttons, pitch, yaw), TABLE)
    assert command.fault == ""


@pytest.mark.parametrize(
    ("key", "direction"), [("forward", (1, 0)), ("back", (-1, 0)), ("left", (0, 1)), ("right", (0, -1))]
)
def test_direction_keys_walk_at_the_scaled_walking_speed_in_rep_103_axes(key, direction):
    command = ActionMapping().command((row(key), CENTRE, CENTRE), TABLE)
    assert command.velocity == pytest.approx((direction[0] * WALK_M_PER_S, direction[1] * WALK_M_PER_S, 0.0))
    assert (command.hold_s, command.camera, command.presses) == (0.0, HELD, ())


def test_a_turn_to_the_right_is_clockwise():
    theta = ActionMapping().command((0, CENTRE, LAST), TABLE).velocity.theta
    assert theta == pytest.approx(-math.radians(TABLE.camera_deg[LAST] * 20))


def test_two_directions_at_once_are_no_faster_than_one():
    table = ActionTable(buttons=((), ("forward", "left")))
    velocity = ActionMapping().command((1, CENTRE, CENTRE), table).velocity
    assert math.hypot(velocity.x, velocity.y) == pytest.approx(WALK_M_PER_S)
    assert velocity.x == pytest.approx(velocity.y)


def test_gains_scale_walking_and_turning_apart():
    mappings = ActionMapping(), ActionMapping(motion=Velocities(walk_gain=0.5, turn_gain=2.0))
    plain, scaled = (m.command((row("forward"), CENTRE, 0), TABLE).velocity for m in mappings)
    assert scaled == pytest.approx(Velocity(plain.x * 0.5, 0.0, plain.theta * 2.0))


def test_masks_leave_only_what_the_base_has():
    buttons, pitch, yaw = ActionMapping(DifferentialBase()).allowed(TABLE)
    allowed = [TABLE.buttons[index] for index in np.flatnonzero(buttons)]
    assert allowed == [(), ("forward",), ("back",)]
    assert np.flatnonzero(pitch).tolist() == [CENTRE]
    assert yaw.all()


def test_a_base_that_cannot_step_aside_ignores_a_sideways_key_that_is_forced_on_it():
    assert ActionMapping(DifferentialBase()).command((row("left"), CENTRE, CENTRE), TABLE) == STAND


def test_the_published_car_drives_steps_of_a_tenth_of_a_metre_and_then_stands():
    car = shipped("robot_car")
    command = car.command((row("back"), CENTRE, CENTRE), TABLE)
    assert command.velocity.x * command.hold_s == pytest.approx(-0.1)
    assert (command.velocity.y, command.velocity.theta) == (0.0, 0.0)


def test_the_published_car_turns_by_wheels_tilts_by_its_motor_beeps_and_lacks_the_rest():
    car = shipped("robot_car")
    command = car.command((row("attack"), LAST, 0), TABLE)
    angle = math.radians(30)
    assert command.velocity.theta * command.hold_s == pytest.approx(angle)
    assert command.camera.pitch * command.hold_s == pytest.approx(angle)
    assert (command.presses, command.velocity.x) == (("attack",), 0.0)
    buttons, pitch, yaw = car.allowed(TABLE)
    masked = [TABLE.buttons[index] for index in np.flatnonzero(~buttons)]
    assert masked == [("forward", "jump")]
    assert pitch.all()
    assert yaw.all()


def test_a_step_that_walks_and_turns_ends_both_at_once():
    steps = Steps(step_m=0.1, speed_m_per_s=0.5, turn_rad_per_s=1.0)
    command = ActionMapping(motion=steps).command((row("forward"), CENTRE, 0), TABLE)
    assert command.hold_s == pytest.approx(math.radians(30) / 1.0)
    assert command.velocity.x * command.hold_s == pytest.approx(0.1)


def test_a_robot_too_slow_for_a_policys_widest_turn_is_refused_before_it_drives():
    slow = ActionMapping(motion=Steps(step_m=0.1, speed_m_per_s=0.5, turn_rad_per_s=0.2))
    with pytest.raises(ContractError, match=r"expected steps of at most 1 s, got 2\.62 s"):
        slow.check_table(TABLE)


@settings(max_examples=60)
@given(st.floats(-3, 3), st.floats(-7, 7))
def test_a_car_is_never_asked_for_a_curve_tighter_than_its_steering(x, theta):
    driven = CAR.drivable(Velocity(x, 0.4, theta))
    assert (driven.x, driven.y) == (x, 0.0)
    assert abs(driven.theta) * CAR.turning_radius_m <= abs(x) + 1e-9
    assert driven.theta * theta >= 0.0


def test_a_car_that_is_asked_to_turn_where_it_stands_stands_or_drives_an_arc():
    turn = Velocity(0.0, 0.0, -2.0)
    assert CAR.drivable(turn).x == 0.0
    assert CAR.drivable(turn).theta == 0.0
    arc = AckermannBase(wheelbase_m=0.32, max_steering_rad=0.45, standing_turn="arc", creep_m_per_s=0.2)
    driven = arc.drivable(turn)
    assert driven.x == 0.2
    assert driven.theta == pytest.approx(-0.2 / arc.turning_radius_m)


def test_legs_do_not_tread_on_the_spot():
    legs = LeggedBase(deadband_m_per_s=0.1, deadband_rad_per_s=0.2)
    assert legs.drivable(Velocity(0.05, 0.05, 0.1)) == STILL
    assert legs.drivable(Velocity(0.09, 0.09, -0.3)) == Velocity(0.09, 0.09, -0.3)


def test_a_pan_tilt_head_looks_where_the_base_of_others_would_turn():
    command = shipped("gimbal").command((0, LAST, LAST), TABLE)
    rate = math.radians(TABLE.camera_deg[LAST] * 20)
    assert command.velocity == STILL
    assert command.camera == pytest.approx((rate, -rate))


@pytest.mark.parametrize("action", [(7, 5, 5), (-1, 5, 5), (0, 5, 11), (0, 5), (0.0, 5.0, 5.0)])
def test_actions_outside_the_table_are_refused(action):
    with pytest.raises(ContractError, match=r"action: expected"):
        ActionMapping().command(action, TABLE)


def test_a_file_sets_every_section(tmp_path):
    path = tmp_path / "robot.yaml"
    path.write_text("""
base: {kind: omni, keys: [forward]}
motion: {kind: steps, step_m: 1, speed_m_per_s: 2.5, turn_rad_per_s: 2}
camera: {pitch: {joint: tilt, positive: down, min_rad: -0.5, max_rad: 0.5, max_rad_per_s: 1.2}}
triggers: {use: {service: ~/grip, debounce_s: 1}}
""")
    assert ActionMapping.load(path) == ActionMapping(
        OmniBase(("forward",)),
        Steps(1.0, 2.5, 2.0),
        Gimbal(pitch=TILT),
        {"use": TriggerService("~/grip", 1.0)},
    )


SOUND = {
    "base": {"kind": "omni"},
    "motion": {"kind": "velocities"},
    "camera": {"pitch": {"joint": "tilt", "positive": "down", "min_rad": -1, "max_rad": 1, "max_rad_per_s": 1}},
    "triggers": {"attack": {"service": "beeper"}},
}
ACKERMANN = {"kind": "ackermann", "wheelbase_m": 0.3, "max_steering_rad": 0.5, "standing_turn": "stand"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bas": {}}, "did you mean 'base'"),
        ({"base": {"kind": "mecanumm"}}, r"base.kind: expected one of .*did you mean 'mecanum'"),
        ({"base": {"kind": ["omni"]}}, r"base.kind: expected one of"),
        ({"base": {"kind": "omni", "key": ["forward"]}}, "base: .*did you mean 'keys'"),
        ({"base": {"kind": "omni", "keys": ["jump"]}}, "base: keys: expected some of"),
        ({"base": {"kind": "differential", "keys": ["left"]}}, r"some of \['forward', 'back'\].*got \['left'\]"),
        ({"base": {"kind": "fixed", "keys": ["forward"]}}, "expected some of none"),
        ({"base": {"kind": "ackermann"}}, "base: expected the field 'wheelbase_m'"),
        ({"base": {**ACKERMANN, "max_steering_rad": 25}}, "max_steering_rad: expected radians"),
        ({"base": {**ACKERMANN, "wheelbase_m": 320}}, "wheelbase_m: expected metres"),
        ({"base": {**ACKERMANN, "min_turning_radius_m": 0.1}}, "expected at least 0.549 m"),
        ({"base": {**ACKERMANN, "standing_turn": "spin"}}, "expected 'stand' or 'arc'"),
        ({"base": {**ACKERMANN, "standing_turn": "arc"}}, "creep_m_per_s: expected a positive number"),
        ({"base": {"kind": "legged", "deadband_m_per_s": 0.1}}, "expected the field 'deadband_rad_per_s'"),
        ({"base": "omni"}, "base: expected names and values"),
        ({"motion": {"kind": "velocities", "meters_per_blok": 1}}, "did you mean 'meters_per_block'"),
        ({"motion": {"kind": "velocities", "meters_per_block": -1}}, "expected metres, above 0"),
        ({"motion": {"kind": "velocities", "meters_per_block": math.nan}}, "expected a finite number"),
        ({"motion": {"kind": "velocities", "meters_per_block": 10**400}}, "expected a finite number"),
        ({"motion": {"kind": "velocities", "walk_gain": "fast"}}, "expected a finite number, got 'fast'"),
        ({"motion": {"kind": "steps", "step_cm": 10}}, "did you mean 'step_m'"),
        (
            {"motion": {"kind": "steps", "step_m": 10, "speed_m_per_s": 1, "turn_rad_per_s": 1}},
            "step_m: expected metres",
        ),
        ({"motion": {"kind": "steps", "step_m": 0.1}}, "expected the field 'speed_m_per_s'"),
        ({"camera": {"pan": {}}}, "camera: expected fields"),
        ({"camera": {"pitch": {**SOUND["camera"]["pitch"], "positive": "left"}}}, r"pitch.positive: expected one of"),
        ({"camera": {"pitch": {**SOUND["camera"]["pitch"], "max_rad": 45}}}, "expected radians"),
        ({"camera": {"pitch": {**SOUND["camera"]["pitch"], "home_rad": 2}}}, "home_rad"),
        ({"camera": {"pitch": {**SOUND["camera"]["pitch"], "joint": 3}}}, "camera.pitch.joint: expected text"),
        ({"camera": {"yaw": {**SOUND["camera"]["pitch"], "positive": "left"}}}, "expected none on a base that turns"),
        ({"triggers": {"attak": {"service": "beeper"}}}, "did you mean 'attack'"),
        ({"triggers": {"attack": {"service": "beep er"}}}, "expected the name of a ROS service"),
        ({"triggers": {"attack": {}}}, "expected the field 'service'"),
        ({"triggers": ["attack"]}, "expected keys and their services"),
    ],
)
def test_a_wrong_file_is_refused_with_what_was_expected(tmp_path, changes, message):
    path = tmp_path / "robot.yaml"
    path.write_text(yaml.safe_dump({**SOUND, **changes}))
    with pytest.raises(ContractError, match=message):
        ActionMapping.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "expected names and values"),
        ("{", "expected a readable YAML file"),
        ("base: {kind: omni}", "expected the section 'motion'"),
    ],
)
def test_what_is_no_robots_file_is_refused(tmp_path, text, message):
    path = tmp_path / "robot.yaml"
    path.write_text(text)
    with pytest.raises(ContractError, match=message):
        ActionMapping.load(path)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.text(), max_size=2)
)
names = st.sampled_from(["kind", "keys", "wheelbase_m", "step_m", "pitch", "joint", "attack", "service"])
sections = st.recursive(scalars, lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6)


@settings(max_examples=80)
@given(st.dictionaries(st.sampled_from(["base", "motion", "camera", "triggers"]), sections, max_size=4))
def test_no_sections_bring_anything_but_a_mapping_or_a_contract_error(changes):
    with contextlib.suppress(ContractError):
        assert isinstance(ActionMapping.from_sections({**SOUND, **changes}), ActionMapping)


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_no_file_brings_anything_but_a_mapping_or_a_contract_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("yaml") / "base.yaml"
    path.write_bytes(content)
    with contextlib.suppress(ContractError):
        assert isinstance(ActionMapping.load(path), ActionMapping)


def test_the_longest_step_is_within_what_the_gate_accepts():
    car = shipped("robot_car")
    holds = [car.command((buttons, 0, 0), TABLE).hold_s for buttons in range(len(TABLE.buttons))]
    assert 0 < max(holds) <= MAX_HOLD_S
