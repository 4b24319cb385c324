"""The small policy keeps its promises: shapes, causality, window, explicit state, use of the mask."""

import dataclasses
import json

import pytest
import torch
from xview_training.policy.architectures import build, config_from
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.policy.small import Goal, SmallPolicy, SmallPolicyConfig

WINDOW = 6
CLOSE = {"atol": 2e-5, "rtol": 1e-4}


def make_policy(**sizes) -> SmallPolicy:
    """A policy with a short window and with every parameter away from its start."""
    torch.manual_seed(0)
    policy = SmallPolicy(SmallPolicyConfig(memory_window=WINDOW, **sizes))
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return policy


@pytest.fixture(scope="module")
def policy() -> SmallPolicy:
    return make_policy()


def pictures(*shape: int, side: int = 64, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (*shape, side, side, 3), dtype=torch.uint8, generator=generator)


def square_mask(batch: int, side: int = 64, at: int = 8) -> torch.Tensor:
    mask = torch.zeros(batch, side, side, dtype=torch.uint8)
    mask[:, at : at + 12, at : at + 12] = 1
    return mask


def encode(policy: SmallPolicy, batch: int, seed: int = 5) -> Goal:
    side = policy.config.image_size
    return policy.encode_goal(pictures(batch, side=side, seed=seed), square_mask(batch, side))


def previous(batch: int, steps: int) -> torch.Tensor:
    return torch.randint(0, 7, (batch, steps, 3), generator=torch.Generator().manual_seed(3))


def run(policy: SmallPolicy, images: torch.Tensor, state: State | None = None) -> tuple[PolicyOutput, State]:
    batch, steps = images.shape[:2]
    if state is None:
        state = policy.initial_state(batch)
    with torch.no_grad():
        return policy(images, encode(policy, batch), torch.full((batch,), 7), previous(batch, steps), state)


@pytest.mark.parametrize("side", [64, 96, 128])
def test_outputs_have_the_shapes_of_the_contract(side):
    policy = make_policy(image_size=side)
    cells = (side // 8) ** 2
    goal = encode(policy, 2)
    assert goal.tokens.shape == (2, cells, 96)
    output, state = run(policy, pictures(2, 3, side=side))
    shapes = {name: tuple(part.shape) for name, part in output._asdict().items()}
    assert shapes == {
        "percept": (2, 3, policy.percept_width),
        "buttons": (2, 3, 7),
        "pitch": (2, 3, 11),
        "yaw": (2, 3, 11),
        "value": (2, 3),
        "heatmap": (2, 3, cells + 1),
        "point": (2, 3, 2),
        "box": (2, 3, 4),
        "bearing": (2, 3, 2),
    }
    assert [part.shape for part in state] == [part.shape for part in policy.initial_state(2)]
    assert all(part.dtype == torch.float32 for part in (*output, *state))


def test_size_is_one_to_three_million_parameters():
    count = sum(parameter.numel() for parameter in SmallPolicy(SmallPolicyConfig()).parameters())
    assert 1_000_000 <= count <= 3_000_000


def test_image_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="image_size is 70: expected a positive multiple of 16"):
        SmallPolicyConfig(image_size=70)


def test_visible_and_bearing_are_a_probability_and_a_unit_vector(policy):
    output, _ = run(policy, pictures(2, 3))
    assert ((output.visible >= 0) & (output.visible <= 1)).all()
    torch.testing.assert_close(output.bearing_unit.norm(dim=-1), torch.ones(2, 3), atol=1e-2, rtol=0)


def test_future_frames_do_not_change_past_outputs(policy):
    images = pictures(2, 5)
    changed = images.clone()
    changed[:, 3:] = pictures(2, 2, seed=9)
    before, after = run(policy, images)[0], run(policy, changed)[0]
    for was, now in zip(before, after, strict=True):
        torch.testing.assert_close(was[:, :3], now[:, :3], **CLOSE)
    assert not torch.allclose(before.buttons[:, 3:], after.buttons[:, 3:], atol=1e-4)


@pytest.mark.parametrize(("last_step", "matters"), [(WINDOW - 1, True), (2 * (WINDOW - 1) + 1, False)])
def test_a_frame_matters_inside_the_window_only(policy, last_step, matters):
    images = pictures(1, last_step + 1)
    changed = images.clone()
    changed[:, 0] = pictures(1, seed=9)
    before, after = (run(policy, each)[0].buttons[:, last_step] for each in (images, changed))
    assert torch.allclose(before, after, atol=1e-5) != matters


def test_one_layer_sees_exactly_its_window():
    policy = make_policy(memory_layers=1)
    images = pictures(1, WINDOW + 1)
    changed = images.clone()
    changed[:, 0] = pictures(1, seed=9)
    difference = (run(policy, images)[0].buttons - run(policy, changed)[0].buttons).abs().amax(-1)[0]
    assert (difference[:WINDOW] > 1e-5).all()
    assert difference[WINDOW] < 1e-5


