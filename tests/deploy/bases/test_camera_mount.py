import pytest
from hypothesis import given
from hypothesis import strategies as st
from xview_deploy.bases.camera_mount import FIRST_MOVE_S, CameraJoint, CameraMount, Gimbal
from xview_deploy.bases.robot_command import HELD, CameraRate

TILT = CameraJoint("tilt", "down", -0.5, 0.4, 1.0)
PAN = CameraJoint("pan", "right", -2.0, 2.0, 3.0, home_rad=0.1)


def mount() -> CameraMount:
    return CameraMount(Gimbal(TILT, PAN))


def test_joints_that_need_not_move_are_told_nothing():
    assert mount().advance(HELD, 0.1) is None


def test_rates_become_positions_with_each_joints_own_sign():
    target = mount().advance(CameraRate(pitch=0.5, yaw=1.0), 0.1)
    assert target.joints == ("tilt", "pan")
    assert target.positions_rad == pytest.approx((0.05, 0.0))


def test_the_first_move_from_an_unknown_position_is_slow_and_a_measured_one_is_not():
    assert mount().advance(CameraRate(0.5, 0.0), 0.1).seconds == FIRST_MOVE_S
    known = mount()
    known.on_joint("tilt", 0.2)
    known.on_joint("pan", 0.0)
    known.on_joint("arm", 1.0)
    target = known.advance(CameraRate(0.5, 0.0), 0.1)
    assert target.seconds == pytest.approx(0.2)
    assert target.positions_rad == pytest.approx((0.25, 0.0))


def test_a_measurement_that_lags_behind_a_moving_joint_is_not_used():
    head = mount()
    head.on_joint("tilt", 0.0)
    head.advance(CameraRate(1.0, 0.0), 0.1)
    head.on_joint("tilt", 0.02)
    assert head.advance(CameraRate(1.0, 0.0), 0.1).positions_rad[0] == pytest.approx(0.2)
    head.advance(HELD, 0.1)
    head.on_joint("tilt", 0.19)
    assert head.advance(CameraRate(1.0, 0.0), 0.1).positions_rad[0] == pytest.approx(0.29)


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), max_size=30))
def test_no_rates_leave_a_joints_range_or_exceed_its_speed(rates):
    head, before = mount(), (TILT.home_rad, PAN.home_rad)
    for rate in rates:
        target = head.advance(CameraRate(*rate), 0.1)
        if target is None:
            continue
        for joint, position, last in zip((TILT, PAN), target.positions_rad, before, strict=True):
            assert joint.min_rad <= position <= joint.max_rad
            assert abs(position - last) <= joint.max_rad_per_s * 0.1 + 1e-9
        before = target.positions_rad
