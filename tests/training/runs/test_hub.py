"""What is pushed to a hub comes back the same; what cannot be pushed or pulled is told in one line."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
import torch
from xview_deploy.bundle import read_bundle
from xview_deploy.cli import installed_commands, run
from xview_deploy.shipped import SHIPPED, SHIPPED_BUNDLE
from xview_training import checkpoints
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig
from xview_training.runs.best import Score, keep_best
from xview_training.trained import load_policy

LITTLE = SmallPolicyConfig(image_size=32, fusion_blocks=1, memory_layers=1, memory_window=8)


def xview_hub(*arguments: object) -> int:
    return run(installed_commands(), ["hub", *map(str, arguments)])


def folder_of_a_run(folder: Path) -> Path:
    for step in (10, 20):
        checkpoints.save(folder / "checkpoints", step, {"policy.a": torch.full((2,), float(step))}, {"step": step}, 3)
    (folder / "progress.jsonl").write_text('{"step": 20, "seconds": 1.0}\n')
    (folder / "run.json").write_text(json.dumps({"kind": "imitation", "starts": [], "experiment": {"seed": 7}}))
    return folder


def test_a_bundle_comes_back_byte_for_byte_with_a_card(hub, tmp_path, capsys):
    assert xview_hub("push", SHIPPED_BUNDLE, "someone/small") == 0
    assert capsys.readouterr().out.startswith(f"{hub.address}/someone/small/commit/")
    card = hub.files["someone/small"]["README.md"].decode()
    assert read_bundle(SHIPPED_BUNDLE).metadata.training["revision"] in card
    assert xview_hub("pull", "someone/small", "--out", tmp_path / "there") == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "there" / "small.xview")
    assert (tmp_path / "there" / "small.xview").read_bytes() == SHIPPED_BUNDLE.read_bytes()


def test_a_run_goes_up_with_its_best_checkpoint_and_is_a_run_again(hub, tmp_path):
    folder = folder_of_a_run(tmp_path / "cpu")
    keep_best(folder, folder / "checkpoints" / "step-10", Score("heldout", 4, 0, 3, 2, 10))
    assert xview_hub("push", folder, "someone/cpu") == 0
    held = hub.files["someone/cpu"]
    assert "best/tensors.safetensors" in held
    assert not any(name.startswith("checkpoints/") for name in held)
    assert "75.0 % success" in held["README.md"].decode()
    assert xview_hub("pull", "someone/cpu", "--out", tmp_path / "again") == 0
    tensors, state = checkpoints.load(tmp_path / "again" / "best")
    assert state["step"] == 10
    assert tensors["policy.a"].tolist() == [10, 10]


def test_a_pulled_run_is_played_by_its_card_s_commands(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = folder_of_a_run(tmp_path / "runs" / "cpu")
    policy = SmallPolicy(LITTLE)
    tensors = checkpoints.module_tensors(policy, "average")
    state = {"experiment": {"name": "debug", "policy": dataclasses.asdict(LITTLE)}, "global_step": 30}
    kept = checkpoints.save(folder / "checkpoints", 30, tensors, state, 3)
    keep_best(folder, kept, Score("heldout", 4, 0, 3, 2, 30))
    assert xview_hub("push", folder, "someone/mine") == 0
    pull, play, export = hub.files["someone/mine"]["README.md"].decode().split("```")[1].strip().splitlines()
    assert run(installed_commands(), pull.split()[1:]) == 0
    tasks = ("--suite", "twin", "--strict", "--episodes", "1", "--workers", "1")
    assert run(installed_commands(), [*play.split()[1:], *tasks]) == 0
    assert load_policy(Path(export.split()[3]))[1]["global_step"] == 30


def test_a_shipped_bundle_goes_up_by_its_name(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert xview_hub("push", "five", "someone/five") == 0
    assert hub.files["someone/five"]["five.xview"] == SHIPPED["five"].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (("push", SHIPPED_BUNDLE, "someone/small"), "hf_of_nobody", "401"),
        (("push", SHIPPED_BUNDLE, "no such name"), "hf_of_the_test", "no such name"),
        (("push", "nothing.xview", "someone/small"), "hf_of_the_test", "expected a bundle (*.xview), found no file"),
        (
            ("push", "nothing", "someone/small"),
            "hf_of_the_test",
            "expected a bundle (*.xview) or a run with a checkpoint",
        ),
        (("pull", "someone/else"), "hf_of_the_test", "someone/else"),
    ],
)
def test_what_is_refused_is_one_clear_line(hub, tmp_path, monkeypatch, capsys, arguments, token, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", token)
    assert xview_hub(*arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert not hub.files


def test_a_repository_without_bundle_or_run_is_refused(hub, tmp_path, capsys):
    hub.files["someone/notes"] = {"notes.txt": b"nothing to run"}
    assert xview_hub("pull", "someone/notes", "--out", tmp_path / "notes") == 2
    assert "expected a bundle (*.xview) or a run in it, found neither" in capsys.readouterr().err


def test_without_the_library_the_line_that_installs_it_is_said(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert xview_hub("push", SHIPPED_BUNDLE, "someone/small") == 2
    assert "pip install 'xview-training[hub]'" in capsys.readouterr().err
