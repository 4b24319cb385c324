"""What of a task real Minecraft is given: scenes, commands, masks and the game's own counts as events."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.spec import ActionTable
from xview_training.envs.minecraft import commands
from xview_training.envs.minecraft.commands import LEGACY, MODERN
from xview_training.envs.minecraft.judge import Judge, Placed
from xview_training.envs.minecraft.keys import check_table, pressed
from xview_training.envs.minecraft.masks import block_box, box_prompt, target_mask
from xview_training.envs.minecraft.scene import BLOCK_NAMES, CREATURE_NAMES, CREATURE_SIZES, scene_of
from xview_training.envs.minecraft.sight import EYE_BLOCKS, Seen, Sight, View, sight_of
from xview_training.sim.blocks import BLOCKS, CANDIDATE_KINDS, FIRST_CANDIDATE, ORES, USABLE
from xview_training.sim.figures import KINDS
from xview_training.tasks.events import TaskEvent

CELL = (10, 64, 20)
TARGET = Placed("pumpkin", CELL, False)
BESIDE = Placed("pumpkin", (13, 64, 20), False)


def sight(x=10.5, z=17.5, yaw_deg=0.0, pitch_deg=20.0, counts=None, depth=None, aim=None, dead=False) -> Sight:
    """Three blocks north of the target, looking at it."""
    picture = np.zeros((48, 64, 3), np.uint8)
    return Sight(picture, depth, View(x, 64.0, z, yaw_deg, pitch_deg), dead, counts or {}, aim, ())


def judge(event: TaskEvent, dialect=MODERN, things=(TARGET, BESIDE), before=None) -> Judge:
    return Judge(event, things, dialect, before or sight())


def test_each_object_that_tasks_point_at_has_a_name_in_minecraft():
    pointed_at = [b.name for b in BLOCKS[FIRST_CANDIDATE : FIRST_CANDIDATE + CANDIDATE_KINDS] + ORES + USABLE]
    assert set(pointed_at) == set(BLOCK_NAMES)
    assert set(CREATURE_NAMES) == set(KINDS) - {"arrow"}
    assert set(CREATURE_NAMES.values()) == set(CREATURE_SIZES)


def test_a_scene_begins_with_the_target_and_keeps_the_task_s_offsets(made_tasks):
    for made in made_tasks:
        task = made.task
        scene = scene_of(task)
        assert (scene.things[0].east, scene.things[0].south) == (0, 0)
        assert scene.things[0].creature == task.event.hunts
        assert scene.start_offset[0] == pytest.approx(task.start.x - task.target[0] - 0.5)
        assert scene.camera_offset[1] == pytest.approx(task.goal_camera.y - task.target[1] - 0.5)
        if task.event.hunts:
            assert scene.things[0].name not in [thing.name for thing in scene.things[1:]]


def test_a_task_whose_world_lacks_its_target_is_refused_by_name(made_tasks):
    task = next(made.task for made in made_tasks if not made.task.event.hunts)
    with pytest.raises(ValueError, match=rf"{task.task_id}: its world has no object at \(5, 5, 5\)"):
        scene_of(dataclasses.replace(task, target=(5, 5, 5)))


def test_commands_speak_the_version_s_dialect():
    assert commands.put_block(MODERN, "purple_wool", CELL) == ("setblock 10 64 20 purple_wool",)
    assert commands.put_block(LEGACY, "purple_wool", CELL) == ("setblock 10 64 20 wool 10",)
    assert LEGACY.mined("purple_wool") == "wool"
    assert LEGACY.used("open_chest") == "chest_opened"
    assert commands.spread(3.5, -7.5)[-1] == "spreadplayers 3.5 -7.5 0 1 false @p"
    assert commands.teleport(View(1, 2, 3, -90, 15)) == ("tp @p 1.000 2.000 3.000 -90.00 15.00",)
    assert commands.summon("cow", CELL)[0].startswith("summon cow 10.5 64 20.5 {NoAI:1b")
    assert "give @p iron_sword 1" in commands.equip(MODERN, (("iron_sword", 1),))
    assert commands.clear_box((0, 1, 2), (3, 4, 5)) == ("fill 0 1 2 3 4 5 air",)
    assert "effect @p instant_health 1 100 true" in commands.equip(LEGACY, ())


@given(st.integers(-(10**6), 10**6), st.floats(-360, 360), st.text("abc_", min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_no_command_is_longer_than_chat_allows(number, angle, name):
    cell = (number, 64, -number)
    spoken = [
        *commands.prepare_world(6000),
        *commands.spread(number, number),
        *commands.hover(View(number, 64, number, angle, angle)),
        *commands.clear_box(cell, cell),
        *commands.put_block(LEGACY, name, cell),
        *commands.summon(name, cell),
        *commands.wake(LEGACY, 3),
        *commands.equip(LEGACY, ((name, 64),)),
    ]
    assert all(len(command) < 256 and "\n" not in command for command in spoken)


def test_keys_that_minecraft_lacks_are_refused_by_row():
    check_table(ActionTable(buttons=((), ("use",), ("hotbar.3", "sprint"))))
    with pytest.raises(ValueError, match=r"row 1: expected keys of forward.*got 'fly'"):
        check_table(ActionTable(buttons=((), ("fly",))))


def test_an_action_is_its_keys_and_degrees_a_tick():
    table = ActionTable()
    keys, pitch_deg, yaw_deg = pressed(table, np.array((5, 5, 10)))
    assert (keys, pitch_deg, yaw_deg) == (("forward", "jump"), 0.0, pytest.approx(10.0))


def depth_of_wall(distance: float) -> np.ndarray:
    return np.full((48, 64), distance, np.float32)


def test_the_mask_by_depth_is_the_target_s_face_and_nothing_behind_or_before_it():
    facing = sight(pitch_deg=0.0)
    centre_ahead = 20 - 17.5
    seen = dataclasses.replace(facing, depth=depth_of_wall(centre_ahead))
    mask = target_mask(seen, block_box((10, 65, 20)))
    rows, columns = np.nonzero(mask)
    face_px = 48 / 2 / np.tan(np.radians(35)) / centre_ahead  # a block's side at that distance
    assert np.ptp(rows) + 1 == pytest.approx(face_px, abs=1.5)
    assert np.ptp(columns) + 1 == pytest.approx(face_px, abs=1.5)
    for other in (centre_ahead - 0.5, centre_ahead + 1.5):
        assert not target_mask(dataclasses.replace(facing, depth=depth_of_wall(other)), block_box((10, 65, 20))).any()


def test_without_depth_a_segmenter_is_asked_with_the_target_s_rectangle():
    asked = []

    def segment(picture, prompt):
        asked.append(prompt.box)
        return [np.ones(picture.shape[:2], bool)]

    assert target_mask(sight(), block_box(CELL), segment).all()
    x0, y0, x1, y1 = asked[0]
    assert x0 < 32 < x1
    assert y0 < 30 < y1
    assert x0 + x1 == pytest.approx(64, abs=1e-3)
    assert not target_mask(sight(yaw_deg=180.0), block_box(CELL), segment).any()
    assert box_prompt(sight(x=500.0).view, (48, 64), block_box(CELL)) is None


def test_arrival_is_by_distance_and_angle_of_view():
    rules = judge(TaskEvent.APPROACH)
    assert rules.touched(sight(z=17.5), ()) == -1
    assert rules.touched(sight(z=18.6), ()) == 0
    assert rules.touched(sight(z=18.6, yaw_deg=40.0), ()) == -1
    assert rules.touched(sight(x=13.5, z=18.6), ()) == 1


def test_arrival_behind_a_wall_does_not_count_where_the_game_gives_depth():
    rules = judge(TaskEvent.APPROACH)
    assert rules.touched(sight(z=18.6, depth=depth_of_wall(0.5)), ()) == -1


def test_a_block_mined_counts_for_the_one_that_the_key_was_held_on():
    for facing, expected in ((10.5, 0), (13.5, 1)):
        rules = judge(TaskEvent.BREAK, before=sight(x=facing))
        assert rules.touched(sight(x=facing), ("attack",)) == -1
        away = sight(x=facing, yaw_deg=180.0)
        assert rules.touched(away, ("forward",)) == -1
        late = dataclasses.replace(away, counts={"mined:pumpkin": 1})
        assert rules.touched(late, ("forward",)) == expected


def test_a_block_of_that_kind_mined_elsewhere_is_nobody_s():
    rules = judge(TaskEvent.BREAK, before=sight(yaw_deg=180.0))
    assert rules.touched(sight(yaw_deg=180.0), ("attack",)) == -1
    assert rules.touched(sight(yaw_deg=180.0, counts={"mined:pumpkin": 1}), ("attack",)) == -1


def test_what_the_game_s_own_ray_hits_goes_before_geometry():
    fence = sight(aim=(10, 64, 18))
    rules = judge(TaskEvent.BREAK, before=fence)
    assert rules.touched(dataclasses.replace(fence, counts={"mined:pumpkin": 1}), ("attack",)) == -1


def test_use_is_the_container_s_statistic_or_a_fresh_press_on_what_is_not_counted():
    chest, trapdoor = Placed("chest", CELL, False), Placed("oak_trapdoor", CELL, False)
    rules = judge(TaskEvent.USE, LEGACY, (chest,))
    assert rules.touched(sight(), ("use",)) == -1
    assert rules.touched(sight(counts={"used:chest_opened": 1}), ()) == 0
    rules = judge(TaskEvent.USE, things=(trapdoor,), before=sight(yaw_deg=180.0))
    assert rules.touched(sight(), ("use",)) == -1, "the key went down beside it"
    assert rules.touched(sight(), ("use",)) == -1, "a held key does not use again"
    assert rules.touched(sight(), ()) == -1
    assert rules.touched(sight(), ("use",)) == 0


def test_a_kill_is_the_statistic_of_the_target_s_kind():
    cow, sheep = Placed("cow", CELL, True), Placed("sheep", (14, 64, 20), True)
    rules = judge(TaskEvent.MELEE, things=(cow, sheep))
    assert rules.touched(sight(counts={"killed:sheep": 1}), ("attack",)) == 1
    assert rules.touched(sight(counts={"killed:sheep": 1, "killed:cow": 1}), ("attack",)) == 0
    assert rules.touched(sight(counts={"killed:sheep": 1, "killed:cow": 1}), ("attack",)) == -1


COW, COW_DEAD = Placed("cow", CELL, True), {"killed:cow": 1}


def hunted(*held: tuple[str, ...], creatures=()) -> int:
    """What an archer's judge says of a cow that dies after these ticks of keys."""
    seen = dataclasses.replace(sight(), creatures=creatures)
    rules = judge(TaskEvent.ARCHERY, things=(COW,), before=seen)
    assert [rules.touched(seen, keys) for keys in held] == [-1] * len(held)
    return rules.touched(dataclasses.replace(seen, counts=COW_DEAD), ())


