"""Policy, console and twin under a manager, and without one."""

import signal
import socket
import urllib.request

import pytest
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from nav_msgs.msg import Odometry
from sensor_msgs.msg import CompressedImage
from xview_agent import topics
from xview_interfaces.msg import PolicyCommand, PolicyStatus

BY_HAND = {"autostart": "false"}
CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP


def change(probe, node: str, *transitions: int) -> bool:
    """Whether the last of the transitions succeeded; those before it must."""
    for number in transitions:
        request = ChangeState.Request(transition=Transition(id=number))
        success = probe.call(f"{node}/change_state", ChangeState, request).success
        assert success or number == transitions[-1]
    return success


def state(probe, node: str) -> int:
    return probe.call(f"{node}/get_state", GetState).current_state.id


def test_by_itself_a_node_becomes_active(probe, start_node):
    start_node("policy", policy="random")
    probe.policy(PolicyStatus.WAITING_FOR_GOAL)
    assert state(probe, "policy") == State.PRIMARY_STATE_ACTIVE


def test_a_manager_takes_the_policy_through_its_life(probe, start_node):
    start_node("policy", policy="random", picture_timeout=2.0, **BY_HAND)
    probe.play_camera()
    probe.send_goal()
    statuses = probe.listen(PolicyStatus, topics.POLICY_STATUS)
    assert state(probe, "policy") == State.PRIMARY_STATE_UNCONFIGURED
    assert change(probe, "policy", CONFIGURE)
    assert state(probe, "policy") == State.PRIMARY_STATE_INACTIVE
    assert statuses == []
    assert change(probe, "policy", ACTIVATE)
    probe.policy(PolicyStatus.RUNNING, goal_id="goal-1")
    commands = probe.listen(PolicyCommand, topics.COMMAND)
    probe.until(lambda: commands, "commands")
    assert change(probe, "policy", DEACTIVATE)
    count = len(commands)
    assert state(probe, "policy") == State.PRIMARY_STATE_INACTIVE
    assert state(probe, "policy") == State.PRIMARY_STATE_INACTIVE
    assert len(commands) <= count + 1
    assert change(probe, "policy", CLEANUP, CONFIGURE, ACTIVATE)
    probe.policy(PolicyStatus.RUNNING, goal_id="goal-1")


def test_a_bundle_that_is_none_is_a_failed_transition_and_the_node_lives(probe, start_node, tmp_path):
    policy = start_node("policy", bundle=tmp_path / "none.xview", **BY_HAND)
    assert not change(probe, "policy", CONFIGURE)
    assert state(probe, "policy") == State.PRIMARY_STATE_UNCONFIGURED
    assert policy.poll() is None


def test_the_console_opens_its_page_when_active_and_closes_it_after(probe, start_node):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start_node("console", port=port, **BY_HAND)
    assert change(probe, "console", CONFIGURE, ACTIVATE)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
        assert page.status == 200
    assert change(probe, "console", DEACTIVATE)
    with pytest.raises(OSError):  # noqa: PT011 - refused, whatever words the system has for it
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    assert change(probe, "console", ACTIVATE)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
        assert page.status == 200


def test_an_inactive_twin_shows_and_does_nothing(probe, start_node):
    start_node("twin")
    pictures = probe.listen(CompressedImage, topics.image_topic(topics.ONBOARD))
    odometry = probe.listen(Odometry, topics.ODOMETRY)
    probe.until(lambda: pictures and odometry, "pictures and odometry")
    assert change(probe, "twin", DEACTIVATE)
    before = len(pictures), len(odometry)
    assert state(probe, "twin") == State.PRIMARY_STATE_INACTIVE
    assert state(probe, "twin") == State.PRIMARY_STATE_INACTIVE
    assert (len(pictures), len(odometry)) <= (before[0] + 1, before[1] + 1)
    assert change(probe, "twin", ACTIVATE)
    probe.until(lambda: len(pictures) > before[0] + 2, "pictures again")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("transitions", [(), (CONFIGURE,), (CONFIGURE, ACTIVATE)], ids=["unconfigured", "in", "active"])
def test_a_signal_ends_a_node_with_status_0_from_any_state(probe, start_node, signum, transitions):
    policy = start_node("policy", policy="random", **BY_HAND)
    probe.until(lambda: state(probe, "policy"), "the policy's services")
    if transitions:
        assert change(probe, "policy", *transitions)
    policy.send_signal(signum)
    probe.until(lambda: policy.poll() is not None, "end of the policy")
    assert policy.returncode == 0
