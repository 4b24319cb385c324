"""Episodes as an evaluation books them, made up; and a run with checkpoints to evaluate."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from xview_training import checkpoints
from xview_training.evaluation.endings import Ending
from xview_training.evaluation.episodes import Episode
from xview_training.policy.small import SmallPolicy, SmallPolicyConfig


@pytest.fixture
def train() -> Callable[..., Path]:
    """Writes a run's checkpoint of an untrained policy, as a training would."""

    def save(run: Path, step: int, keep: int = 3) -> Path:
        config = SmallPolicyConfig(image_size=32)
        torch.manual_seed(step)
        tensors = checkpoints.module_tensors(SmallPolicy(config), "average")
        experiment = {"name": "debug", "policy": dataclasses.asdict(config)}
        state = {"experiment": experiment, "global_step": step, "seconds": 1.0}
        return checkpoints.save(run / "checkpoints", step, tensors, state, keep)

    return save


@pytest.fixture
def trained_run(tmp_path, one_thread, train) -> Path:
    """A run with two checkpoints of untrained policies."""
    for step in (10, 20):
        train(tmp_path / "run", step)
    return tmp_path / "run"


@pytest.fixture
def episode() -> Callable[..., Episode]:
    def make(
        event="approach", difficulty="near", visible=True, success=True, first="right", ticks=60, number=0, **changes
    ) -> Episode:
        made = {
            "task_id": f"heldout-{number}",
            "task": f"digest-{number}",
            "event": event,
            "difficulty": difficulty,
            "visible_at_start": visible,
            "same_kind": 0,
            "success": success,
            "first_right": first == "right",
            "first_wrong": first == "wrong",
            "died": False,
            "ending": Ending.SUCCESS if success else Ending.FAR,
            "ticks": ticks,
            "path_blocks": 9.0,
            "shortest_blocks": None if event in ("melee", "archery") else 6.0,
            "left_blocks": 1.5 if success else 20.0,
        }
        return Episode(**(made | changes))

    return make
