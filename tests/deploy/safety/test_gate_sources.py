"""What keeps coming to the gate: dead, late, frozen, from the future, of a clock that jumps are told apart."""

import pytest
from driven_gate import AHEAD, AT_REST, PERIOD_S, SETTINGS, command, drive, driving_gate, fed_gate, feed
from xview_deploy.bases.velocity import STILL
from xview_deploy.safety.gate import GateState, SafetyGate


@pytest.mark.parametrize(
    ("silent", "timeout_s"),
    [("picture", SETTINGS.picture_timeout), ("command", 0.5), ("operator heartbeat", 1.0)],
)
def test_silence_of_any_source_stops_the_robot_and_says_which(silent, timeout_s):
    gate, start_s = driving_gate()
    now_s = start_s
    while now_s < start_s + timeout_s + PERIOD_S:
        now_s += PERIOD_S
        if silent != "picture":
            gate.on_picture(0.02, now_s)
        if silent != "command":
            command(gate, AHEAD, 0.05, now_s)
        if silent != "operator heartbeat":
            gate.on_heartbeat(0.01, now_s)
        velocity = gate.output(now_s)
    assert velocity == STILL
    assert gate.state is GateState.STOPPED
    assert gate.reason(now_s).startswith(f"{silent} is dead: none has come for ")


def test_a_dead_camera_gives_zeros_within_300_ms_of_its_last_picture():
    gate, start_s = driving_gate()
    now_s = start_s
    while gate.output(now_s) != STILL:
        now_s += PERIOD_S
        gate.on_heartbeat(0.0, now_s)
        command(gate, AHEAD, 0.05, now_s)
    assert now_s - (start_s - 0.02) < 0.3


@pytest.mark.parametrize("source", ["on_picture", "on_heartbeat"])
def test_stamps_from_the_future_stop_beyond_the_tolerance(source):
    gate, now_s = driving_gate()
    getattr(gate, source)(-0.04, now_s)
    assert gate.output(now_s) != STILL
    getattr(gate, source)(-0.06, now_s)
    assert gate.output(now_s) == STILL
    assert "in the future" in gate.reason(now_s)


def test_queued_heartbeats_do_not_count_as_a_present_operator():
    gate = SafetyGate(SETTINGS)
    gate.on_picture(0.0, 0.0)
    command(gate, AHEAD, 0.0, 0.0)
    gate.on_heartbeat(5.0, 0.0)
    assert "operator heartbeat is late: the newest good one is 5.00 s old" in gate.arm(0.0)


def test_a_late_camera_is_not_called_dead():
    gate, now_s = driving_gate()
    gate.on_picture(0.15, now_s + 0.1)
    assert gate.output(now_s + 0.1) != STILL
    gate.on_picture(0.25, now_s + 0.3)
    assert gate.output(now_s + 0.3) == STILL
    assert gate.reason(now_s + 0.3).startswith("picture is late: the newest good one is 0.25 s old, allowed 0.20 s")


@pytest.mark.parametrize("source", ["on_picture", "on_heartbeat"])
def test_stamps_that_jump_back_stop(source):
    gate, now_s = driving_gate()
    getattr(gate, source)(0.12, now_s + 0.01)
    assert gate.output(now_s + 0.01) == STILL
    assert "jumped in time: stamped 0." in gate.reason(now_s)


@pytest.mark.parametrize("step_s", [10.0, -10.0])
def test_a_stepped_clock_stops_and_is_named_and_driving_goes_on_after_a_new_arm(step_s):
    gate = fed_gate()
    for tick in range(3):
        gate.on_clock(1e9 + tick * PERIOD_S, tick * PERIOD_S)
    now_s = 2 * PERIOD_S
    assert gate.arm(now_s) == ""
    gate.on_clock(1e9 + now_s + step_s, now_s)
    gate.on_picture(step_s, now_s)  # one that was under way
    assert gate.output(now_s) == STILL
    assert gate.reason(now_s).startswith(f"clock was stepped by {step_s:+.2f} s")
    feed(gate, now_s + 0.1)
    feed(gate, now_s + 0.2)
    gate.on_clock(1e9 + now_s + 0.2 + step_s, now_s + 0.2)
    assert gate.arm(now_s + 0.2) == ""


def frozen_camera(gate: SafetyGate, now_s: float) -> None:
    feed(gate, now_s)
    gate.on_picture(0.02, now_s, digest="the same")


def test_a_frozen_camera_stops_the_robot_within_its_timeout_once_the_robot_moves():
    gate, now_s = driving_gate()
    start_s = now_s
    while gate.output(now_s) != STILL:
        now_s += PERIOD_S
        frozen_camera(gate, now_s)
    assert now_s - start_s <= SETTINGS.picture_frozen_timeout + 2 * PERIOD_S
    assert gate.reason(now_s).startswith("picture is frozen: the same for 0.5")
    frozen_camera(gate, now_s + PERIOD_S)
    assert gate.arm(now_s + PERIOD_S) == ""  # what stands still cannot tell: a person's word counts, until it moves
    drive(gate, now_s + PERIOD_S, 0.6, frozen_camera)
    assert gate.state is GateState.STOPPED


def test_a_robot_that_stands_may_see_the_same_for_ever():
    gate = fed_gate(settings=SETTINGS)
    gate.arm(0.0)

    def nothing_new(gate: SafetyGate, now_s: float) -> None:
        feed(gate, now_s, STILL)
        gate.on_picture(0.02, now_s, digest="the same")

    drive(gate, 0.0, 20.0, nothing_new)
    assert gate.state is GateState.ARMED


def test_a_robot_that_pushes_in_vain_may_see_the_same_where_odometry_says_that_it_stands():
    gate, now_s = driving_gate()

    def stuck(gate: SafetyGate, now_s: float) -> None:
        frozen_camera(gate, now_s)
        gate.on_odometry(STILL, AT_REST, 0.01, now_s)

    drive(gate, now_s, 5.0, stuck)
    assert gate.state is GateState.ARMED
