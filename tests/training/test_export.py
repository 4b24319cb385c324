"""A bundle does what its policy does, alone and without torch, or it is never written."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from xview_deploy.bundle import BundleError, read_bundle
from xview_deploy.onnx_graphs import Graphs
from xview_deploy.onnx_policy import OnnxPolicy
from xview_deploy.spec import ActionTable, Event
from xview_training.export import BundleOrigin, ExportError, ParitySettings, export_bundle
from xview_training.policy.graphs import GoalGraph, StepGraph
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig

ORIGIN = BundleOrigin(name="untrained", events=("approach", "break"), training={"seed": "0"})
LITTLE = SmallPolicyConfig(fusion_blocks=1, memory_layers=1, memory_window=8)


def lively(policy: SmallPolicy) -> SmallPolicy:
    """Away from its even start, so that actions depend on what is seen and remembered."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
        policy.decision.action.weight.mul_(20)
    return policy


@pytest.fixture(scope="module")
def policy() -> SmallPolicy:
    return lively(SmallPolicy(SmallPolicyConfig()))


@pytest.fixture(scope="module")
def exported(policy, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "small.xview"
    return path, export_bundle(policy.train(), path, ORIGIN)


def test_every_action_of_a_long_rollout_agrees(exported):
    _, report = exported
    assert report.steps == 200
    assert report.actions == 200 * 3 * 3 * 2
    assert max(report.logits, report.answers, report.state) < 1e-3
    assert report.logits > 0  # a difference of exactly zero would mean that one runtime was compared with itself


def test_the_policy_comes_back_from_export_as_it_went(policy, exported):
    assert policy.training


def test_the_bundle_is_small_and_says_where_it_came_from(exported):
    path, _ = exported
    assert path.stat().st_size < 16 * 2**20
    metadata = read_bundle(path).metadata
    assert (metadata.name, metadata.policy, metadata.image_size) == ("untrained", "small", 64)
    assert [spec.shape for spec in metadata.state] == [(-1, 2, 64, 128), (-1, 2, 64, 128), (-1, 64)]
    assert metadata.events == ("approach", "break")
    assert metadata.actions == ActionTable()


@pytest.mark.parametrize("batch", [1, 7])
def test_the_batch_axis_is_free(policy, exported, batch):
    graphs = Graphs.load(exported[0])
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(0, 256, (batch, 64, 64, 3), dtype=torch.uint8, generator=generator)
    mask = torch.zeros(batch, 64, 64, dtype=torch.uint8)
    mask[:, 20:40, 10:20] = 1
    event, previous = torch.full((batch,), 7), torch.zeros(batch, 3, dtype=torch.int64)
    with torch.no_grad():
        goal = GoalGraph(policy)(images, mask)
        outputs = StepGraph(policy)(images, *goal, event, previous, *policy.initial_state(batch))
    encoded = graphs.encode_goal(images.numpy(), mask.numpy())
    answer, state = graphs.step(images.numpy(), encoded, event.numpy(), previous.numpy(), graphs.initial_state(batch))
    np.testing.assert_allclose(answer.buttons, outputs[0].numpy(), atol=1e-3)
    np.testing.assert_allclose(answer.bearing, outputs[7].numpy(), atol=1e-3)
    np.testing.assert_allclose(state.valid, outputs[-1].numpy())


def test_beliefs_are_in_the_units_of_the_contract(exported):
    policy = OnnxPolicy.load(exported[0])
    rng = np.random.default_rng(0)
    mask = np.zeros((48, 64), bool)
    mask[10:30, 20:40] = True
    policy.set_goal(rng.integers(0, 256, (48, 64, 3), np.uint8), mask, Event.APPROACH)
    for _ in range(5):
        belief = policy.act(rng.integers(0, 256, (48, 64, 3), np.uint8), rng=rng).belief
        assert all(0 <= number <= 1 for number in (belief.visible, *belief.point, *belief.box))
        assert belief.box[0] <= belief.box[2]
        assert np.hypot(*belief.bearing) == pytest.approx(1, abs=0.05)


WITHOUT_TORCH = """
import sys
for name in ("torch", "ray", "onnx", "xview_training"):
    sys.modules[name] = None  # any import of it now fails
import numpy as np
from xview_deploy.onnx_policy import OnnxPolicy
from xview_deploy.spec import Event
policy = OnnxPolicy.load(sys.argv[1])
rng = np.random.default_rng(0)
mask = np.zeros((48, 64), bool)
mask[10:30, 20:40] = True
policy.set_goal(rng.integers(0, 256, (48, 64, 3), np.uint8), mask, Event.APPROACH)
for _ in range(3):
    print(*policy.act(rng.integers(0, 256, (48, 64, 3), np.uint8)).action)
"""


def test_the_bundle_runs_where_torch_cannot_be_imported(exported):
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(exported[0])], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.split()) == 9


def test_a_flipped_byte_in_the_weights_is_refused(exported, tmp_path):
    data = bytearray(exported[0].read_bytes())
    data[len(data) // 3] ^= 16
    (tmp_path / "flipped.xview").write_bytes(data)
    with pytest.raises(BundleError, match="damaged"):
        OnnxPolicy.load(tmp_path / "flipped.xview")


class ForgetfulPolicy(SmallPolicy):
    """Remembers in a buffer beside its state: exported graphs silently lose it."""

    def __init__(self, config: SmallPolicyConfig) -> None:
        super().__init__(config)
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, images, goal, event, previous_action, state):
        output, state = super().forward(images, goal, event, previous_action, state)
        turned = output.buttons + 3 * torch.sin(self.steps + torch.arange(output.buttons.shape[-1]))
        self.steps.add_(1)
        return output._replace(buttons=turned), state


def test_a_policy_that_remembers_outside_its_state_is_not_written(tmp_path):
    policy = ForgetfulPolicy(LITTLE)
    with pytest.raises(ExportError, match=r"step \d+, most likely action, row \d+, head buttons: torch chose"):
        export_bundle(policy, tmp_path / "policy.xview", ORIGIN, ParitySettings(steps=20))
    assert list(tmp_path.iterdir()) == []


def test_an_action_table_of_other_sizes_is_refused(tmp_path):
    origin = BundleOrigin(name="x", events=("approach",), actions=ActionTable(buttons=((), ("forward",))))
    with pytest.raises(ExportError, match=r"expected the sizes \(7, 11, 11\) of the policy's heads, got \(2, 11, 11\)"):
        export_bundle(SmallPolicy(LITTLE), tmp_path / "policy.xview", origin)
