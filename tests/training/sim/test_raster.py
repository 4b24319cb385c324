"""The quick renderer sees what a ray a pixel sees, in every place and from everywhere a camera may be."""

import math

import numpy as np
import pytest
from xview_training.sim import creatures, raster, see
from xview_training.sim.air import Air
from xview_training.sim.blocks import FORM, ID, PASSABLE, USED, Form
from xview_training.sim.camera import CAMERA_SIZE, half_tangents, look_at, pack, project
from xview_training.sim.creatures import SPECIES
from xview_training.sim.figures import KIND_ID
from xview_training.sim.hands import ARROW_SIZE, flat_id
from xview_training.sim.physics import HURT, ON_GROUND, YAW
from xview_training.sim.simulator import SimConfig, VoxelSim
from xview_training.sim.worlds import PLACES, WorldSeed

WIDTH, HEIGHT = 97, 72  # odd, so that one column of rays runs straight ahead
IDS_OFF, COLOURS_OFF = 1e-5, 1e-4  # shares of all pixels


def camera(x, y, z, yaw, pitch, fov_deg=70.0, height=HEIGHT) -> np.ndarray:
    packed = np.zeros(CAMERA_SIZE, np.float32)
    pack(packed, x, y, z, yaw, pitch, *half_tangents(fov_deg, 4 / 3), height)
    return packed


def towards(eye, point, fov_deg=70.0) -> np.ndarray:
    return camera(*eye, *look_at(np.array(eye), np.array(point)), fov_deg)


def beside_wall(grid, floor, rng, size, distance) -> np.ndarray:
    """Close before a block's side, at the height of something that stands there."""
    while True:
        x, z = rng.integers(8, size - 8, 2)
        y = min(int(floor[x, z]) - 1, 61)
        if FORM[grid[x, z, y]] == Form.CUBE and grid[x, z, y] and not grid[x, z - 1, y]:
            return camera(x + 0.5, y + 0.5, z - distance, rng.uniform(-1.2, 1.2), rng.uniform(-0.3, 0.3))


def cameras_of(sim: VoxelSim, place: str, rng) -> list[np.ndarray]:
    """Standing, beside walls, from high above straight down, along the axes, and before creatures."""
    size = PLACES[place].shape[0]
    grid, floor = sim.grid[0], sim.floor[0]
    xs, zs = np.indices(floor.shape)
    free = PASSABLE[grid[xs, zs, np.minimum(floor + 1, 63)]]
    open_air = np.argwhere(free[2 : size - 2, 2 : size - 2]) + 2
    out = []
    for k in range(8):
        x, z = rng.choice(open_air)
        yaw, pitch = rng.uniform(-math.pi, math.pi), rng.uniform(-0.6, 0.9)
        out.append(camera(x + 0.5, floor[x, z] + (1.62, 0.3)[k % 2], z + 0.5, yaw, pitch, (50, 70, 110)[k % 3]))
    out += [beside_wall(grid, floor, rng, size, distance) for distance in (0.05, 0.3, 0.31)]
    x, z = rng.uniform(30, size - 30, 2)
    out += [camera(x, 60.0, z, 0.7, math.pi / 2), camera(x, 26.0, z, 0.7, math.pi / 2)]
    x, z = rng.choice(open_air)
    out.append(camera(x + 0.5, floor[x, z] + 1.2, z + 0.5, 0.0, 0.0))
    for animal in sim.creatures[0]:
        if animal[SPECIES] >= 0:
            middle = animal[:3] + (0, 0.7, 0)
            out.append(towards(middle + (rng.uniform(1.2, 3), rng.uniform(0.2, 2), rng.uniform(1.2, 3)), middle))
    return out


class Disagreement:
    """Pixels that two renderers draw differently."""

    def __init__(self):
        self.pixels = self.ids = self.rgb = self.depth = self.creatures = 0
        self.blocks: set[int] = set()

    def add(self, sim: VoxelSim, view: np.ndarray, item: int = 0) -> None:
        shape = HEIGHT, WIDTH
        quads, rays = (
            (np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.int32), np.zeros(shape, np.float32)) for _ in range(2)
        )
        creatures.pose(sim.creatures[0], sim.arrows[0], sim.poses[0])
        raster.render(
            sim.grid[0], sim.quads[0], sim.quad_counts[0], sim.chunk_tops[0], sim.models[0], sim.model_counts[0],
            sim.atlas[0], sim.poses[0], sim.world_air[0], view, item, *raster.scratch(WIDTH, HEIGHT), *quads,
        )  # fmt: skip
        see.render(sim.grid[0], sim.atlas[0], sim.poses[0], sim.world_air[0], view, item, *rays)
        same = quads[1] == rays[1]
        self.pixels += same.size
        self.ids += np.count_nonzero(~same)
        self.depth += np.count_nonzero(np.abs(quads[2] - rays[2])[same] > 1e-2)
        self.rgb += np.count_nonzero(np.abs(quads[0].astype(int) - rays[0]).max(-1) > 2)
        self.creatures += np.count_nonzero(rays[1] > sim.grid[0].size)
        seen = rays[1][(rays[1] > 0) & (rays[1] <= sim.grid[0].size)]
        self.blocks |= set(np.unique(sim.grid[0].reshape(-1)[seen - 1]).tolist())

    def check(self) -> None:
        assert self.ids <= IDS_OFF * self.pixels
        assert self.rgb <= COLOURS_OFF * self.pixels
        assert self.depth <= IDS_OFF * self.pixels


