import signal

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Twist
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import ReliabilityPolicy
from visualization_msgs.msg import MarkerArray
from xview_agent import topics
from xview_agent.stamps import nanoseconds
from xview_deploy.bundle import read_bundle
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_interfaces.msg import GateStatus, PolicyCommand, PolicyStatus

PATIENT = {"picture_timeout": 2.0}  # where a stall of the machine is not the subject


def run_policy(probe, start_node, kind: str = "forward_biased_random", **parameters):
    process = start_node("policy", policy=kind, **{**PATIENT, **parameters})
    probe.play_camera()
    probe.policy(PolicyStatus.WAITING_FOR_GOAL)
    return process


def test_it_waits_for_a_goal_then_for_a_picture_then_runs(probe, start_node):
    start_node("policy", policy="random", **PATIENT)
    commands = probe.listen(PolicyCommand, topics.COMMAND)
    assert "expected a goal" in probe.policy(PolicyStatus.WAITING_FOR_GOAL).message
    probe.send_goal()
    assert "picture" in probe.policy(PolicyStatus.WAITING_FOR_PICTURE, goal_id="goal-1").message
    assert commands == []
    probe.play_camera()
    status = probe.policy(PolicyStatus.RUNNING, goal_id="goal-1")
    assert (status.event, status.policy, status.message) == ("approach", "random", "")
    assert status.header.frame_id == "onboard_optical_frame"


def test_a_goal_sent_before_the_policy_starts_is_not_lost(probe, start_node):
    probe.send_goal(id="early")
    start_node("policy", policy="random", **PATIENT)
    probe.play_camera()
    probe.policy(PolicyStatus.RUNNING, goal_id="early")


def test_commands_carry_the_stamp_of_the_picture_that_they_answer(probe, start_node):
    run_policy(probe, start_node)
    probe.send_goal()
    statuses = probe.listen(PolicyStatus, topics.POLICY_STATUS)
    command = probe.newest(PolicyCommand, topics.COMMAND)
    stamp_ns = nanoseconds(command.header.stamp)
    status = probe.until(
        lambda: next((s for _, s in statuses if nanoseconds(s.header.stamp) == stamp_ns), None), "its status"
    )
    assert 0 <= status.picture_age_ms < 2000
    assert abs(probe.node.get_clock().now().nanoseconds - stamp_ns) < 2e9


def test_it_decides_at_the_rate_that_the_policy_was_trained_at(probe, start_node):
    run_policy(probe, start_node)
    probe.send_goal()
    commands = probe.listen(PolicyCommand, topics.COMMAND)
    probe.until(lambda: len(commands) >= 14, "14 commands")
    gaps = np.diff([came_s for came_s, _ in commands])
    assert np.median(gaps) == pytest.approx(3 / 20, abs=0.03)


def test_a_malformed_goal_in_mid_drive_ends_with_a_zero(probe, start_node):
    run_policy(probe, start_node)
    probe.send_goal()
    commands = probe.listen(PolicyCommand, topics.COMMAND)
    probe.until(lambda: any(command.velocity.linear.x > 0 for _, command in commands), "motion")
    probe.send_goal(id="bad", event="hug")
    probe.policy(PolicyStatus.REFUSED)
    probe.until(lambda: commands[-1][1].velocity == Twist(), "a zero")
    count = len(commands)
    probe.policy(PolicyStatus.REFUSED)
    probe.policy(PolicyStatus.REFUSED)
    assert len(commands) == count


def test_an_onboard_picture_cut_short_is_not_acted_upon(probe, start_node):
    run_policy(probe, start_node)
    probe.send_goal()
    probe.policy(PolicyStatus.RUNNING)
    probe.jpeg = probe.jpeg[: len(probe.jpeg) // 2]
    expected = "onboard picture: expected a whole JPEG"
    status = probe.newest(PolicyStatus, topics.POLICY_STATUS, lambda s: expected in s.message, expected)
    assert status.state == PolicyStatus.WAITING_FOR_PICTURE


def test_an_old_picture_is_not_acted_upon(probe, start_node):
    run_policy(probe, start_node, picture_timeout=0.3)
    probe.send_goal()
    probe.policy(PolicyStatus.RUNNING)
    probe.silence("camera")
    status = probe.newest(PolicyStatus, topics.POLICY_STATUS, lambda s: "old" in s.message, "an old picture")
    assert status.state == PolicyStatus.WAITING_FOR_PICTURE
    assert "allowed 0.30 s" in status.message


def test_nothing_is_remembered_while_the_gate_is_not_armed(probe, start_node):
    run_policy(probe, start_node)
    gate = probe.node.create_publisher(GateStatus, topics.GATE_STATUS, topics.LATCHED_QOS)
    gate.publish(GateStatus(state=GateStatus.DISARMED))
    probe.send_goal()
    probe.policy(PolicyStatus.RUNNING, step=1)
    probe.policy(PolicyStatus.RUNNING, step=1)
    gate.publish(GateStatus(state=GateStatus.ARMED, armed=True))
    probe.policy(PolicyStatus.RUNNING, step=5)


def test_reset_memory_starts_counting_anew(probe, start_node):
    run_policy(probe, start_node)
    probe.send_goal()
    probe.policy(PolicyStatus.RUNNING, step=6)
    assert probe.call(topics.RESET_MEMORY).message == "memory emptied"
    status = probe.policy(PolicyStatus.RUNNING)
    assert status.step < 6


def set_policy(probe, name: str):
    value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=name)
    request = SetParameters.Request(parameters=[Parameter(name="policy", value=value)])
    return probe.call("policy/set_parameters", SetParameters, request).results[0]


