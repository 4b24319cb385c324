"""A LeRobotDataset v3.0 that has our features, as a data set of ours, episode by episode.

    from_lerobot(Path("lerobot"), Path("demonstrations"))

What a file says is checked: a wrong type, a missing feature or a damaged picture is an error that names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from xview_deploy import strict_json
from xview_deploy.spec import ContractError

from xview_training.datasets.dataset import Manifest
from xview_training.datasets.lerobot import layout
from xview_training.datasets.lerobot.video import read_video
from xview_training.datasets.pictures import decode_picture, encode_picture
from xview_training.datasets.recording import COLUMNS, About, DatasetError, Recording
from xview_training.datasets.writer import DatasetWriter

EPISODE_COLUMNS = ("episode_index", "length", "data/chunk_index", "data/file_index", layout.ABOUT)


def from_lerobot(source: Path, folder: Path) -> int:
    """Writes its episodes into a data set, but for those that are there; returns how many were written.

    DatasetError where it has not our features.
    """
    info = _json(source / layout.INFO)
    if info.get("codebase_version") != layout.VERSION:
        raise DatasetError(
            f"{source}: expected a LeRobotDataset {layout.VERSION}, got {info.get('codebase_version')!r}"
        )
    manifest = _manifest(source)
    video = _check_features(source, info, manifest)
    with DatasetWriter(folder, manifest) as writer:
        for row in _episodes(source):
            recording = _recording(source, row, manifest, video)
            if recording.about.source not in writer.there:
                writer.add(recording)
    return writer.episodes


def _manifest(source: Path) -> Manifest:
    path = source / layout.OURS
    try:
        return strict_json.load(Manifest, _json(path), str(path))
    except ContractError as error:
        raise DatasetError(str(error)) from None


def _json(path: Path) -> dict[str, Any]:
    try:
        return strict_json.parse_object(path.read_bytes(), str(path))
    except OSError as error:
        raise DatasetError(f"{path}: expected a file ({error.strerror})") from None
    except ContractError as error:
        raise DatasetError(str(error)) from None


def _check_features(source: Path, info: dict[str, Any], manifest: Manifest) -> bool:
    """Whether the agent's pictures are a video."""
    found = info.get("features")
    if not isinstance(found, dict):
        raise DatasetError(f"{source}: expected features in {layout.INFO}")
    video = isinstance(found.get(layout.VIEW), dict) and found[layout.VIEW].get("dtype") == "video"
    for name, wanted in layout.features(manifest, video).items():
        came = found.get(name)
        if not isinstance(came, dict) or any(came.get(key) != wanted[key] for key in ("dtype", "shape")):
            raise DatasetError(
                f"{source}, feature {name}: expected {wanted['dtype']} {wanted['shape']}, got {json.dumps(came)[:80]}"
            )
    return video


def _episodes(source: Path) -> Iterator[dict[str, Any]]:
    """Rows of the episodes' table, in order."""
    for path in sorted((source / "meta/episodes").glob("*/*.parquet")):
        table = _table(path, None)
        if missing := [name for name in EPISODE_COLUMNS if name not in table.column_names]:
            raise DatasetError(f"{path}: expected the column {missing[0]}")
        yield from table.to_pylist()


def _recording(source: Path, row: dict[str, Any], manifest: Manifest, video: bool) -> Recording:
    at = {"chunk_index": row["data/chunk_index"], "file_index": row["data/file_index"]}
    path = source / layout.DATA_PATH.format(**at)
    table = _table(path, row["episode_index"])
    where, side = f"{path}, episode {row['episode_index']}", manifest.image_size
    if len(table) != row["length"]:
        raise DatasetError(f"{where}: expected {row['length']} frames, got {len(table)}")
    try:
        about = strict_json.load(About, strict_json.parse_object(row[layout.ABOUT], where), where)
        columns = {ours: _column(table, name, ours) for name, (ours, _) in layout.VECTORS.items()}
        masks = np.stack([_mask(each, side) for each in _encoded(table, layout.TARGET)])
        goal_mask = _mask(_encoded(table, layout.GOAL_TARGET)[0], side)
        goal = _encoded(table, layout.GOAL)[0]
        pictures = _film(source, row, manifest) if video else _encoded(table, layout.VIEW)
        for each in (goal, *pictures):
            decode_picture(each, side)
    except (ContractError, DatasetError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{where}: {error}") from None
    own = (goal, goal_mask) if goal_mask.any() else (None, None)
    return Recording(about, tuple(pictures), columns, masks, *own)


def _film(source: Path, row: dict[str, Any], manifest: Manifest) -> list[bytes]:
    key = f"videos/{layout.VIEW}"
    at = {"chunk_index": row[f"{key}/chunk_index"], "file_index": row[f"{key}/file_index"]}
    path = source / layout.VIDEO_PATH.format(video_key=layout.VIEW, **at)
    frames = read_video(path, row[f"{key}/from_timestamp"], row["length"], manifest.actions.rate_hz)
    return [encode_picture(frame, manifest.encoding) for frame in frames]


def _table(path: Path, episode: int | None) -> pa.Table:
    """A Parquet file, or the rows of one episode in it."""
    try:
        filters = None if episode is None else pc.field("episode_index") == episode
        return pq.read_table(path, filters=filters)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path} is damaged or no Parquet file: {str(error).splitlines()[0]}") from None


def _encoded(table: pa.Table, name: str) -> list[bytes]:
    found = [each["bytes"] if each else None for each in table[name].to_pylist()]
    inside = [each for each in found if isinstance(each, bytes)]
    if len(inside) != len(found):
        raise DatasetError(f"{name}: expected pictures within the file, got references to others")
    return inside


def _mask(encoded: bytes, side: int) -> np.ndarray:
    return decode_picture(encoded, side)[..., 0] > 127


def _column(table: pa.Table, name: str, ours: str) -> np.ndarray:
    dtype, shape = COLUMNS[ours]
    return np.array(table[name].to_pylist(), np.float32).reshape(len(table), *shape).astype(dtype)
