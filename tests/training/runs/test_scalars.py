"""Numbers go to TensorBoard always, and to Weights & Biases where it is asked for and installed."""

import sys

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from xview_training.runs.scalars import ScalarLog, WandbSettings


def test_tensorboard_reads_back_what_was_written(tmp_path):
    for start in (0, 30):  # a resumed run goes on in the same folder
        with ScalarLog(tmp_path) as log:
            log.write(start + 10, {"losses/total": 0.5, "charts/success": 0.25})
    held = EventAccumulator(str(tmp_path / "tensorboard"))
    held.Reload()
    assert [(event.step, event.value) for event in held.Scalars("losses/total")] == [(10, 0.5), (40, 0.5)]
    assert [event.value for event in held.Scalars("charts/success")] == [0.25, 0.25]


def test_curves_join_where_a_run_goes_on_from_an_older_step(tmp_path):
    for after, steps in ((0, (10, 20, 30, 40)), (20, (25, 35))):  # killed at 40, its newest checkpoint was of step 20
        with ScalarLog(tmp_path, after=after) as log:
            for step in steps:
                log.write(step, {"losses/total": step + after})
    held = EventAccumulator(str(tmp_path / "tensorboard"))
    held.Reload()
    shown = [(event.step, event.value) for event in held.Scalars("losses/total")]
    assert shown == [(10, 10), (20, 20), (25, 45), (35, 55)]


def test_without_wandb_the_line_that_installs_it_is_said_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match=r"pip install 'xview-training\[wandb\]'"):
        ScalarLog(tmp_path / "run", WandbSettings())
    assert not (tmp_path / "run").exists()


def test_wandb_gets_the_same_numbers_and_a_resumed_run_keeps_its_identity(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="the extra xview-training[wandb] is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    for start in (0, 30):
        with ScalarLog(tmp_path, WandbSettings()) as log:
            log.write(start + 10, {"losses/total": 0.5})
    records = sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"))
    assert len(records) == 2
    assert len({path.name for path in records}) == 1
    assert all(b"losses/total" in path.read_bytes() for path in records)
