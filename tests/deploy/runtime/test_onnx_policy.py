"""A bundle runs on ONNX Runtime as the contract says, and says clearly when it cannot."""

import dataclasses
import re

import numpy as np
import onnx
import onnx.parser
import pytest
from xview_deploy.bundle import Bundle, BundleError, write_bundle
from xview_deploy.runtime.execution import CPU, Execution, ExecutionError
from xview_deploy.runtime.onnx_graphs import Graphs, InferenceError
from xview_deploy.runtime.onnx_policy import OnnxPolicy
from xview_deploy.runtime.policy import Policy
from xview_deploy.spec import ActionTable, BundleMetadata, CameraModel, ContractError, Event, TensorSpec

# A network that can be reckoned by hand: it prefers the button of the goal's mean brightness, turns by the
# button it pressed before, values how many steps it remembers, and sees the target as far as the picture is
# bright. A white picture makes its value a NaN.
GOAL = """
<ir_version: 9, opset_import: ["": 20]>
goal (uint8[batch,8,8,3] goal_image, uint8[batch,8,8] goal_mask)
    => (float[batch,1,3] goal_tokens, float[batch,1] goal_vector)
{
    rows = Constant<value = int64[1] {1}>()
    plane = Constant<value = int64[2] {1, 2}>()
    picture = Cast<to=1>(goal_image)
    mean = ReduceMean<keepdims=0>(picture, plane)
    goal_tokens = Unsqueeze(mean, rows)
    marked = Cast<to=1>(goal_mask)
    covered = ReduceMean<keepdims=0>(marked, plane)
    goal_vector = Unsqueeze(covered, rows)
}
"""
STEP = """
<ir_version: 9, opset_import: ["": 20]>
step (
    uint8[batch,8,8,3] image, float[batch,1,3] goal_tokens, float[batch,1] goal_vector, int64[batch] event,
    int64[batch,3] previous_action, float[batch,1,4,2] keys, float[batch,1,4,2] values, float[batch,4] valid
) => (
    float[batch,7] buttons, float[batch,11] pitch, float[batch,11] yaw, float[batch] value, float[batch] visible,
    float[batch,2] point, float[batch,4] box, float[batch,2] bearing,
    float[batch,1,4,2] next_keys, float[batch,1,4,2] next_values, float[batch,4] next_valid
) {
    axis1 = Constant<value = int64[1] {1}>()
    everywhere = Constant<value = int64[3] {1, 2, 3}>()
    tokens = Constant<value = int64[2] {1, 2}>()
    first = Constant<value = int64[1] {0}>()
    second = Constant<value = int64[1] {1}>()
    end = Constant<value = int64[1] {9}>()
    zero = Constant<value = float {0.0}>()
    one = Constant<value = float {1.0}>()
    white = Constant<value = float {255.0}>()
    limit = Constant<value = float {254.5}>()
    pixels = Cast<to=1>(image)
    brightness = ReduceMean<keepdims=0>(pixels, everywhere)
    visible = Div(brightness, white)
    goal_brightness = ReduceMean<keepdims=0>(goal_tokens, tokens)
    wanted = Unsqueeze(goal_brightness, axis1)
    places7 = Constant<value = float[1,7] {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0}>()
    off7 = Sub(places7, wanted)
    far7 = Abs(off7)
    buttons = Neg(far7)
    places11 = Constant<value = float[1,11] {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0}>()
    pressed = Slice(previous_action, first, second, axis1)
    pressed_f = Cast<to=1>(pressed)
    off11 = Sub(places11, pressed_f)
    far11 = Abs(off11)
    yaw = Neg(far11)
    pitch = Identity(yaw)
    remembered = ReduceSum<keepdims=0>(valid, axis1)
    room = Sub(limit, brightness)
    root = Sqrt(room)
    sane = Div(root, root)
    event_f = Cast<to=1>(event)
    known = Mul(remembered, sane)
    hundred = Constant<value = float {100.0}>()
    by_event = Mul(event_f, hundred)
    value = Add(known, by_event)
    point = Concat<axis=1>(goal_vector, goal_vector)
    box = Concat<axis=1>(point, point)
    bearing = Identity(point)
    next_keys = Identity(keys)
    next_values = Identity(values)
    kept = Slice(valid, second, end, axis1)
    here = Mul(goal_vector, zero)
    present = Add(here, one)
    next_valid = Concat<axis=1>(kept, present)
}
"""

