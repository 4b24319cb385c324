"""Pictures and their calibration stay together, whatever is done to them."""

import numpy as np
import pytest
from xview_deploy.cameras.finish import Finish, FinishSettings
from xview_deploy.cameras.lens import Lens, Pinhole
from xview_deploy.cameras.reader import CONNECTING, LOST, STREAMING, Tally
from xview_deploy.picture import decode_picture
from xview_deploy.spec import ContractError

LENS = Lens(64, 48, Pinhole(40, 41, 30, 25), "plumb_bob", (-0.2, 0.02, 0.001, 0.002, 0.0), Pinhole(38, 39, 31, 24))


def corner() -> np.ndarray:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 250
    return picture


def test_a_camera_that_hangs_upside_down_shows_the_world_upright():
    finish = Finish(FinishSettings(rotation=180), LENS)
    picture = decode_picture(finish.jpeg(corner()))
    assert picture[30:, 40:].min() > 200
    assert picture[:18].max() < 50
    assert finish.lens_for(64, 48) == LENS.turned(180)
    assert not finish.changes_nothing


def test_a_picture_on_its_side_changes_places_of_width_and_height():
    finish = Finish(FinishSettings(rotation=90), LENS)
    assert finish.picture(corner()).shape == (64, 48, 3)
    assert (finish.lens_for(64, 48).width, finish.lens_for(64, 48).height) == (48, 64)


def test_a_straightened_picture_comes_with_the_pinhole_that_it_has_now():
    finish = Finish(FinishSettings(rectify=True, rotation=180), LENS)
    assert finish.picture(corner()).shape == (48, 64, 3)
    assert finish.lens_for(64, 48) == Lens(64, 48, Pinhole(38, 39, 31, 24)).turned(180)
    assert finish.lens_for(128, 96).width == 128
    assert finish.picture(np.zeros((96, 128, 3), np.uint8)).shape == (96, 128, 3)


def test_without_a_calibration_there_is_none_beside_the_picture():
    finish = Finish(FinishSettings(), None)
    assert finish.lens_for(64, 48) is None
    assert finish.changes_nothing
    np.testing.assert_array_equal(finish.picture(corner()), corner())


def test_what_cannot_be_is_refused():
    with pytest.raises(ContractError, match="expected a calibrated camera"):
        Finish(FinishSettings(rectify=True), None).picture(corner())
    with pytest.raises(ContractError, match="expected pictures of 64x48"):
        Finish(FinishSettings(), LENS).lens_for(64, 30)
    with pytest.raises(ContractError, match="rotation"):
        FinishSettings(rotation=45)
    with pytest.raises(ContractError, match="expected 1 to 100, got 0"):
        FinishSettings(jpeg_quality=0)


def test_a_topic_is_reported_as_a_camera_is():
    tally = Tally(timeout_s=1.0)
    assert tally.report(0.0).state == CONNECTING
    for number in range(5):
        tally.on_picture(number * 0.1)
    tally.on_damage("cut short")
    report = tally.report(0.5)
    assert (report.state, report.frames, report.damaged, report.detail) == (STREAMING, 5, 1, "cut short")
    assert report.rate_hz == pytest.approx(10.0)
    assert tally.report(2.0).state == LOST
    tally.on_picture(3.0)
    assert (tally.report(3.1).state, tally.report(3.1).reconnects) == (STREAMING, 1)
