"""A GPU plays by the CPU's rules to the last bit and sees what the CPU sees.

Shown with Numba's CUDA simulator on any machine, where kernels are compiled for a GPU too, and on GPUs where there are.
"""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numba import cuda
from numba.cuda import compiler
from xview_deploy.spec import ContractError
from xview_training.bench.commands import bench_sim
from xview_training.sim import mesh, physics, see
from xview_training.sim.air import Air
from xview_training.sim.blocks import ID
from xview_training.sim.collision import ON_GROUND, YAW, X, Y, Z
from xview_training.sim.creatures import HEALTHS, SPECIES, TIMER
from xview_training.sim.cuda import STATE, CudaSim, gpu
from xview_training.sim.cuda_kernels import draw, look, play, unfused
from xview_training.sim.figures import KIND_ID
from xview_training.sim.hands import BROKEN, EDITED, SHOT_DEAD, USED_BLOCK
from xview_training.sim.items import ITEM_ID
from xview_training.sim.physics import HEALTH, key_rows
from xview_training.sim.simulator import Embodiment, SimConfig, VoxelSim, item_shown, tick
from xview_training.sim.worlds import WorldSeed

SCRIPT = Path(__file__).with_name("cuda_scene.py")
WIDTH, HEIGHT = 36, 24
TICKS = 2  # of a decision
DIG, WALK, SHOOT, OPEN = ("attack",), ("forward", "sprint"), ("hotbar.1", "use"), ("hotbar.2", "use")
# Breaks the leaves ahead, opens the chest behind them, turns about, shoots the cow, walks on.
FIRST = (DIG,) * 4 + (OPEN,) + (("hotbar.1",),) * 4 + (SHOOT,) * 11 + ((),) * 3 + (WALK,)
# Swims out of a pool with a ghoul at its rim.
SECOND = (("forward", "jump"),) * 12 + (("forward",), ("back", "sneak"), ("attack",), ("left", "jump")) * 3
FIRST_TURNS = ((0.0, 0.0),) * 5 + ((0.01, 0.4),) * 4 + ((0.0, 0.0),) * 15  # pitch, yaw of a tick in radians
SECOND_TURNS = ((0.02, -0.03), (-0.015, 0.05)) * 12


def furnish(sim: VoxelSim, i: int) -> None:
    """A meadow with a pool, a pane, leaves, small blocks, a wall, and three creatures."""
    grid = sim.grid[i]
    grid[:] = 0
    grid[:, :, :3], grid[:, :, 3] = ID["dirt"], ID["grass"]
    grid[52:58, 52:60, 1:4] = ID["water"]
    for x, z, y, name in (
        (48, 50, 5, "leaves"), (48, 51, 5, "chest"), (50, 54, 4, "fence"), (47, 55, 4, "tall_grass"),
        (43, 51, 4, "lantern"), (49, 57, 4, "cactus"), (51, 50, 4, "bed"), (43, 55, 5, "foliage"),
    ):  # fmt: skip
        grid[x, z, y] = ID[name]
    grid[44:47, 52, 4:7], grid[47:56, 62, 4:9], grid[47:56, 40, 4:7] = ID["glass"], ID["brick"], ID["gem_ore"]
    sim.floor[i] = 4
    sim.creatures[i] = -1
    for m, (kind, x, z) in enumerate((("cow", 48.5, 43.5), ("ghoul", 56.5, 50.5), ("hen", 46.0, 56.5))):
        row = sim.creatures[i, m]
        row[:] = 0
        row[[X, Y, Z, YAW, ON_GROUND]] = x, 4.0, z, 0.4 * m, 1
        row[SPECIES], row[HEALTH] = KIND_ID[kind], HEALTHS[KIND_ID[kind]]
    sim.creatures[i, 0, TIMER] = 1000  # the cow waits
    sim.random[i] = i + 1


@pytest.fixture(scope="module")
def worlds():
    """Two furnished worlds, by day and in the rain."""
    sim = VoxelSim(SimConfig(2, WIDTH, HEIGHT, threads=1))
    for i, (air, x, y, yaw) in enumerate(((Air(), 48.5, 4.0, 0.0), (Air(11_500, "rain"), 55.5, 2.5, 2.4))):
        furnish(sim, i)
        sim.world_air[i] = air.row()
        carries = (("bow", 1), ("sword", 1), ("arrows", 8))
        sim.place(
            i, x, y, 47.5 + 6 * i, yaw, 0.1, Embodiment(textures=i, light=1.0 - 0.1 * i, held_item=i == 0), carries
        )
        remesh(sim, i)
    yield sim
    sim.close()


def remesh(sim: VoxelSim, i: int) -> None:
    mesh.mesh_world(
        sim.grid[i], sim.quads[i], sim.quad_counts[i], sim.chunk_tops[i], sim.models[i], sim.model_counts[i]
    )


