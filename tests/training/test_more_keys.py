"""A policy that is given more keys does with the old ones what it did."""

import dataclasses

import pytest
import torch
from xview_deploy.spec import ACTION_TABLES
from xview_training.policy.architectures import build, untrained
from xview_training.policy.more_keys import with_keys_of
from xview_training.policy.small import SmallPolicyConfig

WALK, FULL = ACTION_TABLES["walk"], ACTION_TABLES["full"]


def answered(policy, previous):
    generator = torch.Generator().manual_seed(1)
    pictures = torch.randint(0, 256, (2, 4, 64, 64, 3), dtype=torch.uint8, generator=generator)
    mask = torch.zeros(2, 64, 64, dtype=torch.uint8)
    mask[:, 20:40, 20:40] = 1
    with torch.inference_mode():
        goal = policy.encode_goal(pictures[:, 0], mask)
        return policy(pictures, goal, torch.tensor([0, 1]), previous, policy.initial_state(2))[0]


@pytest.fixture(scope="module")
def walker():
    torch.manual_seed(3)
    return build(SmallPolicyConfig()).eval()


def test_the_old_rows_keep_their_logits_and_the_rest_its_answers(walker):
    grown = with_keys_of(walker, FULL).eval()
    previous = torch.randint(0, 7, (2, 4, 3), generator=torch.Generator().manual_seed(2))
    before, after = answered(walker, previous), answered(grown, previous)
    assert grown.config.action_sizes == FULL.sizes
    rows = [FULL.buttons.index(keys) for keys in WALK.buttons]
    torch.testing.assert_close(after.buttons[..., rows], before.buttons)
    for name in ("pitch", "yaw", "value", "heatmap", "point", "box", "bearing"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name))


def test_rows_are_found_by_their_keys_wherever_they_stand(walker):
    turned = dataclasses.replace(FULL, buttons=tuple(reversed(FULL.buttons)))
    grown = with_keys_of(walker, turned).eval()
    previous = torch.randint(0, 7, (2, 4, 3), generator=torch.Generator().manual_seed(2))
    elsewhere = previous.clone()
    elsewhere[..., 0] = len(FULL.buttons) - 1 - previous[..., 0]
    before, after = answered(walker, previous), answered(grown, elsewhere)
    torch.testing.assert_close(after.buttons.flip(-1)[..., : len(WALK.buttons)], before.buttons)


def test_a_policy_that_has_the_keys_is_left_alone(walker):
    assert with_keys_of(walker, WALK) is walker


def test_keys_are_never_taken_away(walker):
    with pytest.raises(ValueError, match="expected a table with the policy's"):
        with_keys_of(with_keys_of(walker, FULL), WALK)


def test_rocket2_wears_any_table_with_the_weights_it_has():
    policy = untrained("rocket2-small")
    fuller = with_keys_of(policy, FULL)
    assert (fuller.config.actions, fuller.rocket2) == (FULL, policy.rocket2)
    assert with_keys_of(fuller, WALK).config == policy.config
    assert with_keys_of(policy, WALK) is policy


def test_an_unknown_table_is_refused():
    with pytest.raises(ValueError, match=r"got small with \(3, 3, 3\)"):
        with_keys_of(build(SmallPolicyConfig(action_sizes=(3, 3, 3))), FULL)