METADATA = BundleMetadata(
    name="tiny",
    policy="small",
    image_size=8,
    camera=CameraModel(),
    actions=ActionTable(),
    state=(
        TensorSpec("keys", "float32", (-1, 1, 4, 2)),
        TensorSpec("values", "float32", (-1, 1, 4, 2)),
        TensorSpec("valid", "float32", (-1, 4)),
    ),
    events=("approach", "break"),
    training={},
    measured={},
)


def compile_graph(text: str) -> bytes:
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def tiny_bundle(goal: str = GOAL, step: str = STEP, metadata: BundleMetadata = METADATA) -> Bundle:
    return Bundle(metadata, compile_graph(goal), compile_graph(step))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    place = tmp_path_factory.mktemp("bundle") / "tiny.xview"
    write_bundle(place, tiny_bundle())
    return place


@pytest.fixture
def policy(path) -> OnnxPolicy:
    return OnnxPolicy.load(path)


def grey(level: int, height: int = 30, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def half_mask(height: int = 30, width: int = 40) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[:, : width // 2] = True
    return mask


def pursue(policy: OnnxPolicy, brightness: int = 3, event: Event = Event.APPROACH) -> None:
    policy.set_goal(grey(brightness), half_mask(), event)


def test_it_offers_what_every_policy_offers(policy):
    offered: Policy = policy
    assert (offered.name, offered.events) == ("tiny", ("approach", "break"))
    assert offered.actions == ActionTable()


def test_goal_picture_mask_and_event_reach_the_network(policy):
    pursue(policy, brightness=3, event=Event.BREAK)
    decision = policy.act(grey(51))
    assert decision.action[0] == 3
    assert decision.value == 100 * Event.BREAK.interaction_index
    assert decision.belief.visible == pytest.approx(0.2)
    assert decision.belief.point == (0.5, 0.5)
    assert decision.belief.box == (0.5, 0.5, 0.5, 0.5)
    assert decision.action.dtype == np.int64
    assert decision.ms > 0


def test_memory_and_previous_action_go_on_until_reset(policy):
    pursue(policy)
    decisions = [policy.act(grey(9)) for _ in range(6)]
    start = 100 * Event.APPROACH.interaction_index
    assert [decision.value - start for decision in decisions] == [0, 1, 2, 3, 4, 4]
    assert [decision.action[2] for decision in decisions[:2]] == [0, 3]  # no key before the first step
    policy.reset()
    assert policy.act(grey(9)).value == start
    pursue(policy)
    assert policy.act(grey(9)).value == start


def test_only_allowed_actions_are_taken(policy):
    pursue(policy)
    allowed = [np.arange(7) == 6, np.arange(11) == 5, np.arange(11) > 8]
    assert policy.act(grey(9), allowed).action.tolist() == [6, 5, 9]
    assert policy.act(grey(9), allowed, rng=np.random.default_rng(0)).action[:2].tolist() == [6, 5]


def test_sampling_is_repeatable_with_the_same_generator(policy):
    rows = []
    for _ in range(2):
        pursue(policy)
        rng = np.random.default_rng(7)
        rows.append([policy.act(grey(9), rng=rng, temperature=3.0).action.tolist() for _ in range(20)])
    assert rows[0] == rows[1]
    assert len({tuple(row) for row in rows[0]}) > 3


def test_nothing_is_decided_without_a_goal(policy):
    with pytest.raises(ContractError, match="expected a goal before the first picture"):
        policy.act(grey(9))


def test_an_event_that_was_never_trained_is_refused_and_the_goal_kept(policy):
    pursue(policy)
    with pytest.raises(ContractError, match="trained on, approach, break; got hunt"):
        policy.set_goal(grey(5), half_mask(), Event.HUNT)
    assert policy.act(grey(9)).action[0] == 3


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (grey(9), half_mask(20, 40), "expected the picture's size 40x30, got 40x20"),
        (grey(9), np.zeros((30, 40), bool), "goal mask: expected at least one pixel"),
        (grey(9).astype(np.float32), half_mask(), "goal picture: expected RGB uint8"),
    ],
)
def test_a_goal_that_does_not_fit_is_refused(policy, image, mask, message):
    with pytest.raises(ContractError, match=message):
        policy.set_goal(image, mask, Event.APPROACH)


def test_a_picture_that_is_none_is_refused_and_the_memory_kept(policy):
    pursue(policy)
    before = policy.act(grey(9)).value
    with pytest.raises(ContractError, match="expected RGB uint8"):
        policy.act(np.zeros((8, 8), np.uint8))
    assert policy.act(grey(9)).value == before + 1


def test_an_answer_that_is_not_finite_is_raised_and_the_memory_kept(policy):
    pursue(policy)
    before = policy.act(grey(9)).value
    with pytest.raises(InferenceError, match="value: expected finite numbers, got NaN"):
        policy.act(grey(255))
    assert policy.act(grey(9)).value == before + 1


