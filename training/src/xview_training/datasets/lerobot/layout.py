"""How an episode of ours lies in a LeRobotDataset v3.0: its features, and the names of its files.

Pictures, masks and goal are image features that any reader shows; what LeRobot has no place for, an episode's task and
range, lies in its episodes' table under `xview/about`, and our manifest in `meta/xview.json`. Knows names and types.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from xview_training.datasets.dataset import Manifest

VERSION = "v3.0"
FILES_A_CHUNK = 1000
DATA_FILE_MB, VIDEO_FILE_MB = 100, 200  # after which the next file begins
FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA_PATH = f"data/{FILE}.parquet"
VIDEO_PATH = f"videos/{{video_key}}/{FILE}.mp4"
EPISODES_PATH = f"meta/episodes/{FILE}.parquet"
INFO, STATS, TASKS, OURS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet", "meta/xview.json"
ABOUT = "xview/about"  # column of the episodes' table: the About record, JSON

VIEW = "observation.images.agent"
TARGET = "observation.images.target"  # white where the target is in the agent's picture
GOAL, GOAL_TARGET = "observation.images.goal", "observation.images.goal_target"  # all black: no goal view of its own
IMAGES = (VIEW, TARGET, GOAL, GOAL_TARGET)

ACTION_NAMES = ["buttons", "pitch", "yaw"]
VECTORS: dict[str, tuple[str, list[str]]] = {  # feature -> column of ours, names
    "action": ("action", ACTION_NAMES),
    "expert_action": ("label", ACTION_NAMES),
    "target.visible": ("visible", ["visible"]),
    "target.point": ("point", ["x", "y"]),
    "target.box": ("box", ["x0", "y0", "x1", "y1"]),
    "target.bearing": ("bearing", ["right", "forward"]),
    "target.bearing_known": ("bearing_known", ["known"]),
    "value": ("value", ["value"]),
}
INDICES = ("frame_index", "episode_index", "index", "task_index")
# LeRobot reads the tasks with pandas, which is told by this that the texts are the index.
TASKS_INDEX = {
    "index_columns": ["task"],
    "column_indexes": [],
    "columns": [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": stored, "metadata": None}
        for name, kind, stored in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    ],
}
IMAGE_TYPE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def features(manifest: Manifest, video: bool) -> dict[str, dict[str, Any]]:
    """The features of info.json. video: the agent's pictures are a video."""
    side = manifest.image_size
    shape = {"shape": [side, side, 3], "names": ["height", "width", "channels"]}
    found: dict[str, dict[str, Any]] = {name: {"dtype": "image"} | shape for name in IMAGES}
    if video:
        found[VIEW]["dtype"] = "video"
        found[VIEW]["info"] = {
            "video.height": side, "video.width": side, "video.codec": "h264", "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False, "video.fps": manifest.actions.rate_hz, "video.channels": 3, "has_audio": False,
        }  # fmt: skip
    for name, (_, names) in VECTORS.items():
        found[name] = {"dtype": "float32", "shape": [len(names)], "names": names}
    found["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    return found | {name: {"dtype": "int64", "shape": [1], "names": None} for name in INDICES}


def schema(video: bool) -> pa.Schema:
    """The columns of the data files."""
    images = {name: IMAGE_TYPE for name in IMAGES if not (video and name == VIEW)}
    vectors = {
        name: pa.float32() if len(names) == 1 else pa.list_(pa.float32(), len(names))
        for name, (_, names) in VECTORS.items()
    }
    return pa.schema(images | vectors | {"timestamp": pa.float32()} | dict.fromkeys(INDICES, pa.int64()))
