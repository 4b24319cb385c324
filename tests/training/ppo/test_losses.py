"""The losses equal PyTorch's own distributions and a loop over single decisions, and ignore padding."""

import math

import pytest
import torch
from torch.distributions import Categorical, kl_divergence
from xview_training.imitation.losses import Labels, cross_entropy
from xview_training.policy.heads import PolicyOutput
from xview_training.ppo.fragment import NOT_ASKED
from xview_training.ppo.losses import LossSettings, Steps, explained_variance, heads, log_prob_of, ppo_losses

B, T, SIZES, CELLS = 3, 6, (7, 11, 11), 16


@pytest.fixture
def output() -> PolicyOutput:
    torch.manual_seed(0)
    sizes = {"buttons": 7, "pitch": 11, "yaw": 11, "heatmap": CELLS + 1, "point": 2, "box": 4, "bearing": 2}
    parts = {name: torch.randn(B, T, size, requires_grad=True) for name, size in sizes.items()}
    return PolicyOutput(value=torch.randn(B, T, requires_grad=True), **parts)


@pytest.fixture
def steps(output) -> Steps:
    torch.manual_seed(1)
    action = torch.stack([torch.randint(0, size, (B, T)) for size in SIZES], -1)
    alive = torch.arange(T) < torch.tensor([[6], [4], [1]])
    labels = Labels(
        action,
        torch.full((B, T), CELLS),
        torch.rand(B, T, 2),
        torch.rand(B, T, 4),
        torch.zeros(B, T, 2),
        torch.zeros(B, T, dtype=torch.bool),
        torch.zeros(B, T),
        alive,
    )
    return Steps(
        action=action,
        log_prob=log_prob_of(heads(output), action).detach() + 0.7 * torch.randn(B, T),
        value=torch.randn(B, T),
        advantage=torch.randn(B, T),
        target=torch.randn(B, T),
        reference_logits=torch.randn(B, T, sum(SIZES)).half(),
        labels=labels,
    )


def alone(output: PolicyOutput, steps: Steps, settings: LossSettings, kl_coef: float) -> float:
    """The loss by a loop over decisions, with torch.distributions."""
    output = PolicyOutput(*(part.detach() for part in output if part is not None))
    total, count = 0.0, 0
    for b in range(B):
        for t in range(T):
            if not steps.labels.alive[b, t]:
                continue
            logits = (output.buttons[b, t], output.pitch[b, t], output.yaw[b, t])
            ours = [Categorical(logits=head) for head in logits]
            theirs = [Categorical(logits=head.float()) for head in steps.reference_logits[b, t].split(SIZES)]
            new = sum(float(head.log_prob(steps.action[b, t, k])) for k, head in enumerate(ours))
            bound = settings.log_ratio_clip
            ratio = math.exp(min(max(new - float(steps.log_prob[b, t]), -bound), bound))
            advantage, value = float(steps.advantage[b, t]), float(output.value[b, t])
            low, high = 1 - settings.clip_coef, 1 + settings.clip_coef
            total -= min(ratio * advantage, min(max(ratio, low), high) * advantage)
            error = (value - float(steps.target[b, t])) ** 2
            if settings.clip_vloss:
                old = float(steps.value[b, t])
                near = old + min(max(value - old, -settings.clip_coef), settings.clip_coef)
                error = max(error, (near - float(steps.target[b, t])) ** 2)
            total += settings.vf_coef * 0.5 * error
            total -= settings.ent_coef * sum(float(head.entropy()) for head in ours)
            total += kl_coef * sum(float(kl_divergence(p, q)) for p, q in zip(ours, theirs, strict=True))
            count += 1
    return total / count


@pytest.mark.parametrize("clip_vloss", [False, True])
def test_the_loss_is_that_of_a_loop_over_decisions(output, steps, clip_vloss):
    settings = LossSettings(ent_coef=0.01, clip_vloss=clip_vloss)
    got = ppo_losses(output, steps, settings, kl_coef=0.3)
    assert float(got["loss"].detach()) == pytest.approx(alone(output, steps, settings, 0.3), rel=1e-5)


def test_the_expert_s_word_is_cross_entropy_over_the_decisions_of_which_it_was_asked(output, steps):
    settings = LossSettings(expert=0.5)
    without = ppo_losses(output, steps, LossSettings(), kl_coef=0.3)
    told = ppo_losses(output, steps, settings, kl_coef=0.3)
    wanted, alive = steps.labels.action, steps.labels.alive
    each = sum(cross_entropy(head, wanted[..., k]) for k, head in enumerate(heads(output)))
    expected = float((each * alive).sum().detach() / alive.sum())
    assert float(told["expert"].detach()) == pytest.approx(expected, rel=1e-5)
    assert float((told["loss"] - without["loss"]).detach()) == pytest.approx(0.5 * expected, rel=1e-4)
    silent = steps._replace(labels=steps.labels._replace(action=torch.full_like(wanted, NOT_ASKED)))
    assert float(ppo_losses(output, silent, settings, kl_coef=0.3)["loss"].detach()) == pytest.approx(
        float(without["loss"].detach())
    )


def test_padding_has_neither_loss_nor_gradient(output, steps):
    settings = LossSettings(heatmap=1.0, point=1.0, box=1.0, bearing=1.0)
    ppo_losses(output, steps, settings, kl_coef=0.3)["loss"].backward()
    dead = ~steps.labels.alive
    for part in (output.buttons, output.pitch, output.yaw, output.value, output.heatmap):
        assert torch.all(part.grad[dead] == 0)
        assert torch.any(part.grad[~dead] != 0)


def test_the_policy_s_distance_to_itself_is_zero(output, steps):
    logits = torch.cat(heads(output), -1).detach()
    same = steps._replace(reference_logits=logits, log_prob=log_prob_of(heads(output), steps.action).detach())
    got = ppo_losses(output, same, LossSettings(), kl_coef=1.0)
    for name in ("kl", "approx_kl", "clip_fraction"):
        assert float(got[name].detach()) == pytest.approx(0, abs=1e-6)
    mean = (same.advantage * same.labels.alive).sum() / same.labels.alive.sum()
    assert float(got["policy_loss"].detach()) == pytest.approx(-float(mean), rel=1e-5)


def test_a_ratio_beyond_all_bounds_is_bounded_and_gives_no_gradient(output, steps):
    far = steps._replace(log_prob=torch.full((B, T), -300.0), advantage=torch.full((B, T), -1.0))
    got = ppo_losses(output, far, LossSettings(vf_coef=0.0), kl_coef=0.0)
    assert float(got["policy_loss"].detach()) == pytest.approx(math.exp(1.03), rel=1e-5)
    got["loss"].backward()
    assert torch.all(output.buttons.grad == 0)


def test_explained_variance_knows_its_ends():
    target = torch.tensor([0.0, 1.0, 2.0])
    assert explained_variance(target, target) == 1.0
    assert explained_variance(torch.full((3,), 7.0), target) == 0.0
    assert math.isnan(explained_variance(target, torch.ones(3)))
