"""ROCKET-2's value is learnt between normalised returns, as published, by imitation and by PPO; `small` plainly."""

import dataclasses

import pytest
import torch
from torch import nn
from xview_training.experiments import EXPERIMENTS
from xview_training.imitation.collector import CollectorConfig
from xview_training.imitation.losses import Labels, LossWeights, imitation_losses
from xview_training.imitation.trainer import ImitationTrainer
from xview_training.policy.architectures import build
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.rocket2.layout import SMALL
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable
from xview_training.policy.small import SmallPolicyConfig
from xview_training.policy.vit import VIT_SIZES, VitSize
from xview_training.ppo.cluster.weights import weights_of
from xview_training.ppo.experiments import ppo_experiment_named
from xview_training.ppo.losses import LossSettings, Steps, ppo_losses
from xview_training.ppo.trainer import PpoTrainer

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = "vit_tiny_patch16_224"
LAYOUT = dataclasses.replace(
    SMALL, view_backbone=TINY, mask_backbone=TINY, hiddim=32, num_heads=2, num_layers=1, mem_len=3
)
B, T = 2, 3
ALIVE = torch.tensor([[True, True, True], [True, False, False]])
CLOSE = {"atol": 1e-4, "rtol": 1e-3}  # the averages begin at a hundred-thousandth, in float32


@pytest.fixture(autouse=True)
def _little_backbone(monkeypatch):
    monkeypatch.setitem(VIT_SIZES, TINY, VitSize(192, 3, depth=1))


@pytest.fixture
def policy() -> Rocket2OnTable:
    torch.manual_seed(0)
    return Rocket2OnTable(Rocket2Config(LAYOUT)).eval()


class Reference:
    """How published code normalises returns, in plain floating point."""

    def __init__(self) -> None:
        self.mean = self.square = self.seen = 0.0

    def normalised(self, returns: torch.Tensor) -> torch.Tensor:
        """Returns (n,), after the averages took them."""
        self.mean = 0.99999 * self.mean + 0.00001 * float(returns.mean())
        self.square = 0.99999 * self.square + 0.00001 * float((returns**2).mean())
        self.seen = 0.99999 * self.seen + 0.00001
        mean = self.mean / self.seen
        return (returns - mean) / max(self.square / self.seen - mean**2, 0.01) ** 0.5


def some_returns(scale: float) -> torch.Tensor:
    return torch.randn(B, T) * scale + 2


def answering(policy, value: torch.Tensor) -> PolicyOutput:
    """An answer of that value (B, T), and of nothing else."""
    sizes = (*policy.config.action_sizes, None, 2, 2, 4, 2)
    return PolicyOutput(*(value if size is None else torch.zeros(B, T, size) for size in sizes))


def labels_of(returns: torch.Tensor) -> Labels:
    return Labels(
        torch.zeros(B, T, 3, dtype=torch.long), torch.ones(B, T, dtype=torch.long), torch.zeros(B, T, 2),
        torch.zeros(B, T, 4), torch.zeros(B, T, 2), torch.zeros(B, T, dtype=torch.bool), returns, ALIVE,
    )  # fmt: skip


def steps_of(returns: torch.Tensor, logits: int) -> Steps:
    zeros = torch.zeros(B, T)
    reference = torch.zeros(B, T, logits)
    return Steps(
        torch.zeros(B, T, 3, dtype=torch.long), zeros, zeros, zeros, returns, reference, labels_of(returns)
    )  # fmt: skip


@pytest.mark.parametrize("how", ["imitation", "ppo"])
def test_the_value_s_loss_and_gradient_are_the_published_ones_batch_after_batch(policy, how):
    reference, head = Reference(), policy.rocket2.value_head
    for scale in (0.05, 3.0, 10.0):  # the first deviates less than the least that is divided by
        returns, seen = some_returns(scale), torch.randn(B, T, 32)
        unit = policy.value_unit(returns[ALIVE])
        output = answering(policy, head.normalizer.denormalise(head(seen)))
        if how == "imitation":
            loss = imitation_losses(output, labels_of(returns), LossWeights(), unit)["value"]
        else:
            choices = sum(policy.config.action_sizes)
            loss = 2 * ppo_losses(output, steps_of(returns, choices), LossSettings(), 0.0, unit)["value_loss"]
        expected = nn.functional.mse_loss(head(seen)[ALIVE], reference.normalised(returns[ALIVE]))
        gradients = [torch.autograd.grad(each, head.linear.weight)[0] for each in (loss, expected)]
        torch.testing.assert_close(loss, expected, **CLOSE)
        torch.testing.assert_close(*gradients, **CLOSE)


def test_no_returns_change_nothing(policy):
    before = policy.value_unit(torch.ones(4) * 3)
    assert torch.equal(policy.value_unit(torch.zeros(0)), before)


def test_the_small_policy_s_errors_are_taken_plainly():
    small = build(SmallPolicyConfig())
    assert small.value_unit(some_returns(9.0)) == 1
    assert small.moved == ()


def averages(policy) -> list[float]:
    return [float(part) for part in policy.rocket2.value_head.normalizer.state_dict().values()]


def test_imitation_takes_returns_into_the_averages_and_their_copy(tmp_path):
    debug = EXPERIMENTS["debug"]
    experiment = dataclasses.replace(
        debug, frames=8, policy=Rocket2Config(LAYOUT), random_backbone=True,
        collector=CollectorConfig(environments=2, chunk=2),
        dagger=dataclasses.replace(debug.dagger, sequences=2, updates_per_chunk=1),
    )  # fmt: skip
    trainer = ImitationTrainer(experiment, tmp_path / "run", threads=1)
    trainer.train()
    seen = 1 - 0.99999**trainer.updates
    assert float(trainer.policy.rocket2.value_head.normalizer.debiasing_term) == pytest.approx(seen, rel=1e-3)
    assert all(value > 0 for value in averages(trainer.average))


def test_ppo_takes_returns_into_the_averages_which_go_to_the_rollouts(tmp_path):
    debug = ppo_experiment_named("debug")
    experiment = dataclasses.replace(
        debug, frames=8, suite="twin", policy=Rocket2Config(LAYOUT),
        rollout=dataclasses.replace(debug.rollout, environments=2, fragment=4, threads=1),
    )  # fmt: skip
    trainer = PpoTrainer(experiment, tmp_path / "run", threads=1)
    trainer.train()
    policy = trainer.learner.policy
    seen = 1 - 0.99999**trainer.learner.updates
    assert float(policy.rocket2.value_head.normalizer.debiasing_term) == pytest.approx(seen, rel=1e-3)
    sent = weights_of(policy)
    assert sent["rocket2.value_head.normalizer.running_mean_sq"] == pytest.approx(averages(policy)[1])
    assert not any(name.startswith("rocket2.view_backbone.") for name in sent)
