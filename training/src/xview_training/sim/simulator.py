"""A batch of voxel worlds, each with one player: the arrays, and how they advance and are drawn.

It knows no task, no reward and no policy. Arrays have the environment as their first axis; `threads` slices of it run
at once outside the interpreter's lock. One decision is several ticks with the same keys.
"""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from xview_training.sim import mesh, physics, raster, raycast, worlds
from xview_training.sim.blocks import BREAK_TICKS
from xview_training.sim.camera import CAMERA_SIZE, pack
from xview_training.sim.compiled import compiled
from xview_training.sim.landscape import MAX_CANDIDATES
from xview_training.sim.textures import atlas

REACH = 4.5  # blocks from the eye (Minecraft, survival)

# Columns of a body's embodiment, float32.
EYE_HEIGHT, TAN_X, TAN_Y, SPEED, TURN, TURN_LAG, LATENCY, LIGHT, TEXTURES, EMBODIMENT_SIZE = range(10)
# Columns of what goes on between ticks, float64: yaw and pitch rates, the block being broken, its progress, last break.
YAW_RATE, PITCH_RATE, AIMED, PROGRESS, BROKEN, HANDS_SIZE = range(6)


@dataclasses.dataclass(frozen=True)
class Embodiment:
    """The body and eye of an agent. Defaults are Minecraft's player (eye 1.62, field of view 70)."""

    eye_height: float = 1.62  # blocks above the feet
    vertical_fov_deg: float = 70.0
    aspect: float = 4.0 / 3.0  # width / height before squeezing
    speed: float = 1.0  # times 4.317 blocks/s
    turn: float = 1.0  # times the camera step asked for
    turn_lag: float = 0.0  # share of the last tick's turning rate that remains
    latency_ticks: int = 0  # ticks of a decision during which the previous action still acts
    light: float = 1.0  # daylight factor
    textures: int = 0  # texture set

    def row(self) -> np.ndarray:
        """Packed as float32 (EMBODIMENT_SIZE,)."""
        tan_y = np.tan(np.radians(self.vertical_fov_deg) / 2)
        return np.array(
            [
                self.eye_height,
                tan_y * self.aspect,
                tan_y,
                self.speed,
                self.turn,
                self.turn_lag,
                self.latency_ticks,
                self.light,
                self.textures,
            ],
            np.float32,
        )


@dataclasses.dataclass(frozen=True)
class SimConfig:
    """Size of the batch and of its pictures."""

    environments: int = 16
    width: int = 64  # pixels
    height: int = 64
    threads: int = 2


@compiled()
def tick(grid, floor, quads, counts, tops, body, hands, keys, camera_rad, embodiment):
    """One tick of one player: turn, walk, break. camera_rad: (pitch, yaw) asked for in this tick."""
    lag = embodiment[TURN_LAG]
    hands[PITCH_RATE] = lag * hands[PITCH_RATE] + (1 - lag) * camera_rad[0] * embodiment[TURN]
    hands[YAW_RATE] = lag * hands[YAW_RATE] + (1 - lag) * camera_rad[1] * embodiment[TURN]
    yaw = body[physics.YAW] + hands[YAW_RATE]
    body[physics.YAW] = yaw - 2 * np.pi * np.floor((yaw + np.pi) / (2 * np.pi))
    body[physics.PITCH] = min(max(body[physics.PITCH] + hands[PITCH_RATE], -np.pi / 2), np.pi / 2)
    physics.player_tick(grid, body, keys, embodiment[SPEED])
    hands[BROKEN] = 0
    if keys[physics.ATTACK] == 0:
        hands[AIMED] = 0
        return
    eye = body[physics.Y] + embodiment[EYE_HEIGHT]
    block = raycast.crosshair(
        grid, body[physics.X], eye, body[physics.Z], body[physics.YAW], body[physics.PITCH], REACH
    )
    if block != hands[AIMED]:
        hands[AIMED] = block
        hands[PROGRESS] = 0
    if block == 0:
        return
    x, z, y = voxel_of(block, grid.shape[1], grid.shape[2])
    hands[PROGRESS] += 1.0 / BREAK_TICKS[grid[x, z, y]]
    if hands[PROGRESS] >= 1.0 - 1e-9 and y > 0:
        grid[x, z, y] = 0
        if floor[x, z] == y + 1:
            floor[x, z] = y
        hands[AIMED] = 0
        hands[BROKEN] = block
        mesh.remesh_block(grid, x, z, quads, counts, tops)


