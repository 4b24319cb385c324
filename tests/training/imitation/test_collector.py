"""Chunks hold what was seen, what the expert says of it, and where one episode ends."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from xview_training.imitation.collector import Collector, CollectorConfig
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.tasks.suites import suite_named

N, T = 6, 12
SIDE = 4  # cells
CELLS = SIDE * SIDE
NARROW = SmallPolicyConfig(
    image_size=32,
    stem_width=8,
    feature_width=16,
    token_width=24,
    fusion_blocks=1,
    memory_width=32,
    memory_key_width=16,
    memory_layers=1,
    memory_window=8,
)


@pytest.fixture(scope="module")
def policy():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return SmallPolicy(NARROW).eval()


def chunks(policy, expert_share: float, count: int, seed: int = 0, **settings):
    torch.manual_seed(seed)
    config = CollectorConfig(environments=N, chunk=T, threads=1, **settings)
    size = policy.config.image_size
    collector = Collector(config, suite_named("train"), size, np.random.default_rng(seed))
    try:
        return [collector.collect(policy, expert_share) for _ in range(count)], collector
    finally:
        collector.envs.close()


@pytest.fixture(scope="module")
def demonstrated(policy):
    """Seven chunks of the expert acting undisturbed, and their collector."""
    return chunks(policy, 1.0, 7, burst_probability=0.0, mask_noise=1.0)


def test_labels_are_finite_and_within_their_bounds_whoever_acts(policy, demonstrated):
    for chunk in demonstrated[0][:2] + chunks(policy, 0.0, 2)[0]:
        labels = chunk.labels
        assert (labels.action >= 0).all()
        assert (labels.action < torch.tensor(policy.config.action_sizes)).all()
        assert ((labels.cell >= 0) & (labels.cell <= CELLS)).all()
        for part in (labels.point, labels.box, labels.value):
            assert torch.isfinite(part).all()
            assert ((part >= 0) & (part <= 1)).all()
        assert labels.bearing.norm(dim=-1) == pytest.approx(1, abs=1e-5)
        assert (labels.box[..., 2:] >= labels.box[..., :2]).all()
        assert all(torch.isfinite(part).all() for part in chunk.state)


def test_the_cell_holds_the_point_and_the_point_lies_in_the_box(demonstrated):
    chunk = demonstrated[0][0]
    seen = chunk.labels.cell < CELLS
    assert 5 < seen.sum() < seen.numel()
    cell, point, box = chunk.labels.cell[seen], chunk.labels.point[seen], chunk.labels.box[seen]
    assert (cell // SIDE == (point[:, 1] * SIDE).long().clamp(max=SIDE - 1)).all()
    assert (cell % SIDE == (point[:, 0] * SIDE).long().clamp(max=SIDE - 1)).all()
    assert ((point >= box[:, :2]) & (point <= box[:, 2:])).all()


def test_a_target_in_the_middle_of_the_picture_bears_straight_ahead(demonstrated):
    chunk = demonstrated[0][0]
    labels = chunk.labels
    seen = labels.cell < CELLS
    side = labels.point[..., 0][seen] - 0.5
    right, forward = labels.bearing[seen].unbind(-1)
    assert (forward > 0.5).all()
    clear = side.abs() > 0.05
    assert (torch.sign(right[clear]) == torch.sign(side[clear])).all()


def test_previous_actions_are_those_of_the_step_before(demonstrated):
    chunk = demonstrated[0][0]
    alive = chunk.labels.alive
    for t in range(1, T):
        rows = alive[:, t]
        assert (chunk.previous_action[rows, t] == chunk.labels.action[rows, t - 1]).all()
    assert (chunk.previous_action[:, 0] == torch.tensor((0, 5, 5))).all()


def test_an_episode_that_ends_leaves_dead_frames_and_the_next_chunk_begins_another(demonstrated):
    parts, collector = demonstrated
    ended = 0
    for before, after in itertools.pairwise(parts):
        alive = before.labels.alive
        assert (alive[:, :-1] | ~alive[:, 1:]).all()  # nothing wakes inside a chunk
        over = ~alive[:, -1]
        ended += int(over.sum())
        assert after.labels.alive[:, 0].all()
        assert (after.state.valid[over] == 0).all()
        assert (after.previous_action[over, 0] == torch.tensor((0, 5, 5))).all()
    assert ended > 3
    assert collector.tasks_given >= N + ended


def test_each_task_is_given_once_and_in_order(demonstrated):
    _, collector = demonstrated
    numbers = sorted(int(task.task_id.rsplit("-", 1)[1]) for task in collector.envs.tasks)
    assert len(set(numbers)) == N
    assert max(numbers) == collector.tasks_given - 1


def test_a_task_that_cannot_be_made_is_passed_over_and_never_comes_again(policy, unmakeable, caplog):
    unmakeable(2)
    _, collector = chunks(policy, 1.0, 1)
    assert caplog.messages == ["a task is passed over: no such world"]
    assert collector.tasks_given == N + 1
    assert sorted(task.task_id for task in collector.envs.tasks) == [f"train-{k}" for k in (0, 1, 3, 4, 5, 6)]


def test_equal_seeds_give_equal_chunks(policy):
    one, other = (chunks(policy, 0.5, 1)[0][0] for _ in range(2))
    for name in ("images", "goal_image", "goal_mask", "event", "previous_action"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert all(torch.equal(a, b) for a, b in zip(one.labels, other.labels, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(one.state, other.state, strict=True))


def test_roughened_masks_are_never_empty(demonstrated):
    for chunk in demonstrated[0]:
        assert (chunk.goal_mask.flatten(1).sum(1) > 0).all()
        assert chunk.goal_mask.max() == 1


def test_rows_and_join_keep_sequences_whole(demonstrated):
    chunk = demonstrated[0][0]
    both = type(chunk).join([chunk.rows(torch.tensor([4, 1])), chunk.rows(torch.tensor([0]))])
    for field in dataclasses.fields(chunk):
        if field.name not in ("state", "labels"):
            assert torch.equal(getattr(both, field.name), getattr(chunk, field.name)[[4, 1, 0]])
    assert torch.equal(both.labels.action, chunk.labels.action[[4, 1, 0]])
    assert both.state.keys.dtype == torch.float32