DRAW, LOOSE, STRIKE = [("use",)] * 12, [()] * 4, [("attack",)]


def test_archery_is_a_kill_by_an_arrow():
    assert hunted(*DRAW, *LOOSE) == 0
    assert hunted(*DRAW) == 0, "counted in the very tick that the string is let go"
    assert hunted(*DRAW[:2], *LOOSE) == -1, "no arrow leaves a bow that is hardly drawn"
    assert hunted(*DRAW, *LOOSE * 40) == -1, "that arrow is long on the ground"
    assert hunted(*LOOSE) == -1


def test_a_kill_that_may_have_been_a_blow_s_is_no_archery():
    assert hunted(*STRIKE, *LOOSE) == -1
    assert hunted(*DRAW, *LOOSE, *STRIKE, *LOOSE) == -1
    assert hunted(*STRIKE, *DRAW, *LOOSE) == 0, "the blow was long before"
    near, far = Seen("cow", 10.5, 64.0, 20.0), Seen("cow", 10.5, 64.0, 30.0)
    itself = Seen("player", 10.5, 64.0, 17.5)
    assert hunted(*DRAW, *LOOSE, *STRIKE, *LOOSE, creatures=(itself, near)) == -1
    assert hunted(*DRAW, *LOOSE, *STRIKE, *LOOSE, creatures=(itself, far)) == 0, "nobody was there to be struck"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feet": [1.0, 2.0]}, "feet"),
        ({"feet": [float("nan")] * 3}, "finite"),
        ({"counts": [1]}, "counts"),
        ({"creatures": [["cow", 1]]}, "fault"),
    ],
)
def test_a_malformed_answer_is_refused(change, message):
    good = {"feet": [0, 64, 0], "yaw_deg": 0, "pitch_deg": 0, "dead": False, "counts": {}, "aim": None, "creatures": []}
    arrays = {"picture": np.zeros((4, 4, 3), np.uint8)}
    assert sight_of(good, arrays).view.eye == (0, 64 + EYE_BLOCKS, 0)
    with pytest.raises(ValueError, match=message):
        sight_of(good | change, arrays)
    with pytest.raises(ValueError, match="depth"):
        sight_of(good, arrays | {"depth": np.zeros((2, 2), np.float32)})


def test_an_object_that_a_task_moved_is_where_the_task_has_it(moved_tasks):
    for task in moved_tasks:
        things = scene_of(task).things
        assert (things[0].east, things[0].south) == (0, 0)
        assert all(abs(thing.east) + abs(thing.south) >= 5 for thing in things[1:]), task.task_id
