"""The learner's update is that of plain PyTorch and of a published PPO; segments, leash and freezing do as they say."""

import copy
import dataclasses
import itertools
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from xview_training.policy.autocast import bfloat16
from xview_training.ppo.batch import batch_of
from xview_training.ppo.critic import CriticConfig
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.learner import Learner, LearnerConfig, _alike
from xview_training.ppo.learner_state import learner_record, learner_tensors, restore_learner
from xview_training.ppo.leash import Leash, LeashConfig
from xview_training.ppo.losses import heads, log_prob_of

pytestmark = pytest.mark.usefixtures("one_thread")
PLAIN = LearnerConfig(
    learning_rate=1e-3, warmup_updates=1, anneal=1.0, weight_decay=0.0, critic_warmup=0, minibatch=100, segment=100,
    bf16=False,
)  # fmt: skip


@pytest.fixture
def played(signs) -> Callable[..., list[Fragment]]:
    """Fragments that a policy has played."""

    def play(policy, steps: int = 12, bf16: bool = False) -> list[Fragment]:
        rollout = signs(policy, bf16=bf16)
        return [fragment for _ in range(steps) for fragment in rollout.step()] + rollout.cut()

    return play


def log_ratios(policy, fragments: list[Fragment], segment: int, bf16: bool) -> torch.Tensor:
    """Log-ratio of every decision, recomputed segment by segment from the fragments' starts."""
    lessons = Learner(dataclasses.replace(PLAIN, bf16=bf16), policy, seed=0)._lessons(fragments, fragments)
    batch = batch_of(lessons, policy.config.side, torch.device("cpu"))
    state, found = batch.state, []
    with torch.no_grad(), bfloat16(torch.device("cpu"), bf16):
        for part in batch.segments(segment):
            rows = len(part.seen)
            goal = policy.encode_goal(batch.goal_image[:rows], batch.goal_mask[:rows])
            state = type(state)(*(tensor[:rows] for tensor in state))
            output, state = policy(part.seen, goal, batch.event[:rows], part.previous_action, state)
            ratio = log_prob_of(heads(output), part.steps.action) - part.steps.log_prob
            found.append(ratio[part.steps.labels.alive])
    return torch.cat(found)


@pytest.mark.parametrize("segment", [2, 3, 100])
def test_with_unchanged_weights_every_ratio_is_one(tiny_policy, played, segment):
    policy = tiny_policy()
    fragments = played(policy)
    ratios = log_ratios(policy, fragments, segment, bf16=False)
    assert len(ratios) == sum(len(f) for f in fragments)
    assert ratios.abs().max() < 1e-5


def test_with_unchanged_weights_ratios_are_one_within_half_precision_s_rounding(tiny_policy, played):
    policy = tiny_policy()
    assert log_ratios(policy, played(policy, bf16=True), 3, bf16=True).abs().max() < 0.02


def test_an_update_is_that_of_plain_torch(tiny_policy, played):
    policy = tiny_policy()
    fragments = played(policy)
    learner = Learner(PLAIN, copy.deepcopy(policy), seed=0)
    learner.learn(fragments, progress=0.0)

    lessons = Learner(PLAIN, copy.deepcopy(policy), seed=0)._lessons(fragments, fragments)
    optimizer = torch.optim.Adam(policy.parameters(), lr=PLAIN.learning_rate, eps=1e-5)
    total = torch.zeros(())
    for lesson in lessons:  # one fragment after the other, no padding
        f = lesson.fragment
        tensors = {name: torch.from_numpy(np.asarray(getattr(f, name)))[None] for name in (
            "goal_image", "goal_mask", "seen", "previous_action", "keys", "values", "valid", "event")}  # fmt: skip
        state = type(policy.initial_state(1))(*(tensors[n].float() for n in ("keys", "values", "valid")))
        goal = policy.encode_goal(tensors["goal_image"], tensors["goal_mask"])
        output, _ = policy(tensors["seen"], goal, tensors["event"], tensors["previous_action"], state)
        distributions = [torch.distributions.Categorical(logits=head[0]) for head in heads(output)]
        action = torch.from_numpy(f.action)
        new = sum(d.log_prob(action[:, k]) for k, d in enumerate(distributions))
        ratio = (new - torch.from_numpy(f.log_prob)).clamp(-1.03, 1.03).exp()
        advantage = torch.from_numpy(lesson.advantage)
        surrogate = torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
        value = 0.5 * (output.value[0] - torch.from_numpy(lesson.target)).square()
        references = torch.from_numpy(f.reference_logits).float().split([7, 11, 11], -1)
        theirs = [torch.distributions.Categorical(logits=head) for head in references]
        kl = sum(torch.distributions.kl_divergence(p, q) for p, q in zip(distributions, theirs, strict=True))
        total = total + (0.5 * value - surrogate + 0.2 * kl).sum()
    (total / sum(len(f) for f in fragments)).backward()
    learnt = [p for p in policy.parameters() if p.grad is not None]
    torch.nn.utils.clip_grad_norm_(learnt, 0.5)
    optimizer.step()
    for ours, theirs in zip(learner.policy.parameters(), policy.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=3e-5)


