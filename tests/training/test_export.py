"""A bundle does what its policy does, alone and without torch, or it is never written."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from xview_deploy.bundle import BundleError, read_bundle, write_bundle
from xview_deploy.cli import installed_commands, run
from xview_deploy.runtime.execution import Execution
from xview_deploy.runtime.onnx_graphs import Graphs
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_deploy.spec import ACTION_TABLES, ActionTable, Event
from xview_training import checkpoints
from xview_training.export import BundleOrigin, ExportError, ParitySettings, export_bundle, to_bundle
from xview_training.parity.check import AGREEMENT, check_parity
from xview_training.policy.graphs import GoalGraph, StepGraph
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.precision import in_precision
from xview_training.release import describe
from xview_training.unpacking import policy_from_bundle, starting_policy

ORIGIN = BundleOrigin(name="untrained", events=("approach", "break"), training={"seed": "0"})
LITTLE = SmallPolicyConfig(fusion_blocks=1, memory_layers=1, memory_window=8)


def lively(policy: SmallPolicy, noise: float = 0.05) -> SmallPolicy:
    """Away from its even start, so that actions depend on what is seen and remembered."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter) * noise)
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
    for rollout, rows in ((report.rollouts["random"], 3), (report.rollouts["world"], 8)):
        assert rollout.steps == 200
        assert rollout.choices == 200 * rows * 3 * 2
        assert rollout.agreement == 1
        assert max(rollout.logits, rollout.answers, rollout.state) < 1e-3
        assert rollout.logits > 0  # exactly zero would mean that one runtime was compared with itself


def test_the_policy_comes_back_from_export_as_it_went(policy, exported):
    assert policy.training


def test_a_bundle_gives_back_the_policy_that_it_came_from(policy, exported):
    again = policy_from_bundle(exported[0])
    for name, parameter in policy.named_parameters():
        assert torch.equal(again.get_parameter(name), parameter), name


def test_the_shipped_policy_can_go_on_learning():
    assert starting_policy(SHIPPED_BUNDLE).config.architecture == "small"
    assert starting_policy(Path("five")).config.action_sizes == ACTION_TABLES["full"].sizes


def test_a_bundle_that_cannot_be_unpacked_says_so(exported, tmp_path):
    bundle = read_bundle(exported[0])
    fewer, other = tmp_path / "int8.xview", tmp_path / "other.xview"
    write_bundle(fewer, in_precision(bundle, "int8"))
    write_bundle(other, to_bundle(SmallPolicy(LITTLE).eval(), ORIGIN))
    with pytest.raises(ValueError, match="expected a bundle of policy small in fp32, got small in int8"):
        policy_from_bundle(fewer)
    with pytest.raises(ValueError, match="in its own sizes"):
        policy_from_bundle(other)


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
from xview_deploy.runtime.onnx_policy import OnnxPolicy
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
        export_bundle(policy, tmp_path / "policy.xview", ORIGIN, ParitySettings(steps=20, world_steps=0))
    assert list(tmp_path.iterdir()) == []


def test_a_policy_without_correlation_becomes_a_bundle_that_agrees(tmp_path):
    policy = lively(SmallPolicy(dataclasses.replace(LITTLE, correlation=False)))
    report = export_bundle(policy, tmp_path / "plain.xview", ORIGIN, ParitySettings(steps=20, world_steps=0))
    assert report.rollouts["random"].agreement == 1
    assert OnnxPolicy.load(tmp_path / "plain.xview").metadata.policy == "small"


def test_an_action_table_of_other_sizes_is_refused(tmp_path):
    origin = BundleOrigin(name="x", events=("approach",), actions=ActionTable(buttons=((), ("forward",))))
    with pytest.raises(ExportError, match=r"expected the sizes \(7, 11, 11\) of the policy's heads, got \(2, 11, 11\)"):
        export_bundle(SmallPolicy(LITTLE), tmp_path / "policy.xview", origin)


SHORT = ParitySettings(steps=30, world_steps=15, world_batch=4, suite="twin", episodes=3)


@pytest.fixture(scope="module", params=["fp16", "int8"])
def in_fewer_bits(request, tmp_path_factory):
    policy = lively(SmallPolicy(SmallPolicyConfig()), noise=0.02)  # as far from chaos as a trained one
    path = tmp_path_factory.mktemp("precision") / f"{request.param}.xview"
    return request.param, path, export_bundle(policy, path, ORIGIN, SHORT, request.param)


def test_fewer_bits_choose_nearly_the_same_and_the_bundle_says_how_nearly(exported, in_fewer_bits):
    precision, path, report = in_fewer_bits
    bundle, whole = read_bundle(path), read_bundle(exported[0])
    assert (whole.metadata.precision, bundle.metadata.precision) == ("fp32", precision)
    assert bundle.metadata.parity == report.figures()
    for rollout in ("random", "world"):
        assert 1 >= bundle.metadata.parity[rollout]["agreement"] >= AGREEMENT[precision]
        assert bundle.metadata.parity[rollout]["logits"] > whole.metadata.parity[rollout]["logits"]
    assert len(bundle.step) < 0.6 * len(whole.step)
    answer = OnnxPolicy.load(path, Execution("cpu"))
    mask = np.zeros((48, 64), bool)
    mask[10:30, 20:40] = True
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    answer.set_goal(picture, mask, Event.APPROACH)
    assert answer.act(picture).action.shape == (3,)


