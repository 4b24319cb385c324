"""Goal and memory that stay on the device give the answers of arrays that are carried in and out, tick after tick."""

import dataclasses

import numpy as np
import pytest
from xview_deploy.bundle import read_bundle
from xview_deploy.runtime.execution import CPU, Execution, ExecutionError
from xview_deploy.runtime.network import StepAnswer
from xview_deploy.runtime.onnx_graphs import Graphs, InferenceError
from xview_deploy.runtime.resident_graphs import ResidentGraphs
from xview_deploy.runtime.sampling import choose_actions
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_deploy.spec import ContractError

EVENT = 7
BUNDLE = read_bundle(SHIPPED_BUNDLE)
SIDE = BUNDLE.metadata.image_size


@pytest.fixture(scope="module")
def carried() -> Graphs:
    return Graphs(BUNDLE, Execution("cpu"))


@pytest.fixture(scope="module")
def loaded_graphs() -> ResidentGraphs:
    return ResidentGraphs(BUNDLE, Execution("cpu"))


@pytest.fixture
def resident(loaded_graphs) -> ResidentGraphs:
    loaded_graphs.set_goal(*goal(0), EVENT)
    return loaded_graphs


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)


def goal(seed: int) -> tuple[np.ndarray, np.ndarray]:
    mask = np.zeros((1, SIDE, SIDE), np.uint8)
    mask[:, seed + 4 : seed + 20, 10:30] = 1
    return picture(1000 + seed), mask


def action(seed: int) -> np.ndarray:
    return np.array([[seed % 7, seed % 11, (3 * seed) % 11]])


def apart(one: StepAnswer, other: StepAnswer) -> float:
    pairs = zip(dataclasses.astuple(one), dataclasses.astuple(other), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def play(resident: ResidentGraphs, carried: Graphs, steps: int) -> float:
    """Largest difference over a rollout that goes beyond the memory's window, with new goals and empty memories."""
    worst = 0.0
    state, encoded = carried.initial_state(1), carried.encode_goal(*goal(0))
    for tick in range(steps):
        if tick % 90 == 50:
            encoded, state = carried.encode_goal(*goal(tick % 9)), carried.initial_state(1)
            resident.set_goal(*goal(tick % 9), EVENT)
        if tick % 90 == 80:
            state = carried.initial_state(1)
            resident.forget()
        answer, state = carried.step(picture(tick), encoded, np.array([EVENT]), action(tick), state)
        got = resident.step(picture(tick), action(tick))
        resident.keep()
        worst = max(worst, apart(answer, got))
        assert (choose_actions(answer.logits) == choose_actions(got.logits)).all()
    return worst


def test_a_long_rollout_gives_the_same_answers(resident, carried):
    assert play(resident, carried, 200) < 1e-3


def test_on_a_gpu_a_thousand_replayed_steps_give_the_same_actions(carried):
    try:
        graphs = ResidentGraphs(BUNDLE, Execution("cuda", cuda_graph=True))
    except ExecutionError:
        pytest.skip("no GPU that ONNX Runtime can use")
    graphs.set_goal(*goal(0), EVENT)
    assert play(graphs, carried, 1000) < 1e-2


def test_a_step_that_is_not_kept_never_was(resident):
    resident.step(picture(1), action(1))
    resident.keep()
    first = resident.step(picture(2), action(2))
    for other in range(3, 6):
        resident.step(picture(other), action(other))
    assert apart(resident.step(picture(2), action(2)), first) == 0


def test_what_was_kept_is_remembered(resident):
    fresh = resident.step(picture(2), action(2))
    resident.step(picture(1), action(1))
    resident.keep()
    assert apart(resident.step(picture(2), action(2)), fresh) > 0
    resident.forget()
    assert apart(resident.step(picture(2), action(2)), fresh) == 0


def test_loading_leaves_no_trace_in_the_memory(resident):
    others = ResidentGraphs(BUNDLE, Execution("cpu"))
    others.set_goal(*goal(0), EVENT)
    assert apart(others.step(picture(3), action(3)), resident.step(picture(3), action(3))) == 0


def test_answers_are_copies_that_later_steps_leave_alone(resident):
    first = resident.step(picture(1), action(1))
    before = first.buttons.copy()
    resident.step(picture(2), action(2))
    assert (first.buttons == before).all()


def test_pictures_that_are_views_of_others_are_read_right(resident):
    wide = np.concatenate([picture(1), picture(2)], axis=2)
    straight = resident.step(picture(2), action(1))
    assert apart(resident.step(wide[:, :, SIDE:], action(1)), straight) == 0


@pytest.mark.parametrize(
    ("image", "previous", "message"),
    [
        (np.zeros((1, 9, 9, 3), np.uint8), action(0), r"image: expected uint8 \(1, \d+, \d+, 3\), got uint8 \(1, 9, 9"),
        (np.zeros((2, SIDE, SIDE, 3), np.uint8), action(0), "image: expected uint8"),
        (np.zeros((1, SIDE, SIDE, 3), np.float32), action(0), "image: expected uint8 .* got float32"),
        (np.zeros((1, SIDE, SIDE, 3), np.uint8), np.zeros((1, 2), np.int64), "previous_action: expected int64"),
        (np.zeros((1, SIDE, SIDE, 3), np.uint8), np.zeros((1, 3), np.int32), "previous_action: .* got int32"),
        (np.zeros((1, SIDE, SIDE, 3), np.uint8), np.full((1, 3), 10**6), "expected a step on CPU"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_and_the_memory_kept(resident, image, previous, message):
    before = resident.step(picture(5), action(5))
    with pytest.raises(ContractError, match=message):
        resident.step(image, previous)
    assert apart(resident.step(picture(5), action(5)), before) == 0


def test_a_goal_that_does_not_fit_leaves_goal_and_memory(resident):
    resident.step(picture(1), action(1))
    resident.keep()
    before = resident.step(picture(5), action(5))
    with pytest.raises(ContractError, match="expected inputs that fit the graph"):
        resident.set_goal(np.zeros((1, 9, 9, 3), np.uint8), np.zeros((1, 9, 9), np.uint8), EVENT)
    assert apart(resident.step(picture(5), action(5)), before) == 0


def test_a_memory_gone_wrong_on_the_cpu_is_refused_at_once(resident):
    keys = resident._memory[resident._now]["keys"]
    keys.write(np.full(keys.shape, np.nan, np.float32))
    with pytest.raises(InferenceError, match="expected finite numbers, got NaN or infinity"):
        resident.step(picture(1), action(1))


def test_it_says_what_runs_it(resident):
    assert resident.provider == CPU
