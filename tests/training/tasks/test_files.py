"""A file of tasks gives back exactly what was put in, at any index, and a damaged one is refused."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xview_training.tasks import files
from xview_training.tasks.events import TaskEvent
from xview_training.tasks.files import FileHeader, TaskFile, TaskFileError
from xview_training.tasks.packing import CODES, RECORD, pack, unpack
from xview_training.tasks.sources import source_named
from xview_training.tasks.task import TaskError


@pytest.fixture(scope="module")
def tasks(made_tasks):
    return [made.task for made in made_tasks if made.suite == "train-v1"]


@pytest.fixture
def path(tasks, tmp_path):
    records = np.array([pack(task, "train-v1") for task in tasks], RECORD)
    files.write(tmp_path / "some.xvt", FileHeader("train-v1", 0, len(tasks)), [records[:5], records[5:]])
    return tmp_path / "some.xvt"


def test_every_suite_s_tasks_are_kept_exactly(made_tasks):
    for made in made_tasks:
        assert unpack(pack(made.task, made.suite), made.suite, CODES) == made.task


def test_a_file_is_read_at_any_index_and_remembers_its_order(path, tasks):
    file = TaskFile.open(path)
    assert [file[index] for index in (7, 0, 11, 7)] == [tasks[index] for index in (7, 0, 11, 7)]
    assert len(file) == file.size == len(tasks)
    assert file.name == "some.xvt"
    for outside in (-1, len(tasks)):
        with pytest.raises(IndexError, match=f"has tasks 0 to {len(tasks) - 1}"):
            file[outside]


def test_it_finds_tasks_by_event_and_difficulty(path, tasks):
    file = TaskFile.open(path)
    for event in (None, *file.events):
        for difficulty in (None, "near", "hard"):
            wanted = [k for k, t in enumerate(tasks) if event in (None, t.event) and difficulty in (None, t.difficulty)]
            assert file.pool(event, difficulty).tolist() == wanted
            assert all(file.request(k, event, difficulty) == tasks[k] for k in wanted)
    assert set(file.events) == {task.event for task in tasks}
    wrong = next(event for event in TaskEvent if event is not tasks[0].event)
    with pytest.raises(ValueError, match=f"task 0: it is a {tasks[0].difficulty} {tasks[0].event.value} task"):
        file.request(0, wrong)


def test_its_tasks_can_be_played_strictly(path, tasks):
    strict = source_named(str(path)).strictly(True)
    assert strict.request(3) == dataclasses.replace(tasks[3], strict=True)


def test_what_a_record_cannot_keep_exactly_is_refused(tasks):
    task = tasks[0]
    fine = dataclasses.replace(task.start, yaw=0.12345)
    with pytest.raises(TaskError, match="cannot be kept exactly: expected at most 4 decimals"):
        pack(dataclasses.replace(task, start=fine), "train-v1")
    with pytest.raises(TaskError, match=task.task_id):
        pack(dataclasses.replace(task, same_kind=256), "train-v1")
    with pytest.raises(TaskError, match=f"task_id: expected heldout-v1-NUMBER, got '{task.task_id}'"):
        pack(task, "heldout-v1")


@given(data=st.data())
def test_any_flipped_byte_is_refused(data, tmp_path_factory, tasks):
    records = np.array([pack(task, "train-v1") for task in tasks[:2]], RECORD)
    path = tmp_path_factory.getbasetemp() / "flipped.xvt"
    files.write(path, FileHeader("train-v1", 0, 2), [records])
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(TaskFileError, match=r"flipped\.xvt"):
        TaskFile.open(path)


@given(content=st.binary(max_size=300))
def test_any_other_file_is_refused(content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "other.xvt"
    path.write_bytes(content)
    with pytest.raises(TaskFileError, match="expected a file of tasks"):
        TaskFile.open(path)


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c[: len(c) // 2], lambda c: c + b"x", lambda c: b""])
def test_a_file_cut_short_or_continued_is_refused(path, change):
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(TaskFileError, match=r"cut short or continued|expected a file of tasks|damaged"):
        TaskFile.open(path)


def with_header(path, change) -> None:
    """Writes the file again with another second line, whose digest is right."""
    _, second, records = path.read_bytes().split(b"\n", 2)
    record = json.loads(second)
    change(record)
    second = json.dumps(record).encode() + b"\n"
    path.write_bytes(f"xview tasks 1 {hashlib.sha256(second).hexdigest()}\n".encode() + second + records)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.update(generation=0), "expected worlds of generation 1, got 0"),
        (lambda h: h["codes"]["place"].append("moon"), "the place 'moon', which this version does not know"),
        (lambda h: h["codes"].update(place=["plains"]), "expected codes below 1 for place"),
        (lambda h: h["fields"].pop(), "other fields than this version's"),
        (lambda h: h.pop("suite"), "its header is not that of a file of tasks"),
        (lambda h: h.pop("codes"), "its header is not that of a file of tasks"),
        (lambda h: h.update(colour="red"), "its header is not that of a file of tasks"),
        (lambda h: h.update(count=3), "cut short or continued"),
        (lambda h: h.update(count="many"), "its header is not that of a file of tasks"),
        (lambda h: h.update(count=-1), "cut short or continued"),
    ],
)
def test_a_header_of_another_world_or_version_is_refused(path, change, said):
    with_header(path, change)
    with pytest.raises(TaskFileError, match=said):
        TaskFile.open(path)


def test_another_version_of_the_format_is_named(path):
    path.write_bytes(path.read_bytes().replace(b"xview tasks 1 ", b"xview tasks 2 ", 1))
    with pytest.raises(TaskFileError, match="expected version 1 of the format, got 2"):
        TaskFile.open(path)


@pytest.mark.parametrize("name", ["lost.xvt", "."])
def test_where_no_file_is_the_error_says_so(tmp_path, name):
    with pytest.raises(TaskFileError, match="expected a file of tasks: "):
        TaskFile.open(tmp_path / name)


def test_nothing_is_left_of_a_file_that_could_not_be_finished(tmp_path, tasks):
    records = np.array([pack(tasks[0], "train-v1")], RECORD)
    with pytest.raises(ValueError, match="expected 2 records, got 1"):
        files.write(tmp_path / "half.xvt", FileHeader("train-v1", 0, 2), [records])
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_a_suite_first_and_a_file_where_it_looks_like_one(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "twin").touch()
    assert source_named("twin").size == 100_000
    assert source_named("some.xvt").size == TaskFile.open(path).size
    with pytest.raises(ValueError, match="unknown suite 'twain': did you mean 'twin'"):
        source_named("twain")