def test_both_play_the_same_tasks_before_and_after(in_fewer_bits):
    precision, _, report = in_fewer_bits
    assert {name: rate.trials for name, rate in report.success.items()} == {"torch": 3, "bundle": 3}
    for rate in report.success.values():
        assert 0 <= rate.low <= rate.rate <= rate.high <= 1
    record = json.loads(json.dumps(report.as_json()))
    assert (record["precision"], record["suite"]) == (precision, "twin")
    assert record["twin, bundle"]["trials"] == 3
    lines = list(describe(report))
    assert len(lines) == 4
    assert "success on twin, bundle:" in lines[3]


def tensor_types(model: bytes) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(model)).graph
    values = [*graph.input, *graph.output, *graph.value_info]
    return {v.name: v.type.tensor_type.elem_type for v in values} | {i.name: i.data_type for i in graph.initializer}


def nodes(model: bytes, *kinds: str) -> list[onnx.NodeProto]:
    return [node for node in onnx.load_model_from_string(model).graph.node if node.op_type in kinds]


def test_fp16_keeps_norms_and_softmax_and_what_goes_in_and_out(exported):
    bundle = in_precision(read_bundle(exported[0]), "fp16")
    for model in (bundle.goal, bundle.step):
        types = tensor_types(model)
        for node in nodes(model, "LayerNormalization", "Softmax", "ReduceSum"):
            assert types[node.input[0]] == onnx.TensorProto.FLOAT, node.name
        products = nodes(model, "MatMul", "Gemm", "Conv")
        assert products
        assert {types[node.input[1]] for node in products} == {onnx.TensorProto.FLOAT16}
        assert onnx.TensorProto.FLOAT16 not in {types[v.name] for v in onnx.load_model_from_string(model).graph.input}
        onnx.checker.check_model(onnx.load_model_from_string(model))


def test_int8_is_products_with_weights_of_the_step_alone(exported):
    whole = read_bundle(exported[0])
    bundle = in_precision(whole, "int8")
    assert bundle.goal == whole.goal
    assert len(nodes(bundle.step, "MatMulInteger")) > 20
    assert not nodes(bundle.step, "ConvInteger")
    assert len(nodes(bundle.step, "Conv")) == len(nodes(whole.step, "Conv"))
    graph = onnx.load_model_from_string(bundle.step).graph
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    for node in nodes(bundle.step, "MatMulInteger"):
        assert np.abs(weights[node.input[1]].astype(int)).max() <= 64  # seven bits: no processor saturates


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_bundle_that_agrees_too_seldom_is_refused(exported, precision):
    other = lively(SmallPolicy(SmallPolicyConfig())).eval()
    with torch.no_grad():
        other.decision.action.weight.neg_()
    wanted = f"random rollout: expected 9[59] % of the choices of {precision} to agree with torch, got .*the first"
    with pytest.raises(ExportError, match=wanted):
        check_parity(other, in_precision(read_bundle(exported[0]), precision), ParitySettings(steps=5, world_steps=0))


def test_a_precision_that_is_none_is_answered_with_the_nearest(exported):
    with pytest.raises(ValueError, match="unknown precision 'f16': did you mean 'fp16'"):
        in_precision(read_bundle(exported[0]), "f16")


def test_int8_runs_on_processors_alone(in_fewer_bits):
    precision, path, _ = in_fewer_bits
    assert OnnxPolicy.load(path).provider == "CPUExecutionProvider" or precision == "fp16"
    if precision == "int8":
        for wish in ({"provider": "cuda"}, {"require_gpu": True}):
            with pytest.raises(ValueError, match="expected cpu or auto for a bundle of precision int8, got"):
                OnnxPolicy.load(path, Execution(**wish))


@pytest.fixture
def checkpoint(tmp_path):
    policy = lively(SmallPolicy(LITTLE), noise=0.02)
    experiment = {"name": "little", "seed": 0, "suite": "train", "policy": dataclasses.asdict(LITTLE)}
    tensors = {f"average.{name}": tensor for name, tensor in policy.state_dict().items()}
    state = {"experiment": experiment, "global_step": 7, "seconds": 60.0}
    return checkpoints.save(tmp_path / "checkpoints", 7, tensors, state, keep=1)


def test_the_command_exports_in_a_precision_and_reports(checkpoint, tmp_path, capsys):
    out, report = tmp_path / "little.xview", tmp_path / "report.json"
    arguments = ("--precision", "fp16", "--suite", "twin", "--episodes", "2", "--name", "little", "--json", report)
    status = run(
        installed_commands(), ["export", "--checkpoint", str(checkpoint), "--out", str(out), *map(str, arguments)]
    )
    assert status == 0
    metadata = read_bundle(out).metadata
    assert (metadata.name, metadata.precision, metadata.training["frames"]) == ("little", "fp16", "7")
    record = json.loads(report.read_text())
    assert record["world"] == metadata.parity["world"]
    assert record["twin, bundle"]["trials"] == 2
    printed = capsys.readouterr().out
    assert "fp16 on CPUExecutionProvider, world frames:" in printed
    assert "success on twin, torch:" in printed
