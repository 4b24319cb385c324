"""What a critic is told is so: distances, directions and events are those of the worlds."""

import math

import numpy as np
import pytest
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.insight import FAR, INSIGHT
from xview_training.sim import physics
from xview_training.tasks.events import TaskEvent, table_for
from xview_training.tasks.suites import suite_named

WAY, THROUGH_AIR, HIGHER, RIGHT, AHEAD, SEEN = range(6)
OTHER, OTHER_RIGHT, OTHER_AHEAD = 8, 9, 10


@pytest.fixture(scope="module")
def envs():
    """One task an event, and a slot that has none."""
    suite = suite_named("train-v1")
    made = CrossViewEnvs(len(TaskEvent) + 1, 32, threads=1, actions=table_for(suite.events))
    made.assign(np.arange(len(TaskEvent)), (suite.request(k, event, "near") for k, event in enumerate(TaskEvent)))
    yield made
    made.close()


@pytest.fixture(scope="module")
def told(envs):
    return envs.insight()[: len(TaskEvent)]


def test_all_numbers_are_finite_and_small(envs, told):
    assert envs.insight().shape == (len(envs), INSIGHT)
    assert np.isfinite(envs.insight()).all()
    assert np.abs(told).max() < 10


def test_the_target_is_where_it_is_said_to_be(envs, told):
    for slot, row in enumerate(told):
        body = envs.sim.body[slot]
        x, z = envs.targets_now()[slot]
        east, north = x - body[physics.X], z - body[physics.Z]
        assert math.expm1(row[THROUGH_AIR]) == pytest.approx(math.hypot(east, north), rel=1e-4)
        # Turned by the yaw, forward (yaw 0 looks along +z) comes to lie on the unit vector that was told.
        yaw = body[physics.YAW]
        ahead = (-math.sin(yaw) * east + math.cos(yaw) * north) / math.hypot(east, north)
        assert row[AHEAD] == pytest.approx(ahead, abs=1e-4)
        assert math.hypot(row[RIGHT], row[AHEAD]) == pytest.approx(1, abs=1e-5)
        assert math.expm1(row[WAY]) >= 0.8 * math.expm1(row[THROUGH_AIR]) - 3  # a way is no shorter than the air's


def test_each_event_has_its_column(told):
    np.testing.assert_array_equal(told[:, -len(TaskEvent) :], np.eye(len(TaskEvent)))


def test_the_nearest_other_candidate_is_another_one(envs, told):
    for slot, task in enumerate(envs.tasks[: len(TaskEvent)]):
        body, blocks = envs.sim.body[slot], math.expm1(told[slot, OTHER])
        if task.event.hunts:
            assert blocks == pytest.approx(FAR, rel=1e-4)
            continue
        others = [
            math.hypot(x + 0.5 - body[physics.X], z + 0.5 - body[physics.Z])
            for x, y, z, _ in envs.sim.candidates[slot, : envs.sim.candidate_count[slot]].tolist()
            if (x, y, z) != tuple(task.target)
        ]
        assert blocks == pytest.approx(min([*others, FAR]), rel=1e-4)
