"""Groups of worlds share a policy, and one that hangs costs the others nothing."""

import copy
import dataclasses
import queue
import threading

import numpy as np
import pytest
import torch
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.policy.architectures import build
from xview_training.policy.small import SmallPolicyConfig
from xview_training.ppo.cluster.groups import Groups
from xview_training.ppo.cluster.inference import Answering, Retired
from xview_training.ppo.cluster.settings import GroupSettings
from xview_training.ppo.experiments import EXPERIMENTS
from xview_training.ppo.rollout import Rollout
from xview_training.ppo.sampling import TaskSampler
from xview_training.tasks.suites import suite_named

CONFIG = dataclasses.replace(EXPERIMENTS["debug"].rollout, environments=2, threads=1, bf16=False)
LONG_S = 60.0


@pytest.fixture(scope="module")
def policy(one_thread):
    torch.manual_seed(0)
    return build(SmallPolicyConfig()).eval().requires_grad_(False)


@pytest.fixture
def make(policy):
    """Makes rollouts over real worlds, and ends their threads."""
    made = []
    reference = copy.deepcopy(policy)

    def new(asked, number, envs=None) -> Rollout:
        envs = envs or CrossViewEnvs(CONFIG.environments, policy.config.image_size, threads=1)
        sampler = TaskSampler(EXPERIMENTS["debug"].sampling, suite_named("train"), number)
        made.append(Rollout(CONFIG, envs, asked, reference, sampler, seed=number))
        return made[-1]

    yield new
    for rollout in made:
        rollout.close()


class StuckEnvs(CrossViewEnvs):
    """Worlds whose simulator stops answering at its tenth step, until it is let go."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.steps, self.go = 0, threading.Event()

    def step(self, actions):
        self.steps += 1
        if self.steps == 10:
            assert self.go.wait(LONG_S)
        super().step(actions)


def test_two_groups_play_what_each_plays_alone(policy, make):
    alone = [make(policy, number) for number in (1, 2)]
    expected = {number: [rollout.step() for _ in range(8)] for number, rollout in zip((1, 2), alone, strict=True)}
    for at_once in (1, 2):
        groups = Groups(GroupSettings(groups=2, at_once=at_once), policy, bf16=False, make=make)
        fragments = groups.play(8)
        assert sum(map(len, fragments)) == sum(len(f) for steps in expected.values() for s in steps for f in s)
        told = {(f.task_id, f.start): f for f in fragments}
        for fragment in (f for steps in expected.values() for step in steps for f in step):
            same = told[fragment.task_id, fragment.start]
            assert np.array_equal(same.action, fragment.action)
            assert np.allclose(same.log_prob, fragment.log_prob, atol=1e-4)


def test_a_group_that_hangs_is_replaced_and_what_it_had_played_is_kept(policy, make):
    stuck = StuckEnvs(CONFIG.environments, policy.config.image_size, threads=1)
    groups = Groups(
        GroupSettings(groups=2, step_deadline_s=LONG_S),
        policy,
        bf16=False,
        make=lambda asked, number: make(asked, number, stuck if number == 1 else None),
    )
    groups.play(1)  # worlds are made, kernels compiled: from now on a step is quick
    groups.settings = dataclasses.replace(groups.settings, step_deadline_s=4.0)
    hung = groups.groups[0]
    fragments = groups.play(12)
    assert groups.hung == ["group 1: no step within 4 s"]
    mine = [fragment for fragment in fragments if len(fragment) == 1 and fragment.outcome is None]
    assert len(mine) == 2, "the ninth decision of both worlds; the eight before were full fragments, the tenth hung"
    for fragment in mine:
        assert not fragment.ended
        assert np.isfinite(fragment.next_value)
    assert [group.number for group in groups.groups] == [3, 2]
    assert groups.play(2) is not None
    stuck.go.set()
    hung._thread.join(LONG_S)
    assert hung.error is None, "it was told that it is no longer needed, and ended"


def test_too_many_hung_groups_ask_for_a_new_process(policy, make):
    stuck = [StuckEnvs(CONFIG.environments, policy.config.image_size, threads=1) for _ in range(2)]
    for envs in stuck:
        envs.steps = 9
    settings = GroupSettings(groups=1, step_deadline_s=LONG_S, abandoned=0)
    groups = Groups(settings, policy, bf16=False, make=lambda asked, number: make(asked, number, stuck[number - 1]))
    groups.settings = dataclasses.replace(settings, step_deadline_s=0.5)
    with pytest.raises(RuntimeError, match="1 groups of worlds hung"):
        groups.play(1)
    for envs in stuck:
        envs.go.set()


def test_an_error_in_a_group_is_the_callers(policy):
    def fail(asked, number):
        raise ValueError("no such world")

    with pytest.raises(ValueError, match="no such world"):
        Groups(GroupSettings(groups=1), policy, bf16=False, make=fail).play(1)


def test_a_group_that_was_given_up_gets_no_answer(policy):
    answering = Answering(policy, bf16=False, at_once=1)
    asked = answering.proxy(1)
    refused: queue.SimpleQueue = queue.SimpleQueue()

    def ask():
        try:
            asked.encode_goal(torch.zeros(1, 64, 64, 3, dtype=torch.uint8), torch.zeros(1, 64, 64, dtype=torch.uint8))
        except Retired as error:
            refused.put(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    answering.serve(set(), LONG_S)
    thread.join(LONG_S)
    assert refused.get(timeout=LONG_S) == "group 1 was given up"
    asked.retired = True
    with pytest.raises(Retired):
        asked(None, None, None, None, None)


def test_impossible_groups_are_refused():
    with pytest.raises(ValueError, match="at_once <= groups"):
        GroupSettings(groups=1, at_once=2)
