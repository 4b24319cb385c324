"""A data set of ours as a LeRobotDataset v3.0, episode by episode.

    to_lerobot(Dataset(Path("demonstrations")), Path("lerobot"), video=False)

With images the way back gives every byte again; as a video the agent's pictures lose a little and take less room.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from xview_deploy import strict_json

from xview_training.datasets.dataset import Dataset, Episode
from xview_training.datasets.lerobot import layout
from xview_training.datasets.lerobot.statistics import Statistics
from xview_training.datasets.lerobot.video import VideoWriter
from xview_training.datasets.pictures import decode_picture, encode_picture
from xview_training.datasets.recording import DatasetError, Recording


def to_lerobot(dataset: Dataset, folder: Path, video: bool = False) -> Path:
    """Writes the data set into a new folder. ValueError where the folder is in use, or pictures cannot be a video."""
    if folder.exists() and any(folder.iterdir()):
        raise DatasetError(f"{folder}: expected a new or empty folder")
    if len(dataset) == 0:
        raise DatasetError(f"{dataset.folder} holds no episode")
    if video and dataset.manifest.image_size % 2:
        raise DatasetError(f"{dataset.folder}: a video needs an even number of pixels a side")
    writer = _Writer(dataset, folder, video)
    for number, episode in enumerate(dataset):
        writer.add(number, episode)
    writer.close()
    return folder


def mask_picture(mask: np.ndarray) -> bytes:
    """bool (S, S) as a black and white picture."""
    return encode_picture(np.repeat((mask * np.uint8(255))[..., None], 3, -1), "png")


class _Writer:
    """The files that are being written."""

    def __init__(self, dataset: Dataset, folder: Path, video: bool) -> None:
        self._manifest, self._folder, self._with_video = dataset.manifest, folder, video
        self._schema = layout.schema(video)
        self._tasks: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []  # of the episodes' table
        self._frames = self._data_file = self._video_file = 0
        self._data: pq.ParquetWriter | None = None
        self._video: VideoWriter | None = None
        self._statistics = Statistics()

    def add(self, number: int, source: Episode) -> None:
        """Appends an episode to the present files."""
        episode = source.recording()
        about, frames = episode.about, len(episode)
        task = self._tasks.setdefault(f"{about.event} the marked target", len(self._tasks))
        place = {"data/chunk_index": self._data_file // layout.FILES_A_CHUNK}
        place["data/file_index"] = self._data_file % layout.FILES_A_CHUNK
        table = self._table(number, task, episode)
        video = self._film(source) if self._with_video else {}
        self._write(table)
        self._rows.append(
            {"episode_index": number, "tasks": [list(self._tasks)[task]], "length": frames}
            | place | {"dataset_from_index": self._frames, "dataset_to_index": self._frames + frames}
            | video | {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
            | {layout.ABOUT: strict_json.dump(about)}
        )  # fmt: skip
        self._frames += frames

    def close(self) -> None:
        """Ends the files and writes what describes them."""
        self._end_data()
        self._end_video()
        self._put(layout.EPISODES_PATH.format(chunk_index=0, file_index=0), pa.Table.from_pylist(self._rows))
        names = pa.table({"task_index": list(self._tasks.values()), "task": list(self._tasks)})
        self._put(layout.TASKS, names.replace_schema_metadata({"pandas": json.dumps(layout.TASKS_INDEX)}))
        self._text(layout.STATS, json.dumps(self._statistics.as_json()))
        self._text(layout.OURS, strict_json.dump(self._manifest))
        self._text(layout.INFO, json.dumps(self._info(), indent=4))

    def _info(self) -> dict[str, Any]:
        rate = self._manifest.actions.rate_hz
        return {
            "codebase_version": layout.VERSION,
            "robot_type": "xview",
            "total_episodes": len(self._rows),
            "total_frames": self._frames,
            "total_tasks": len(self._tasks),
            "chunks_size": layout.FILES_A_CHUNK,
            "data_files_size_in_mb": layout.DATA_FILE_MB,
            "video_files_size_in_mb": layout.VIDEO_FILE_MB,
            "fps": int(rate) if rate == int(rate) else rate,
            "splits": {"train": f"0:{len(self._rows)}"},
            "data_path": layout.DATA_PATH,
            "video_path": layout.VIDEO_PATH if self._with_video else None,
            "features": layout.features(self._manifest, self._with_video),
        }

    def _table(self, number: int, task: int, episode: Recording) -> pa.Table:
        """The episode's rows of a data file."""
        frames, side = len(episode), self._manifest.image_size
        columns: dict[str, Any] = dict(self._images(episode))
        for name, (column, _) in layout.VECTORS.items():
            values = episode.columns[column].astype(np.float32).reshape(frames, -1)
            self._statistics.add(name, values)
            columns[name] = values[:, 0] if values.shape[1] == 1 else values.tolist()
        for name in layout.IMAGES:
            if name in columns:
                self._statistics.add_picture(name, decode_picture(columns[name][frames // 2]["bytes"], side))
        columns["timestamp"] = np.arange(frames, dtype=np.float32) / np.float32(self._manifest.actions.rate_hz)
        columns |= {"frame_index": np.arange(frames), "episode_index": np.full(frames, number)}
        columns |= {"index": self._frames + np.arange(frames), "task_index": np.full(frames, task)}
        return pa.table({name: columns[name] for name in self._schema.names}, schema=self._schema)

    def _images(self, episode: Recording) -> dict[str, list[dict[str, bytes | None]]]:
        frames, side = len(episode), self._manifest.image_size
        nothing = np.zeros((side, side), bool)
        mask = nothing if episode.goal_mask is None else episode.goal_mask
        encoded = {
            layout.VIEW: list(episode.pictures),
            layout.TARGET: [mask_picture(each) for each in episode.masks],
            layout.GOAL: [episode.goal_picture or mask_picture(nothing)]
            * frames,  # kept once: Parquet writes a dictionary
            layout.GOAL_TARGET: [mask_picture(mask)] * frames,
        }
        return {name: [{"bytes": each, "path": None} for each in rows] for name, rows in encoded.items()}

    def _film(self, episode: Episode) -> dict[str, Any]:
        """Appends the episode's pictures to the video; where they begin and end."""
        if self._video is None:
            at = divmod(self._video_file, layout.FILES_A_CHUNK)
            path = layout.VIDEO_PATH.format(video_key=layout.VIEW, chunk_index=at[0], file_index=at[1])
            self._video = VideoWriter(self._folder / path, self._manifest.image_size, self._manifest.actions.rate_hz)
        chunk, file = divmod(self._video_file, layout.FILES_A_CHUNK)
        first = self._video.frames
        for frame in range(len(episode)):
            self._video.add(episode.picture(frame))
        rate, key = self._manifest.actions.rate_hz, f"videos/{layout.VIEW}"
        ends = {f"{key}/from_timestamp": first / rate, f"{key}/to_timestamp": self._video.frames / rate}
        if self._video.path.exists() and self._video.path.stat().st_size > layout.VIDEO_FILE_MB * 2**20:
            self._end_video()
        return {f"{key}/chunk_index": chunk, f"{key}/file_index": file} | ends

    def _write(self, table: pa.Table) -> None:
        chunk, file = divmod(self._data_file, layout.FILES_A_CHUNK)
        path = self._folder / layout.DATA_PATH.format(chunk_index=chunk, file_index=file)
        if self._data is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Least and most of a picture's bytes say nothing, and would be kept beside it.
            self._data = pq.ParquetWriter(path, self._schema, compression="snappy", write_statistics=[*layout.INDICES])
        self._data.write_table(table)
        if path.stat().st_size > layout.DATA_FILE_MB * 2**20:
            self._end_data()

    def _end_data(self) -> None:
        if self._data is not None:
            self._data.close()
            self._data, self._data_file = None, self._data_file + 1

    def _end_video(self) -> None:
        if self._video is not None:
            self._video.close()
            self._video, self._video_file = None, self._video_file + 1

    def _put(self, name: str, table: pa.Table) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)

    def _text(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
