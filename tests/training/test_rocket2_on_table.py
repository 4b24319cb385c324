"""ROCKET-2 in rows of an action table: what its own heads say of each, no more and no less."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from xview_deploy.spec import ACTION_TABLES, ActionTable
from xview_training.policy.architectures import ARCHITECTURES, config_from, untrained
from xview_training.policy.minecraft_actions import CAMERA_CLASSES, STILL_CLASS, decode
from xview_training.policy.rocket2.heads import PreviousAction
from xview_training.policy.rocket2.layout import SMALL
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable, classes_of
from xview_training.policy.rocket2.policy import Rocket2Goal, Rocket2Policy
from xview_training.policy.small import SmallPolicyConfig

TABLE = ACTION_TABLES["full"]
TINY = dataclasses.replace(SMALL, view_backbone="timm/vit_tiny_patch16_224", hiddim=64, num_layers=1, mem_len=3)


@pytest.fixture(scope="module")
def policy(one_thread):
    torch.manual_seed(0)
    return Rocket2OnTable(Rocket2Config(TINY, TABLE)).eval()


@pytest.fixture(scope="module")
def frames(policy):
    """Three steps of two rows: pictures, goal, event, previous actions."""
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (2, 3, 224, 224, 3), np.uint8))
    mask = torch.zeros(2, 224, 224, dtype=torch.uint8)
    mask[:, 50:100, 30:142] = 1
    with torch.no_grad():
        goal = policy.encode_goal(images[:, 0], mask)
    action = torch.from_numpy(np.stack([rng.integers(0, size, (2, 3)) for size in TABLE.sizes], -1))
    return images, goal, torch.tensor([7, 3]), action


def test_a_row_s_classes_press_its_keys_with_the_camera_still_or_moving():
    for row, (still, moving) in zip(TABLE.buttons, classes_of(TABLE), strict=True):
        for button, turn in ((still, 0.0), (moving, 10.0)):
            keys, camera = decode(np.array([button]), np.array([CAMERA_CLASSES - 1]))
            assert keys.sum() == len(row)
            assert np.allclose(camera, turn)


def test_the_heads_are_the_marginals_of_the_joint_choice(policy):
    torch.manual_seed(1)
    buttons, camera = torch.randn(8641).log_softmax(-1), torch.randn(121).log_softmax(-1)
    rows, pitch, yaw = (part.exp() for part in policy.marginals(buttons.view(1, 1, -1), camera.view(1, 1, -1)))
    expected = [np.zeros(size) for size in TABLE.sizes]
    for row, (still, moving) in enumerate(classes_of(TABLE)):
        for button, moves in ((still, False), (moving, True)):
            for step in range(121):
                share = float(buttons[button].exp() * camera[step].exp())
                chosen = step if moves else STILL_CLASS
                for head, choice in zip(expected, (row, chosen // 11, chosen % 11), strict=True):
                    head[choice] += share
    for got, head in zip((rows, pitch, yaw), expected, strict=True):
        assert np.allclose(got[0, 0], head / head.sum(), atol=1e-6)


def test_answers_are_rocket2_s_own_in_the_contract_s_order(policy, frames):
    images, goal, event, action = frames
    with torch.no_grad():
        output, state = policy(images, goal, event, action, policy.initial_state(2))
        told = PreviousAction(policy._row_keys[action[..., 0]], torch.tensor(TABLE.camera_deg)[action[..., 1:]].float())
        own, own_state = policy.rocket2(images, Rocket2Goal(goal.tokens), event, told, policy.initial_state(2))
    assert all(torch.equal(a, b) for a, b in zip(state, own_state, strict=True))
    assert torch.allclose(output.visible, own.visible)
    assert torch.equal(output.point, own.point[..., [1, 0]])
    assert torch.equal(output.box, own.box)
    assert torch.equal(output.value, own.value)
    assert torch.allclose(output.bearing_unit.norm(dim=-1), torch.ones(2, 3), atol=1e-4)
    assert torch.allclose(goal.vector, torch.full((2, 1), 50 * 112 / 224**2))


def test_a_hidden_previous_action_changes_nothing_whatever_it_was(policy, frames):
    images, goal, event, action = frames
    hidden = torch.ones(2, 3, dtype=torch.bool)
    state = policy.initial_state(2)
    with torch.no_grad():
        one = policy(images, goal, event, action, state, hidden)[0]
        other = policy(images, goal, event, torch.zeros_like(action), state, hidden)[0]
        told = policy(images, goal, event, action, state)[0]
    assert torch.equal(one.buttons, other.buttons)
    assert not torch.equal(one.buttons, told.buttons)


def test_gradients_are_finite_and_spare_the_frozen_backbone(policy, frames):
    images, goal, event, action = frames
    output, _ = policy(images, goal, event, action, policy.initial_state(2))
    sum(-head[..., 0].mean() for head in (output.buttons, output.pitch, output.yaw)).backward()
    for name, parameter in policy.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), name
    assert all(p.grad is None for p in policy.rocket2.view_backbone.parameters())
    policy.zero_grad()


@pytest.mark.parametrize("config", ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_a_configuration_comes_back_from_a_checkpoint_s_json(config):
    assert config_from(json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_a_checkpoint_from_before_there_were_two_is_of_the_small_policy():
    record = json.loads(json.dumps(dataclasses.asdict(SmallPolicyConfig(memory_layers=1))))
    del record["architecture"]
    assert config_from(record) == SmallPolicyConfig(memory_layers=1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: Rocket2Config(actions=ActionTable(camera_deg=(-1.0, 0.0, 1.0))),
            "expected ROCKET-2's 11 steps a tick",
        ),
        (lambda: Rocket2Config(actions=ActionTable(buttons=(("fly",),))), "expected Minecraft's keys, got 'fly'"),
        (lambda: Rocket2Config(architecture="small"), "expected rocket2 for this layout, got 'small'"),
        (lambda: SmallPolicyConfig(architecture="rocket2"), "expected small for these sizes, got 'rocket2'"),
        (lambda: config_from({"architecture": "rocket3"}), "unknown architecture 'rocket3': did you mean 'rocket2'"),
        (lambda: config_from({"width": 3}), "expected only the fields"),
        (lambda: untrained("rocket2-smal"), "unknown policy 'rocket2-smal': did you mean 'rocket2-small'"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_published_weights_are_worn_as_they_are(policy):
    own = Rocket2Policy(TINY)
    worn = Rocket2OnTable(Rocket2Config(TINY), own)
    assert worn.rocket2 is own
    assert {name.removeprefix("rocket2.") for name in worn.state_dict()} == own.state_dict().keys()
    assert math.isclose(sum(p.numel() for p in worn.parameters()), sum(p.numel() for p in own.parameters()))
