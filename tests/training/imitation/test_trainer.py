"""The `debug` run trains, stops, goes on where it stopped, and leaves its curves behind."""

import dataclasses
import json
import math

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from xview_deploy.cli import installed_commands, run
from xview_deploy.shipped import SHIPPED_BUNDLE
from xview_training import checkpoints
from xview_training.experiments import EXPERIMENTS, experiment_named
from xview_training.imitation.trainer import ImitationTrainer
from xview_training.runs import manifest
from xview_training.runs.best import best_score, scores

HALF, WHOLE = 64, 128  # trained frames
LOSSES = ("buttons", "pitch", "yaw", "heatmap", "point", "box", "bearing", "value", "total", "grad_norm")


def train(folder, *arguments: str) -> int:
    return run(
        installed_commands(),
        ["train", "imitation", "--experiment", "debug", "--run", str(folder), "--threads", "1", *arguments],
    )


def progress(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one seed, half way."""
    folders = [tmp_path_factory.mktemp("run") / "debug" for _ in range(2)]
    for folder in folders:
        assert train(folder, "--frames", str(HALF)) == 0
    return folders


@pytest.fixture(scope="module")
def resumed(runs):
    """The first of them, run on to its end."""
    assert train(runs[0]) == 0
    return runs[0]


def learnt(row: dict[str, float]) -> dict[str, float]:
    """What a line of progress says of learning, without the time that it took."""
    return {name: value for name, value in row.items() if name not in ("seconds", "core_seconds")}


def test_two_runs_of_one_seed_lose_the_same(runs):
    assert torch.get_num_threads() == 1
    one, other = (progress(folder)[:2] for folder in runs)
    assert [row["step"] for row in one] == [32, 64]
    for a, b in zip(one, other, strict=True):
        assert learnt(a) == learnt(b)


def test_a_resumed_run_goes_on_counting_where_it_stopped(resumed):
    rows = progress(resumed)
    assert [row["step"] for row in rows] == [32, 64, 96, 128]
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    newest = checkpoints.newest(resumed / "checkpoints")
    assert newest.name == f"step-{WHOLE}"
    tensors, state = checkpoints.load(newest)
    assert (state["global_step"], state["updates"]) == (WHOLE, WHOLE // 16)
    assert tensors["optimizer.0.step"] == WHOLE // 16
    before = checkpoints.load(resumed / "checkpoints" / f"step-{HALF}")[1]
    assert state["lessons"]["tasks_given"] > before["lessons"]["tasks_given"]


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_its_curve_anew(tmp_path):
    (tmp_path / "progress.jsonl").write_text('{"step": 16}\n{"step": 32}\n')
    assert train(tmp_path, "--frames", "32") == 0
    assert [row["step"] for row in progress(tmp_path)] == [32]


def test_every_loss_is_logged_and_finite(resumed):
    for row in progress(resumed):
        assert all(math.isfinite(row[name]) for name in LOSSES)


def test_tensorboard_has_the_curves_of_both_sessions(resumed):
    events = EventAccumulator(str(resumed / "tensorboard"))
    events.Reload()
    assert {f"losses/{name}" for name in LOSSES} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("losses/total")] == [32, 64, 96, 128]
    assert all(event.value > 0 for event in events.Scalars("charts/frames_per_second"))


def test_the_run_s_folder_says_how_each_session_was_started(resumed):
    held = manifest.read(resumed)
    assert held["kind"] == "imitation"
    assert held["experiment"]["name"] == "debug"
    assert held["experiment"]["collector"]["environments"] == EXPERIMENTS["debug"].collector.environments
    assert [start["resumed_from"] for start in held["starts"]] == [None, f"step-{HALF}"]


def test_the_checkpoint_that_succeeded_most_is_kept(tmp_path):
    successes = iter((0.25, 0.75, 0.5, 0.5))
    looks = dataclasses.replace(EXPERIMENTS["debug"].validation, every=32, episodes=8)
    settings = dataclasses.replace(EXPERIMENTS["debug"], validation=looks)
    trainer = ImitationTrainer(
        settings, tmp_path, threads=1, look=lambda _policy: {"success": next(successes), "first_right": 0.25}
    )
    trainer.train()
    assert checkpoints.load(tmp_path / "best")[1]["global_step"] == 64
    assert [score.successes for score in scores(tmp_path)] == [2, 6, 4, 4]
    assert [row.get("validation_success") for row in progress(tmp_path)] == [0.25, 0.75, 0.5, 0.5]


def test_a_trainer_that_resumes_has_the_weights_average_optimiser_and_random_streams(resumed):
    settings = experiment_named("debug")
    path = checkpoints.newest(resumed / "checkpoints")
    trainer = ImitationTrainer(settings, resumed, threads=1)
    trainer.resume(path)
    tensors, state = checkpoints.load(path)
    for prefix, module in (("policy.", trainer.policy), ("average.", trainer.average)):
        assert all(torch.equal(tensors[prefix + name], value) for name, value in module.state_dict().items())
    assert not all(
        torch.equal(tensors["policy." + name], value) for name, value in trainer.average.state_dict().items()
    )
    packed = trainer.optimizer.state_dict()["state"]
    assert len(packed) == len(list(trainer.policy.parameters()))
    assert torch.equal(packed[0]["exp_avg"], tensors["optimizer.0.exp_avg"])
    assert trainer.rng.bit_generator.state == state["rng"]
    assert torch.equal(torch.get_rng_state(), tensors["torch_rng"])
    trainer.lessons.close()


def test_a_damaged_checkpoint_is_reported_and_nothing_is_trained(runs, capsys):
    folder = runs[1]
    newest = checkpoints.newest(folder / "checkpoints")
    file = newest / "tensors.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    before = progress(folder)
    assert train(folder) == 2
    said = capsys.readouterr().err
    assert f"{newest} is damaged" in said
    assert "Traceback" not in said
    assert progress(folder) == before


def test_a_run_of_another_policy_is_not_continued(resumed, capsys, monkeypatch):
    other = dataclasses.replace(
        EXPERIMENTS["debug"], policy=dataclasses.replace(EXPERIMENTS["debug"].policy, memory_layers=1)
    )
    monkeypatch.setitem(EXPERIMENTS, "debug", other)
    assert train(resumed) == 2
    assert "holds another policy than experiment 'debug': start a new run" in capsys.readouterr().err


def test_an_unknown_experiment_is_answered_with_the_nearest(tmp_path, capsys):
    arguments = ["train", "imitation", "--experiment", "debugg", "--run", str(tmp_path / "run")]
    assert run(installed_commands(), arguments) == 2
    assert "unknown experiment 'debugg': did you mean 'debug'?" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_policy_of_other_sizes_than_the_one_to_start_with_is_refused(tmp_path, capsys):
    run = tmp_path / "run"
    assert train(run, "--from", str(SHIPPED_BUNDLE), "--set", "policy.correlation=false") == 2
    assert f"--set policy: expected that of {SHIPPED_BUNDLE}" in capsys.readouterr().err
    assert not run.exists()


def test_looks_are_at_the_held_out_worlds_that_were_asked_for(tmp_path):
    looks = ("validation.suite=twin", "validation.episodes=3", "validation.every=64")
    assert train(tmp_path, "--suite", "twin", "--frames", str(HALF), "--set", *looks) == 0
    best = best_score(tmp_path)
    assert best is not None
    assert best.tasks == ("twin", 3, 0)
    assert progress(tmp_path)[-1]["validation_success"] * 3 == pytest.approx(best.successes)
