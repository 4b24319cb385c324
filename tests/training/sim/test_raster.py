"""The quick renderer sees what the ray caster sees, from everywhere a camera may be."""

import math

import numpy as np
import pytest
from xview_training.sim import mesh, raster, raycast
from xview_training.sim.camera import CAMERA_SIZE, half_tangents, look_at, pack, project
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.sim.worlds import WorldSeed

WIDTH, HEIGHT = 97, 72  # odd, so that one column of rays runs straight ahead


def camera(x, y, z, yaw, pitch, fov_deg=70.0, height=HEIGHT) -> np.ndarray:
    packed = np.zeros(CAMERA_SIZE, np.float32)
    pack(packed, x, y, z, yaw, pitch, *half_tangents(fov_deg, 4 / 3), height)
    return packed


def free_corner(grid, rng, distance):
    """A place at eye height beside a block, `distance` from its side, and the yaw that faces it."""
    while True:
        x, z, y = rng.integers(8, 88), rng.integers(8, 88), rng.integers(3, 12)
        if grid[x, z, y] != 0 and grid[x, z - 1, y] == 0:
            return x + 0.5, y + 0.5, z - distance, 0.0
        if grid[x, z, y] != 0 and grid[x - 1, z, y] == 0:
            return x - distance, y + 0.5, z + 0.5, -math.pi / 2


def cameras_of(grid, floor, rng) -> list[np.ndarray]:
    """Standing, beside walls, from high above straight down, and along the axes."""
    out = []
    xs, zs = np.indices(floor.shape)
    open_air = np.argwhere(grid[xs, zs, np.minimum(floor + 1, 31)] == 0)  # no leaves at the height of eyes
    for k in range(6):
        x, z = rng.choice(open_air)
        yaw, pitch = rng.uniform(-math.pi, math.pi), rng.uniform(-0.6, 0.9)
        out.append(camera(x + 0.5, floor[x, z] + 1.62, z + 0.5, yaw, pitch, (50, 70, 110)[k % 3]))
    for distance in (0.05, 0.3, 0.31):
        x, y, z, yaw = free_corner(grid, rng, distance)
        out.append(camera(x, y, z, yaw + rng.uniform(-1.2, 1.2), rng.uniform(-0.3, 0.3)))
    x, z = rng.uniform(30, 66, 2)
    out.append(camera(x, 26.0, z, 0.7, math.pi / 2))
    x, z = rng.choice(open_air)
    out.append(camera(x + 0.5, floor[x, z] + 1.2, z + 0.5, 0.0, 0.0))
    return out


class Disagreement:
    """Pixels that two renderers draw differently."""

    def __init__(self):
        self.pixels = self.ids = self.rgb = self.depth = 0

    def add(self, sim: VoxelSim, view: np.ndarray) -> None:
        shape = HEIGHT, WIDTH
        quads, rays = (
            (np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.int32), np.zeros(shape, np.float32)) for _ in range(2)
        )
        light = np.float32(0.9)
        raster.render(
            sim.grid[0], sim.quads[0], sim.quad_counts[0], sim.chunk_tops[0], sim.atlas[0], view, light,
            *raster.scratch(WIDTH, HEIGHT), *quads,
        )  # fmt: skip
        raycast.render(sim.grid[0], sim.atlas[0], view, light, *rays)
        same = quads[1] == rays[1]
        self.pixels += same.size
        self.ids += np.count_nonzero(~same)
        self.depth += np.count_nonzero(np.abs(quads[2] - rays[2])[same] > 1e-2)
        self.rgb += np.count_nonzero(np.abs(quads[0].astype(int) - rays[0])[same].max(-1) > 2)


@pytest.fixture(scope="module")
def sim():
    sim = VoxelSim(SimConfig(1, 8, 8, threads=1))
    yield sim
    sim.close()


def test_quads_and_rays_see_the_same(sim):
    seen = Disagreement()
    for place, seed in (("landscape", 3), ("rooms", 4), ("landscape", 1_000_005), ("rooms", 3_000_001)):
        sim.load_world(0, WorldSeed(place, seed))
        for view in cameras_of(sim.grid[0], sim.floor[0], np.random.default_rng(seed)):
            seen.add(sim, view)
    assert seen.pixels == 44 * WIDTH * HEIGHT
    assert seen.ids <= 1e-4 * seen.pixels
    assert seen.depth == 0
    assert seen.rgb == 0


def test_quads_and_rays_see_the_same_after_blocks_were_broken(sim):
    seen = Disagreement()
    for place in ("landscape", "rooms"):
        sim.load_world(0, WorldSeed(place, 21))
        rng = np.random.default_rng(5)
        for x, z in rng.integers(1, 95, (60, 2)):
            sim.grid[0, x, z, rng.integers(1, sim.floor[0, x, z])] = 0
            mesh.remesh_block(sim.grid[0], x, z, sim.quads[0], sim.quad_counts[0], sim.chunk_tops[0])
        for view in cameras_of(sim.grid[0], sim.floor[0], rng):
            seen.add(sim, view)
    assert seen.ids <= 1e-4 * seen.pixels
    assert seen.depth == 0
    assert seen.rgb == 0


def test_a_point_projects_to_the_pixel_that_shows_it(sim):
    sim.load_world(0, WorldSeed("rooms", 4))
    rng = np.random.default_rng(0)
    rgb, ids, depth = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.int32), np.zeros((64, 64), np.float32)
    for x, y, z, block in sim.candidates[0, : sim.candidate_count[0]].tolist():
        eye = np.array([x + rng.uniform(-4, 4), y + 9.0, z + rng.uniform(-4, 4)])
        view = camera(*eye, *look_at(eye, np.array([x + 0.5, y + 0.5, z + 0.5]) + rng.uniform(-1, 1, 3)), 60.0, 64)
        raycast.render(sim.grid[0], sim.atlas[0], view, np.float32(1), rgb, ids, depth)
        u, v, along = project(view, x + 0.5, y + 1.0, z + 0.5)  # the middle of its top
        row, column = int(v * 64), int(u * 64)
        assert ids[row, column] == 1 + (x * 96 + z) * 32 + y, block
        assert depth[row, column] == pytest.approx(along, abs=0.2)