@pytest.fixture(scope="module")
def scene(worlds):
    """The worlds' state and what their players do."""
    keys = np.stack([key_rows(FIRST), key_rows(SECOND)], 1)
    camera_rad = np.stack([np.array(FIRST_TURNS), np.array(SECOND_TURNS)], 1)
    state = {name: getattr(worlds, name).copy() for name in STATE}
    return state | {"keys": keys, "camera_rad": camera_rad, "ticks": TICKS, "shape": np.array([HEIGHT, WIDTH])}


def pictures(sim: VoxelSim, prefix: str) -> dict[str, np.ndarray]:
    sim.draw(np.arange(len(sim.grid)))
    return {f"{prefix}_{name}": getattr(sim, name).copy() for name in ("rgb", "ids", "depth")}


@pytest.fixture(scope="module")
def expected(worlds, scene):
    """What the CPU makes of the scene, by merged quads, with the events that happened."""
    result, events = pictures(worlds, "first"), set()
    names = ("body", "hands", "slots", "creatures", "arrows", "random")
    states = {name: [] for name in names}
    for keys, camera_rad in zip(scene["keys"], scene["camera_rad"], strict=True):
        for i in range(2):
            for _ in range(TICKS):
                w = worlds
                tick(
                    w.grid[i], w.floor[i], w.body[i], w.hands[i], w.slots[i], w.creatures[i], w.arrows[i], w.random[i],
                    keys[i], camera_rad[i], w.embodiment[i],
                )  # fmt: skip
                events |= {e for e in (BROKEN, EDITED, USED_BLOCK, SHOT_DEAD) if w.hands[i, e] > 0}
                mesh.remesh_column(
                    w.grid[i], w.hands[i, EDITED], w.quads[i], w.quad_counts[i], w.chunk_tops[i], w.models[i],
                    w.model_counts[i],
                )  # fmt: skip
        for name in names:
            states[name].append(getattr(worlds, name).copy())
    result |= {name: np.stack(played) for name, played in states.items()}
    result |= {name: getattr(worlds, name).copy() for name in ("grid", "floor")}
    return result | pictures(worlds, "last") | {"events": events}


@pytest.fixture(scope="module")
def simulated(scene, tmp_path_factory):
    """The scene in Numba's CUDA simulator, and what its benchmark said."""
    folder = tmp_path_factory.mktemp("cuda")
    np.savez(folder / "scene.npz", **scene)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", SCRIPT, folder / "scene.npz", folder / "result.npz"],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "result.npz") as saved:
        return dict(saved) | {"bench": json.loads(done.stdout)}


def assert_same_pictures(expected, seen, prefix: str, copies: int = 1) -> None:
    """Ids to 1e-5 of the pixels; where they agree, colour to 2 of 255 and depth to 1e-3."""
    ids, rgb, depth = (np.concatenate([expected[f"{prefix}_{name}"]] * copies) for name in ("ids", "rgb", "depth"))
    same = seen[f"{prefix}_ids"] == ids
    assert np.count_nonzero(~same) <= 1e-5 * same.size
    assert np.abs(seen[f"{prefix}_depth"] - depth)[same].max() < 1e-3
    off = np.abs(seen[f"{prefix}_rgb"].astype(int) - rgb)[same].max(-1)
    assert np.count_nonzero(off > 2) <= 1e-5 * same.size


def assert_same_states(expected, played, copies: int = 1) -> None:
    for name in ("body", "hands", "slots", "creatures", "arrows"):
        wanted = np.concatenate([expected[name]] * copies, 1)
        assert played[name].tobytes() == wanted.tobytes(), name
    assert (played["random"].view(np.uint64) == np.concatenate([expected["random"]] * copies, 1)).all()
    for name in ("grid", "floor"):
        assert (played[name] == np.concatenate([expected[name]] * copies)).all()


def test_the_scene_holds_what_it_is_to_test(expected, scene):
    assert expected["events"] >= {BROKEN, EDITED, USED_BLOCK}
    first, last = expected["creatures"][0, 0], expected["creatures"][-1, 0]
    assert last[0, HEALTH] < first[0, HEALTH]  # the arrow met the cow
    assert expected["body"][-1, 1, HEALTH] < physics.FULL_HEALTH  # the ghoul met the player
    named = set(np.unique(expected["first_ids"])) | set(np.unique(expected["last_ids"]))
    assert max(named) > expected["grid"][0].size  # creatures are in sight
    assert len(named) > 60


def test_the_simulated_gpu_sees_what_the_quads_show(expected, simulated):
    assert_same_pictures(expected, simulated, "first")


def test_the_simulated_gpu_sees_what_the_quads_show_after_edits(expected, simulated):
    assert_same_pictures(expected, simulated, "last")


def test_the_simulated_gpu_plays_by_the_same_rules_to_the_last_bit(expected, simulated):
    assert_same_states(expected, simulated)


