"""MineStudio's trajectories with segmentation, as a data set of ours: one episode for each interaction.

An interaction is a stretch of frames in which a player pursues one object, whose mask is known in each: any of its
frames can be the goal view. Crafting and switching have no event here and are left out. Actions become rows of the
whole Minecraft table. Written from the layout that MineStudio's published code reads and writes.

    from_minestudio(Path("minestudio"), Path("demonstrations"), MineStudioConfig())
"""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from xview_deploy.preprocessing import squeeze_mask, squeeze_picture

from xview_training.datasets.dataset import Manifest
from xview_training.datasets.minestudio.store import Modality
from xview_training.datasets.minestudio.unpickling import unpickle
from xview_training.datasets.pictures import encode_picture
from xview_training.datasets.recording import About, DatasetError, Recording, places_of
from xview_training.datasets.writer import DatasetWriter
from xview_training.policy.minecraft_actions import KEYS, minecraft_table, table_rows

MASK_SHAPE = (360, 640)  # height, width of the frames that masks were drawn on
EVENTS = {0: "hunt", 1: "use", 2: "break", 3: "use", 6: "approach"}  # their kinds of interaction; 4 craft, 5 switch
VALUE_DISCOUNT = 0.99  # a frame


@dataclasses.dataclass(frozen=True)
class MineStudioConfig:
    """How trajectories become episodes."""

    image_size: int = 224
    encoding: str = "jpeg"
    longest: int = 600  # frames before an interaction's end that are kept

    def __post_init__(self) -> None:
        if min(self.image_size, self.longest) < 1:
            raise ValueError(f"image_size and longest: expected 1 or more, got {self.image_size} and {self.longest}")


@dataclasses.dataclass
class Interaction:
    """A stretch of frames that pursues one object."""

    kind: int
    name: str
    first: int
    last: int
    masks: dict[int, str]  # frame -> run lengths

    def begin(self, longest: int) -> int:
        """The first of its last `longest` frames."""
        return max(self.first, self.last - longest + 1)

    def source(self, episode: str, longest: int) -> str:
        """What the episode that these frames become is called."""
        return f"{episode}, {self.name}, frames {self.begin(longest)} to {self.last}"


def from_minestudio(source: Path, folder: Path, config: MineStudioConfig) -> Counter[str]:
    """Writes the interactions into a data set, but for those that are there.

    Returns how many of each event were written, and how many were left out and why.
    """
    manifest = Manifest(f"minestudio {source.name}", config.image_size, minecraft_table(), config.encoding)
    found: Counter[str] = Counter()
    with _Trajectories(source) as trajectories, DatasetWriter(folder, manifest) as writer:
        for episode in trajectories.episodes:
            for interaction in trajectories.interactions(episode):
                if interaction.kind not in EVENTS:
                    found["left out: craft or switch"] += 1
                elif interaction.source(episode, config.longest) in writer.there:
                    found["left out: there already"] += 1
                elif not interaction.masks:
                    found["left out: never in view"] += 1
                else:
                    recording = trajectories.recording(episode, interaction, config)
                    if recording.shows_goal:
                        writer.add(recording)
                    found[recording.about.event if recording.shows_goal else "left out: never in view"] += 1
    return found


