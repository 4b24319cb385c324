"""What is kept of the expert is what it would do; without a wish for it nobody asks it."""

import dataclasses

import numpy as np
import pytest
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.ppo.experiments import PpoExperiment
from xview_training.ppo.fragment import NOT_ASKED
from xview_training.ppo.losses import LossSettings
from xview_training.ppo.truth import Truth
from xview_training.tasks import rules
from xview_training.tasks.suites import suite_named


@pytest.fixture
def envs():
    made = CrossViewEnvs(4, 32, threads=1)
    made.assign(np.arange(4), (suite_named("train").request(k, difficulty="near") for k in range(4)))
    yield made
    made.close()


def test_who_does_what_is_kept_of_the_expert_succeeds(envs):
    truth = Truth(envs, ask_expert=True)
    truth.begin(np.arange(4))
    for _ in range(200):
        alive = np.flatnonzero(~envs.done)
        if len(alive):
            envs.step(truth.columns(alive)["expert_action"].copy())
    assert (envs.episode[:, rules.SUCCESS] > 0).all()


def test_an_expert_that_is_not_wanted_is_not_asked(envs):
    columns = Truth(envs, ask_expert=False).columns(np.arange(4))
    assert (columns["expert_action"] == NOT_ASKED).all()
    assert columns["view"].shape == (4, 7)


def test_its_loss_without_its_actions_is_refused():
    losses = dataclasses.replace(PpoExperiment("any", frames=1).learner, losses=LossSettings(expert=0.1))
    with pytest.raises(ValueError, match=r"learner\.losses\.expert needs its actions"):
        PpoExperiment("any", frames=1, learner=losses)