def test_the_policy_changes_while_it_runs_and_an_unknown_one_is_refused(probe, start_node):
    run_policy(probe, start_node, "random")
    probe.send_goal()
    probe.policy(PolicyStatus.RUNNING, policy="random")
    assert set_policy(probe, "forward_biased_random").successful
    probe.policy(PolicyStatus.RUNNING, policy="forward_biased_random", goal_id="goal-1")
    answer = set_policy(probe, "clairvoyant")
    assert not answer.successful
    assert "expected bundle, random or forward_biased_random, got 'clairvoyant'" in answer.reason
    probe.policy(PolicyStatus.RUNNING, policy="forward_biased_random")


def set_number(probe, name: str, number: float):
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=number)
    request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
    return probe.call("policy/set_parameters", SetParameters, request).results[0]


def test_thresholds_change_while_it_runs_and_senseless_or_fixed_ones_do_not(probe, start_node):
    run_policy(probe, start_node)
    assert set_number(probe, "lost_timeout", 5.0).successful
    assert set_number(probe, "temperature", 0.0).successful
    answer = set_number(probe, "reached_visible", 1.5)
    assert not answer.successful
    assert "reached_visible" in answer.reason
    assert not set_number(probe, "seed", 1.0).successful
    probe.policy(PolicyStatus.WAITING_FOR_GOAL)


def test_diagnostics_tell_what_runs_how_often_and_how_late(probe, start_node):
    run_policy(probe, start_node)
    probe.send_goal()

    def fits(array: DiagnosticArray) -> bool:
        return array.status[0].name == "/xview/policy" and array.status[0].message == "running"

    status = probe.newest(DiagnosticArray, topics.DIAGNOSTICS, fits, "diagnostics of the policy").status[0]
    values = {pair.key: pair.value for pair in status.values}
    assert status.level == DiagnosticStatus.OK
    assert values["policy"] == "forward_biased_random"
    assert values["expected, Hz"] == "6.7"
    assert float(values["decisions, Hz"]) > 0


def test_the_belief_is_drawn_in_the_bases_frame(probe, start_node):
    run_policy(probe, start_node, "bundle", base_frame="chassis")
    probe.send_goal()
    markers = probe.newest(MarkerArray, topics.BELIEF_MARKERS, lambda array: len(array.markers) == 2, "markers").markers
    assert {marker.header.frame_id for marker in markers} == {"chassis"}
    tip = markers[0].points[1]
    assert np.hypot(tip.x, tip.y) == pytest.approx(1.0, abs=0.01)
    assert markers[1].text.startswith("running\nvisible ")


def test_quality_of_service_of_the_camera_is_the_parameter_files_to_choose(probe, start_node):
    topic = f"/xview/{topics.image_topic(topics.ONBOARD)}"
    run_policy(probe, start_node, **{f"qos_overrides.{topic}.subscription.reliability": "reliable"})

    def chosen() -> list[ReliabilityPolicy]:
        listeners = probe.node.get_subscriptions_info_by_topic(topic)
        return [listener.qos_profile.reliability for listener in listeners if listener.node_name == "policy"]

    assert probe.until(chosen, "the policy's subscription") == [ReliabilityPolicy.RELIABLE]


def test_sigint_ends_it_with_status_0(probe, start_node):
    process = run_policy(probe, start_node)
    process.send_signal(signal.SIGINT)
    probe.until(lambda: process.poll() is not None, "end of the policy")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "expected a bundle"), (b"\x00" * 500, "expected a bundle")],
    ids=["missing", "foreign"],
)
def test_a_bundle_that_is_none_ends_it_with_a_reason(start_node, tmp_path, content, message):
    path = tmp_path / "policy.xview"
    if content is not None:
        path.write_bytes(content)
    process = start_node("policy", bundle=path)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 2
    assert message in errors
    assert "Traceback" not in errors


def test_the_shipped_bundle_runs_and_names_what_runs_it(probe, start_node):
    run_policy(probe, start_node, "bundle")
    probe.send_goal()
    status = probe.policy(PolicyStatus.RUNNING)
    metadata = read_bundle(SHIPPED_BUNDLE).metadata
    assert (status.policy, tuple(status.events)) == (metadata.name, metadata.events)
    assert status.provider.endswith("ExecutionProvider")
    assert 0.0 <= status.visible <= 1.0
    assert np.hypot(*status.bearing) == pytest.approx(1.0, abs=0.01)
