"""A batch of voxel worlds, each with one player and its creatures: the arrays, how they advance and are drawn.

It knows no task, no reward and no policy. Arrays have the environment as their first axis; `threads` slices of it run
at once outside the interpreter's lock. One decision is several ticks with the same keys.
"""

import dataclasses
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from xview_training.sim import creatures, hands, mesh, physics, raster, worlds
from xview_training.sim.air import AIR_SIZE, LIGHT, Air
from xview_training.sim.boxes import POSE_SIZE
from xview_training.sim.camera import CAMERA_SIZE, pack
from xview_training.sim.compiled import compiled
from xview_training.sim.items import ITEM_ID, NOTHING, SLOTS, give
from xview_training.sim.landscape import MAX_CANDIDATES
from xview_training.sim.packs import read_pack
from xview_training.sim.random import stream
from xview_training.sim.textures import atlas

# Columns of a body's embodiment, float64.
EYE_HEIGHT, TAN_X, TAN_Y, SPEED, TURN, TURN_LAG, LATENCY, EXPOSURE, TEXTURES, HELD_ITEM, EMBODIMENT_SIZE = range(11)


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
    light: float = 1.0  # the camera's exposure
    textures: int = 0  # texture set
    held_item: bool = False  # the item in its hand is in its picture

    def row(self) -> np.ndarray:
        """Packed as float64 (EMBODIMENT_SIZE,)."""
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
                self.held_item,
            ]
        )


@dataclasses.dataclass(frozen=True)
class SimConfig:
    """Size of the batch and of its pictures."""

    environments: int = 16
    width: int = 64  # pixels
    height: int = 64
    threads: int = 2
    texture_pack: Path | None = None  # a Minecraft resource pack (zip) whose pictures every texture set wears


@compiled()
def turn(body, doing, camera_rad, embodiment):
    """Turns a view by camera_rad (pitch, yaw) asked for in this tick, as fast as the body can."""
    lag = embodiment[TURN_LAG]
    doing[hands.PITCH_RATE] = lag * doing[hands.PITCH_RATE] + (1 - lag) * camera_rad[0] * embodiment[TURN]
    doing[hands.YAW_RATE] = lag * doing[hands.YAW_RATE] + (1 - lag) * camera_rad[1] * embodiment[TURN]
    yaw = body[physics.YAW] + doing[hands.YAW_RATE]
    body[physics.YAW] = yaw - 2 * math.pi * math.floor((yaw + math.pi) / (2 * math.pi))
    body[physics.PITCH] = min(max(body[physics.PITCH] + doing[hands.PITCH_RATE], -math.pi / 2), math.pi / 2)


@compiled()
def tick(grid, floor, body, doing, slots, animals, arrows, state, keys, camera_rad, embodiment):
    """One tick of one world: the player turns, walks and acts, then creatures and arrows move.

    Meshes stay as they are: hands.EDITED names the column to mesh anew (mesh.remesh_column).
    """
    turn(body, doing, camera_rad, embodiment)
    physics.player_tick(grid, body, keys, embodiment[SPEED])
    hands.act(grid, floor, body, doing, slots, animals, arrows, keys, embodiment[EYE_HEIGHT])
    creatures.tick(grid, animals, body, state)
    hands.fly(grid, doing, animals, arrows)


@compiled()
def voxel_of(block_id, size_z, size_y):
    """(x, z, y) of a block id (one plus its flat index)."""
    flat = int(block_id) - 1
    return flat // (size_z * size_y), flat // size_y % size_z, flat % size_y


@compiled()
def item_shown(hands_, slots, embodiment):
    """The item that a player sees in its hand; 0 for nothing."""
    return hands.held_item(hands_, slots) if embodiment[HELD_ITEM] > 0 else 0


@compiled()
def _draw(
    indices, grid, quads, counts, tops, models, model_counts, atlases, animals, arrows, poses, air, body, hands_,
    slots, embodiment, cameras, near, winner, water, held, first_held, rgb,
    ids, depth,
):  # fmt: skip
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
        creatures.pose(animals[i], arrows[i], poses[i])
        raster.render(
            grid[i], quads[i], counts[i], tops[i], models[i], model_counts[i], atlases[int(e[TEXTURES])], poses[i],
            air[i], cameras[i], item_shown(hands_[i], slots[i], e), near, winner, water, held,
            first_held, rgb[i], ids[i], depth[i],
        )  # fmt: skip


