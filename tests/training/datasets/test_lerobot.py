"""A data set goes to LeRobot's format and comes back: every byte with pictures, all but colours with a video."""

import json

import numpy as np
import pytest
from xview_deploy.cli import installed_commands, run
from xview_training.datasets.dataset import Dataset, Manifest
from xview_training.datasets.recording import COLUMNS, DatasetError
from xview_training.datasets.writer import DatasetWriter

pytest.importorskip("pyarrow", reason="the extra `datasets` is not installed")

import pyarrow as pa
import pyarrow.parquet as pq
from xview_training.datasets.lerobot import layout
from xview_training.datasets.lerobot.reading import from_lerobot
from xview_training.datasets.lerobot.writing import to_lerobot


def xview(*arguments: object) -> int:
    return run(installed_commands(), [str(argument) for argument in arguments])


@pytest.fixture
def lerobot(folder, tmp_path):
    """The seven made-up episodes, two of each three with a goal view of their own."""
    return to_lerobot(Dataset(folder), tmp_path / "lerobot")


def test_with_pictures_every_byte_comes_back(folder, lerobot, tmp_path):
    assert from_lerobot(lerobot, tmp_path / "back") == 7
    before, after = Dataset(folder), Dataset(tmp_path / "back")
    assert after.manifest == before.manifest
    for one, other in zip(before, after, strict=True):
        one, other = one.recording(), other.recording()
        assert (one.about, one.pictures, one.goal_picture) == (other.about, other.pictures, other.goal_picture)
        assert all(np.array_equal(one.columns[name], other.columns[name]) for name in COLUMNS)
        assert np.array_equal(one.masks, other.masks)
        assert np.array_equal(one.goal_mask, other.goal_mask)


def test_with_a_video_each_frame_comes_back_as_itself_and_all_else_exactly(demonstrations, tmp_path):
    to_lerobot(demonstrations, tmp_path / "lerobot", video=True)
    from_lerobot(tmp_path / "lerobot", tmp_path / "back")
    worst = 0.0
    for one, other in zip(demonstrations, Dataset(tmp_path / "back"), strict=True):
        assert np.array_equal(one.masks(), other.masks())
        assert np.array_equal(one.column("action"), other.column("action"))
        was, now = (each.frames(0, len(each)).astype(float) for each in (one, other))
        apart = np.abs(was[:, None] - now[None]).mean((2, 3, 4))
        assert (np.diag(apart) <= apart.min(1) + 0.5).all()  # no frame is its neighbour
        worst = max(worst, float(np.diag(apart).max()))
    assert worst < 12  # of 255: half of the colours' resolution is lost


def test_the_files_are_where_lerobot_looks_for_them(lerobot, recordings):
    info = json.loads((lerobot / layout.INFO).read_text())
    assert info["codebase_version"] == "v3.0"
    assert (info["total_episodes"], info["total_frames"]) == (7, sum(map(len, recordings)))
    assert info["features"]["action"] == {"dtype": "float32", "shape": [3], "names": ["buttons", "pitch", "yaw"]}
    data = pq.read_table(lerobot / info["data_path"].format(chunk_index=0, file_index=0))
    assert set(data.column_names) == set(info["features"])
    assert data["index"].to_pylist() == list(range(info["total_frames"]))
    assert np.allclose(np.diff(data["timestamp"].to_numpy()[: len(recordings[0])]), 1 / info["fps"], atol=1e-6)
    episodes = pq.read_table(lerobot / layout.EPISODES_PATH.format(chunk_index=0, file_index=0)).to_pylist()
    for row, recording in zip(episodes, recordings, strict=True):
        assert row["length"] == len(recording) == row["dataset_to_index"] - row["dataset_from_index"]
        rows = data.slice(row["dataset_from_index"], row["length"])
        assert set(rows["episode_index"].to_pylist()) == {row["episode_index"]}
    assert pq.read_table(lerobot / layout.TASKS).to_pylist() == [
        {"task_index": 0, "task": "approach the marked target"}
    ]


