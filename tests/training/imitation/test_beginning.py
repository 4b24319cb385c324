"""A frozen backbone is given weights that see, or nothing is trained.

The vision transformers have one layer here instead of twelve: their depth changes nothing but the time.
"""

import dataclasses

import pytest
import torch
from safetensors.torch import save_file
from xview_deploy.cli import installed_commands, run
from xview_training import checkpoints
from xview_training.experiments import EXPERIMENTS
from xview_training.imitation.collector import CollectorConfig
from xview_training.imitation.trainer import ImitationTrainer
from xview_training.policy.architectures import build
from xview_training.policy.rocket2.layout import SMALL
from xview_training.policy.rocket2.on_table import Rocket2Config
from xview_training.policy.rocket2.policy import Rocket2Policy
from xview_training.policy.rocket2.weights import save_rocket2
from xview_training.policy.vit import VIT_SIZES, VisionTransformer, VitSize
from xview_training.trained import load_policy

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = "vit_tiny_patch16_224"
LAYOUT = dataclasses.replace(
    SMALL, view_backbone=TINY, mask_backbone=TINY, hiddim=32, num_heads=2, num_layers=1, mem_len=3
)


@pytest.fixture(autouse=True)
def experiment(monkeypatch):
    """The experiment `debug` of a little rocket2."""
    monkeypatch.setitem(VIT_SIZES, TINY, VitSize(192, 3, depth=1))
    debug = EXPERIMENTS["debug"]
    little = dataclasses.replace(
        debug, frames=8, policy=Rocket2Config(LAYOUT), collector=CollectorConfig(environments=2, chunk=2),
        dagger=dataclasses.replace(debug.dagger, sequences=2, updates_per_chunk=1),
    )  # fmt: skip
    monkeypatch.setitem(EXPERIMENTS, "debug", little)
    return little


@pytest.fixture
def published(tmp_path):
    """A vision transformer as timm's files have it, classifier included."""
    vit = VisionTransformer(VIT_SIZES[TINY], channels=3)
    save_file({**vit.state_dict(), "norm.weight": torch.ones(192)}, tmp_path / "vit.safetensors")
    return vit, tmp_path / "vit.safetensors"


def train(folder, *arguments: object) -> int:
    given = ["train", "imitation", "--experiment", "debug", "--run", folder, "--threads", 1, *arguments]
    return run(installed_commands(), [str(argument) for argument in given])


def test_a_run_that_would_freeze_random_weights_is_refused_and_told_what_to_pass(tmp_path, capsys):
    assert train(tmp_path / "run") == 2
    said = capsys.readouterr().err
    assert "expected --backbone FILE, the safetensors file of vit_tiny_patch16_224" in said
    assert "--set random_backbone=true" in said
    assert not (tmp_path / "run").exists()


def test_published_backbones_are_what_the_policy_sees_with_to_the_end(tmp_path, published):
    vit, file = published
    assert train(tmp_path / "run", "--backbone", file, "--mask-backbone", file) == 0
    newest = checkpoints.newest(tmp_path / "run" / "checkpoints")
    tensors, _ = checkpoints.load(newest)
    for name, weight in vit.state_dict().items():
        assert torch.equal(tensors[f"policy.rocket2.view_backbone.model.{name}"], weight)
        assert torch.equal(tensors[f"average.rocket2.view_backbone.model.{name}"], weight)
    one_channel = vit.patch_embed["proj"].weight.sum(1, keepdim=True)
    learnt = tensors["policy.rocket2.mask_backbone.model.patch_embed.proj.weight"]
    assert 0 < float((learnt - one_channel).detach().abs().max()) < 0.01  # some steps of the optimiser away
    assert train(tmp_path / "run", "--frames", 12) == 0  # a run that goes on has its backbone


def test_published_weights_of_another_layout_are_worn_in_the_layout_that_their_folder_names(tmp_path):
    wider = Rocket2Policy(dataclasses.replace(LAYOUT, hiddim=64))
    save_rocket2(wider, tmp_path / "published")
    assert train(tmp_path / "run", "--weights", tmp_path / "published") == 0
    policy, _ = load_policy(tmp_path / "run")
    assert policy.rocket2.layout == wider.layout
    assert torch.equal(policy.rocket2.view_backbone.model.cls_token, wider.view_backbone.model.cls_token)


def test_weights_that_are_given_or_random_ones_that_are_wished_for_will_do(tmp_path, experiment):
    torch.manual_seed(0)
    ImitationTrainer(experiment, tmp_path / "from", threads=1, start=build(experiment.policy)).train()
    wished = dataclasses.replace(experiment, random_backbone=True)
    ImitationTrainer(wished, tmp_path / "random", threads=1).train()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mask-backbone", "{file}"), "expected --backbone FILE"),
        (("--backbone", "{file}", "--weights", "{file}"), "expected one of --from, --weights and --backbone"),
        (("--backbone", "nowhere.safetensors"), "nowhere.safetensors is no readable safetensors file"),
    ],
)
def test_what_leaves_the_policy_blind_is_one_clear_line(tmp_path, published, capsys, arguments, said):
    assert train(tmp_path / "run", *(argument.format(file=published[1]) for argument in arguments)) == 2
    assert said in capsys.readouterr().err


def test_the_small_policy_has_no_backbone_to_fill(tmp_path, published, monkeypatch, experiment, capsys):
    monkeypatch.setitem(EXPERIMENTS, "debug", dataclasses.replace(experiment, policy=EXPERIMENTS["cpu"].policy))
    assert train(tmp_path / "run", "--backbone", published[1]) == 2
    assert "backbone: expected a policy rocket2, got small" in capsys.readouterr().err


def test_reinforcement_learning_begins_with_no_policy_that_cannot_see(tmp_path, capsys):
    assert run(installed_commands(), ["train", "ppo", "--experiment", "paper", "--run", str(tmp_path / "run")]) == 2
    assert "a new rocket2 would see with random weights" in capsys.readouterr().err
