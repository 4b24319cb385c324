"""Named experiments: imitation makes a start for each of PPO's, and the help knows them all."""

import dataclasses
from functools import partial

import pytest
from xview_training.experiments import EXPERIMENTS, experiment_named
from xview_training.imitation_command import train_imitation
from xview_training.ppo.experiments import EXPERIMENTS as PPO
from xview_training.ppo_command import train_ppo


@pytest.mark.parametrize("name", PPO)
def test_reinforcement_learning_finds_a_policy_to_start_with_under_its_own_name(name):
    assert experiment_named(name).policy == PPO[name].policy


def test_paper_and_rocket2_are_one():
    assert dataclasses.replace(EXPERIMENTS["paper"], name="rocket2") == EXPERIMENTS["rocket2"]


def test_the_gpus_experiment_learns_from_a_frame_as_often_as_that_of_two_cores():
    big, cpu = EXPERIMENTS["h200"], EXPERIMENTS["cpu"]
    uses = [e.dagger.sequences * e.dagger.updates_per_chunk / e.collector.environments for e in (big, cpu)]
    assert uses[0] == uses[1]


@pytest.mark.parametrize(("command", "experiments"), [(train_imitation, EXPERIMENTS), (train_ppo, PPO)])
def test_the_help_lists_every_experiment(command, experiments):
    assert not [name for name in experiments if name not in command.__doc__]


class Begun(Exception):
    """In a trainer's stead, with the settings that it was given."""


@pytest.mark.parametrize(
    ("command", "trainer", "simulator"),
    [
        (train_imitation, "xview_training.imitation.trainer.ImitationTrainer", "collector"),
        (partial(train_ppo, in_process=True), "xview_training.ppo.trainer.PpoTrainer", "rollout"),
    ],
)
def test_the_gpus_experiment_simulates_with_its_own_threads_unless_others_are_asked_for(
    command, trainer, simulator, tmp_path, monkeypatch
):
    def begin(settings, *_rest):
        raise Begun(settings)

    monkeypatch.setattr(trainer, begin)
    for asked, had in ((None, 16), (3, 3)):
        with pytest.raises(Begun) as begun:
            command(experiment="h200", run=tmp_path / "run", threads=asked)
        assert getattr(begun.value.args[0], simulator).threads == had