def test_the_benchmark_runs_in_the_simulator(simulated):
    environments, size, positive, held = simulated["bench"]
    assert (environments, size, positive) == (2, 3, True)
    assert 2**20 < held < 2 * 2**20  # a world's blocks are one MiB of it


def test_compiled_rays_see_what_the_quads_show(worlds, expected):
    """The oracle, compiled for the CPU, over the worlds as the scene left them."""
    seen = {name: np.zeros_like(expected[f"last_{name}"]) for name in ("rgb", "ids", "depth")}
    items = [item_shown(w, s, e) for w, s, e in zip(worlds.hands, worlds.slots, worlds.embodiment, strict=True)]
    assert items == [ITEM_ID["bow"], 0]
    for i in range(2):
        see.render(
            worlds.grid[i], worlds.atlas[i], worlds.poses[i], worlds.air[i], worlds.cameras[i], items[i],
            seen["rgb"][i], seen["ids"][i], seen["depth"][i],
        )  # fmt: skip
    assert_same_pictures(expected, {f"last_{name}": picture for name, picture in seen.items()}, "last")


def ptx_of(kernel, monkeypatch, *arrays) -> str:
    """Machine-independent code of a kernel for a GPU of 2020, made without one."""
    device = SimpleNamespace(compute_capability=(8, 0))
    for module in ("numba.cuda.dispatcher", "numba.cuda.compiler"):
        monkeypatch.setattr(f"{module}.get_current_device", lambda: device)
    types = tuple(numba.typeof(a) for a in arrays)
    return compiler.compile(kernel.py_func, types, device=False, abi="numba", cc=(8, 0))[0]


def test_the_drawing_kernel_is_float32_throughout_and_needs_no_stack(worlds, monkeypatch):
    w = worlds
    code = ptx_of(
        draw, monkeypatch, w.grid.reshape(2, -1), 128, 128, 64, w.atlas.view(np.int32), w.poses, w.air, w.cameras,
        np.zeros(2, np.int32), w.embodiment, w.rgb, w.ids, w.depth,
    )  # fmt: skip
    assert not re.search(r"(add|sub|mul|div|fma|rcp|sqrt)\.\w+\.f64", code)
    assert ".local" not in code
    assert ".const" in code  # the tables of blocks and boxes
    assert "call" not in code


def test_the_rules_kernels_never_fuse_a_product_with_a_sum(worlds, monkeypatch):
    w, keys, camera_rad = worlds, np.zeros((2, physics.KEYS)), np.zeros((2, 2))
    with unfused():
        code = ptx_of(
            play, monkeypatch, 1, keys, camera_rad, w.grid, w.floor, w.body, w.hands, w.slots, w.creatures, w.arrows,
            w.random, w.embodiment,
        )  # fmt: skip
        code += ptx_of(
            look, monkeypatch, 24, w.creatures, w.arrows, w.body, w.hands, w.slots, w.embodiment, w.poses, w.cameras,
            np.zeros(2, np.int32),
        )  # fmt: skip
    assert "mul.rn.f64" in code
    assert "fma." not in code
    assert ".approx" not in code
    assert ".local" not in code


def test_a_machine_without_a_gpu_is_told_so(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="no NVIDIA GPU"):
        gpu("cuda")
    with pytest.raises(ValueError, match="expected cuda"):
        gpu("cpu")
    with pytest.raises(ValueError, match="1 to 65535"):
        CudaSim(SimConfig(0))


def test_the_benchmark_says_in_one_line_that_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ContractError, match="no NVIDIA GPU"):
        bench_sim(device="cuda")


@pytest.mark.skipif(not cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_real_gpu_plays_and_sees_what_the_cpu_does(expected, scene):
    copies = 64
    result = runpy.run_path(str(SCRIPT))["play_scene"](scene, copies)
    assert_same_states(expected, result, copies)
    assert_same_pictures(expected, result, "first", copies)
    assert_same_pictures(expected, result, "last", copies)


@pytest.mark.skipif(not cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_real_gpu_draws_whole_worlds_as_the_cpu_does():
    """Half a million pixels of every open place; one in 100,000 may show another block."""
    places = ("plains", "forest", "desert", "snow", "hills", "village", "cave", "halls")
    worlds = VoxelSim(SimConfig(len(places), 256, 256, threads=1))
    for i, place in enumerate(places):
        worlds.load_world(i, WorldSeed(place, 11 + i))
        x, z = 40 + 5 * i, 70 - 3 * i
        worlds.place(i, x + 0.5, float(worlds.floor[i, x, z]), z + 0.5, 0.8 * i, 0.15, Embodiment())
    sim = CudaSim(worlds.config)
    for i in range(len(places)):
        sim.upload(i, worlds, i)
    seen = {f"first_{name}": picture for name, picture in runpy.run_path(str(SCRIPT))["look"](sim).items()}
    assert_same_pictures(pictures(worlds, "first"), seen, "first")
    worlds.close()