@pytest.mark.parametrize("steps", [4, 15])
def test_a_sequence_equals_its_steps_one_by_one(policy, steps):
    images, actions, event = pictures(2, steps), previous(2, steps), torch.tensor([7, 3])
    with torch.no_grad():
        goal = encode(policy, 2)
        warm = policy(pictures(2, 3, seed=4), goal, event, previous(2, 3), policy.initial_state(2))[1]
        whole, end = policy(images, goal, event, actions, warm)
        state, parts = warm, []
        for t in range(steps):
            part, state = policy(images[:, t : t + 1], goal, event, actions[:, t : t + 1], state)
            parts.append(part)
    for at_once, single in zip(whole, zip(*parts, strict=True), strict=True):
        torch.testing.assert_close(at_once, torch.cat(single, 1), **CLOSE)
    for at_once, single in zip(end, state, strict=True):
        torch.testing.assert_close(at_once, single, **CLOSE)


def test_forgetting_a_row_equals_a_new_start_for_it_alone(policy):
    _, warm = run(policy, pictures(2, 4, seed=4))
    images = pictures(2, 2)
    forgot = run(policy, images, warm.forget(torch.tensor([True, False])))[0].buttons
    kept, fresh = run(policy, images, warm)[0].buttons, run(policy, images)[0].buttons
    torch.testing.assert_close(forgot[0], fresh[0], **CLOSE)
    torch.testing.assert_close(forgot[1], kept[1], **CLOSE)
    assert not torch.allclose(kept[0], fresh[0], atol=1e-5)


def test_old_memory_is_ignored_where_it_is_not_valid(policy):
    state = policy.initial_state(1)
    dirty = State(torch.randn_like(state.keys), torch.randn_like(state.values), state.valid)
    images = pictures(1, 2)
    torch.testing.assert_close(run(policy, images, dirty)[0].buttons, run(policy, images)[0].buttons, **CLOSE)


def test_the_masked_part_of_the_goal_decides(policy):
    image, images = pictures(1, seed=5), pictures(1, 1)
    outputs = []
    for at in (8, 40):
        with torch.no_grad():
            goal = policy.encode_goal(image, square_mask(1, at=at))
            outputs.append(policy(images, goal, torch.tensor([7]), previous(1, 1), policy.initial_state(1))[0])
    assert not torch.allclose(outputs[0].heatmap, outputs[1].heatmap, atol=1e-4)
    assert not torch.allclose(outputs[0].buttons, outputs[1].buttons, atol=1e-5)


def test_correlation_peaks_where_the_target_is_before_any_training():
    torch.manual_seed(1)
    policy = SmallPolicy(SmallPolicyConfig())
    scene = torch.full((1, 64, 64, 3), 90, dtype=torch.uint8)
    scene[:, 8:24, 40:56] = torch.tensor([200, 40, 30], dtype=torch.uint8)
    scene[:, 40:56, 8:24] = torch.tensor([30, 60, 210], dtype=torch.uint8)
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[:, 8:24, 40:56] = 1
    with torch.no_grad():
        goal = policy.encode_goal(scene, mask)
        features, _ = policy.image_encoder(scene)
        matches = policy.correlation(features, goal.vector[:, policy.config.token_width :]).view(8, 8)
    assert matches[1:3, 5:7].max() > matches[5:7, 1:3].max()


def test_the_correlation_can_be_left_out_and_takes_its_few_parameters_along():
    with_it, without = (SmallPolicy(SmallPolicyConfig(correlation=there)) for there in (True, False))
    absent = {name for name, _ in with_it.named_parameters()} - {name for name, _ in without.named_parameters()}
    assert {name.split(".")[0] for name in absent} == {"correlation", "match_to_tokens", "place"}
    assert sum(p.numel() for p in with_it.parameters()) - sum(p.numel() for p in without.parameters()) == 3234
    assert encode(without, 1).vector.shape == (1, without.config.token_width)
    output, _ = run(without, pictures(1, 2))
    assert all(torch.isfinite(part).all() for part in output)


def test_checkpoints_say_whether_there_is_a_correlation_and_old_ones_have_it():
    config = SmallPolicyConfig(correlation=False)
    record = json.loads(json.dumps(dataclasses.asdict(config)))
    assert config_from(record) == config
    assert build(config_from(record)).correlation is None
    del record["correlation"]
    assert config_from(record).correlation


def test_an_empty_mask_gives_finite_outputs(policy):
    with torch.no_grad():
        goal = policy.encode_goal(pictures(1), torch.zeros(1, 64, 64, dtype=torch.uint8))
        output, _ = policy(pictures(1, 1), goal, torch.tensor([7]), previous(1, 1), policy.initial_state(1))
    assert all(torch.isfinite(part).all() for part in output)


@pytest.mark.parametrize("correlation", [True, False])
def test_every_parameter_receives_a_gradient(correlation):
    policy = make_policy(correlation=correlation)
    event = torch.arange(2) + 2
    _, warm = run(policy, pictures(2, 3, seed=4))
    output, state = policy(pictures(2, WINDOW), encode(policy, 2), event, previous(2, WINDOW), warm.detach())
    sum(part.square().mean() for part in (*output, state.keys)).backward()
    silent = [
        name
        for name, parameter in policy.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert silent == []


def test_autocast_keeps_heads_and_memory_in_full_precision(policy):
    images = pictures(2, 3)
    exact, _ = run(policy, images)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, state = run(policy, images)
    assert all(part.dtype == torch.float32 for part in (*rounded, *state))
    torch.testing.assert_close(rounded.buttons, exact.buttons, atol=0.15, rtol=0.1)
