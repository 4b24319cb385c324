"""A checkpoint is whole or it is not there, and a damaged one is named."""

import pytest
import torch
from xview_training import checkpoints

TENSORS = {"policy.weight": torch.arange(6.0).reshape(2, 3).T, "count": torch.tensor(3.0)}
STATE = {"global_step": 12, "rng": {"state": 2**100}}


def saved(folder, step=12, keep=3):
    return checkpoints.save(folder, step, TENSORS, STATE, keep)


def test_what_was_saved_comes_back(tmp_path):
    tensors, state = checkpoints.load(saved(tmp_path))
    assert state == STATE
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_the_newest_by_number_is_found_and_the_oldest_go(tmp_path):
    for step in (9, 100, 20, 1000):
        saved(tmp_path, step, keep=2)
    assert checkpoints.newest(tmp_path) == tmp_path / "step-1000"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-100", "step-1000"]


def test_what_was_just_written_is_kept_whatever_else_is_there(tmp_path):
    for step in (1000, 2000, 3000, 64):
        assert saved(tmp_path, step, keep=3).is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-2000", "step-3000", "step-64"]


def test_a_run_without_checkpoints_has_no_newest(tmp_path):
    assert checkpoints.newest(tmp_path) is None
    assert checkpoints.newest(tmp_path / "never") is None


def test_a_write_that_was_cut_short_leaves_the_previous_checkpoint_in_force(tmp_path, monkeypatch):
    saved(tmp_path, 1)

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "save_file", stopped)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path, 2)
    assert checkpoints.newest(tmp_path) == tmp_path / "step-1"
    monkeypatch.undo()
    saved(tmp_path, 2)
    assert checkpoints.newest(tmp_path) == tmp_path / "step-2"
    assert not list(tmp_path.glob(".partial*"))


def test_saving_the_same_step_again_replaces_it(tmp_path):
    saved(tmp_path)
    checkpoints.save(tmp_path, 12, TENSORS, {"global_step": 99}, 3)
    assert checkpoints.load(tmp_path / "step-12")[1] == {"global_step": 99}


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
def test_a_missing_file_is_named(tmp_path, name):
    path = saved(tmp_path)
    (path / name).unlink()
    with pytest.raises(ValueError, match=f"step-12 is no checkpoint: expected a file {name} in it"):
        checkpoints.load(path)


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
@pytest.mark.parametrize("kept", [0, 4, 30])
def test_a_file_cut_short_is_reported_as_damage(tmp_path, name, kept):
    path = saved(tmp_path)
    (path / name).write_bytes((path / name).read_bytes()[:kept])
    with pytest.raises(ValueError, match="step-12 is damaged, remove it to go on from an older checkpoint"):
        checkpoints.load(path)
