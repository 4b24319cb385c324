"""A critic that knows more begins as the policy's own value, learns what that cannot see, and judges by it."""

import dataclasses

import numpy as np
import pytest
import torch
from xview_training import checkpoints
from xview_training.ppo.critic import Critic, CriticConfig
from xview_training.ppo.fragment import Outcome
from xview_training.ppo.learner import Learner, LearnerConfig
from xview_training.ppo.learner_state import learner_record, learner_tensors, restore_learner
from xview_training.ppo.losses import explained_variance
from xview_training.ppo.truth import KNOWN

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
PRIVILEGED = CriticConfig(privileged=True)


def alone(parameters, decisions) -> None:
    """How a learner that shares its batch with nobody combines gradients."""


def told(a_fragment, worth: float, seed: int, **changes):
    """A fragment whose decisions are worth what its insight's first number says, and whose policy guesses 0.3."""
    insight = np.random.default_rng(seed).normal(size=(5, KNOWN)).astype(np.float32)
    insight[:, 0] = worth
    value = np.full(5, 0.3, np.float32)
    return a_fragment(seed=seed, insight=insight, next_insight=insight[0], value=value, next_value=0.3, **changes)


def test_it_begins_as_the_policy_s_value(a_fragment):
    for fragment in (a_fragment(), a_fragment(next_value=0.0)):
        judged = Critic(PRIVILEGED, CPU, seed=0).judged([fragment])[0]
        np.testing.assert_allclose(judged.value, fragment.value, rtol=1e-6)
        assert judged.next_value == pytest.approx(fragment.next_value)


def test_it_learns_what_the_policy_s_value_cannot_tell(a_fragment):
    critic = Critic(dataclasses.replace(PRIVILEGED, updates=200, batch=64), CPU, seed=0)
    fragments = [told(a_fragment, worth=k % 2, seed=k) for k in range(200)]
    targets = [np.full(5, k % 2, np.float32) for k in range(200)]
    critic.learn(fragments, targets, np.random.default_rng(0), alone)
    unseen = [told(a_fragment, worth=k % 2, seed=1000 + k) for k in range(40)]
    foretold = torch.from_numpy(np.concatenate([f.value for f in critic.judged(unseen)]))
    came = torch.from_numpy(np.repeat([k % 2 for k in range(40)], 5).astype(np.float32))
    assert explained_variance(foretold, came) > 0.8


def test_what_follows_the_world_s_end_is_worth_nothing(a_fragment):
    critic = Critic(PRIVILEGED, CPU, seed=0)
    with torch.no_grad():
        critic.network[-1].bias += 1.0
    ended = a_fragment(terminated=True, next_value=0.0, outcome=Outcome(True, True, False, 15))
    goes_on = a_fragment()
    judged = critic.judged([ended, goes_on])
    assert judged[0].next_value == 0.0
    assert judged[1].next_value == pytest.approx(goes_on.next_value + 1.0)


def test_advantages_are_told_from_its_values(tiny_policy, signs):
    """On signs, the critic is told which sign it is, and the policy's value is not of any use."""
    policy = tiny_policy(seed=3)
    rollout = signs(policy, environments=16, fragment=8)
    settings = LearnerConfig(critic=dataclasses.replace(PRIVILEGED, updates=40), critic_warmup=0, bf16=False)
    learner = Learner(settings, policy, seed=0)
    for _ in range(6):
        fragments = [f for _ in range(8) for f in rollout.step()] + rollout.cut()
        figures = learner.learn(fragments, progress=0.0)
        rollout.refresh(learner.iteration)
    assert figures["critic_explained_variance"] > figures["explained_variance"] - 0.05
    lessons = learner._lessons(fragments, learner.critic.judged(fragments))
    plain = learner._lessons(fragments, fragments)
    assert not np.allclose(np.concatenate([k.target for k in lessons]), np.concatenate([k.target for k in plain]))


def test_a_checkpoint_keeps_it(tiny_policy, signs, tmp_path):
    settings = LearnerConfig(critic=PRIVILEGED, critic_warmup=0, bf16=False)
    policy = tiny_policy()
    rollout = signs(policy)
    first, second = Learner(settings, policy, seed=0), Learner(settings, tiny_policy(), seed=1)
    first.learn([f for _ in range(8) for f in rollout.step()] + rollout.cut(), progress=0.0)
    record = learner_record(first) | {"experiment": {"learner": dataclasses.asdict(settings)}}
    path = checkpoints.save(tmp_path, 1, learner_tensors(first), record, keep=1)
    restore_learner(second, *checkpoints.load(path))
    for one, other in zip(first.critic.network.parameters(), second.critic.network.parameters(), strict=True):
        assert torch.equal(one, other)
    before, after = (checkpoints.optimizer_tensors(k.critic.optimizer) for k in (first, second))
    assert before.keys() == after.keys() != set()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