class _Trajectories:
    """The modalities that are needed, and what they say together."""

    def __init__(self, source: Path) -> None:
        self._video = Modality(source, ("video", "image"))
        self._action = Modality(source, ("action",))
        self._segmentation = Modality(source, ("segmentation", "segment"))
        parts = (self._video, self._action, self._segmentation)
        shared = set.intersection(*(set(part.episodes) for part in parts))
        # As they read it themselves: an episode whose modalities have different lengths is left out.
        self.episodes = [e for e in sorted(shared) if len({part.episodes[e].frames for part in parts}) == 1]

    def __enter__(self) -> _Trajectories:
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self._video, self._action, self._segmentation):
            part.close()

    def interactions(self, episode: str) -> Iterator[Interaction]:
        """The interactions of a trajectory, in the order in which they end; one chunk in memory at a time."""
        frames = self._segmentation.episodes[episode].frames
        under_way: dict[tuple[Any, ...], Interaction] = {}
        for start, data, where in self._segmentation.chunks(episode, 0, frames - 1):
            for offset, marked in enumerate(_list_of(unpickle(data, where), where)):
                for key, said in marked.items():
                    interaction = _interaction(key, said, frames, where)
                    interaction = under_way.setdefault((key, interaction.first, interaction.last), interaction)
                    if said["rle_mask"] and interaction.first <= start + offset <= interaction.last:
                        interaction.masks[start + offset] = said["rle_mask"]
        yield from sorted(under_way.values(), key=lambda each: (each.last, each.first, each.name))

    def recording(self, episode: str, interaction: Interaction, config: MineStudioConfig) -> Recording:
        """The interaction as an episode, one frame before it included for the action that led to it."""
        first = interaction.begin(config.longest)
        begin, side = max(first - 1, 0), config.image_size
        stop = interaction.last + 1
        masks = np.zeros((stop - begin, side, side), bool)
        for frame in range(first, stop):
            if frame in interaction.masks:
                shown = decode_runs(interaction.masks[frame], MASK_SHAPE)
                masks[frame - begin] = squeeze_mask(shown, side).astype(bool) if shown.any() else False
        visible, point, box = places_of(masks)
        actions, frames = self._actions(episode, begin, stop), stop - begin
        columns = {
            "action": actions, "label": actions.copy(), "visible": visible, "point": point, "box": box,
            "bearing": np.tile(np.array([0, 1], np.float32), (frames, 1)),
            "bearing_known": np.zeros(frames, bool),
            "value": (VALUE_DISCOUNT ** np.arange(frames)[::-1]).astype(np.float32),
        }  # fmt: skip
        pictures = (squeeze_picture(picture, side) for picture in self._pictures(episode, begin, stop))
        about = About(
            interaction.source(episode, config.longest),
            EVENTS[interaction.kind], first - begin, frames - 1, True,
        )  # fmt: skip
        return Recording(about, tuple(encode_picture(each, config.encoding) for each in pictures), columns, masks)

    def _actions(self, episode: str, begin: int, stop: int) -> np.ndarray:
        """Rows of Minecraft's table int16 (stop - begin, 3)."""
        rows = []
        for start, data, where in self._action.chunks(episode, begin, stop - 1):
            rows.append(actions_of(unpickle(data, where), where)[max(begin - start, 0) : stop - start])
        return np.concatenate(rows).astype(np.int16)

    def _pictures(self, episode: str, begin: int, stop: int) -> Iterator[np.ndarray]:
        """uint8 (H, W, 3), RGB."""
        for start, data, where in self._video.chunks(episode, begin, stop - 1):
            wanted = range(max(begin - start, 0), min(stop - start, self._video.episodes[episode].chunk))
            found = 0
            try:
                with av.open(io.BytesIO(data), "r") as container:
                    for number, frame in enumerate(container.decode(video=0)):
                        if number in wanted:
                            found += 1
                            yield frame.to_ndarray(format="rgb24")
            except (av.FFmpegError, IndexError) as error:
                raise DatasetError(f"{where}: no video: {error}") from None
            if found != len(wanted):
                raise DatasetError(f"{where}: expected {len(wanted)} pictures, got {found}")


def actions_of(said: Any, where: str) -> np.ndarray:
    """A chunk's keys and camera by name -> rows of Minecraft's table int64 (n, 3)."""
    try:
        camera = np.asarray(said["camera"], np.float64).reshape(-1, 2)
        keys = np.zeros((len(camera), len(KEYS)), bool)
        for column, key in enumerate(KEYS):
            if key in said:
                keys[:, column] = np.asarray(said[key]).reshape(len(camera)) != 0
        return table_rows(keys, camera)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DatasetError(f"{where}: expected keys and camera by name, an entry a frame: {error}") from None


def decode_runs(text: str, shape: tuple[int, int]) -> np.ndarray:
    """Run lengths "start length start length ...", counted from one row by row -> bool of that shape.

    DatasetError where they are none, or reach beyond the picture.
    """
    try:
        runs = np.array(text.split(), np.int64).reshape(-1, 2)
    except (ValueError, OverflowError):
        raise DatasetError(f"expected pairs of start and length, got {text[:40]!r}") from None
    mask = np.zeros(shape[0] * shape[1], bool)
    if len(runs) and (runs[:, 0].min() < 1 or runs[:, 1].min() < 0 or runs.sum(1).max() > len(mask) + 1):
        raise DatasetError(f"expected runs within {shape[1]}x{shape[0]} pixels, got {text[:40]!r}")
    for start, length in runs:
        mask[start - 1 : start - 1 + length] = True
    return mask.reshape(shape)


def _list_of(chunk: Any, where: str) -> list[dict[Any, Any]]:
    if not isinstance(chunk, list) or not all(isinstance(each, dict) for each in chunk):
        raise DatasetError(f"{where}: expected what is marked in each frame, got {type(chunk).__name__}")
    return chunk


def _interaction(key: Any, said: Any, frames: int, where: str) -> Interaction:
    """What a frame says of an interaction, without masks."""
    try:
        first, last = (int(frame) for frame in said["frame_range"])
        if not isinstance(said["rle_mask"], (str, type(None))):
            raise TypeError("rle_mask is no text")
        return Interaction(int(said["obj_id"]), str(said["event"]), max(first, 0), min(last, frames - 1), {})
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{where}: {key!r:.60}: expected obj_id, event, rle_mask, frame_range: {error}") from None