def test_the_critic_s_warm_up_moves_the_value_alone(tiny_policy, played):
    learner = Learner(dataclasses.replace(PLAIN, critic_warmup=1), tiny_policy(), seed=0)
    before = copy.deepcopy(learner.policy.state_dict())
    fragments = played(learner.policy)
    learner.learn(fragments, progress=0.0)
    moved = {n for n, p in learner.policy.state_dict().items() if not torch.equal(p, before[n])}
    assert moved == {"decision.value.weight", "decision.value.bias"}
    learner.learn(fragments, progress=0.0)
    assert "decision.action.weight" in {
        n for n, p in learner.policy.state_dict().items() if not torch.equal(p, before[n])
    }


def test_the_learning_rate_rises_after_the_critic_s_warm_up(tiny_policy, played):
    settings = dataclasses.replace(PLAIN, critic_warmup=2, warmup_updates=10, minibatch=1)
    learner = Learner(settings, tiny_policy(), seed=0)
    fragments = played(learner.policy)
    assert len(fragments) > 5
    for _ in range(2):
        learner.learn(fragments, progress=0.0)
    assert learner.updates == 2 * len(fragments) > settings.warmup_updates
    assert learner._learning_rate(0.0) == pytest.approx(settings.learning_rate / 10)
    learner.iteration -= 2  # the fragments' version
    learner.config = dataclasses.replace(settings, critic_warmup=0)
    learner.learn(fragments[:3], progress=0.0)
    assert learner._learning_rate(0.0) == pytest.approx(settings.learning_rate * 4 / 10)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 9))