@compiled()
def voxel_of(block_id, size_z, size_y):
    """(x, z, y) of a block id (one plus its flat index)."""
    flat = int(block_id) - 1
    return flat // (size_z * size_y), flat // size_y % size_z, flat % size_y


@compiled()
def _draw(indices, grid, quads, counts, tops, atlases, body, embodiment, cameras, rays, zbuf, winner, rgb, ids, depth):
    for i in indices:
        e = embodiment[i]
        pack(
            cameras[i],
            body[i, physics.X],
            body[i, physics.Y] + e[EYE_HEIGHT],
            body[i, physics.Z],
            body[i, physics.YAW],
            body[i, physics.PITCH],
            e[TAN_X],
            e[TAN_Y],
            ids.shape[1],
        )
        textures = atlases[int(e[TEXTURES])]
        raster.render(
            grid[i],
            quads[i],
            counts[i],
            tops[i],
            textures,
            cameras[i],
            e[LIGHT],
            rays,
            zbuf,
            winner,
            rgb[i],
            ids[i],
            depth[i],
        )


class VoxelSim:
    """N worlds with a player each.

    Public arrays: grid uint8 (N, X, Z, Y); floor int16 (N, X, Z); candidates int16 (N, MAX_CANDIDATES, 4) and
    candidate_count (N,); body float64 (N, BODY_SIZE); hands float64 (N, HANDS_SIZE); embodiment float32; rgb uint8
    (N, H, W, 3); ids int32 (N, H, W); depth float32 (N, H, W).
    """

    def __init__(self, config: SimConfig):
        n, shape = config.environments, worlds.SHAPE
        chunks = shape[0] // mesh.CHUNK * (shape[1] // mesh.CHUNK)
        self.config = config
        self.grid = np.zeros((n, *shape), np.uint8)
        self.floor = np.zeros((n, *shape[:2]), np.int16)
        self.quads = np.zeros((n, chunks, mesh.MAX_QUADS, 8), np.uint8)
        self.quad_counts = np.zeros((n, chunks), np.int32)
        self.chunk_tops = np.zeros((n, chunks), np.int32)
        self.candidates = np.zeros((n, MAX_CANDIDATES, 4), np.int16)
        self.candidate_count = np.zeros(n, np.int32)
        self.body = np.zeros((n, physics.BODY_SIZE))
        self.hands = np.zeros((n, HANDS_SIZE))
        self.embodiment = np.tile(Embodiment().row(), (n, 1))
        self.cameras = np.zeros((n, CAMERA_SIZE), np.float32)
        self.rgb = np.zeros((n, config.height, config.width, 3), np.uint8)
        self.ids = np.zeros((n, config.height, config.width), np.int32)
        self.depth = np.zeros((n, config.height, config.width), np.float32)
        self.atlas = atlas()
        self._pool = ThreadPoolExecutor(config.threads)
        self._scratch = [raster.scratch(config.width, config.height) for _ in range(config.threads)]

    def load_world(self, index: int, world: worlds.WorldSeed) -> None:
        """Makes environment `index` the world named and meshes it. The player is put down by `place`."""
        self.candidate_count[index] = worlds.generate(
            world, self.grid[index], self.floor[index], self.candidates[index]
        )
        mesh.mesh_world(self.grid[index], self.quads[index], self.quad_counts[index], self.chunk_tops[index])

    def place(self, index: int, x: float, y: float, z: float, yaw: float, pitch: float, body: Embodiment) -> None:
        """Puts the player down at rest: feet at (x, y, z) in blocks, view in radians."""
        self.body[index] = (x, y, z, 0, 0, 0, yaw, pitch, 1)
        self.hands[index] = 0
        self.embodiment[index] = body.row()

    def run_slices(self, function, indices: np.ndarray) -> None:
        """Calls function(part, scratch) for slices of `indices`, one thread each, and waits for all."""
        parts = [p for p in np.array_split(np.asarray(indices, np.int64), self.config.threads) if len(p)]
        jobs = [self._pool.submit(function, part, self._scratch[k]) for k, part in enumerate(parts)]
        for job in jobs:
            job.result()

    def draw(self, indices: np.ndarray) -> None:
        """Renders the players' views into rgb, ids and depth."""
        self.run_slices(
            lambda part, scratch: _draw(
                part,
                self.grid,
                self.quads,
                self.quad_counts,
                self.chunk_tops,
                self.atlas,
                self.body,
                self.embodiment,
                self.cameras,
                *scratch,
                self.rgb,
                self.ids,
                self.depth,
            ),
            indices,
        )

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()
