"""A record is a task: exactly what was written comes back, and what is no task is refused by name."""

import copy
import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_training.sim.creatures import MAX_CREATURES
from xview_training.sim.simulator import Embodiment
from xview_training.sim.worlds import WorldSeed
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.task import DIFFICULTIES, GoalCamera, Start, Task, TaskError

TASK = Task(
    task_id="heldout-3",
    world=WorldSeed("landscape", 1_000_003),
    event=TaskEvent.APPROACH,
    difficulty="near",
    target=(40, 9, 41),
    start=Start(44.5, 9.0, 47.5, 0.1234, 0.0),
    body=Embodiment(),
    goal_camera=GoalCamera(38.111, 12.25, 35.0, -1.5, 0.33, 61.25, 4 / 3),
    visible_at_start=True,
    same_kind=1,
)


def changed(path: str, value: object) -> str:
    """The record with the field at `path` replaced."""
    record = json.loads(TASK.to_json())
    *parents, name = path.split(".")
    inner = record
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    return json.dumps(record)


def without(name: str) -> str:
    record = json.loads(TASK.to_json())
    del record[name]
    return json.dumps(record)


def test_every_task_of_every_suite_comes_back_from_json_as_it_was(made_tasks):
    for made in made_tasks:
        line = made.task.to_json()
        assert "\n" not in line
        assert Task.from_json(line) == made.task
        assert Task.from_json(line).to_json() == line


COORDINATE = st.floats(1, 95)
ANGLE = st.floats(-1e6, 1e6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(TaskEvent)).flatmap(
        lambda event: st.builds(
            Task,
            task_id=st.text(),
            world=st.builds(WorldSeed, st.sampled_from(["landscape", "rooms"]), st.integers(0, 2**63 - 1)),
            event=st.just(event),
            creature=st.integers(0, MAX_CREATURES - 1) if event.hunts else st.just(-1),
            difficulty=st.sampled_from(list(DIFFICULTIES)),
            target=st.tuples(st.integers(1, 94), st.integers(0, 31), st.integers(1, 94)),
            start=st.builds(Start, COORDINATE, st.floats(0, 32), COORDINATE, ANGLE, ANGLE),
            body=st.builds(Embodiment, st.floats(0.1, 2), st.floats(1, 179), textures=st.integers(0, 7)),
            goal_camera=st.builds(
                GoalCamera, COORDINATE, COORDINATE, COORDINATE, ANGLE, ANGLE, st.floats(1, 179), st.floats(0.1, 4)
            ),
            visible_at_start=st.booleans(),
            same_kind=st.integers(0, 15),
            strict=st.booleans(),
            limit_ticks=st.integers(1, 10_000),
        )
    )
)
def test_any_task_comes_back_from_json_to_the_last_bit(task):
    assert Task.from_json(task.to_json()) == task


def test_fields_with_a_default_may_be_left_out():
    assert Task.from_json(without("strict")) == TASK
    assert Task.from_json(without("limit_ticks")) == TASK


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (without("target"), "task: field 'target' is missing"),
        (changed("colour", "red"), "task: unknown field 'colour'"),
        (changed("world.dimension", 4), "task.world: unknown field 'dimension'"),
        (changed("event", "dance"), r"task.event: unknown event 'dance' \(known: approach, break"),
        (changed("event", ["approach"]), "task.event: unknown event"),
        (changed("difficulty", "harder"), "task.difficulty: expected one of near, easy, medium, hard, got 'harder'"),
        (changed("difficulty", {}), "task.difficulty: expected one of"),
        (changed("world.place", "moon"), "task.world: unknown place 'moon'"),
        (changed("world.generation", 99), "task.world: world of generation 99"),
        (changed("world.seed", 1.5), "task.world.seed: expected a whole number, got 1.5"),
        (changed("world", 7), "task.world: expected an object, got 7"),
        (changed("target", [1, 2]), "task.target: expected three whole numbers"),
        (changed("target", [1, 2, True]), r"task.target\[2\]: expected a whole number, got True"),
        (changed("target", [400, 9, 41]), "target: expected a block inside 128 x 64 x 128"),
        (changed("start.x", 4000.0), "start: expected a place inside"),
        (changed("start.yaw", math.nan), "task.start.yaw: expected a finite number, got nan"),
        (changed("start.yaw", "north"), "task.start.yaw: expected a finite number, got 'north'"),
        (changed("body.textures", 8), "body.textures: expected 0 to 7, got 8"),
        (changed("goal_camera.vertical_fov_deg", 180), "goal_camera: expected a field of view between"),
        (changed("goal_camera.aspect", 0), "goal_camera: expected a field of view between"),
        (changed("event", "melee"), "creature: expected 0 to 11 for melee, got -1"),
        (changed("creature", 3), "creature: expected -1 for approach, got 3"),
        (changed("limit_ticks", 0), "limit_ticks: expected at least 1, got 0"),
        (changed("strict", 1), "task.strict: expected true or false, got 1"),
        (changed("task_id", 5), "task.task_id: expected text, got 5"),
        ("", "expected a JSON object"),
        ("[]", r"task: expected an object, got \[\]"),
        ('{"task_id": "cut', "expected a JSON object"),
        ("[" * 100_000, "expected a JSON object"),
        (changed("same_kind", 1).replace('"same_kind": 1', '"same_kind": ' + "9" * 5000), "expected a JSON object"),
    ],
)
def test_a_malformed_record_is_refused_and_the_field_named(line, said):
    with pytest.raises(TaskError, match=said):
        Task.from_json(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def paths(record: dict, prefix: tuple = ()) -> list[tuple]:
    out = []
    for name, value in record.items():
        out.append((*prefix, name))
        if isinstance(value, dict):
            out += paths(value, (*prefix, name))
    return out


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_field_the_answer_is_a_task_or_a_clear_error(data):
    record = copy.deepcopy(json.loads(TASK.to_json()))
    *parents, name = data.draw(st.sampled_from(paths(record)))
    inner = record
    for parent in parents:
        inner = inner[parent]
    inner[name] = data.draw(JSON)
    try:
        task = Task.from_json(json.dumps(record))
    except TaskError:
        return
    assert Task.from_json(task.to_json()) == task


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=40) | st.integers(0, 400).map(lambda n: TASK.to_json()[:n]))
def test_text_that_is_no_record_is_refused(text):
    with pytest.raises(TaskError):
        Task.from_json(text)


def test_a_task_made_in_code_is_checked_as_one_from_a_file():
    with pytest.raises(TaskError, match=r"body\.textures: expected 0 to 7"):
        dataclasses.replace(TASK, body=Embodiment(textures=8))
