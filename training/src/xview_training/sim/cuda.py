"""A batch of voxel worlds on an NVIDIA GPU: thousands of players in one step, all buffers torch tensors.

Worlds are made and players put down on the CPU, by a VoxelSim, and uploaded. From then on nothing leaves the GPU: a
step plays ticks by the same rules as the CPU, which give the same state to the last bit, and draws every view by a ray
a pixel. It knows no task, no reward and no policy. Install the extra `cuda` of xview-training.

    worlds = VoxelSim(SimConfig(1))
    sim = CudaSim(SimConfig(environments=4096, width=128, height=128))
    worlds.load_world(0, WorldSeed("village", 7))
    worlds.place(0, 64.5, 12.0, 64.5, yaw=0.0, pitch=0.0, body=Embodiment())
    sim.upload(range(4096), worlds)
    sim.keys[:] = 0.0
    sim.keys[:, physics.FORWARD] = 1.0
    sim.step(ticks=4)
    sim.rgb  # uint8 (4096, 128, 128, 3), on the GPU
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from xview_training.sim import physics
from xview_training.sim.boxes import POSE_SIZE
from xview_training.sim.camera import CAMERA_SIZE
from xview_training.sim.creatures import MAX_CREATURES
from xview_training.sim.hands import MAX_ARROWS
from xview_training.sim.simulator import SimConfig, VoxelSim

try:
    from xview_training.sim import cuda_kernels
    from xview_training.sim.cuda_kernels import cuda
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"worlds on a GPU need numba-cuda ({error}): install the extra, xview-training[cuda]", name=error.name
    ) from error

STATE = (
    "grid", "floor", "candidates", "candidate_count", "body", "hands", "slots", "creatures", "arrows", "random",
    "air", "embodiment",
)  # fmt: skip
MOST_WORLDS = 65_535  # of a launch's third axis
TILE = (8, 16)  # pixels wide and high, of the rays that run together
WORLDS_A_BLOCK = 32  # threads of the rules part ways at once: small blocks reach more multiprocessors


def gpu(name: str) -> torch.device:
    """The device of that name; ValueError where there is none. In Numba's CUDA simulator: the CPU."""
    if cuda_kernels.SIMULATED:
        return torch.device("cpu")
    device = torch.device(name)
    if device.type != "cuda":
        raise ValueError(f"device: expected cuda or cuda:NUMBER, got {name!r}")
    if not torch.cuda.is_available() or not cuda.is_available():
        raise ValueError(f"device {name}: no NVIDIA GPU that both torch and Numba can use; is its driver installed?")
    if (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device {name}: this machine has {torch.cuda.device_count()} GPU(s)")
    return torch.device("cuda", device.index or 0)


def _zeros(environments: int, like: np.ndarray, device: torch.device) -> torch.Tensor:
    """Worlds first, for that many worlds; uint64 as the int64 of the same bits, which torch can move about."""
    dtype = torch.int64 if like.dtype == np.uint64 else torch.from_numpy(like[:0]).dtype
    return torch.zeros((environments, *like.shape[1:]), dtype=dtype, device=device)


def _numba(tensor: torch.Tensor) -> Any:
    """The same memory as kernels take it."""
    return tensor.numpy() if cuda_kernels.SIMULATED else cuda.as_cuda_array(tensor)


class CudaSim:
    """N worlds with a player each, on one GPU.

    Public tensors are VoxelSim's, for N worlds, and are written in place, never replaced: grid uint8 (N, X, Z, Y);
    floor int16 (N, X, Z); candidates, candidate_count; body, hands, creatures, arrows, embodiment float64; slots
    int16 (N, SLOTS, 2); random int64 (N, 1), the bits of the streams; air float32 (N, AIR_SIZE); poses float32 (N,
    creatures + arrows, POSE_SIZE); cameras float32 (N, 13); items int32 (N,), what is
    seen in the hand; rgb uint8 (N, H, W, 3); ids int32 (N, H, W); depth float32
    (N, H, W). The caller's: keys float64 (N, KEYS), what is pressed in each tick of a step, and camera_rad float64 (N,
    2), the pitch and yaw that it turns by. `torch` streams are honoured; nothing waits for the GPU.
    """

    def __init__(self, config: SimConfig, device: str = "cuda"):
        n = config.environments
        if not 1 <= n <= MOST_WORLDS:
            raise ValueError(f"environments: expected 1 to {MOST_WORLDS} on a GPU, got {n}")
        self.config = config
        self.device = gpu(device)
        like = VoxelSim(dataclasses.replace(config, environments=1, threads=1))
        like.close()
        self.grid, self.floor = self._like(like.grid), self._like(like.floor)
        self.candidates, self.candidate_count = self._like(like.candidates), self._like(like.candidate_count)
        self.body, self.hands, self.slots = self._like(like.body), self._like(like.hands), self._like(like.slots)
        self.creatures, self.arrows = self._like(like.creatures), self._like(like.arrows)
        self.random, self.air = self._like(like.random), self._like(like.air)
        self.embodiment = self._like(like.embodiment)
        self.keys, self.camera_rad = self._like(np.empty((1, physics.KEYS))), self._like(np.empty((1, 2)))
        self.poses = self._like(np.empty((1, MAX_CREATURES + MAX_ARROWS, POSE_SIZE), np.float32))
        self.cameras = self._like(np.empty((1, CAMERA_SIZE), np.float32))
        self.items = self._like(np.empty(1, np.int32))
        self.rgb, self.ids, self.depth = self._like(like.rgb), self._like(like.ids), self._like(like.depth)
        self.atlas = torch.tensor(like.atlas.view(np.int32), device=self.device)
        with self._current():
            self._share()
            with cuda_kernels.unfused():  # compiles what is compiled so, and plays no tick
                self.play(0)
                self._look()

    def _like(self, array: np.ndarray) -> torch.Tensor:
        return _zeros(self.config.environments, array, self.device)

    def _current(self) -> Any:
        """Makes the GPU Numba's current one."""
        return cuda.gpus[self.device.index or 0]

    def _share(self) -> None:
        """The tensors' memory in the order in which kernels take it."""
        share = {name: _numba(value) for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        share["random"] = share["random"].view(np.uint64)
        moving = ("grid", "floor", "body", "hands", "slots", "creatures", "arrows", "random", "embodiment")
        self._played = [share[name] for name in ("keys", "camera_rad", *moving)]
        seen_from = ("creatures", "arrows", "body", "hands", "slots", "embodiment", "poses", "cameras", "items")
        self._looked = [share[name] for name in seen_from]
        cells, shape = _numba(self.grid.view(self.config.environments, -1)), self.grid.shape[1:]
        drawn = ("atlas", "poses", "air", "cameras", "items", "embodiment", "rgb", "ids", "depth")
        self._drawn = [cells, *shape, *(share[name] for name in drawn)]

    def upload(self, environments: int | Sequence[int] | torch.Tensor, worlds: VoxelSim, source: int = 0) -> None:
        """Makes each of `environments` what world `source` of a VoxelSim is now: blocks, player, creatures and all."""
        if isinstance(environments, int):
            environments = [environments]
        where = torch.as_tensor(environments, dtype=torch.int64, device=self.device)
        for name in STATE:
            array = np.ascontiguousarray(getattr(worlds, name)[source])
            array = array.view(np.int64) if array.dtype == np.uint64 else array
            getattr(self, name)[where] = torch.as_tensor(array).to(self.device)

    def step(self, ticks: int = 1) -> None:
        """Plays that many ticks with `keys` and `camera_rad` in every world, and draws what the players then see."""
        self.play(ticks)
        self.draw()

    def play(self, ticks: int) -> None:
        """Plays ticks without drawing."""
        blocks = -(-self.config.environments // WORLDS_A_BLOCK)
        with self._current():
            cuda_kernels.play[blocks, WORLDS_A_BLOCK, self._stream()](ticks, *self._played)

    def draw(self) -> None:
        """Draws every player's view into rgb, ids and depth."""
        self._look()
        wide, high = -(-self.config.width // TILE[0]), -(-self.config.height // TILE[1])
        with self._current():
            cuda_kernels.draw[(wide, high, self.config.environments), TILE, self._stream()](*self._drawn)

    def _look(self) -> None:
        blocks = -(-self.config.environments // WORLDS_A_BLOCK)
        with self._current():
            cuda_kernels.look[blocks, WORLDS_A_BLOCK, self._stream()](self.config.height, *self._looked)

    def _stream(self) -> Any:
        """The stream that torch works on, so that its work and the kernels' follow each other."""
        stream = 0 if cuda_kernels.SIMULATED else torch.cuda.current_stream(self.device).cuda_stream
        return cuda.external_stream(stream) if stream else 0
