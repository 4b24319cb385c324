"""ROCKET-2 keeps its promises: one state, one answer however frames come, and a goal that can be guided by."""

import dataclasses

import pytest
import torch
from xview_training.policy import vit
from xview_training.policy.rocket2.guidance import GuidedRocket2
from xview_training.policy.rocket2.heads import PreviousAction, Rocket2Output
from xview_training.policy.rocket2.layout import SMALL, Rocket2Layout
from xview_training.policy.rocket2.policy import Rocket2Goal, Rocket2Policy

pytestmark = pytest.mark.usefixtures("one_thread")
THIN = "vit_thin"  # a backbone that costs nothing: what is tested comes after it
CLOSE = {"atol": 1e-4, "rtol": 0}
EVENT = torch.tensor([3])


@pytest.fixture(scope="module", autouse=True)
def _thin_backbone():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vit.VIT_SIZES, THIN, vit.VitSize(64, 2, depth=2))
        yield


@pytest.fixture(scope="module")
def policy(_thin_backbone) -> Rocket2Policy:
    """The small layout behind thin backbones, with every parameter away from its start."""
    torch.manual_seed(0)
    policy = Rocket2Policy(dataclasses.replace(SMALL, view_backbone=THIN, mask_backbone=THIN)).eval()
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
        normaliser = policy.value_head.normalizer
        normaliser.debiasing_term.fill_(0.5)
        normaliser.running_mean_sq.fill_(0.8)
    return policy


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (*shape, 224, 224, 3), dtype=torch.uint8, generator=generator)


def a_mask(at: int = 60) -> torch.Tensor:
    mask = torch.zeros(1, 224, 224, dtype=torch.uint8)
    mask[:, at : at + 60, at : at + 60] = 1
    return mask


def some_actions(steps: int) -> PreviousAction:
    generator = torch.Generator().manual_seed(3)
    keys = torch.randint(0, 2, (1, steps, 19), generator=generator)
    return PreviousAction(keys, torch.randn(1, steps, 2, generator=generator) * 4)


@pytest.fixture(scope="module")
def goal(policy) -> Rocket2Goal:
    with torch.no_grad():
        return policy.encode_goal(pictures(1, seed=5), a_mask())


@pytest.fixture(scope="module")
def seen(policy) -> torch.Tensor:
    """Tokens of three pictures: what does not depend on goal or memory is looked at once."""
    with torch.no_grad():
        return policy.look(pictures(1, 3))


def decide(policy, seen, goal, event=EVENT, actions=None) -> Rocket2Output:
    actions = some_actions(seen.shape[1]) if actions is None else actions
    with torch.no_grad():
        return policy.decide(seen, goal, event, actions, policy.initial_state(1))[0]


def test_forty_steps_equal_one_sequence_of_forty(policy, goal):
    steps = 40  # two and a half times the memory
    images, actions = pictures(1, steps), some_actions(steps)
    with torch.no_grad():
        whole, end = policy(images, goal, EVENT, actions, policy.initial_state(1))
        state, answers = policy.initial_state(1), []
        for t in range(steps):
            action = PreviousAction(actions.keys[:, t : t + 1], actions.camera_deg[:, t : t + 1])
            answer, state = policy.step(images[:, t], goal, EVENT, action, state)
            answers.append(answer)
    for name, at_once, single in zip(Rocket2Output._fields, whole, zip(*answers, strict=True), strict=True):
        torch.testing.assert_close(torch.stack(single, 1), at_once, **CLOSE, msg=lambda text, name=name: name + text)
    for at_once, single in zip(end, state, strict=True):
        torch.testing.assert_close(single, at_once, **CLOSE)


def test_answers_are_probabilities_and_returns(policy, seen, goal):
    output = decide(policy, seen, goal)
    for part in (output.buttons, output.camera):
        torch.testing.assert_close(part.exp().sum(-1), torch.ones(1, 3), **CLOSE)
    assert ((output.visible > 0) & (output.visible < 1)).all()
    torch.testing.assert_close(output.value, policy.value_head.normalizer.denormalise(output.value_normalised))
    assert torch.equal(output.likeliest, torch.stack([output.buttons.argmax(-1), output.camera.argmax(-1)], -1))


@pytest.mark.parametrize("changed", ["mask", "event", "action", "hidden"])
def test_what_the_policy_is_told_decides(policy, seen, goal, changed):
    with torch.no_grad():
        other = policy.encode_goal(pictures(1, seed=5), a_mask(140)) if changed == "mask" else goal
    event = torch.tensor([7]) if changed == "event" else EVENT
    actions = PreviousAction.none(1, 3, seen.device) if changed == "action" else some_actions(3)
    if changed == "hidden":
        actions = actions._replace(hidden=torch.tensor([[True, False, False]]))
    before, after = decide(policy, seen, goal), decide(policy, seen, other, event, actions)
    assert not torch.allclose(before.buttons, after.buttons, atol=1e-4)


def test_a_hidden_action_does_not_matter(policy, seen, goal):
    hidden = torch.ones(1, 3, dtype=torch.bool)
    one = decide(policy, seen, goal, actions=some_actions(3)._replace(hidden=hidden))
    other = decide(policy, seen, goal, actions=PreviousAction.none(1, 3, seen.device)._replace(hidden=hidden))
    assert torch.equal(one.buttons, other.buttons)


