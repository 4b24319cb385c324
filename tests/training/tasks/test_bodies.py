"""One switch gives everyone the published player's body, eye and start; a file's tasks say it themselves."""

import dataclasses

import pytest
from xview_training.sim.simulator import Embodiment
from xview_training.tasks.files import FileHeader, write
from xview_training.tasks.sources import source_named
from xview_training.tasks.suites import SUITES
from xview_training.tasks.synthesis import Synthesiser

PLAYED_BY_THE_PLAYER = ("heldout", "heldout-v1", "invisible-v1")
DRAWN = [name for name in SUITES if name not in PLAYED_BY_THE_PLAYER]
TASKS = 4


def made_by(maker: Synthesiser, source) -> list:
    return [maker.take(0, source.request(index)) for index in range(TASKS)]


@pytest.mark.parametrize("suite", DRAWN)
def test_with_the_switch_off_everyone_is_the_published_player(new_sim, suite):
    for task in made_by(Synthesiser(new_sim()), source_named(suite, randomise=False)):
        armed = task.world.place not in ("rooms", "landscape") and suite != "robot-v1"
        assert task.body == Embodiment(held_item=armed), task.task_id
        assert task.start.pitch == 0
        assert task.extra_ticks == 0


@pytest.mark.parametrize("suite", DRAWN)
def test_with_the_switch_on_bodies_starts_and_looks_differ(new_sim, suite):
    tasks = made_by(Synthesiser(new_sim()), source_named(suite))
    assert len({task.body for task in tasks}) > 1
    assert len({task.start.pitch for task in tasks}) > 1


@pytest.mark.parametrize("suite", PLAYED_BY_THE_PLAYER)
def test_the_switch_changes_no_task_of_a_suite_that_the_player_plays_anyway(new_sim, suite):
    maker = Synthesiser(new_sim())
    assert made_by(maker, source_named(suite, randomise=False)) == made_by(maker, source_named(suite))


def test_a_source_with_the_switch_on_is_the_suite_itself():
    assert all(source_named(name) == suite for name, suite in SUITES.items())
    assert source_named("robot", randomise=False) == dataclasses.replace(SUITES["robot"], randomise=False)


def test_the_switch_is_refused_with_a_file_and_an_unknown_suite_is_named_as_ever(tmp_path):
    path = tmp_path / "some.xvt"
    write(path, FileHeader("robot", 0, 0), [])
    assert source_named(str(path)).name == "some.xvt"
    with pytest.raises(ValueError, match="a file's tasks say whose body acts; randomise is for suites"):
        source_named(str(path), randomise=False)
    with pytest.raises(ValueError, match="unknown suite 'heldoot'"):
        source_named("heldoot", randomise=False)
