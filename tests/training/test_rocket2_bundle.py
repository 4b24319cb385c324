"""ROCKET-2 as a bundle: exported, checked against torch, and run as any other, by whichever table it acts.

The vision transformers have one layer here instead of twelve: their depth changes nothing but the time.
"""

import dataclasses

import numpy as np
import pytest
import torch
from xview_deploy.bundle import read_bundle
from xview_deploy.cli import installed_commands, run
from xview_deploy.runtime.onnx_graphs import Graphs
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.spec import Event
from xview_training.parity.check import ParitySettings
from xview_training.parity.scenes import RandomInputs
from xview_training.policy.rocket2.guidance import GuidedRocket2
from xview_training.policy.rocket2.heads import PreviousAction
from xview_training.policy.rocket2.layout import SMALL
from xview_training.policy.rocket2.on_table import Rocket2Config, Rocket2OnTable
from xview_training.policy.rocket2.policy import Rocket2Policy
from xview_training.policy.rocket2.weights import load_rocket2, save_rocket2
from xview_training.policy.vit import VIT_SIZES, VitSize
from xview_training.release import export_published

TINY = dataclasses.replace(
    SMALL,
    view_backbone="vit_tiny_patch16_224",
    mask_backbone="vit_tiny_patch16_224",
    hiddim=64,
    num_layers=1,
    mem_len=3,
)
SHORT = ParitySettings(steps=10, batch=2, goal_every=4, forget_every=6, world_steps=0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory, one_thread):
    """A folder of weights as the hub has them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(VIT_SIZES, "vit_tiny_patch16_224", VitSize(192, 3, depth=1))
        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp("weights")
        save_rocket2(Rocket2Policy(TINY), folder)
        yield folder


@pytest.fixture(scope="module")
def bundle(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "rocket2.xview"
    report = export_published(weights, path, "rocket2", "released", "full", "fp32", SHORT)
    assert report.rollouts["random"].agreement == 1
    assert report.rollouts["random"].logits < 1e-4
    return path


def test_the_bundle_says_what_it_is(bundle):
    metadata = read_bundle(bundle).metadata
    assert (metadata.policy, metadata.image_size) == ("rocket2", 224)
    assert ("forward", "sprint") in metadata.actions.buttons
    assert metadata.events == ("approach", "break", "hunt", "use")
    assert [spec.shape for spec in metadata.state] == [(-1, 1, 33, 64), (-1, 1, 33, 64), (-1, 33)]


def test_a_robot_runs_it_as_any_other_policy(bundle):
    policy = OnnxPolicy.load(bundle)
    rng = np.random.default_rng(0)
    goal, mask = rng.integers(0, 256, (240, 320, 3), np.uint8), np.zeros((240, 320), bool)
    mask[100:150, 50:90] = True
    policy.set_goal(goal, mask, Event.USE)
    decisions = [policy.act(rng.integers(0, 256, (240, 320, 3), np.uint8), rng=rng) for _ in range(5)]
    sizes = policy.actions.sizes
    assert all((decision.action < sizes).all() for decision in decisions)
    assert all(0 <= decision.belief.visible <= 1 for decision in decisions)
    assert all(abs(np.linalg.norm(decision.belief.bearing) - 1) < 1e-3 for decision in decisions)


def test_a_guided_bundle_carries_both_memories_and_answers_as_guidance_does_in_torch(weights, tmp_path):
    path = tmp_path / "guided.xview"
    report = export_published(weights, path, "guided", "released", "full", "fp32", SHORT, guidance=1.5)
    assert report.rollouts["random"].agreement == 1
    metadata = read_bundle(path).metadata
    assert metadata.training["guidance"] == "1.5"
    assert [spec.shape for spec in metadata.state] == [(-1, 2, 33, 64), (-1, 2, 33, 64), (-1, 33)]

    rocket2 = load_rocket2(weights)
    guided, table = GuidedRocket2(rocket2, 1.5), metadata.actions
    on_table = Rocket2OnTable(Rocket2Config(rocket2.layout, table), rocket2)
    inputs, graphs = RandomInputs(224, table.sizes, 2, seed=4), Graphs.load(path)
    picture, mask = inputs.goal()
    goal, encoded = guided.encode_goal(*map(torch.from_numpy, (picture, mask))), graphs.encode_goal(picture, mask)
    state, carried, event = guided.initial_state(2), graphs.initial_state(2), np.array([7, 3])
    for _ in range(6):  # twice the memory
        image, action = inputs.image(), inputs.action()
        answer, carried = graphs.step(image, encoded, event, action, carried)
        keys = on_table._row_keys[torch.from_numpy(action[:, :1])]
        camera = torch.tensor(table.camera_deg)[torch.from_numpy(action[:, None, 1:])]
        with torch.no_grad():
            own, state = guided(
                torch.from_numpy(image[:, None]), goal, torch.from_numpy(event), PreviousAction(keys, camera), state
            )
            rows, pitch, yaw = on_table.marginals(own.buttons, own.camera)
        for got, wanted in zip(answer.logits, (rows, pitch, yaw), strict=True):
            np.testing.assert_allclose(got, wanted[:, 0].numpy(), atol=1e-4)
        np.testing.assert_allclose(answer.value, own.value[:, 0].numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected --checkpoint or --weights, one of them"),
        (("--weights", "{weights}", "--table", "wlak"), "unknown table of actions 'wlak': did you mean 'walk'"),
        (("--weights", "{weights}/model.safetensors", "--layout", "xxl"), "unknown layout of ROCKET-2 'xxl'"),
        (("--weights", "{weights}/model.safetensors"), "does not fit the layout"),
        (("--weights", "{weights}", "--guidance", "-1"), "scale is -1.0: expected a number from zero on"),
        (("--checkpoint", "{weights}", "--guidance", "1.5"), "--guidance: expected --weights too"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line_and_nothing_is_written(weights, tmp_path, capsys, arguments, said):
    out = tmp_path / "out.xview"
    given = [argument.format(weights=weights) for argument in arguments]
    assert run(installed_commands(), ["export", "--out", str(out), *given]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
