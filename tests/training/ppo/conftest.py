"""What the tests of reinforcement learning share: fragments of noise, and where to write them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from xview_training.ppo.fragment import Fragment, Kind
from xview_training.ppo.fragment_files import SUFFIX, write_fragment
from xview_training.tasks.visibility import VIEW_SIZE

KIND = Kind("rooms", "approach", "near", visible=True, strict=False)


def noise(steps: int = 5, seed: int = 0, **changes) -> Fragment:
    """A fragment of noise that fits the small policy's sizes divided by some."""
    rng = np.random.default_rng(seed)
    fields = {
        "keys": rng.normal(size=(2, 8, 16)).astype(np.float16),
        "values": rng.normal(size=(2, 8, 16)).astype(np.float16),
        "valid": np.ones(8, np.float16),
        "images": rng.integers(0, 255, (steps, 32, 32, 3)).astype(np.uint8),
        "goal_image": rng.integers(0, 255, (32, 32, 3)).astype(np.uint8),
        "goal_mask": rng.integers(0, 2, (32, 32)).astype(np.uint8),
        "event": 7,
        "previous_action": rng.integers(0, 7, (steps, 3)),
        "action": rng.integers(0, 7, (steps, 3)),
        "log_prob": -rng.random(steps).astype(np.float32),
        "value": rng.random(steps).astype(np.float32),
        "reward": np.zeros(steps, np.float32),
        "reference_logits": rng.normal(size=(steps, 29)).astype(np.float16),
        "view": np.zeros((steps, VIEW_SIZE), np.float32),
        "bearing": np.zeros((steps, 2), np.float32),
        "terminated": False,
        "truncated": False,
        "next_value": 0.5,
        "policy_version": 3,
        "kind": KIND,
        "task_id": "train-0",
        "episode": 0,
        "start": 0,
    }
    return Fragment(**(fields | changes))


@pytest.fixture
def a_fragment() -> Callable[..., Fragment]:
    """Makes fragments of `steps` decisions with some fields changed."""
    return noise


@pytest.fixture
def fragment() -> Fragment:
    """One of them."""
    return noise()


@pytest.fixture
def write(tmp_path) -> Callable[[str, Fragment], Path]:
    """Writes a fragment under a name into the test's folder."""

    def write_named(name: str, fragment: Fragment) -> Path:
        path = tmp_path / f"{name}{SUFFIX}"
        write_fragment(path, fragment)
        return path

    return write_named
