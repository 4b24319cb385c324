"""Plays a saved scene on a GPU, or in Numba's CUDA simulator: python cuda_scene.py SCENE.npz RESULT.npz.

The simulator is chosen by NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 before Numba is loaded, so tests start a process.
"""

import json
import sys

import numpy as np
import torch
from xview_training.bench.cuda import measure
from xview_training.sim.cuda import STATE, CudaSim
from xview_training.sim.simulator import SimConfig, VoxelSim

MOVING = ("body", "hands", "slots", "creatures", "arrows", "random")


def worlds_of(scene) -> VoxelSim:
    worlds = VoxelSim(SimConfig(len(scene["body"]), 1, 1, threads=1))
    for name in STATE:
        getattr(worlds, name)[:] = scene[name]
    return worlds


def look(sim: CudaSim) -> dict[str, np.ndarray]:
    sim.draw()
    return {name: getattr(sim, name).cpu().numpy().copy() for name in ("rgb", "ids", "depth")}


def play_scene(scene, repeat: int = 1) -> dict[str, np.ndarray]:
    """First and last pictures, and after each decision everything that moves; `repeat` copies of each world."""
    worlds = worlds_of(scene)
    n, (height, width) = len(worlds.grid), scene["shape"].tolist()
    sim = CudaSim(SimConfig(n * repeat, width, height))
    for i in range(n):
        sim.upload(range(i, n * repeat, n), worlds, i)
    result = {f"first_{name}": picture for name, picture in look(sim).items()}
    states: dict[str, list[np.ndarray]] = {name: [] for name in MOVING}
    for keys, camera_rad in zip(scene["keys"], scene["camera_rad"], strict=True):
        sim.keys.copy_(torch.from_numpy(keys).repeat(repeat, 1))
        sim.camera_rad.copy_(torch.from_numpy(camera_rad).repeat(repeat, 1))
        sim.play(int(scene["ticks"]))
        for name in MOVING:
            states[name].append(getattr(sim, name).cpu().numpy().copy())
    result |= {name: np.stack(played) for name, played in states.items()}
    result |= {name: getattr(sim, name).cpu().numpy() for name in ("grid", "floor")}
    return result | {f"last_{name}": picture for name, picture in look(sim).items()}


if __name__ == "__main__":
    with np.load(sys.argv[1]) as saved:
        loaded = dict(saved)
    np.savez(sys.argv[2], **play_scene(loaded))
    rates = measure(worlds_of(loaded), 2, 3, 0.0, 0, "cuda")
    print(json.dumps([rates.environments, rates.size, rates.steps_per_second > 0, rates.bytes_per_env]))
