"""Imitation that goes on from a policy, for so many minutes: what reinforcement learning is compared with."""

import dataclasses

import pytest
from xview_deploy.cli import installed_commands, run
from xview_training import checkpoints
from xview_training.experiments import ImitationExperiment, experiment_named
from xview_training.imitation.trainer import ImitationTrainer
from xview_training.trained import load_policy

pytestmark = pytest.mark.usefixtures("one_thread")


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


def test_a_run_begins_with_the_averaged_weights_of_another(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    common = ("train", "imitation", "--experiment", "debug", "--threads", 1, "--frames", 32)
    assert xview(*common, "--run", first) == 0
    assert xview(*common, "--run", second, "--from", first, "--minutes", 60) == 0
    averaged, _ = load_policy(first)
    tensors, state = checkpoints.load(checkpoints.newest(second / "checkpoints"))
    assert state["experiment"]["minutes"] == 60
    moved = [float((tensors[f"policy.{n}"] - p).abs().max()) for n, p in averaged.state_dict().items()]
    assert 0 < max(moved) < 0.02  # some steps of the optimiser away, not another draw


def test_minutes_end_a_run_as_frames_do(tmp_path):
    experiment = dataclasses.replace(experiment_named("debug"), frames=1000, minutes=2.0)
    trainer = ImitationTrainer(experiment, tmp_path, threads=1)
    trainer.spent.seconds, trainer.global_step = 30.0, 100
    assert trainer.progress == pytest.approx(0.25)
    trainer.global_step = 600
    assert trainer.progress == pytest.approx(0.6)
    trainer.lessons.close()
    with pytest.raises(ValueError, match="frames, minutes or core_minutes"):
        ImitationExperiment("endless")


def test_the_control_s_expert_acts_less_and_less(tmp_path):
    experiment = dataclasses.replace(experiment_named("debug"), dagger=experiment_named("control").dagger)
    trainer = ImitationTrainer(experiment, tmp_path, threads=1)
    shares = []
    trainer.lessons.collector.collect = lambda policy, share: shares.append(share)
    for progress in (0.0, 0.25, 1.0):
        trainer.lessons.prepare(trainer.policy, progress)
    assert shares == [1.0, 0.75, 0.0]
    trainer.lessons.close()