class VoxelSim:
    """N worlds with a player each.

    Public arrays: grid uint8 (N, X, Z, Y); floor int16 (N, X, Z); candidates int16 (N, MAX_CANDIDATES, 4) and
    candidate_count (N,); body float64 (N, BODY_SIZE); hands float64 (N, HANDS_SIZE); slots int16 (N, SLOTS, 2);
    creatures float64 (N, MAX_CREATURES, CREATURE_SIZE); arrows; air float32 (N, AIR_SIZE); embodiment float64; rgb
    uint8 (N, H, W, 3); ids int32 (N, H, W); depth float32 (N, H, W).
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
        self.models = np.zeros((n, chunks, mesh.MAX_MODELS), np.int32)
        self.model_counts = np.zeros((n, chunks), np.int32)
        self.candidates = np.zeros((n, MAX_CANDIDATES, 4), np.int16)
        self.candidate_count = np.zeros(n, np.int32)
        self.body = np.zeros((n, physics.BODY_SIZE))
        self.hands = np.zeros((n, hands.HANDS_SIZE))
        self.slots = np.zeros((n, SLOTS, 2), np.int16)
        self.creatures = np.full((n, creatures.MAX_CREATURES, creatures.CREATURE_SIZE), -1.0)
        self.arrows = hands.empty_arrows(n)
        self.poses = np.full((n, creatures.MAX_CREATURES + hands.MAX_ARROWS, POSE_SIZE), -1, np.float32)
        self.random = np.zeros((n, 1), np.uint64)
        self.world_air = np.tile(Air().row(), (n, 1))
        self.air = np.zeros((n, AIR_SIZE), np.float32)
        self.embodiment = np.tile(Embodiment().row(), (n, 1))
        self.cameras = np.zeros((n, CAMERA_SIZE), np.float32)
        self.rgb = np.zeros((n, config.height, config.width, 3), np.uint8)
        self.ids = np.zeros((n, config.height, config.width), np.int32)
        self.depth = np.zeros((n, config.height, config.width), np.float32)
        self.atlas = atlas() if config.texture_pack is None else read_pack(config.texture_pack).over(atlas())
        self._pool = ThreadPoolExecutor(config.threads)
        self._scratch = [raster.scratch(config.width, config.height) for _ in range(config.threads)]

    def load_world(self, index: int, world: worlds.WorldSeed) -> None:
        """Makes environment `index` the world named and meshes it. The player is put down by `place`."""
        made = worlds.generate(
            world, self.grid[index], self.floor[index], self.candidates[index], self.creatures[index]
        )
        self.candidate_count[index] = made.candidates
        self.world_air[index] = made.air.row()
        self.random[index] = stream(world.seed + 1)
        self.mesh(index)

    def mesh(self, index: int) -> None:
        """Meshes environment `index` from its grid; load_world does, and ticks keep it so: for edits from outside."""
        mesh.mesh_world(
            self.grid[index],
            self.quads[index],
            self.quad_counts[index],
            self.chunk_tops[index],
            self.models[index],
            self.model_counts[index],
        )

    def place(
        self,
        index: int,
        x: float,
        y: float,
        z: float,
        yaw: float,
        pitch: float,
        body: Embodiment,
        carries: tuple[tuple[str, int], ...] = (),
    ) -> None:
        """Puts the player down at rest: feet at (x, y, z) in blocks, view in radians, with (item, count) in its bag."""
        self.body[index] = 0
        self.body[index, : physics.ON_GROUND + 1] = (x, y, z, 0, 0, 0, yaw, pitch, 1)
        self.body[index, physics.HEALTH] = physics.FULL_HEALTH
        self.hands[index] = 0
        self.arrows[index] = 0
        self.slots[index] = 0
        for item, count in carries:
            give(self.slots[index], ITEM_ID[item], count)
        self.embodiment[index] = body.row()
        self.air[index] = self.world_air[index]
        self.air[index, LIGHT] *= np.float32(body.light)

    def run_slices(self, function: Callable, indices: np.ndarray) -> None:
        """Calls function(part, scratch) for slices of `indices`, one thread each, and waits for all.

        The first slice is this thread's own: what it has just touched is still near its core.
        """
        parts = [p for p in np.array_split(np.asarray(indices, np.int64), self.config.threads) if len(p)]
        jobs = [self._pool.submit(function, part, self._scratch[k]) for k, part in enumerate(parts) if k]
        try:
            if parts:
                function(parts[0], self._scratch[0])
        finally:
            wait(jobs)
        for job in jobs:
            job.result()

    def draw(self, indices: np.ndarray) -> None:
        """Renders the players' views into rgb, ids and depth."""
        self.run_slices(
            lambda part, scratch: _draw(
                part, self.grid, self.quads, self.quad_counts, self.chunk_tops, self.models, self.model_counts,
                self.atlas, self.creatures, self.arrows, self.poses, self.air, self.body, self.hands,
                self.slots, self.embodiment, self.cameras, *scratch, self.rgb, self.ids, self.depth,
            ),
            indices,
        )  # fmt: skip

    def picture(
        self,
        index: int,
        camera: np.ndarray,
        body: Embodiment,
        scratch: tuple[np.ndarray, ...],
        rgb: np.ndarray,
        ids: np.ndarray,
        depth: np.ndarray,
    ) -> None:
        """Draws environment `index` from another packed camera, in the look that `body` gives the world."""
        creatures.pose(self.creatures[index], self.arrows[index], self.poses[index])
        air = self.world_air[index].copy()
        air[LIGHT] *= np.float32(body.light)
        raster.render(
            self.grid[index], self.quads[index], self.quad_counts[index], self.chunk_tops[index], self.models[index],
            self.model_counts[index], self.atlas[body.textures], self.poses[index], air, camera, NOTHING, *scratch, rgb,
            ids, depth,
        )  # fmt: skip

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()
