"""Tasks of the full world on the CPU and by a GPU's kernels: the same actions give the same hashes of all that moves.

Only drawing may differ between the two, in the last bit. The kernels run in Numba's CUDA simulator.
"""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from xview_deploy.spec import ACTION_TABLES
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.sim.physics import key_rows
from xview_training.sim.simulator import LATENCY
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.suites import suite_named
from xview_training.tasks.synthesis import Synthesiser

pytest.importorskip("numba.cuda.core", reason="needs numba-cuda, the extra `cuda`")

SCRIPT = Path(__file__).parents[1] / "sim" / "cuda_scene.py"
PLAY = """
import runpy, sys, numpy as np
if __name__ == "__main__":
    script, scene, result = sys.argv[1:]
    with np.load(scene) as saved:
        loaded = dict(saved)
    np.savez(result, **runpy.run_path(script)["play_scene"](loaded))
"""
TABLE = ACTION_TABLES["full"]
DECISIONS = 8
MOVING = ("body", "hands", "slots", "creatures", "arrows", "random")


def hashes(arrays: dict[str, np.ndarray]) -> list[str]:
    """One a world, of everything that moves; arrays have worlds first."""
    return [
        hashlib.sha256(b"".join(arrays[name][i].tobytes() for name in MOVING)).hexdigest()
        for i in range(len(arrays["body"]))
    ]


def actions_of(worlds: int) -> np.ndarray:
    rng = np.random.default_rng(11)
    return np.stack([rng.integers(0, n, (DECISIONS, worlds)) for n in TABLE.sizes], -1)


def by_tick(actions: np.ndarray, latency: np.ndarray) -> np.ndarray:
    """The action that acts in each tick of each world, int64 (ticks, N, 3): the previous one while the body lags."""
    previous = np.tile(np.array(TABLE.noop), (actions.shape[1], 1))
    acting = []
    for action in actions:
        acting += [np.where((tick < latency)[:, None], previous, action) for tick in range(TABLE.ticks_per_action)]
        previous = action
    return np.stack(acting)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """What the CPU made of a task of each event, and the scene that another process has to play."""
    events = list(TaskEvent)
    envs = CrossViewEnvs(len(events), 32, 1, TABLE, supersampling=1)
    suite, maker = suite_named("train-v1"), Synthesiser(envs.sim)
    tasks = [maker.make(0, suite, 40 + k, event, "near") for k, event in enumerate(events)]
    envs.assign(np.arange(len(events)), iter([dataclasses.replace(task, extra_ticks=0) for task in tasks]))
    names = ("grid", "floor", "candidates", "candidate_count", *MOVING, "air", "embodiment")
    scene = {name: getattr(envs.sim, name).copy() for name in names}
    actions = actions_of(len(events))
    acting = by_tick(actions, envs.sim.embodiment[:, LATENCY])
    scene["keys"] = key_rows(TABLE.buttons)[acting[..., 0]]
    scene["camera_rad"] = np.radians(np.array(TABLE.camera_deg))[acting[..., 1:]]
    scene |= {"ticks": np.array(1), "shape": np.array([3, 4])}
    seen = [hashes(vars(envs.sim))]
    for action in actions:
        envs.step(action)
        seen.append(hashes(vars(envs.sim)))
    assert not envs.done.any()
    envs.close()
    path = tmp_path_factory.mktemp("cuda") / "scene.npz"
    np.savez(path, **scene)
    return path, seen, {"grid": envs.sim.grid, "floor": envs.sim.floor}


def test_the_same_actions_give_the_same_hashes_of_the_rules_on_cpu_and_gpu(played):
    scene, seen, last = played
    result = scene.with_name("result.npz")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-c", PLAY, SCRIPT, scene, result],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    with np.load(result) as saved:
        there = dict(saved)
    ticks = [TABLE.ticks_per_action * k - 1 for k in range(1, DECISIONS + 1)]
    assert [hashes({name: there[name][tick] for name in MOVING}) for tick in ticks] == seen[1:]
    assert (there["grid"] == last["grid"]).all()
    assert (there["floor"] == last["floor"]).all()
    assert all(len({row[i] for row in seen}) == len(seen) for i in range(len(seen[0])))  # every world moved on
