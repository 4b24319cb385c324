"""The examples run as they are written, and others' learners take the world as it comes."""

import runpy
import tempfile
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "training/examples"


@pytest.mark.usefixtures("one_thread")
def test_stable_baselines3_trains_in_a_world_that_it_knows_nothing_of(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where its logger leaves a folder for each run
    pytest.importorskip("stable_baselines3", reason="the extra `peers` of xview-training is not installed")
    model = runpy.run_path(str(EXAMPLES / "stable_baselines3_ppo.py"))["main"](environments=2, total_timesteps=200)
    assert model.num_timesteps == 256
    assert model._n_updates == 20
    assert type(model.policy).__name__ == "MultiInputActorCriticPolicy"
