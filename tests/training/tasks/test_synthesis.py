"""Every task can be done: its target is in the goal picture, its start is on foot away, its record is all of it."""

import collections
import dataclasses
import heapq
import math

import numpy as np
import pytest
from xview_training.sim.blocks import ID, PASSABLE
from xview_training.sim.raycast import cast
from xview_training.sim.worlds import PLACES
from xview_training.tasks import synthesis
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.moving import open_world
from xview_training.tasks.objects import objects_for, target_object
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.starts import SET_PLACES
from xview_training.tasks.suites import SUITES, suite_named
from xview_training.tasks.synthesis import Synthesiser, goal_mask
from xview_training.tasks.task import DIFFICULTIES, Task

OPEN_DOORS = ID["open_door_x"], ID["open_door_z"]  # a body passes beside the leaf
NEIGHBOURS = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]


def mask_of(made, sim) -> np.ndarray:
    return goal_mask(made.goal_ids, sim.grid.shape[1:], made.task)


def test_a_record_loaded_elsewhere_gives_the_same_pictures_to_the_last_byte(made_tasks, new_sim):
    sim = new_sim(2)
    maker = Synthesiser(sim)
    for made in made_tasks:
        maker.load(1, Task.from_json(made.task.to_json()))
        sim.draw(np.array([1]))
        assert (sim.rgb[1] == made.first_rgb).all(), made.task.task_id
        assert (maker.goal.rgb == made.goal_rgb).all()
        assert (maker.goal.ids == made.goal_ids).all()
        assert (maker.field == made.field).all()
        assert (sim.body[1] == made.body).all()


def test_making_a_task_again_gives_the_same_record(made_tasks, new_sim):
    maker = Synthesiser(new_sim())
    for made in made_tasks[::5]:
        index = int(made.task.task_id.rsplit("-", 1)[1])
        assert maker.make(0, suite_named(made.suite), index) == made.task


def test_every_goal_picture_shows_its_target(made_tasks, new_sim):
    sim = new_sim()
    for made in made_tasks:
        assert mask_of(made, sim).sum() >= SUITES[made.suite].min_goal_pixels, made.task.task_id


def test_every_target_is_an_object_for_its_event_and_its_lookalikes_are_counted(made_tasks, new_sim):
    sim = new_sim()
    for made in made_tasks:
        open_world(sim, 0, made.task)
        target = target_object(sim, 0, made.task)
        assert target.cell == made.task.target
        kinds = [thing.kind for thing in objects_for(sim, 0, made.task.event)]
        assert made.task.same_kind == kinds.count(target.kind) - 1


def test_starts_are_at_the_difficulty_s_distance(made_tasks):
    for made in made_tasks:
        start, target = made.task.start, made.task.target
        walked = abs(start.x - target[0] - 0.5) + abs(start.z - target[2] - 0.5)
        assert walked == pytest.approx(DIFFICULTIES[made.task.difficulty], rel=0.2001)


@pytest.mark.parametrize(("suite", "difficulty"), [("heldout", d) for d in DIFFICULTIES] + [("twin", "easy")])
def test_a_wish_for_event_and_difficulty_is_met(new_sim, suite, difficulty):
    maker = Synthesiser(new_sim())
    for index, event in enumerate((TaskEvent.APPROACH, TaskEvent.BREAK)):
        task = maker.make(0, suite_named(suite), 500 + index, event, difficulty)
        assert (task.event, task.difficulty) == (event, difficulty)


def ray(camera, row: int, column: int, side: int) -> np.ndarray:
    """Direction of a pixel's ray in double precision, by trigonometry from the camera's pose and lens."""
    tan_y = math.tan(math.radians(camera.vertical_fov_deg) / 2)
    right, up = (2 * column + 1) / side - 1, 1 - (2 * row + 1) / side
    x, y = right * tan_y * camera.aspect, up * tan_y
    forward, height = math.cos(camera.pitch) + y * math.sin(camera.pitch), y * math.cos(camera.pitch)
    height -= math.sin(camera.pitch)
    sin, cos = math.sin(camera.yaw), math.cos(camera.yaw)
    return np.array([-sin * forward - cos * x, height, cos * forward - sin * x])


def test_masks_are_exact_pixel_by_pixel(made_tasks, new_sim):
    sim = new_sim()
    wrong = pixels = 0
    for made in [made for made in made_tasks if made.task.world.place in SET_PLACES][::3]:  # no holes, no creatures
        task, camera = made.task, made.task.goal_camera
        open_world(sim, 0, task)
        mask = mask_of(made, sim)
        for row, column in np.ndindex(mask.shape):
            x, y, z, axis, _, _ = cast(
                sim.grid[0], camera.x, camera.y, camera.z, *ray(camera, row, column, len(mask)), 200.0
            )
            wrong += (axis >= 0 and (x, y, z) == task.target) != mask[row, column]
        pixels += mask.size
    assert wrong <= 2e-5 * pixels  # rays that graze an edge, where single precision decides


def feet(grid, x: int, z: int, tall: int) -> list[int]:
    """Heights in a column at which one can stand: a block below, air for the body."""
    column = grid[x, z].tolist() + [0] * 4
    return [y for y in range(1, len(column) - 3) if column[y - 1] and not any(column[y : y + tall])]


