"""Debug runs: reproducible to the bit, resumable, exportable."""

import dataclasses
import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from xview_deploy.spec import ContractError
from xview_training import checkpoints
from xview_training.cli import commands
from xview_training.experiments import ValidationConfig
from xview_training.imitation.losses import LossWeights
from xview_training.ppo.experiments import PpoExperiment, ppo_experiment_named
from xview_training.ppo.trainer import PpoTrainer
from xview_training.runs import curve
from xview_training.runs.best import best_score, scores
from xview_training.tasks import files
from xview_training.tasks.files import FileHeader
from xview_training.tasks.packing import RECORD, pack
from xview_training.trained import load_policy
from xview_training.validation import HeldOut

pytestmark = pytest.mark.usefixtures("one_thread")
DEBUG = dataclasses.replace(
    ppo_experiment_named("debug"),
    suite="twin",
    rollout=dataclasses.replace(ppo_experiment_named("debug").rollout, environments=4, fragment=4, threads=1),
    frames=48,
)


@pytest.fixture(autouse=True)
def torch_as_it_was():
    yield
    torch.use_deterministic_algorithms(False)


def losses(run) -> list[dict]:
    """What a run logged, times apart."""
    rows = [json.loads(line) for line in (run / "progress.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if "second" not in k} for row in rows]


def a_run(folder, seed: int = 0, resume: bool = False, look=None, **changes) -> PpoTrainer:
    experiment = dataclasses.replace(DEBUG, seed=seed, deterministic=True, **changes)
    trainer = PpoTrainer(experiment, folder, threads=1, look=look)
    if resume:
        trainer.resume(checkpoints.newest(folder / "checkpoints"))
    trainer.train()
    return trainer


def test_one_seed_gives_the_same_losses_to_the_last_bit_and_another_seed_others(tmp_path):
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        a_run(tmp_path / name, seed)
    assert len(losses(tmp_path / "first")) == 3
    assert losses(tmp_path / "first") == losses(tmp_path / "again")
    assert losses(tmp_path / "first") != losses(tmp_path / "other")


def test_the_command_too_gives_the_same_losses_with_all_its_threads(tmp_path):
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        commands()["train"]["ppo"](
            experiment="debug", run=tmp_path / name, in_process=True, deterministic=True, seed=seed, frames=128
        )
    assert losses(tmp_path / "first") == losses(tmp_path / "again")
    assert losses(tmp_path / "first") != losses(tmp_path / "other")


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_its_curve_anew(tmp_path):
    (tmp_path / "progress.jsonl").write_text('{"step": 8}\n{"step": 16}\n')
    a_run(tmp_path, frames=16)
    assert [row["step"] for row in losses(tmp_path)] == [16]


def test_a_resumed_run_goes_on_with_leash_optimiser_counters_and_tasks(tmp_path):
    first = a_run(tmp_path)
    under_way = [task.task_id for task in first.rollout.under_way()]
    checkpoint = checkpoints.newest(tmp_path / "checkpoints")
    second = PpoTrainer(DEBUG, tmp_path, threads=1)
    second.resume(checkpoint)
    assert second.learner.leash.coefficient == first.learner.leash.coefficient < DEBUG.learner.leash.coefficient
    assert (second.learner.iteration, second.learner.updates) == (first.learner.iteration, first.learner.updates)
    assert second.global_step == first.global_step == 48
    for one, other in (
        (first.learner.policy, second.learner.policy),
        (first.learner.average, second.learner.average),
        (first.rollout.reference.policy, second.rollout.reference.policy),
    ):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    before, after = (checkpoints.optimizer_tensors(run.learner.optimizer) for run in (first, second))
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    second.rollout.step()
    assert [task.task_id for task in second.rollout.envs.tasks] == under_way
    second.rollout.close()


def test_two_resumptions_of_one_checkpoint_give_the_same_numbers(tmp_path):
    a_run(tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "again")
    for name in ("first", "again"):
        trainer = a_run(tmp_path / name, resume=True, frames=96)
        assert trainer.global_step == 96
    assert losses(tmp_path / "first") == losses(tmp_path / "again")
    steps = [row["step"] for row in losses(tmp_path / "first")]
    assert steps == sorted(set(steps))
    assert [row["iteration"] for row in losses(tmp_path / "first")] == list(range(1, 7))


def test_a_run_begins_with_a_given_policy_and_its_checkpoint_is_loaded_like_any_other(tmp_path):
    start = a_run(tmp_path / "first").learner.average
    trainer = PpoTrainer(DEBUG, tmp_path / "second", start, "runs/first", threads=1)
    for one, other in zip(trainer.rollout.reference.policy.parameters(), start.parameters(), strict=True):
        assert torch.equal(one, other)
    policy, state = load_policy(trainer.save())
    assert state["origin"] == "runs/first"
    assert all(torch.equal(a, b) for a, b in zip(policy.parameters(), start.parameters(), strict=True))
    trainer.rollout.close()


HELD_OUT = ValidationConfig(every=16, suite="twin", episodes=2, environments=2, chunks=1)


def test_a_run_looks_at_held_out_worlds_and_keeps_the_best_checkpoint(tmp_path):
    a_run(tmp_path, validation=HELD_OUT, look=HeldOut(HELD_OUT, LossWeights()))
    rows = losses(tmp_path)
    looked = [row["step"] for row in rows if "validation_success" in row]
    steps = [row["step"] for row in rows]
    assert looked == [b for a, b in pairwise([0, *steps]) if b // 16 > a // 16 or b == steps[-1]]
    assert [score.step for score in scores(tmp_path)] == looked
    best = best_score(tmp_path)
    assert best is not None
    assert best.tasks == ("twin", 2, 0)
    _, state = load_policy(tmp_path / "best")
    assert state["global_step"] == best.step
    drawn = EventAccumulator(str(tmp_path / "tensorboard"))
    drawn.Reload()
    assert [event.step for event in drawn.Scalars("validation/success")] == looked
    curve.draw([tmp_path], tmp_path / "curve.png")


def test_held_out_tasks_that_the_policy_cannot_play_are_told_at_the_start(tmp_path):
    looks = dataclasses.replace(HELD_OUT, suite="heldout-v1")
    with pytest.raises(ValueError, match=r"heldout-v1 need .*--set validation\.suite=NAME"):
        a_run(tmp_path, validation=looks, look=HeldOut(looks, LossWeights()))


def test_a_run_plays_the_tasks_of_a_file(made_tasks, tmp_path):
    tasks = [made.task for made in made_tasks if made.suite == "twin"]
    file, header = tmp_path / "some.xvt", FileHeader("twin", 0, len(tasks))
    files.write(file, header, [np.array([pack(task, "twin") for task in tasks], RECORD)])
    trainer = a_run(tmp_path / "run", suite=str(file), frames=16)
    assert {task.task_id for task in trainer.rollout.under_way()} <= {task.task_id for task in tasks}
    resumed = PpoTrainer(dataclasses.replace(DEBUG, suite=str(file)), tmp_path / "run", threads=1)
    resumed.resume(checkpoints.newest(tmp_path / "run" / "checkpoints"))
    resumed.rollout.close()


def test_another_policy_than_the_one_to_start_with_is_refused(tmp_path):
    a_run(tmp_path / "first", frames=16)
    with pytest.raises(ContractError, match=r"--set policy: expected that of .*first"):
        commands()["train"]["ppo"](
            experiment="debug", start=tmp_path / "first", run=tmp_path / "second", in_process=True,
            set=("policy.correlation=false",),
        )  # fmt: skip
    assert not (tmp_path / "second").exists()


def test_a_policy_whose_table_lacks_the_suite_s_keys_is_refused(tmp_path):
    with pytest.raises(ValueError, match="action table of sizes"):
        PpoTrainer(dataclasses.replace(DEBUG, suite="train-v1"), tmp_path)


def test_a_run_without_an_end_is_refused():
    with pytest.raises(ValueError, match="frames, minutes or core_minutes"):
        PpoExperiment("endless")
    with pytest.raises(ValueError, match="deterministic"):
        PpoExperiment("timed", minutes=1.0, deterministic=True)
