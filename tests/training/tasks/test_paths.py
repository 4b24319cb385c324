"""Walking costs fall along a way to the target, and there is none through a wall."""

import numpy as np
from xview_training.tasks.paths import UNREACHABLE, can_step, distance_field, distractor_toll, leads_through_no_roof


def field_of(floor, target, climb=1, drop=4, toll=None) -> np.ndarray:
    field = np.zeros(floor.shape, np.float32)
    toll = np.zeros(floor.shape, np.float32) if toll is None else toll
    distance_field(floor, *floor.shape, toll, np.array(target, np.int64), climb, drop, field)
    return field


def plain(size: int = 24) -> np.ndarray:
    return np.full((size, size), 4, np.int16)


def test_on_open_ground_the_cost_is_the_way_of_a_king():
    field = field_of(plain(), (12, 4, 12))
    for x, z in ((12, 5), (5, 5), (20, 9)):
        long, short = sorted((abs(x - 12), abs(z - 12)), reverse=True)
        assert abs(field[x, z] - (long - short + short * 2**0.5)) < 1e-3


def test_a_wall_is_walked_around_and_a_closed_one_is_not_passed():
    floor = plain()
    floor[10, 2:] = 9
    assert 14 < field_of(floor, (12, 4, 12))[8, 12] < UNREACHABLE
    floor[10, :] = 9
    assert field_of(floor, (12, 4, 12))[8, 12] == UNREACHABLE


def test_a_player_climbs_what_a_robot_does_not():
    floor = plain()
    floor[:10] = 5
    assert field_of(floor, (12, 4, 12))[4, 12] < UNREACHABLE
    assert field_of(floor, (12, 4, 12), climb=0, drop=0)[4, 12] == UNREACHABLE


def test_steps_are_one_way_where_the_drop_is_deep():
    floor = plain()
    floor[:10] = 7
    assert field_of(floor, (12, 4, 12))[4, 12] < UNREACHABLE
    assert field_of(floor, (4, 7, 12))[14, 12] == UNREACHABLE


def test_corners_are_not_cut():
    floor = plain()
    floor[5, 6] = 9
    assert not can_step(floor, 5, 5, 6, 6, 1, 4)
    assert can_step(floor, 5, 5, 6, 4, 1, 4)


def test_a_way_keeps_clear_of_other_objects_where_it_can():
    candidates = np.array([(12, 4, 12, 16), (6, 4, 12, 16)], np.int16)
    toll = np.zeros((24, 24), np.float32)
    distractor_toll(candidates, 2, np.array((12, 4, 12), np.int64), toll)
    assert toll[6, 12] > 0
    assert toll[12, 12] == 0
    assert (toll[10:] == 0).all()
    assert field_of(plain(), (12, 4, 12), toll=toll)[2, 12] > field_of(plain(), (12, 4, 12))[2, 12]


def test_a_way_down_from_a_wall_leads_through_no_roof():
    """A wall's top, a shelf behind it, and over the shelf a roof or none: the search sees the same floors."""
    side, ground, wall = 12, 4, 8
    grid, floor = np.zeros((side, side, 16), np.uint8), np.full((side, side), ground, np.int16)
    grid[:, :, :ground] = 1
    grid[5, :, ground:wall], floor[5] = 1, wall
    field, target = np.zeros(floor.shape, np.float32), np.array((9, ground, 6), np.int64)
    distance_field(floor, side, side, np.zeros_like(field), target, 1, 4, field)
    assert field[5, 6] < UNREACHABLE
    assert leads_through_no_roof(grid, floor, field, 5, 6, 1, 4)
    grid[6:, :, wall - 1] = 1
    assert not leads_through_no_roof(grid, floor, field, 5, 6, 1, 4)
    assert leads_through_no_roof(grid, floor, field, 7, 6, 1, 4)