@pytest.fixture(scope="module")
def sim():
    sim = VoxelSim(SimConfig(1, 8, 8, threads=1))
    yield sim
    sim.close()


@pytest.mark.parametrize("place", PLACES)
def test_quads_and_rays_see_the_same(sim, place):
    seen = Disagreement()
    for seed in (3, 4, 1_000_005):
        sim.load_world(0, WorldSeed(place, seed))
        for view in cameras_of(sim, place, np.random.default_rng(seed)):
            seen.add(sim, view)
    assert seen.pixels >= 42 * WIDTH * HEIGHT
    assert (seen.creatures > 1000) == (place not in ("landscape", "rooms", "halls"))
    seen.check()


@pytest.mark.parametrize("place", PLACES)
def test_quads_and_rays_see_the_same_after_blocks_were_broken(sim, place):
    seen = Disagreement()
    sim.load_world(0, WorldSeed(place, 21))
    rng = np.random.default_rng(5)
    for x, z in rng.integers(1, 95, (60, 2)):
        sim.grid[0, x, z, rng.integers(1, sim.floor[0, x, z])] = 0
    sim.mesh(0)
    for view in cameras_of(sim, place, rng):
        seen.add(sim, view)
    seen.check()


def test_water_glass_doors_chests_and_what_was_made_of_them_look_alike(sim):
    """All blocks in a grid, from around, above and below the water's surface, before and after each is used."""
    sim.load_world(0, WorldSeed("rooms", 4))
    sim.grid[0, :96, :96, 4:] = 0
    for block in range(1, len(FORM)):
        sim.grid[0, 30 + 3 * (block % 10), 30 + 3 * (block // 10), 4:6] = block
    sim.grid[0, 50:60, 62:72, 2:5] = ID["water"]
    sim.grid[0, 50:60, 74, 4:8] = ID["glass"]
    sim.grid[0, 52:58, 64, 2:5] = ID["glass"]
    rng = np.random.default_rng(2)
    seen = Disagreement()
    for _ in range(2):
        sim.mesh(0)
        for _ in range(24):
            eye = rng.uniform((26, 4.3, 26), (62, 9, 62))
            if not sim.grid[0, int(eye[0]), int(eye[2]), int(eye[1])]:
                seen.add(sim, towards(eye, rng.uniform((30, 4, 30), (57, 6, 57)), 80.0))
        for eye_y in (2.4, 4.9, 6.5):
            seen.add(sim, towards((54.3, eye_y, 70.2), (54.5, 3.0, 64.0)))
            seen.add(sim, towards((54.3, eye_y, 63.4), (54.5, 5.5, 76.0)))
        flat = sim.grid[0].reshape(-1)
        flat[:] = np.where(USED[flat] > 0, USED[flat], flat)
    every = set(range(1, len(FORM))) - {ID["water"], ID["barrier"]}
    assert len(seen.blocks & every) >= 0.9 * len(every)
    seen.check()


def test_weathers_hours_blows_and_arrows_look_alike(sim):
    sim.load_world(0, WorldSeed("plains", 9))
    animal = sim.creatures[0, 0]
    animal[SPECIES] = KIND_ID["cow"]  # large in the picture, whoever stood there
    animal[HURT] = 5  # a blow's flash
    arrow = np.zeros(ARROW_SIZE)
    arrow[:3], arrow[YAW], arrow[ON_GROUND] = animal[:3] + (0.8, 1.2, 0.4), 0.6, 1
    sim.arrows[0, 0] = arrow
    seen = Disagreement()
    for weather in ("clear", "rain", "snowfall", "mist", "indoors", "dark"):
        for hour in (0, 6000, 18000):
            sim.world_air[0] = Air(hour, weather).row()
            eye = animal[:3] + (2.0, 1.9, 2.5)
            seen.add(sim, towards(eye, animal[:3] + (0.3, 0.8, 0.2)))
    sim.arrows[0] = 0
    assert seen.creatures > 1000
    seen.check()


def test_a_point_projects_to_the_pixel_that_shows_it(sim):
    sim.load_world(0, WorldSeed("rooms", 4))
    rng = np.random.default_rng(0)
    rgb, ids, depth = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.int32), np.zeros((64, 64), np.float32)
    for x, y, z, block in sim.candidates[0, : sim.candidate_count[0]].tolist():
        eye = np.array([x + rng.uniform(-4, 4), y + 9.0, z + rng.uniform(-4, 4)])
        view = camera(*eye, *look_at(eye, np.array([x + 0.5, y + 0.5, z + 0.5]) + rng.uniform(-1, 1, 3)), 60.0, 64)
        see.render(sim.grid[0], sim.atlas[0], sim.poses[0], sim.world_air[0], view, 0, rgb, ids, depth)
        u, v, along = project(view, x + 0.5, y + 1.0, z + 0.5)  # the middle of its top
        row, column = int(v * 64), int(u * 64)
        assert ids[row, column] == flat_id(sim.grid[0], x, z, y), block
        assert depth[row, column] == pytest.approx(along, abs=0.2)