def test_the_statistics_are_those_of_all_frames(lerobot, recordings):
    stats = json.loads((lerobot / layout.STATS).read_text())
    actions = np.concatenate([recording.columns["action"] for recording in recordings])
    assert stats["action"]["count"] == [len(actions)]
    for name, expected in (("min", actions.min(0)), ("mean", actions.mean(0)), ("std", actions.std(0))):
        assert np.allclose(stats["action"][name], expected)
    assert np.shape(stats[layout.VIEW]["mean"]) == (3, 1, 1)
    assert 0.4 < np.mean(stats[layout.VIEW]["mean"]) < 0.6


def test_a_goal_view_that_repeats_is_kept_once(demonstrations, tmp_path):
    to_lerobot(demonstrations, tmp_path / "lerobot")
    path = tmp_path / "lerobot" / layout.DATA_PATH.format(chunk_index=0, file_index=0)
    group = pq.ParquetFile(path).metadata.row_group(0)
    sizes = {group.column(k).path_in_schema: group.column(k).total_compressed_size for k in range(group.num_columns)}
    assert sizes[f"{layout.GOAL}.bytes"] < 1.2 * len(demonstrations[0].recording().goal_picture)


def test_converting_once_more_adds_nothing_twice(lerobot, tmp_path):
    assert [from_lerobot(lerobot, tmp_path / "back") for _ in range(2)] == [7, 0]
    assert len(Dataset(tmp_path / "back")) == 7


def test_the_commands_convert_there_and_back(folder, tmp_path, capsys):
    assert xview("dataset", "to-lerobot", folder, tmp_path / "lerobot", "--video") == 0
    assert xview("dataset", "from-lerobot", tmp_path / "lerobot", tmp_path / "back") == 0
    assert "7 episodes" in capsys.readouterr().out
    assert xview("dataset", "to-lerobot", folder, tmp_path / "lerobot") == 2
    assert "expected a new or empty folder" in capsys.readouterr().err


def change_info(lerobot, **changes) -> None:
    path = lerobot / layout.INFO
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_not_ours_or_damaged_is_refused_by_name(lerobot, tmp_path):
    features = json.loads((lerobot / layout.INFO).read_text())["features"]
    data = lerobot / layout.DATA_PATH.format(chunk_index=0, file_index=0)
    sound = data.read_bytes()

    def refused(said: str) -> None:
        with pytest.raises(DatasetError, match=said):
            from_lerobot(lerobot, tmp_path / "back")

    change_info(lerobot, codebase_version="v2.1")
    refused(r"expected a LeRobotDataset v3\.0, got 'v2\.1'")
    change_info(lerobot, codebase_version="v3.0", features={k: v for k, v in features.items() if k != "target.box"})
    refused(r"feature target\.box: expected float32 \[4\], got null")
    change_info(lerobot, features=features)
    data.write_bytes(sound[: len(sound) // 2])
    refused(f"{data.name} is damaged or no Parquet file")
    table = pq.read_table(pa.BufferReader(sound))
    views = [{"bytes": None, "path": "elsewhere.png"}] * len(table)
    column = table.column_names.index(layout.VIEW)
    pq.write_table(table.set_column(column, layout.VIEW, pa.array(views, layout.IMAGE_TYPE)), data)
    refused("expected pictures within the file, got references")
    data.write_bytes(sound)
    (lerobot / layout.OURS).unlink()
    refused(r"xview\.json: expected a file")


def test_nothing_is_not_converted(tmp_path, manifest):
    with DatasetWriter(tmp_path / "empty", manifest):
        pass
    with pytest.raises(DatasetError, match="holds no episode"):
        to_lerobot(Dataset(tmp_path / "empty"), tmp_path / "lerobot")
    assert Manifest.read(tmp_path / "empty") == manifest