def can_go(grid, here, there, tall: int, climb: int, drop: int) -> bool:
    """Whether a body gets from one standing place to another beside it, corners not cut."""
    (x, z, y), (nx, nz, ny) = here, there
    if not -drop <= ny - y <= climb:
        return False
    lift = range(max(y, ny), max(y, ny) + tall)  # one rises first, and falls last
    columns = [(nx, nz), (x, z)]
    if x != nx and z != nz:
        columns += [(x, nz), (nx, z)]
    return all(level >= grid.shape[2] or not grid[a, b, level] for a, b in columns for level in lift)


def walk(grid, start, target, tall: int, climb: int, drop: int) -> bool:
    """Whether any way leads from the start (x, z, y) to a place beside the target (x, y, z)."""
    tx, ty, tz = target
    queue, seen = [(0, start)], {start}
    while queue:
        _, here = heapq.heappop(queue)
        x, z, y = here
        if max(abs(x - tx), abs(z - tz)) == 1 and abs(y - ty) <= 1:
            return True
        for a, b in NEIGHBOURS:
            nx, nz = x + a, z + b
            if not (0 <= nx < grid.shape[0] and 0 <= nz < grid.shape[1]):
                continue
            for ny in feet(grid, nx, nz, tall):
                there = nx, nz, ny
                if there not in seen and can_go(grid, here, there, tall, climb, drop):
                    seen.add(there)
                    heapq.heappush(queue, (abs(nx - tx) + abs(nz - tz), there))
    return False


def test_every_target_can_be_walked_to_from_its_start(made_tasks, new_sim):
    sim = new_sim()
    for made in made_tasks:
        task = made.task
        open_world(sim, 0, task)
        start = int(task.start.x), int(task.start.z), round(task.start.y)
        place = PLACES[task.world.place]
        body = (2 if place.climb else 1), place.climb, place.drop  # tall, climb, drop
        grid = np.where(PASSABLE[sim.grid[0]] | np.isin(sim.grid[0], OPEN_DOORS), 0, sim.grid[0])
        assert start[2] in feet(grid, *start[:2], body[0])
        assert walk(grid, start, task.target, *body), task.task_id


def test_the_search_of_this_test_knows_a_wall_from_a_gap(meadow):
    grid = meadow.grid[0]
    grid[:, 60, 4:7] = 1
    assert not walk(grid, (48, 48, 4), (48, 4, 70), 2, 1, 4)
    grid[80, 60, 4:7] = 0
    assert walk(grid, (48, 48, 4), (48, 4, 70), 2, 1, 4)
    grid[80, 60, 4:6] = 1
    assert not walk(grid, (48, 48, 4), (48, 4, 70), 2, 1, 4)


def test_samples_have_hidden_and_visible_targets_lookalikes_and_every_height_of_camera(made_tasks):
    for suite in SUITES.values():
        tasks = [made.task for made in made_tasks if made.suite == suite.name]
        visible = sum(task.visible_at_start for task in tasks)
        assert visible < len(tasks)
        assert (visible == 0) == suite.hidden
        assert sum(task.same_kind > 0 for task in tasks) >= len(tasks) // 6
    pitches = [made.task.goal_camera.pitch for made in made_tasks]
    assert min(pitches) < 0.3
    assert max(pitches) > 1.2


def test_worlds_differ_from_task_to_task(made_tasks):
    counts = collections.Counter((made.task.world.place, made.task.world.seed) for made in made_tasks)
    assert max(counts.values()) == 1


def test_a_task_outside_the_suite_is_refused(new_sim):
    with pytest.raises(ValueError, match="suite twin has tasks 0 to 99999, got 100000"):
        Synthesiser(new_sim()).make(0, suite_named("twin"), 100_000)


def test_a_wish_that_no_world_can_meet_is_an_error_and_not_an_endless_search(new_sim, monkeypatch):
    monkeypatch.setattr(synthesis, "ATTEMPTS", 4)
    blind = dataclasses.replace(suite_named("twin"), min_goal_pixels=4097)
    with pytest.raises(ValueError, match="no near approach task could be made from 4 worlds of rooms"):
        Synthesiser(new_sim()).make(0, blind, 0)


def test_no_robot_is_asked_to_walk_farther_than_its_time_lets_it(made_tasks):
    asked = [made for made in made_tasks if SUITES[made.suite].walk_share < 1]
    assert {made.suite for made in asked} == {"train-v1", "heldout-v1", "invisible-v1", "robot-v1", "curriculum"}
    for made in asked:
        task = made.task
        way_blocks = made.field[int(task.start.x), int(task.start.z)]
        assert way_blocks / (4.317 * task.body.speed) <= 20.0, task.task_id  # seconds of the 30


def test_a_way_that_takes_too_long_is_counted_as_too_far(new_sim, monkeypatch):
    monkeypatch.setattr(synthesis, "ATTEMPTS", 4)
    hurried = dataclasses.replace(suite_named("twin"), walk_share=0.01)
    maker = Synthesiser(new_sim())
    with pytest.raises(ValueError, match="no near approach task could be made"):
        maker.make(0, hurried, 0)
    assert maker.rejected[Rejection.TOO_FAR] > 0
