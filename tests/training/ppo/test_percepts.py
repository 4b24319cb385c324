"""Where perception does not learn, what was seen is kept: the same learning, without a second look at a picture."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from xview_training.policy.architectures import untrained
from xview_training.ppo.experiments import EXPERIMENTS
from xview_training.ppo.fragment_files import pack, unpack
from xview_training.ppo.learner import Learner, LearnerConfig
from xview_training.ppo.trainer import PpoTrainer

pytestmark = pytest.mark.usefixtures("one_thread")
BLIND = LearnerConfig(
    learning_rate=1e-3, warmup_updates=1, critic_warmup=0, minibatch=4, segment=3, bf16=False, sees=False
)


def scene(policy, batch: int = 3, steps: int = 4):
    """Noise to see, and what is told beside it."""
    draw = torch.Generator().manual_seed(1)
    side = policy.config.image_size

    def pictures(*shape: int) -> torch.Tensor:
        return torch.randint(0, 256, (*shape, side, side, 3), dtype=torch.uint8, generator=draw)

    mask = torch.randint(0, 2, (batch, side, side), dtype=torch.uint8, generator=draw)
    told = torch.full((batch,), 7), torch.randint(0, 7, (batch, steps, 3), generator=draw)
    return pictures(batch, steps), pictures(batch), mask, told


@pytest.fixture
def played(signs):
    """Fragments that a policy has played, of percepts or of pictures."""

    def play(policy, percepts: bool = True):
        rollout = signs(policy, percepts=percepts)
        return [fragment for _ in range(12) for fragment in rollout.step()] + rollout.cut()

    return play


def test_a_percept_is_all_that_is_seen(tiny_policy):
    policy = tiny_policy()
    images, goal_image, goal_mask, told = scene(policy)
    start = policy.initial_state(3)
    with torch.no_grad():
        whole, state = policy(images, policy.encode_goal(goal_image, goal_mask), *told, start)
        again, same_state = policy.act_on(whole.percept, *told, start)
    assert whole.percept.shape == (3, 4, policy.percept_width)
    for one, other in zip((*whole, *state), (*again, *same_state), strict=True):
        assert torch.equal(one, other)


def test_percepts_depend_on_what_is_named_perception_and_on_nothing_else(tiny_policy):
    policy = tiny_policy()
    images, goal_image, goal_mask, _ = scene(policy)
    policy.perceive(images, policy.encode_goal(goal_image, goal_mask)).square().sum().backward()
    moved = {name for name, parameter in policy.named_parameters() if parameter.grad is not None}
    assert moved == {name for name, _ in policy.named_parameters() if name.startswith(policy.perception)}
    assert all(any(name.startswith(prefix) for name in moved) for prefix in policy.perception)


def test_learning_from_percepts_is_learning_from_the_pictures(tiny_policy, played):
    policy = tiny_policy()
    fragments = played(policy)
    pictures = [f.seen for f in played(policy, percepts=False)]
    seen = [dataclasses.replace(f, seen=picture) for f, picture in zip(fragments, pictures, strict=True)]
    ours, theirs = (Learner(BLIND, copy.deepcopy(policy), seed=0) for _ in range(2))
    from_percepts, from_pictures = ours.learn(fragments, 0.0), theirs.learn(seen, 0.0)
    assert from_percepts.keys() == from_pictures.keys()
    for name, figure in from_percepts.items():
        assert figure == pytest.approx(from_pictures[name], abs=1e-5, nan_ok=True), name
    for (name, one), other in zip(ours.policy.named_parameters(), theirs.policy.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5, msg=name)


def test_perception_stays_and_decisions_learn(tiny_policy, played):
    policy = tiny_policy()
    learner = Learner(BLIND, copy.deepcopy(policy), seed=0)
    learner.learn(played(policy), 0.0)
    moved = {
        name
        for (name, old), new in zip(policy.named_parameters(), learner.policy.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert not any(name.startswith(policy.perception) for name in moved)
    assert {"summary.0.weight", "decision.action.weight", "memory.layers.0.project.weight"} <= moved


def test_the_reference_answers_to_percepts_as_to_pictures(tiny_policy, played):
    kept, seen = (played(tiny_policy(), percepts) for percepts in (True, False))
    assert len(kept) == len(seen) > 0
    for one, other in zip(kept, seen, strict=True):
        assert np.array_equal(one.action, other.action)
        np.testing.assert_allclose(one.reference_logits, other.reference_logits, atol=2e-3)
        assert (one.seen.dtype, other.seen.dtype) == (np.float32, np.uint8)


def test_a_fragment_s_file_holds_percepts_in_place_of_pictures(tiny_policy, played):
    policy = tiny_policy()
    kept, seen = (played(policy, percepts)[0] for percepts in (True, False))
    assert np.array_equal(unpack(pack(kept)).seen, kept.seen)
    assert kept.seen.shape == (len(kept), policy.percept_width)
    assert seen.seen.shape == (len(seen), *seen.goal_image.shape)


@pytest.mark.parametrize("sees", [True, False])
def test_a_run_keeps_percepts_where_its_perception_stays(tmp_path, sees):
    settings = EXPERIMENTS["debug"]
    settings = dataclasses.replace(settings, learner=dataclasses.replace(settings.learner, sees=sees))
    trainer = PpoTrainer(settings, tmp_path, threads=1)
    fragments = [fragment for _ in range(8) for fragment in trainer.rollout.step()] + trainer.rollout.cut()
    trainer.rollout.close()
    assert {fragment.seen.ndim for fragment in fragments} == {4 if sees else 2}


def test_a_policy_without_percepts_says_so():
    policy = untrained("rocket2-small")
    with pytest.raises(ValueError, match="policy rocket2 names no perception"):
        Learner(BLIND, policy, seed=0)
    nothing = torch.zeros(1, 1, 4)
    with pytest.raises(ValueError, match="rocket2 keeps no percepts"):
        policy.act_on(nothing, torch.zeros(1), torch.zeros(1, 1, 3), policy.initial_state(1))
