"""Goal pictures show their targets plainly: what a person would have to search for is rejected, and counted."""

import dataclasses

import numpy as np
import pytest
from xview_training.sim.air import Air
from xview_training.sim.simulator import Embodiment
from xview_training.sim.worlds import WorldSeed
from xview_training.tasks import goal_cameras
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.goal_cameras import GoalCameras
from xview_training.tasks.goal_views import GOAL_SIDE, GoalPicture, contrast
from xview_training.tasks.objects import objects_for
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import SUITES
from xview_training.tasks.synthesis import Synthesiser
from xview_training.tasks.task import GoalCamera
from xview_training.tasks.visibility import target_id

V1 = SUITES["heldout-v1"]
MASK = np.zeros((16, 16), bool)
MASK[5:9, 6:10] = True


def picture(inside: float, outside: float) -> np.ndarray:
    rgb = np.full((16, 16, 3), outside, np.uint8)
    rgb[MASK] = inside
    return rgb


def test_contrast_is_the_distance_of_colours_and_the_target_s_own_pattern():
    assert contrast(picture(80, 80), MASK) == 0.0
    assert contrast(picture(30, 80), MASK) == contrast(picture(80, 30), MASK) == pytest.approx(50 * 3**0.5)
    checked = picture(80, 80)
    checked[5:9:2, 6:10] = 40
    assert contrast(checked, MASK) == pytest.approx((3 * 20**2 + 20**2) ** 0.5)
    assert contrast(picture(1, 9), np.ones((16, 16), bool)) == 255.0


def test_what_is_far_from_the_target_does_not_make_it_plain():
    rgb = picture(80, 80)
    rgb[:, 13:] = 255
    assert contrast(rgb, MASK) == 0.0


def test_goal_pictures_of_the_full_world_are_plain(made_tasks, new_sim):
    cameras = GoalCameras(new_sim())
    shape = cameras.sim.grid.shape[1:]
    pictures = [made for made in made_tasks if SUITES[made.suite].min_contrast > 0]
    assert len(pictures) == 5 * 12
    for made in pictures:
        assert made.goal_rgb.shape[0] == GOAL_SIDE
        assert contrast(made.goal_rgb, made.goal_ids == target_id(shape, made.task)) >= 20.0, made.task.task_id


def block(sim):
    """The first block of a landscape that can be pointed at, and the body that looks."""
    sim.load_world(0, WorldSeed("landscape", 5))
    return objects_for(sim, 0, TaskEvent.APPROACH)[0], Embodiment()


@pytest.mark.parametrize("index", [5144, 8190])
def test_no_target_shows_in_pictures_of_one_size_alone(new_sim, index):
    """Once they were seen through a gap of a pixel's width: at 64 x 64 in eight pixels, at 128 x 128 not at all."""
    sim, suite = new_sim(), SUITES["curriculum"]
    task = Synthesiser(sim).make(0, suite, index)
    for side in (64, 96, 128, 224, 256, 448):
        picture = GoalPicture(side)
        picture.draw(sim, 0, task.goal_camera, task.body)
        assert (picture.ids == target_id(sim.grid.shape[1:], task)).any(), side


def test_a_target_in_the_dark_is_indistinct_and_by_day_it_is_not(new_sim):
    cameras = GoalCameras(new_sim())
    thing, by_day = block(cameras.sim)
    found = cameras.find(np.random.default_rng(0), 0, thing, by_day, V1, "landscape")
    assert isinstance(found, GoalCamera)
    assert cameras.judge(0, found, by_day, thing, V1) is None
    cameras.sim.world_air[0] = Air(18_000, "rain").row()
    by_night = Embodiment(light=0.2)
    assert cameras.judge(0, found, by_night, thing, V1) is Rejection.INDISTINCT
    assert cameras.find(np.random.default_rng(0), 0, thing, by_night, V1, "landscape") is Rejection.INDISTINCT
    assert cameras.judge(0, found, by_night, thing, dataclasses.replace(V1, min_contrast=0.0)) is None


def test_a_target_that_no_camera_sees_is_no_goal_view(new_sim, monkeypatch):
    cameras = GoalCameras(new_sim())
    thing, body = block(cameras.sim)
    blind = dataclasses.replace(V1, min_goal_pixels=4097)
    assert cameras.find(np.random.default_rng(0), 0, thing, body, blind, "landscape") is Rejection.NO_GOAL_VIEW
    monkeypatch.setattr(goal_cameras, "draw_goal_camera", lambda *_: None)
    assert cameras.move_into_view(np.random.default_rng(0), 0, thing, body, V1, "landscape") is Rejection.NO_GOAL_VIEW
