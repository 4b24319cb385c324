"""What is no goal is refused with what was expected. A file of its own: its node stays for all of its tests."""

import numpy as np
import pytest
from xview_agent import topics
from xview_deploy.picture import encode_jpeg, encode_mask
from xview_interfaces.msg import PolicyCommand, PolicyStatus


def other_size() -> bytes:
    mask = np.zeros((100, 100), bool)
    mask[20:60, 20:60] = True
    return encode_mask(mask)


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)


MALFORMED = {
    "mask of another size": ({"mask": other_size()}, "expected the picture's size 320x240, got 100x100"),
    "empty mask": ({"mask": encode_mask(np.zeros((240, 320), bool))}, "got an empty mask"),
    "mask that is a JPEG": ({"mask": encode_jpeg(picture())}, "expected a PNG"),
    "unknown event": ({"event": "hug"}, "unknown event 'hug': expected one of"),
    "JPEG cut short": ({"image": encode_jpeg(picture())[:-200]}, "expected a whole JPEG, got one cut short"),
    "no picture": ({"image": b""}, "expected a JPEG or PNG, got no bytes"),
    "no id": ({"id": ""}, "goal id: expected a name that is not empty"),
    "another version": ({"version": 2}, "goal version: expected 1, got 2"),
}


@pytest.fixture(scope="module")
def shared_policy(start_shared_node):
    """One node for all malformed goals: starting one takes longer than refusing a goal."""
    return start_shared_node("policy", policy="random")


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_goal_is_refused_and_the_robot_is_told_nothing(probe, shared_policy, case):
    changes, message = MALFORMED[case]
    probe.play_camera()
    commands = probe.listen(PolicyCommand, topics.COMMAND)
    goal = {"id": f"bad: {case}", **changes}
    probe.send_goal(**goal)
    refused = probe.policy(PolicyStatus.REFUSED, goal_id=goal["id"])
    assert message in refused.message
    for _ in range(3):
        probe.policy(PolicyStatus.REFUSED)
    assert commands == []
