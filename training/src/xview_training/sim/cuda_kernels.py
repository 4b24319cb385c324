"""The rules and the renderer as GPU kernels: a thread a world for the one, a thread a pixel for the other.

Kernels only find their world or pixel and call the functions that the CPU runs (`tick`, `see`). Buffers and launches
are sim/cuda.py's. Without a GPU they run in Numba's CUDA simulator: NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1.
"""

import contextlib
import functools
from collections.abc import Iterator

import numba
import numpy as np
from numba import cuda
from numba.cuda.core import config

from xview_training.sim import creatures, physics
from xview_training.sim.air import LIGHT, VIEW_DISTANCE
from xview_training.sim.camera import pack
from xview_training.sim.holding import in_hand
from xview_training.sim.see import ray_of, see
from xview_training.sim.simulator import EYE_HEIGHT, TAN_X, TAN_Y, TEXTURES, item_shown, tick

# The binaries of kernels go where those of the CPU go: see sim/compiled.py. numba-cuda has its own setting.
config.CACHE_DIR = numba.config.CACHE_DIR  # type: ignore[attr-defined]
SIMULATED = bool(config.ENABLE_CUDASIM)


@contextlib.contextmanager
def unfused() -> Iterator[None]:
    """Kernels compiled within round a product before they add to it, as the CPU does; the rules need that."""
    if SIMULATED:
        yield
        return
    from numba.cuda.cudadrv import nvvm

    compile_ir = nvvm.compile_ir
    nvvm.compile_ir = functools.partial(compile_ir, fma=False)
    try:
        yield
    finally:
        nvvm.compile_ir = compile_ir


@cuda.jit(cache=True)
def play(ticks, keys, camera_rad, grid, floor, body, hands, slots, animals, arrows, random, embodiment):
    """Ticks of world blockIdx * blockDim + threadIdx; compile it `unfused`. Arrays as VoxelSim's, worlds first."""
    i = cuda.grid(1)
    if i < body.shape[0]:
        for _ in range(ticks):
            tick(
                grid[i], floor[i], body[i], hands[i], slots[i], animals[i], arrows[i], random[i], keys[i],
                camera_rad[i], embodiment[i],
            )  # fmt: skip


@cuda.jit(cache=True)
def look(height_px, animals, arrows, body, hands, slots, embodiment, poses, cameras, items):
    """Cameras, poses and items in hands of a world, blockIdx * blockDim + threadIdx, now; compile it `unfused`."""
    i = cuda.grid(1)
    if i < body.shape[0]:
        b, e = body[i], embodiment[i]
        eye = b[physics.Y] + e[EYE_HEIGHT]
        pack(
            cameras[i], b[physics.X], eye, b[physics.Z], b[physics.YAW], b[physics.PITCH], e[TAN_X], e[TAN_Y], height_px
        )
        creatures.pose(animals[i], arrows[i], poses[i])
        items[i] = item_shown(hands[i], slots[i], e)


@cuda.jit(cache=True)
def draw(cells, nx, nz, ny, atlas, poses, air, cameras, items, embodiment, rgb, ids, depth):
    """One pixel: column and row along the launch's first two axes, world along the third.

    cells uint8 (N, X * Z * Y), the grids of shape (nx, nz, ny) with their blocks in a row.
    """
    px, py = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x, cuda.blockIdx.y * cuda.blockDim.y + cuda.threadIdx.y
    i, height, width = cuda.blockIdx.z, ids.shape[1], ids.shape[2]
    if px < width and py < height:
        camera = cameras[i]
        textures = atlas[int(embodiment[i, TEXTURES])]
        r, g, b = in_hand(textures, items[i], air[i, LIGHT], px, py, width, height)
        seen, t = np.int32(0), VIEW_DISTANCE
        if r < np.float32(0):
            dx, dy, dz = ray_of(camera, px, py, width, height)
            r, g, b, seen, t = see(
                cells[i], np.int32(nx), np.int32(nz), np.int32(ny), textures, poses[i], air[i],
                camera[0], camera[1], camera[2], dx, dy, dz, camera[12],
            )  # fmt: skip
        rgb[i, py, px, 0], rgb[i, py, px, 1], rgb[i, py, px, 2] = np.uint8(r), np.uint8(g), np.uint8(b)
        ids[i, py, px], depth[i, py, px] = seen, t
