"""A run's folder says how to repeat it, start after start."""

import dataclasses
import sys
from importlib.metadata import version

import pytest
from xview_training.experiments import experiment_named
from xview_training.runs import manifest


@dataclasses.dataclass(frozen=True)
class Settings:
    name: str = "debug"
    seed: int = 3


def test_each_start_is_recorded_with_all_that_repeats_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/xview", "train", "imitation", "--run", "a b"])
    manifest.record_start(tmp_path / "run", "imitation", Settings())
    manifest.record_start(tmp_path / "run", "imitation", Settings(seed=4), tmp_path / "run/checkpoints/step-8")
    held = manifest.read(tmp_path / "run")
    assert held["kind"] == "imitation"
    assert held["experiment"] == {"name": "debug", "seed": 4}
    first, second = held["starts"]
    assert first["command"] == "xview train imitation --run 'a b'"
    assert (first["resumed_from"], second["resumed_from"]) == (None, "step-8")
    assert first["packages"]["torch"] == version("torch")
    assert first["machine"]["cores"] >= 1
    assert first["machine"]["processor"]
    assert first["revision"]
    assert first["time"].endswith("+00:00")


def test_a_real_experiment_is_written_with_all_its_settings(tmp_path):
    manifest.record_start(tmp_path, "imitation", experiment_named("debug"))
    held = manifest.read(tmp_path)["experiment"]
    assert held["seed"] == experiment_named("debug").seed
    assert held["policy"]["image_size"] == experiment_named("debug").policy.image_size


def test_a_folder_holds_one_kind_of_run(tmp_path):
    manifest.record_start(tmp_path, "imitation", Settings())
    with pytest.raises(ValueError, match="holds a run of imitation: choose another folder for ppo"):
        manifest.record_start(tmp_path, "ppo", Settings())


@pytest.mark.parametrize("content", ["", "[]", '{"kind": 3, "starts": []}', '{"kind": "ppo"}'])
def test_a_damaged_manifest_is_told_by_name(tmp_path, content):
    (tmp_path / manifest.FILE).write_text(content)
    with pytest.raises(ValueError, match=r"run\.json is damaged"):
        manifest.read(tmp_path)


def test_a_folder_without_one_has_none(tmp_path):
    assert manifest.read(tmp_path) is None
