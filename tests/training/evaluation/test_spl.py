"""SPL's shortest way is one: compared with Dijkstra's algorithm over the same steps, and with lengths known by hand."""

import math

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from xview_training.evaluation.spl import _downhill, spl
from xview_training.tasks.paths import UNREACHABLE, can_step, distance_field

CLIMB, DROP = 1, 3
NEIGHBOURS = [(dx, dz) for dx in (-1, 0, 1) for dz in (-1, 0, 1) if (dx, dz) != (0, 0)]


def field_of(floor: np.ndarray, target: tuple[int, int]) -> np.ndarray:
    field = np.empty(floor.shape, np.float32)
    x, z = target
    goal = np.array([x, floor[x, z], z], np.int64)
    distance_field(floor, *floor.shape, np.zeros_like(field), goal, CLIMB, DROP, field)
    return field


def reference(floor: np.ndarray, start: tuple[int, int], target: tuple[int, int]) -> float:
    side = floor.shape[0]
    edges = [
        (x * side + z, (x + dx) * side + z + dz, math.hypot(dx, dz))
        for x in range(1, side - 1)
        for z in range(1, side - 1)
        for dx, dz in NEIGHBOURS
        if 1 <= x + dx < side - 1 and 1 <= z + dz < side - 1 and can_step(floor, x, z, x + dx, z + dz, CLIMB, DROP)
    ]
    rows, columns, lengths = zip(*edges, strict=True)
    graph = coo_matrix((lengths, (rows, columns)), (side * side, side * side)).tocsr()
    return float(dijkstra(graph, indices=start[0] * side + start[1])[target[0] * side + target[1]])


def test_on_flat_ground_it_is_straight_and_diagonal_steps():
    floor = np.full((24, 24), 4, np.int16)
    assert _downhill(floor, field_of(floor, (20, 5)), (5, 5), CLIMB, DROP) == pytest.approx(15)
    assert _downhill(floor, field_of(floor, (20, 9)), (5, 5), CLIMB, DROP) == pytest.approx(11 + 4 * math.sqrt(2))


@pytest.mark.parametrize("seed", range(4))
def test_among_obstacles_it_is_as_short_as_keeping_off_walls_allows(seed):
    rng = np.random.default_rng(seed)
    floor = np.where(rng.random((24, 24)) < 0.12, 8, 4).astype(np.int16)
    floor[3, 3] = floor[20, 18] = 4
    field = field_of(floor, (20, 18))
    if field[3, 3] >= UNREACHABLE:
        assert _downhill(floor, field, (3, 3), CLIMB, DROP) is None
        return
    shortest = reference(floor, (3, 3), (20, 18))
    assert shortest - 1e-6 <= _downhill(floor, field, (3, 3), CLIMB, DROP) <= 1.15 * shortest


def test_no_way_is_none():
    floor = np.full((24, 24), 4, np.int16)
    floor[10] = 9
    assert _downhill(floor, field_of(floor, (20, 5)), (5, 5), CLIMB, DROP) is None


@pytest.mark.parametrize(
    ("success", "shortest", "walked", "share"),
    [(True, 10, 20, 0.5), (True, 10, 10, 1), (True, 10, 8, 1), (False, 10, 10, 0), (True, 0, 0, 1), (True, 0, 5, 0)],
)
def test_a_share_is_success_times_the_shortest_over_the_longer(success, shortest, walked, share):
    assert spl(success, shortest, walked) == share