def test_a_batch_equals_its_rows_one_by_one(path):
    graphs = Graphs.load(path)
    rng = np.random.default_rng(0)
    goals = graphs.encode_goal(rng.integers(0, 7, (3, 8, 8, 3), np.uint8), np.ones((3, 8, 8), np.uint8))
    images, event = rng.integers(0, 200, (3, 8, 8, 3), np.uint8), np.array([7, 3, 7])
    previous, state = rng.integers(0, 7, (3, 3)), graphs.initial_state(3)
    whole, after = graphs.step(images, goals, event, previous, state)
    whole, after = graphs.step(images, goals, event, previous, after.forget(np.array([False, True, False])))
    assert after.valid.sum(1).tolist() == [2, 1, 2]
    for row in range(3):
        one = slice(row, row + 1)
        start = (
            state.rows(one)
            if row == 1
            else graphs.step(images[one], goals.rows(one), event[one], previous[one], state.rows(one))[1]
        )
        single, _ = graphs.step(images[one], goals.rows(one), event[one], previous[one], start)
        for name in ("buttons", "yaw", "value", "visible"):
            np.testing.assert_allclose(getattr(single, name)[0], getattr(whole, name)[row], rtol=1e-6)


def test_inputs_that_do_not_fit_the_graph_are_refused(path):
    graphs = Graphs.load(path)
    with pytest.raises(ContractError, match=r"goal_image uint8 \(1, 9, 9, 3\)"):
        graphs.encode_goal(np.zeros((1, 9, 9, 3), np.uint8), np.zeros((1, 9, 9), np.uint8))


def test_the_provider_is_the_one_that_loaded(policy):
    assert policy.provider in (CPU, "CUDAExecutionProvider")


def test_a_required_gpu_that_is_not_there_is_refused(path, policy):
    if policy.provider != CPU:
        pytest.skip("this machine has a GPU that ONNX Runtime can use")
    with pytest.raises(ExecutionError, match=r"expected the policy to run on a GPU, got CPU"):
        OnnxPolicy.load(path, Execution(require_gpu=True))


def test_loading_says_nothing_on_the_terminal(path, capfd):
    OnnxPolicy.load(path)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize(
    ("graph", "old", "new", "message"),
    [
        ("goal", "goal_mask", "mask", "goal graph's inputs: expected goal_image, goal_mask, got goal_image, mask"),
        (
            "goal",
            "8,8,3",
            "9,9,3",
            r"goal graph, goal_image: expected uint8 \(-1, 8, 8, 3\), got .*9, 9, 3\)",
        ),
        ("step", "bearing", "heading", "step graph's outputs: expected .*bearing"),
        ("step", "uint8[batch,8,8,3] image", "uint8[1,8,8,3] image", r"step graph, image: .* got uint8 \(1, 8, 8, 3\)"),
        ("step", "int64[batch] event", "int32[batch] event", r"step graph, event: expected int64 \(-1,\), got .*int32"),
    ],
)
def test_graphs_that_break_the_contract_are_named(graph, old, new, message):
    texts = {"goal": GOAL, "step": STEP}
    texts[graph] = re.sub(rf"(?<!next_){re.escape(old)}", new, texts[graph])
    with pytest.raises(BundleError, match=message):
        Graphs(tiny_bundle(**texts))


def test_metadata_that_tells_another_story_than_the_graphs_is_refused():
    wider = dataclasses.replace(METADATA.state[2], shape=(-1, 5))
    with pytest.raises(BundleError, match=r"step graph, valid: expected float32 \(-1, 5\), got float32 \(-1, 4\)"):
        Graphs(tiny_bundle(metadata=dataclasses.replace(METADATA, state=(*METADATA.state[:2], wider))))
    fewer = dataclasses.replace(METADATA.actions, buttons=METADATA.actions.buttons[:6])
    with pytest.raises(BundleError, match=r"step graph, buttons: expected float32 \(-1, 6\)"):
        Graphs(tiny_bundle(metadata=dataclasses.replace(METADATA, actions=fewer)))


def test_a_member_that_is_no_model_is_named():
    with pytest.raises(BundleError, match=r"step\.onnx: expected a model that ONNX Runtime loads"):
        Graphs(Bundle(METADATA, compile_graph(GOAL), b"no model"))


def test_a_flipped_byte_is_refused_on_loading(path, tmp_path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "flipped.xview").write_bytes(data)
    with pytest.raises(BundleError, match=r"flipped\.xview: damaged"):
        OnnxPolicy.load(tmp_path / "flipped.xview")
