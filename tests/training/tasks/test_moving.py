"""A target may be moved to where a goal camera that was drawn first sees it; its record alone moves it again."""

import dataclasses

import numpy as np
import pytest
from xview_training.sim.blocks import ID
from xview_training.sim.collision import X, Y, Z
from xview_training.sim.creatures import SPECIES
from xview_training.sim.figures import KIND_ID
from xview_training.sim.worlds import WorldSeed
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.moving import can_leave, is_apart, is_free, move, open_world
from xview_training.tasks.packing import CODES, pack, unpack
from xview_training.tasks.paths import walkable
from xview_training.tasks.suites import SUITES
from xview_training.tasks.task import Task, TaskError

V1 = ("train-v1", "heldout-v1", "invisible-v1", "curriculum")


def test_some_targets_of_the_full_world_are_moved_and_none_of_other_suites(made_tasks):
    moved = [made.suite for made in made_tasks if made.task.moved >= 0]
    assert 3 <= len(moved) < sum(made.suite in V1 for made in made_tasks) // 2
    assert set(moved) <= set(V1)
    assert {suite.name: suite.at_goal_camera for suite in SUITES.values() if suite.at_goal_camera} == dict.fromkeys(
        V1, 0.25
    )


def test_blocks_and_creatures_of_every_event_can_be_moved(moved_tasks):
    assert {task.event for task in moved_tasks} == set(TaskEvent)
    assert all(task.moved == task.creature for task in moved_tasks if task.event.hunts)


def test_what_was_moved_stands_at_the_target_and_no_longer_where_the_seed_put_it(moved_tasks, new_sim):
    sim, seeded = new_sim(), new_sim()
    for task in moved_tasks:
        open_world(sim, 0, task)
        seeded.load_world(0, task.world)
        x, y, z = task.target
        if task.event.hunts:
            assert sim.creatures[0, task.moved, [X, Y, Z]].tolist() == [x + 0.5, y, z + 0.5]
            assert (sim.grid == seeded.grid).all()
            assert (np.delete(sim.creatures[0], task.moved, 0) == np.delete(seeded.creatures[0], task.moved, 0)).all()
        else:
            old_x, old_y, old_z, block = seeded.candidates[0, task.moved].tolist()
            assert sim.candidates[0, task.moved].tolist() == [x, y, z, block]
            assert sim.grid[0, x, z, y] == block
            assert sim.grid[0, old_x, old_z, old_y] == 0
            assert sim.floor[0, x, z] == y + 1
            assert np.count_nonzero(sim.grid != seeded.grid) == 2
            assert (sim.creatures == seeded.creatures).all()


def test_moving_meshes_what_it_changed(new_sim):
    sim, whole = new_sim(), new_sim()
    for each in (sim, whole):
        each.load_world(0, WorldSeed("plains", 12))
    cell = next(
        (x, int(sim.floor[0, x, 64]), 64)
        for x in range(30, 100)
        if is_free(sim.grid[0], sim.floor[0], (x, int(sim.floor[0, x, 64]), 64))
    )
    move(sim, 0, 2, cell, creature=False)
    whole.grid[0] = sim.grid[0]
    whole.mesh(0)
    for name in ("quad_counts", "chunk_tops", "model_counts"):
        assert (getattr(sim, name) == getattr(whole, name)).all(), name


def test_a_record_and_its_packed_form_say_what_was_moved(moved_tasks):
    task = moved_tasks[0]
    assert Task.from_json(task.to_json()) == task
    assert unpack(pack(task, task.task_id.rsplit("-", 1)[0]), task.task_id.rsplit("-", 1)[0], CODES) == task
    assert '"moved"' not in dataclasses.replace(task, moved=-1).to_json()


def test_a_record_that_moves_another_object_than_its_target_is_refused(moved_tasks, made_tasks):
    hunt = next(made.task for made in made_tasks if made.task.event.hunts)
    with pytest.raises(TaskError, match="moved: expected -1, or the number of the target"):
        dataclasses.replace(hunt, moved=hunt.creature + 1)
    with pytest.raises(TaskError, match="moved: expected -1"):
        dataclasses.replace(next(task for task in moved_tasks if not task.event.hunts), moved=16)


def test_a_record_whose_world_cannot_be_changed_so_is_refused_when_it_is_opened(moved_tasks, new_sim):
    sim, task = new_sim(), next(task for task in moved_tasks if not task.event.hunts)
    x, y, z = task.target
    with pytest.raises(ValueError, match="nothing can be put there"):
        open_world(sim, 0, dataclasses.replace(task, target=(x, y + 9, z)))
    sim.load_world(0, task.world)
    if sim.candidate_count[0] < 16:
        with pytest.raises(ValueError, match="it has none that could be"):
            open_world(sim, 0, dataclasses.replace(task, moved=15))


def test_only_level_dry_ground_with_air_above_is_free(meadow):
    grid, floor = meadow.grid[0], meadow.floor[0]
    assert is_free(grid, floor, (50, 4, 50))
    assert not is_free(grid, floor, (50, 5, 50))
    assert not is_free(grid, floor, (1, 4, 50))
    grid[50, 50, 5] = ID["stone"]
    assert not is_free(grid, floor, (50, 4, 50))
    grid[50, 50, 5], grid[50, 50, 3] = 0, ID["water"]
    assert not is_free(grid, floor, (50, 4, 50))
    floor[60, 60] = 6
    assert not is_free(grid, floor, (61, 4, 60))
    grid[71, 70, 4:6] = ID["stone"]
    assert is_free(grid, floor, (70, 4, 70), KIND_ID["hen"])
    assert not is_free(grid, floor, (70, 4, 70), KIND_ID["horse"])
    assert is_apart((50, 4, 50), np.array([[53, 54]]))
    assert not is_apart((50, 4, 50), np.array([[90, 90], [53, 53]]))


def test_doors_and_ores_in_walls_stay_where_they_are(meadow):
    grid, floor, candidates = meadow.grid[0], meadow.floor[0], meadow.candidates[0]
    for number, (x, name) in enumerate(((50, "chest"), (60, "door_x"), (70, "gold_ore"))):
        grid[x, 50, 4], floor[x, 50], candidates[number] = ID[name], 5, (x, 4, 50, ID[name])
    grid[60, 50, 5] = ID["door_x"]
    grid[70, 50, 5:9], floor[70, 50] = ID["stone"], 9
    leaves = [can_leave(grid, floor, candidates, meadow.creatures[0], n, False) for n in range(3)]
    assert leaves == [True, False, False]
    assert not can_leave(grid, floor, candidates, meadow.creatures[0], 0, True)
    assert (meadow.creatures[0, :, SPECIES] < 0).all()


def test_walkable_ground_is_what_leads_from_the_world_s_objects(meadow):
    floor, out = meadow.floor[0], np.zeros(meadow.floor[0].shape, np.uint8)
    floor[60, :] = 9  # a wall across the world
    candidates = np.array([[50, 4, 50, 1]], np.int16)
    walkable(floor, 96, 96, candidates, 1, 1, 4, out)
    assert out[1:60, 1:95].all()
    assert not out[60:].any()
    assert not out[:, 95:].any()
    walkable(floor, 96, 96, candidates, 0, 1, 4, out)
    assert not out.any()
