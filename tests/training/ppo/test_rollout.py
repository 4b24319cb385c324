"""Each decision is in one fragment, no fragment crosses an episode, and what is stored is what was so."""

import copy
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
import torch
from xview_training.policy.memory import State
from xview_training.ppo.fragment import Fragment

pytestmark = pytest.mark.usefixtures("one_thread")


def in_order(fragments: list[Fragment]) -> dict[int, list[Fragment]]:
    """The fragments of each episode, first to last."""
    episodes = defaultdict(list)
    for fragment in sorted(fragments, key=lambda f: (f.episode, f.start)):
        episodes[fragment.episode].append(fragment)
    return episodes


@pytest.fixture
def rollout(tiny_policy, signs):
    return signs(tiny_policy(), environments=6, fragment=3)


@pytest.fixture
def fragments(rollout) -> list[Fragment]:
    return [f for _ in range(14) for f in rollout.step()] + rollout.cut()


def test_each_decision_is_in_exactly_one_fragment(rollout, fragments):
    assert sum(len(f) for f in fragments) == rollout.decisions
    for episode in in_order(fragments).values():
        starts = np.cumsum([0, *(len(f) for f in episode)])
        assert [f.start for f in episode] == list(starts[:-1])


def test_no_fragment_crosses_an_episode(fragments):
    for episode in in_order(fragments).values():
        assert not any(f.ended for f in episode[:-1])
        assert len({(f.task_id, f.kind) for f in episode}) == 1
        assert all(len(f) == 3 for f in episode[:-1])
        assert np.all(episode[0].keys == 0)
        assert np.all(episode[0].valid == 0)
        assert tuple(episode[0].previous_action[0]) == (0, 5, 5)
        actions = np.concatenate([f.action for f in episode])
        previous = np.concatenate([f.previous_action for f in episode])
        np.testing.assert_array_equal(previous[1:], actions[:-1])


def test_the_world_s_end_has_no_value_to_come_and_the_time_limit_has(fragments):
    ended = [f for f in fragments if f.ended]
    assert {f.terminated for f in ended} == {True, False}
    for fragment in ended:
        assert fragment.truncated != fragment.terminated
        assert (fragment.next_value == 0) == fragment.terminated
        pressed = fragment.action[-1, 0] in (1, 2)
        assert fragment.terminated == pressed
        assert fragment.reward[-1] == float(fragment.outcome.success)
    assert all(np.all(f.reward[:-1] == 0) for f in fragments)


def test_a_fragment_s_bootstrap_is_the_next_fragment_s_first_value(fragments):
    pairs = [(a, b) for episode in in_order(fragments).values() for a, b in pairwise(episode)]
    assert pairs
    for first, second in pairs:
        # Not to the bit: between the two the memory was rounded to half precision.
        assert first.next_value == pytest.approx(second.value[0], abs=1e-3)


def test_every_ended_episode_is_booked_once(rollout, fragments):
    assert len(rollout.sampler.booked) == sum(f.ended for f in fragments)


def test_the_reference_s_memory_stays_warm_over_an_episode(rollout, fragments):
    """Its logits are those of one pass over the whole episode; a memory that starts cold in a fragment gives others."""
    reference, differs = rollout.reference.policy, 0.0
    for episode in in_order(fragments).values():
        images, previous = (np.concatenate([getattr(f, n) for f in episode]) for n in ("seen", "previous_action"))
        stored = np.concatenate([f.reference_logits for f in episode]).astype(np.float32)
        last = episode[-1]
        whole = reference_logits(reference, episode[0], images, previous)
        np.testing.assert_allclose(stored, whole, atol=5e-3)
        cold = reference_logits(reference, last, last.seen, last.previous_action)
        differs = max(differs, float(np.abs(cold - stored[-len(last) :]).max()))
    assert differs > 0.01


@torch.no_grad()
def reference_logits(policy, fragment: Fragment, images: np.ndarray, previous: np.ndarray) -> np.ndarray:
    """Log-probabilities of a policy with an empty memory."""
    goal = policy.encode_goal(torch.from_numpy(fragment.goal_image)[None], torch.from_numpy(fragment.goal_mask)[None])
    inputs = torch.from_numpy(images)[None], goal, torch.tensor([fragment.event]), torch.from_numpy(previous)[None]
    output, _ = policy(*inputs, policy.initial_state(1))
    return torch.cat([head[0].log_softmax(-1) for head in (output.buttons, output.pitch, output.yaw)], -1).numpy()


def test_new_weights_are_used_at_once_goals_included(tiny_policy, signs):
    """After a change of weights the stored log-probabilities are the new policy's, from the pictures on."""
    policy = tiny_policy()
    rollout = signs(policy, environments=4, fragment=6)
    for _ in range(3):
        rollout.step()
    rollout.cut()
    policy.load_state_dict(tiny_policy(seed=9).state_dict())
    rollout.refresh(1)
    fragments = [f for _ in range(2) for f in rollout.step()] + rollout.cut()
    for fragment in (f for f in fragments if f.policy_version == 1):
        goal = policy.encode_goal(
            torch.from_numpy(fragment.goal_image)[None], torch.from_numpy(fragment.goal_mask)[None]
        )
        parts = (fragment.keys, fragment.values, fragment.valid)
        state = State(*(torch.from_numpy(part)[None].float() for part in parts))
        inputs = torch.from_numpy(fragment.seen)[None], goal, torch.tensor([fragment.event])
        with torch.no_grad():
            output, _ = policy(*inputs, torch.from_numpy(fragment.previous_action)[None], state)
        np.testing.assert_allclose(output.value[0].numpy(), fragment.value, atol=1e-5)


def test_a_wrong_arrival_can_cost(tiny_policy, signs):
    rollout = signs(tiny_policy(), environments=6, fragment=5)
    rollout.config = copy.copy(rollout.config)
    object.__setattr__(rollout.config, "wrong_arrival_reward", -0.5)
    fragments = [f for _ in range(12) for f in rollout.step()] + rollout.cut()
    ended = [f for f in fragments if f.ended]
    assert {float(f.reward[-1]) for f in ended} == {1.0, 0.0, -0.5}
    assert all((f.reward[-1] == -0.5) == f.outcome.first_wrong for f in ended)


def test_a_task_that_cannot_be_made_is_passed_over_and_the_rest_play(tiny_policy, signs, caplog):
    rollout = signs(tiny_policy(), environments=4, fragment=3)
    assign, failures = rollout.envs.assign, [ValueError("no such world")]

    def fails_once(slots, requests):
        if not failures:
            return assign(slots, requests)
        assign(slots[1:], requests)
        raise failures.pop()

    rollout.envs.assign = fails_once
    rollout.step()
    assert rollout.decisions == 4
    assert caplog.messages == ["a task is passed over: no such world"]


def test_endless_failures_end_the_run(tiny_policy, signs):
    rollout = signs(tiny_policy(), environments=2, fragment=3)

    def fails(slots, requests):
        raise ValueError("no such world")

    rollout.envs.assign = fails
    with pytest.raises(RuntimeError, match="20 times in a row"):
        rollout.step()
