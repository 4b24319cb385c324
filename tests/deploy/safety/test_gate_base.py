"""What the gate makes of the base's odometry, of a deadman button, and of what stands around the robot."""

import math

import numpy as np
import pytest
from driven_gate import AHEAD, AT_REST, LIMITS, PERIOD_S, drive, driving_gate, fed_gate, feed
from xview_deploy.bases.velocity import STILL, Velocity
from xview_deploy.safety.base_watch import BaseState
from xview_deploy.safety.gate import GateState, SafetyGate
from xview_deploy.safety.gate_settings import GateSettings

WITH_ODOMETRY = GateSettings(limits=LIMITS, odometry_required=True)


def moving_odometry(gate: SafetyGate, now_s: float) -> None:
    feed(gate, now_s)
    speed = STILL if gate.state is not GateState.ARMED else AHEAD
    gate.on_odometry(speed, (now_s, 0.0, 0.0), 0.01, now_s)


def test_required_odometry_must_be_there():
    assert "no odometry has come yet" in fed_gate(settings=WITH_ODOMETRY).arm(0.0)
    gate, now_s = driving_gate(WITH_ODOMETRY, moving_odometry)
    drive(gate, now_s, 0.6)
    assert gate.reason(now_s + 0.6).startswith("odometry is dead")


def test_odometry_that_does_not_change_while_motion_goes_out_is_frozen():
    gate, now_s = driving_gate(WITH_ODOMETRY, moving_odometry)

    def stuck(gate: SafetyGate, now_s: float) -> None:
        feed(gate, now_s)
        gate.on_odometry(STILL, AT_REST, 0.01, now_s)

    ended_s = drive(gate, now_s, 1.2, stuck)
    assert gate.state is GateState.STOPPED
    assert gate.reason(ended_s).startswith("odometry is frozen: the same for 1.0")
    assert gate.arm(ended_s) == ""


def test_odometry_that_is_no_number_stops_where_it_is_required():
    gate, now_s = driving_gate(WITH_ODOMETRY, moving_odometry)
    gate.on_odometry(Velocity(math.nan, 0.0, 0.0), AT_REST, 0.0, now_s)
    assert gate.output(now_s) == STILL
    assert "odometry is not finite" in gate.reason(now_s)


def test_odometry_confirms_a_stop_only_with_what_it_measured_since():
    gate, now_s = driving_gate(feeding=moving_odometry)
    gate.stop("enough", now_s)
    gate.on_odometry(STILL, AT_REST, 0.1, now_s)
    assert not gate.base_confirms_stop(now_s)
    gate.on_odometry(STILL, AT_REST, 0.0, now_s + 0.1)
    assert gate.base_confirms_stop(now_s + 0.1)
    assert gate.base.state(now_s + 0.1, gate.settings) is BaseState.STILL
    assert not gate.base_confirms_stop(now_s + 2.0)


def test_a_base_that_moves_on_after_a_stop_is_named_and_not_armed():
    gate, now_s = driving_gate(feeding=moving_odometry)
    gate.stop("enough", now_s)
    for tick in range(1, 30):
        feed(gate, now_s + tick * PERIOD_S)
        gate.on_odometry(AHEAD, AT_REST, 0.0, now_s + tick * PERIOD_S)
    now_s += 29 * PERIOD_S
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s) == "enough; the base moves though it is told to stand: 0.40 m/s, 0.50 rad/s"
    assert "the base moves" in gate.arm(now_s)


WITH_DEADMAN = GateSettings(limits=LIMITS, deadman_required=True)


def with_button(gate: SafetyGate, now_s: float) -> None:
    feed(gate, now_s)
    gate.on_joystick(True, 0.01, now_s)


def test_a_released_deadman_button_stops_and_arming_needs_it_held():
    gate, now_s = driving_gate(WITH_DEADMAN, with_button)
    gate.on_joystick(False, 0.01, now_s)
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s) == "deadman button is released"
    assert gate.arm(now_s) == "deadman button is released"
    gate.on_joystick(True, 0.01, now_s)
    assert gate.arm(now_s) == ""


def test_a_joystick_that_falls_silent_or_lacks_the_button_stops():
    gate, now_s = driving_gate(WITH_DEADMAN, with_button)
    silent_s = drive(gate, now_s, 0.6)
    assert gate.reason(silent_s).startswith("joystick is dead")
    gate, now_s = driving_gate(WITH_DEADMAN, with_button)
    gate.on_joystick(True, 0.01, now_s, fault="expected button 7, got 4 buttons")
    assert gate.reason(now_s) == "expected button 7, got 4 buttons"
    assert gate.arm(now_s) == "expected button 7, got 4 buttons"


WITH_SCAN = GateSettings(limits=LIMITS, obstacle_required=True, footprint=(0.2, 0.2, 0.2, 0.2))


def seeing(*points: tuple[float, float]):
    def feeding(gate: SafetyGate, now_s: float) -> None:
        feed(gate, now_s)
        gate.on_obstacles(np.array(points).reshape(-1, 2), 0.02, now_s)

    return feeding


def test_an_obstacle_ahead_stops_the_robot_before_it_gets_there():
    gate, now_s = driving_gate(WITH_SCAN, seeing((2.0, 0.0)))
    wall_m = 2.0
    while gate.output(now_s) != STILL:
        wall_m -= 0.4 * PERIOD_S
        now_s += PERIOD_S
        seeing((wall_m, 0.0))(gate, now_s)
    assert gate.reason(now_s).startswith("obstacle at x 0.4")
    braking_m = 0.4**2 / (2 * 2.0)
    assert wall_m - 0.2 > braking_m + WITH_SCAN.obstacle_margin


def test_what_stands_beside_or_behind_stops_nothing_and_a_stale_scan_does():
    gate, now_s = driving_gate(WITH_SCAN, seeing((-0.3, 0.0), (0.0, 0.35)))
    assert gate.state is GateState.ARMED
    stale_s = drive(gate, now_s, 0.4)
    assert gate.reason(stale_s).startswith("obstacle scan is dead")


def test_a_scan_that_cannot_be_used_stops():
    gate, now_s = driving_gate(WITH_SCAN, seeing())
    gate.on_obstacles(np.zeros((0, 2)), 0.02, now_s, fault="obstacle scan: expected measurements")
    assert gate.output(now_s) == STILL
    assert gate.arm(now_s) == "obstacle scan: expected measurements"


@pytest.mark.parametrize(("value", "age_s"), [(math.nan, 0.0), (0.4, -5.0)])
def test_odometry_that_is_not_required_and_makes_no_sense_only_tells_nothing(value, age_s):
    gate, now_s = driving_gate()
    gate.on_odometry(Velocity(value, 0, 0), AT_REST, age_s, now_s)
    assert gate.output(now_s) != STILL
    assert gate.base.state(now_s, gate.settings) is BaseState.UNKNOWN