def test_goal_and_event_may_change_within_a_sequence(policy, seen, goal):
    with torch.no_grad():
        other = policy.encode_goal(pictures(1, seed=6), a_mask(100))
        goals = Rocket2Goal(torch.stack([goal.tokens, goal.tokens, other.tokens], 1))
    changing = decide(policy, seen, goals, torch.tensor([[3, 3, 7]]))
    steady = decide(policy, seen, goal)
    torch.testing.assert_close(changing.buttons[:, :2], steady.buttons[:, :2], **CLOSE)
    assert not torch.allclose(changing.buttons[:, 2], steady.buttons[:, 2], atol=1e-4)


def test_guidance_pushes_along_the_difference_a_goal_makes(policy, goal):
    images, actions = pictures(1, 2), some_actions(2)
    guided = GuidedRocket2(policy, scale=1.5)
    state, answers = guided.initial_state(1), []
    for t in range(2):
        action = PreviousAction(actions.keys[:, t : t + 1], actions.camera_deg[:, t : t + 1])
        answer, state = guided.step(images[:, t], goal, EVENT, action, state)
        answers.append(answer)
    with torch.no_grad():
        nothing = policy.encode_goal(torch.zeros_like(images[:, 0]), torch.zeros(1, 224, 224))
        seen = policy.look(images)
    asked = decide(policy, seen, goal, actions=actions)
    blind = decide(policy, seen, nothing, torch.tensor([0]), actions)
    expected = torch.softmax(2.5 * asked.buttons - 1.5 * blind.buttons, -1)
    torch.testing.assert_close(torch.stack([a.buttons for a in answers], 1).exp(), expected, **CLOSE)
    torch.testing.assert_close(torch.stack([a.value for a in answers], 1), asked.value, **CLOSE)


def test_no_guidance_is_the_policy_itself(policy, goal):
    guided = GuidedRocket2(policy, scale=0.0)
    images, actions = pictures(1, 1), some_actions(1)
    output, state = guided(images, goal, EVENT, actions, guided.initial_state(1))
    with torch.no_grad():
        plain, after = policy(images, goal, EVENT, actions, policy.initial_state(1))
    torch.testing.assert_close(output.buttons, plain.buttons, **CLOSE)
    assert torch.equal(state.asked.keys, after.keys)
    assert (guided.initial_state(1).forget(torch.tensor([True])).free.valid == 0).all()
    with pytest.raises(ValueError, match="scale is -1: expected a number from zero on"):
        GuidedRocket2(policy, scale=-1)


def test_all_but_the_frozen_backbone_learns():
    torch.manual_seed(1)
    policy = Rocket2Policy(Rocket2Layout(THIN, THIN, 32, 2, 2, 2, 2, num_view_tokens=2)).train()
    actions = some_actions(2)._replace(hidden=torch.tensor([[True, False]]))
    goal = policy.encode_goal(pictures(1, seed=5), a_mask())
    output, state = policy(pictures(1, 2), goal, EVENT, actions, policy.initial_state(1))
    sum(part.square().mean() for part in (*output, state.keys)).backward()
    for name, parameter in policy.named_parameters():
        learns = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert learns == (not name.startswith(("view_backbone.", "value_head.normalizer."))), name
        assert learns == parameter.requires_grad, name


def test_a_policy_without_previous_action_has_a_token_less():
    layout = Rocket2Layout(THIN, THIN, 32, 2, 1, 2, 2, use_prev_action=False, num_view_tokens=2)
    policy = Rocket2Policy(layout).eval()
    assert not any(name.startswith("action_embedding_layer") for name in policy.state_dict())
    with torch.no_grad():
        goal = policy.encode_goal(pictures(1, seed=5), a_mask())
        output, state = policy(pictures(1, 1), goal, EVENT, some_actions(1), policy.initial_state(1))
    assert output.buttons.shape == (1, 1, 8641)
    assert state.valid.tolist() == [[0, 0, 0, 1, 1, 1]]


def test_autocast_keeps_heads_and_state_in_full_precision(policy, seen, goal):
    exact = decide(policy, seen, goal)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        rounded, state = policy.decide(seen, goal, EVENT, some_actions(3), policy.initial_state(1))
    assert all(part.dtype == torch.float32 for part in (*rounded, *state))
    torch.testing.assert_close(rounded.buttons, exact.buttons, atol=0.3, rtol=0.1)


@pytest.mark.parametrize("side", [128, 223])
def test_pictures_of_another_size_are_refused(policy, side):
    picture = torch.zeros(1, side, side, 3, dtype=torch.uint8)
    with pytest.raises(ValueError, match=rf"goal_image is .1, {side}, {side}, 3.: expected .*224, 224, 3"):
        policy.encode_goal(picture, picture[..., 0])
    with pytest.raises(ValueError, match="goal_mask is"):
        policy.encode_goal(pictures(1), picture[..., 0])
    with pytest.raises(ValueError, match="images is"):
        policy.look(picture.unsqueeze(1))
