"""What is written comes back, frame by frame; what is damaged is named, refused, and can be set aside."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xview_deploy.cli import installed_commands, run
from xview_deploy.spec import ActionTable
from xview_training.datasets.chunk_file import Chunk, ChunkWriter
from xview_training.datasets.dataset import Dataset, Episode, Manifest, damaged_chunks, set_aside
from xview_training.datasets.pictures import decode_picture, encode_picture
from xview_training.datasets.recording import COLUMNS, About, DatasetError, Recording, places_of
from xview_training.datasets.writer import DatasetWriter
from xview_training.imitation.demonstrations import DemonstrationConfig, record
from xview_training.tasks.suites import suite_named


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


def same(one: Recording, other: Recording) -> bool:
    columns = all(np.array_equal(one.columns[name], other.columns[name]) for name in COLUMNS)
    goals = one.goal_picture == other.goal_picture and np.array_equal(one.goal_mask, other.goal_mask)
    whole = (one.about, one.pictures) == (other.about, other.pictures)
    return whole and columns and goals and np.array_equal(one.masks, other.masks)


def flip(path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


def test_every_episode_comes_back_as_it_was_written(folder, recordings, manifest):
    dataset = Dataset(folder)
    assert dataset.manifest == manifest
    assert len(dataset.files) > 1
    assert list(dataset.lengths) == [len(recording) for recording in recordings]
    for episode, recording in zip(dataset, recordings, strict=True):
        assert same(episode.recording(), recording)


def test_any_frame_of_any_episode_is_read_without_the_others(folder, recordings):
    episode = Dataset(folder)[5]
    expected = decode_picture(recordings[5].pictures[4], 32)
    assert np.array_equal(episode.picture(4), expected)
    assert np.array_equal(episode.frames(3, 6)[1], expected)
    assert not episode.has_goal
    picture, mask = Dataset(folder)[4].goal()
    assert picture.shape == (32, 32, 3)
    assert mask.any()
    with pytest.raises(IndexError, match=r"episodes 0 to 6, got 7"):
        Dataset(folder)[7]


def test_jpeg_takes_less_room_and_looks_the_same():
    across = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.stack(
        [np.tile(across, (64, 1)), np.tile(across[:, None], (1, 64)), np.full((64, 64), 90, np.uint8)], -1
    )
    small, exact = encode_picture(picture, "jpeg"), encode_picture(picture, "png")
    assert np.array_equal(decode_picture(exact, 64), picture)
    assert np.abs(decode_picture(small, 64).astype(int) - picture).mean() < 3
    with pytest.raises(ValueError, match="unknown picture encoding 'jpg': did you mean 'jpeg'"):
        encode_picture(picture, "jpg")


def test_a_writer_goes_on_behind_what_is_there_and_leaves_no_partial_file(folder, manifest, make_episode):
    (folder / ".partial-chunk-000099.xvd").write_bytes(b"half")
    added = make_episode("later", 5, np.random.default_rng(1))
    with DatasetWriter(folder, manifest) as writer:
        writer.add(added)
    dataset = Dataset(folder)
    assert same(dataset[7].recording(), added)
    assert not list(folder.glob(".partial-*"))


def test_a_chunk_is_not_there_before_it_is_whole(tmp_path, make_episode):
    writer = ChunkWriter(tmp_path / "chunk-000000.xvd")
    writer.add(make_episode("one", 4, np.random.default_rng(0)))
    assert not (tmp_path / "chunk-000000.xvd").exists()
    assert len(Chunk(writer.close())) == 1


def test_a_data_set_of_another_kind_is_not_added_to(folder, manifest):
    for changed, said in (({"image_size": 64}, "image_size is 32, not 64"), ({"origin": "other"}, "origin is noise")):
        with pytest.raises(DatasetError, match=said):
            DatasetWriter(folder, dataclasses.replace(manifest, **changed))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_any_flipped_byte_of_a_chunk_is_noticed(folder, recordings, data):
    path = Dataset(folder).files[0]
    sound = path.read_bytes()
    flip(path, data.draw(st.integers(0, len(sound) - 1)))
    try:
        problems = damaged_chunks(folder, thorough=True)
        assert list(problems) == [path]
        assert str(path) in problems[path]
    finally:
        path.write_bytes(sound)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data())
def test_a_chunk_cut_anywhere_is_refused_by_name(folder, data):
    path = Dataset(folder).files[0]
    sound = path.read_bytes()
    path.write_bytes(sound[: data.draw(st.integers(0, len(sound) - 1))])
    try:
        with pytest.raises(DatasetError, match=f"(?s){path}.*--set-aside"):
            Dataset(folder)
    finally:
        path.write_bytes(sound)


def test_damage_inside_an_episode_is_found_when_it_is_read_and_names_the_file(folder):
    dataset = Dataset(folder)
    path = dataset.files[0]
    flip(path, path.read_bytes().index(dataset[0].encoded(0)) + 20)
    with pytest.raises(DatasetError, match=f"{path} is damaged: the .* have another checksum"):
        Dataset(folder)[0].picture(0)
    assert Dataset(folder)[0].picture(1).shape == (32, 32, 3)
    assert not damaged_chunks(folder)
    assert list(damaged_chunks(folder, thorough=True)) == [path]


def test_damaged_chunks_are_set_aside_and_the_rest_goes_on(folder, manifest, make_episode):
    damaged, *rest = Dataset(folder).files
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert set_aside(folder, list(damaged_chunks(folder))) == [folder / "damaged" / damaged.name]
    assert Dataset(folder).files == rest
    with DatasetWriter(folder, manifest) as writer:
        writer.add(make_episode("later", 5, np.random.default_rng(1)))
    assert damaged not in Dataset(folder).files  # its name is not given again


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "expected version 1, got 2"),
        ({"image_size": 33}, "was changed since it was written"),
        ({"sha256": "0"}, "was changed since it was written"),
    ],
)
def test_a_changed_manifest_is_refused(folder, change, said):
    path = folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DatasetError, match=said):
        Dataset(folder)


def test_a_folder_without_a_manifest_is_no_data_set(tmp_path):
    with pytest.raises(DatasetError, match=r"is no data set: expected dataset\.json"):
        Dataset(tmp_path)


def test_parts_that_do_not_fit_are_refused_when_an_episode_is_made(recordings):
    good = recordings[0]
    wrong = {
        "masks": good.masks[1:],
        "columns": good.columns | {"value": np.full(len(good), np.nan, np.float32)},
        "about": dataclasses.replace(good.about, last=99),
        "goal_mask": None,
        "pictures": (),
    }
    for name, value in wrong.items():
        with pytest.raises(DatasetError, match="noise-0"):
            dataclasses.replace(good, **{name: value})
    with pytest.raises(ValueError, match="unknown event"):
        About("x", "fly", 0, 1, True)
    with pytest.raises(DatasetError, match="expected a range of frames, got 3 to 1"):
        About("x", "approach", 3, 1, True)


def test_places_are_those_of_the_mask():
    masks = np.zeros((2, 10, 10), bool)
    masks[1, 2:4, 5:9] = True
    visible, point, box = places_of(masks)
    assert list(visible) == [False, True]
    assert np.allclose(point, [[0, 0], [0.7, 0.3]])
    assert np.allclose(box, [[0, 0, 0, 0], [0.5, 0.2, 0.9, 0.4]])


def test_the_experts_episodes_say_where_the_target_is_in_each_frame(demonstrations):
    assert {episode.about.source for episode in demonstrations} == {f"twin-{k}" for k in range(8)}
    for episode in demonstrations:
        visible, masks = episode.column("visible"), episode.masks()
        about = episode.about
        assert (about.first, about.last, about.event) == (0, len(episode) - 1, "approach")
        assert json.loads(about.task)["event"] == "approach"
        assert (masks.any((1, 2)) >= visible).all()
        shown = np.flatnonzero(visible)
        assert len(shown) > 0
        _, point, _ = places_of(masks[shown])
        assert np.abs(point - episode.column("point")[shown]).max() < 1.5 / 32
        assert np.allclose(np.linalg.norm(episode.column("bearing"), axis=1), 1, atol=1e-5)
        assert (np.array(ActionTable().sizes) > episode.column("action")).all()


def test_the_command_records_goes_on_and_tells_what_is_there(tmp_path, capsys):
    folder = tmp_path / "set"
    sizes = ("--suite", "twin", "--image-size", 32, "--environments", 2, "--threads", 1)
    assert xview("dataset", "record", "--out", folder, "--episodes", 2, *sizes) == 0
    first = [path.read_bytes() for path in Dataset(folder).files]
    assert xview("dataset", "record", "--out", folder, "--episodes", 3, *sizes) == 0
    assert "1 episodes added" in capsys.readouterr().out
    assert Dataset(folder).files[0].read_bytes() == first[0]
    assert [episode.about.source for episode in Dataset(folder)][-1] == "twin-2"
    flip(Dataset(folder).files[0], 30)
    assert xview("dataset", "info", folder, "--check", "--set-aside") == 0
    said = capsys.readouterr().out
    assert "is damaged" in said
    assert "set aside" in said
    assert "1 episodes" in said
    assert xview("dataset", "record", "--out", folder, "--episodes", 2, "--suite", "robot", *sizes[2:]) == 2
    assert "origin is twin, not robot: choose another folder" in capsys.readouterr().err


def test_a_task_that_cannot_be_made_is_passed_over_and_the_others_are_recorded(tmp_path, unmakeable, caplog):
    unmakeable(1)
    record(DemonstrationConfig(3, image_size=32, environments=1, threads=1), suite_named("twin"), tmp_path)
    assert caplog.messages == ["a task is passed over: no such world"]
    assert [episode.about.source for episode in Dataset(tmp_path)] == ["twin-0", "twin-2"]


def test_an_episode_lacking_a_column_is_damaged(tmp_path, make_episode):
    writer = ChunkWriter(tmp_path / "chunk-000000.xvd")
    episode = make_episode("one", 4, np.random.default_rng(0))
    object.__setattr__(episode, "columns", {"action": episode.columns["action"]})
    writer.add(episode)
    with pytest.raises(DatasetError, match="episode 0 lacks bearing"):
        Episode(Chunk(writer.close()), 0, 32)


def test_a_manifest_is_the_same_after_reading(tmp_path, manifest):
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