def test_minibatches_have_every_fragment_once_and_about_equally_many_decisions(lengths, minibatch):
    count = -(-len(lengths) // minibatch)
    parts = [lengths[part] for part in _alike(lengths, count)]
    assert list(itertools.chain(*parts)) == lengths
    assert len(parts) == count
    assert all(parts)
    if count <= sum(lengths) / max(lengths):  # else a single fragment is more than a part's share
        assert max(map(sum, parts)) <= sum(lengths) / count + 2 * max(lengths)


def test_short_fragments_count_as_much_a_decision_as_long_ones():
    parts = _alike([32] * 24 + [4] * 24, 6)
    assert [part.stop - part.start for part in parts] == [5, 4, 5, 4, 5, 25]


def test_what_is_frozen_stays_and_a_wrong_name_is_answered(tiny_policy, played):
    learner = Learner(dataclasses.replace(PLAIN, frozen=("image_encoder.",)), tiny_policy(), seed=0)
    before = copy.deepcopy(learner.policy.state_dict())
    learner.learn(played(learner.policy), progress=0.0)
    for name, parameter in learner.policy.state_dict().items():
        assert torch.equal(parameter, before[name]) or not name.startswith("image_encoder.")
    with pytest.raises(ValueError, match=r"'backbone'; the policy has .*image_encoder"):
        Learner(dataclasses.replace(PLAIN, frozen=("backbone",)), tiny_policy(), seed=0)


def test_fragments_that_lag_too_far_behind_are_left_out(tiny_policy, played):
    learner = Learner(dataclasses.replace(PLAIN, max_staleness=1), tiny_policy(), seed=0)
    fragments = played(learner.policy)
    learner.iteration = 5
    learner_weights = copy.deepcopy(learner.policy.state_dict())
    fresh = [dataclasses.replace(f, policy_version=4) for f in fragments[:3]]
    figures = learner.learn([*fresh, *fragments[3:]], progress=0.0)
    assert figures["stale_fragments"] == len(fragments) - 3
    assert figures["staleness"] == 1
    before = copy.deepcopy(learner.policy.state_dict())
    assert any(not torch.equal(before[n], learner_weights[n]) for n in before)
    learner.learn(fragments, progress=0.0)
    assert all(torch.equal(p, before[n]) for n, p in learner.policy.state_dict().items())


def test_the_average_follows_slowly(tiny_policy, played):
    learner = Learner(PLAIN, tiny_policy(), seed=0)
    start = copy.deepcopy(learner.average.decision.action.weight)
    learner.learn(played(learner.policy), progress=0.0)
    moved = (learner.policy.decision.action.weight - start).abs().sum()
    assert 0 < (learner.average.decision.action.weight - start).abs().sum() < moved


def kept(learner: Learner) -> tuple[dict, dict]:
    """What a checkpoint of it holds."""
    record = learner_record(learner) | {"experiment": {"learner": dataclasses.asdict(learner.config)}}
    return learner_tensors(learner), json.loads(json.dumps(record))


@pytest.mark.parametrize(
    "change", [{"sees": False}, {"frozen": ("memory.",)}, {"critic": CriticConfig(privileged=True)}]
)
def test_a_learner_of_other_parameters_than_the_checkpoint_s_is_refused_by_the_setting(tiny_policy, change):
    other = Learner(dataclasses.replace(PLAIN, **change), tiny_policy(), seed=0)
    with pytest.raises(ValueError, match=rf"learner\.{next(iter(change))}: the run was begun with"):
        restore_learner(other, *kept(Learner(PLAIN, tiny_policy(), seed=0)))


def test_a_leash_goes_on_where_it_was_unless_it_is_set_anew(tiny_policy):
    first = Learner(PLAIN, tiny_policy(), seed=0)
    first.leash.coefficient = 0.07
    for leash, goes_on_at in ((PLAIN.leash, 0.07), (LeashConfig(coefficient=0.0), 0.0)):
        second = Learner(dataclasses.replace(PLAIN, leash=leash), tiny_policy(), seed=0)
        restore_learner(second, *kept(first))
        assert second.leash.coefficient == goes_on_at


def test_from_gradients_that_are_no_numbers_nothing_is_learnt(tiny_policy, played):
    learner = Learner(PLAIN, tiny_policy(), seed=0)
    fragments = played(learner.policy)
    torch.nn.init.constant_(learner.policy.summary[0].bias, torch.inf)
    before = copy.deepcopy(learner.policy.state_dict())
    with pytest.raises(ValueError, match="the gradients are not finite numbers"):
        learner.learn(fragments, progress=0.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.policy.state_dict().items())


def test_a_leash_decays_or_follows_the_kl():
    decaying = Leash(LeashConfig(coefficient=0.2, decay=0.9))
    decaying.advance(5.0)
    decaying.advance(0.0)
    assert decaying.coefficient == pytest.approx(0.2 * 0.81)
    following = Leash(LeashConfig(coefficient=0.2, target=0.1))
    following.advance(0.2)
    assert following.coefficient == pytest.approx(0.3)
    following.advance(0.1)
    assert following.coefficient == pytest.approx(0.3)
    following.advance(0.01)
    assert following.coefficient == pytest.approx(0.2)
    for _ in range(20):  # a policy that has just set out is near whatever holds it
        following.advance(0.0)
    assert following.coefficient == pytest.approx(0.05)


def test_ppo_learns_what_the_signs_ask_for(tiny_policy, signs):
    policy = tiny_policy(seed=3)
    rollout = signs(policy, environments=16, fragment=8)
    sampler = rollout.sampler
    settings = dataclasses.replace(
        PLAIN, learning_rate=5e-3, minibatch=8, epochs=2, segment=8, leash=LeashConfig(coefficient=0.0)
    )
    learner = Learner(settings, policy, seed=0)
    rates = []
    for _ in range(18):
        sampler.booked.clear()
        fragments = [f for _ in range(8) for f in rollout.step()] + rollout.cut()
        learner.learn(fragments, progress=0.0)
        rollout.refresh(learner.iteration)
        rates.append(np.mean([outcome.success for _, outcome in sampler.booked]))
    assert np.mean(rates[:2]) < 0.6
    assert np.mean(rates[-3:]) > 0.9
