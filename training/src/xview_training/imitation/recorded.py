"""Lessons from a data set: streams of recorded episodes, each learnt from its start to its end with its memory carried.

A stream gives T frames at a time; the state that the learner is left with is where it goes on (truncated
back-propagation through time). The goal view of an episode is the one its task was given with, or, relabelled
backwards, any frame of the event that shows enough of the target (ROCKET-2, training). Memory holds one episode's
numbers and one goal a stream; pictures are read when they are learnt from.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from xview_deploy.preprocessing import squeeze_mask, squeeze_picture
from xview_deploy.spec import ActionTable, Event

from xview_training.datasets.dataset import Dataset, Episode
from xview_training.datasets.recording import COLUMNS, DatasetError
from xview_training.imitation.goal_noise import roughen
from xview_training.imitation.labelling import cells_of
from xview_training.imitation.lessons import Chunk
from xview_training.imitation.losses import Labels
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.policy.memory import State

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RecordedConfig:
    """How episodes become updates."""

    streams: int = 64  # N episodes under way; more of them, and less alike are the updates that follow one another
    sequences: int = 16  # of one update
    steps: int = 16  # T, frames of a sequence
    updates: int = 16  # between two looks at the figures
    relabel: float = 0.5  # share of episodes whose goal view is a frame of the event; all where there is no other
    min_goal_share: float = 0.002  # of such a frame that the target covers: 8 pixels of 64 x 64
    mask_noise: float = 0.3  # share of goal masks grown or shrunk by a pixel
    failures: bool = False  # learn from episodes that failed too

    def __post_init__(self) -> None:
        if not 1 <= self.sequences <= self.streams:
            raise ValueError(f"sequences: expected 1 to {self.streams}, the number of streams, got {self.sequences}")


class NoGoalView(DatasetError):
    """An episode has no view that could be its goal."""


class Stream:
    """One episode's event while it is learnt."""

    def __init__(self, episode: Episode, side: int, config: RecordedConfig, rng: np.random.Generator) -> None:
        """NoGoalView where the episode has none."""
        self._episode, self._side = episode, side
        self._columns = {name: episode.column(name) for name in COLUMNS}
        about = episode.about
        self.next, self._stop = about.first, about.last + 1
        self.event = Event(about.event).interaction_index
        picture, mask = choose_goal(episode, config, rng)
        self.goal_image, self.goal_mask = squeeze_picture(picture, side), squeeze_mask(mask, side)
        if rng.random() < config.mask_noise:
            roughen(self.goal_mask, rng)

    @property
    def over(self) -> bool:
        """No frame is left."""
        return self.next >= self._stop

    def skip(self, share: float) -> None:
        """Leaves out that share of the event."""
        self.next += int(share * (self._stop - self.next))

    def take(self, steps: int, noop: tuple[int, int, int], cells: int) -> dict[str, np.ndarray]:
        """The next `steps` frames: inputs and labels, (steps, ...); those beyond the end are not alive."""
        start, stop = self.next, min(self.next + steps, self._stop)
        self.next = stop
        images = np.zeros((steps, self._side, self._side, 3), np.uint8)
        for t, frame in enumerate(range(start, stop)):
            images[t] = squeeze_picture(self._episode.picture(frame), self._side)
        rows = {name: _padded(column[start:stop], steps) for name, column in self._columns.items()}
        before = np.concatenate([[noop], self._columns["action"]])[start:stop]
        return rows | {
            "images": images,
            "previous_action": _padded(before, steps),
            "cell": cells_of(rows["visible"], rows["point"], cells),
            "alive": np.arange(steps) < stop - start,
        }


def _padded(rows: np.ndarray, steps: int) -> np.ndarray:
    """(t, ...) -> (steps, ...), zeros behind."""
    return np.concatenate([rows, np.zeros((steps - len(rows), *rows.shape[1:]), rows.dtype)])


def choose_goal(episode: Episode, config: RecordedConfig, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A goal view of the episode: uint8 (S, S, 3) and bool (S, S).

    Of the event's frames, one in which the target is large enough, or where none is, one in which it is largest.
    """
    if episode.has_goal and rng.random() >= config.relabel:
        return episode.goal()
    about, masks = episode.about, episode.masks()
    shown = masks[about.first : about.last + 1].mean((1, 2))
    if not shown.any():
        if episode.has_goal:
            return episode.goal()
        raise NoGoalView(f"{about.source}: no frame of its event shows the target, and it has no other goal view")
    large = np.flatnonzero(shown >= min(config.min_goal_share, float(shown.max())))
    frame = about.first + int(rng.choice(large))
    return episode.picture(frame), masks[frame]


class Recorded:
    """See `Lessons`."""

    def __init__(self, config: RecordedConfig, dataset: Dataset, side: int, actions: ActionTable, seed: int) -> None:
        """side: pixels that the policy sees. ValueError where the data set was not made for such a policy."""
        manifest = dataset.manifest
        if manifest.actions != actions:
            raise DatasetError(f"{dataset.folder}: its table of actions is not the policy's")
        if manifest.image_size < side:
            raise DatasetError(
                f"{dataset.folder}: its pictures have {manifest.image_size} pixels a side, the policy sees {side}: "
                f"record with --image-size {side}"
            )
        if len(dataset) == 0:
            raise DatasetError(f"{dataset.folder} holds no episode")
        self.config, self._dataset, self._side, self._noop = config, dataset, side, actions.noop
        self._seed, self._given = seed, 0
        self._rng = np.random.default_rng([seed, 1, 0])
        self._streams: list[Stream] = []
        self._state: State | None = None
        self._picked = np.zeros(0, np.int64)
        self._cells = 1

    def prepare(self, policy: CrossViewPolicy, progress: float) -> None:
        """Makes the streams, once."""
        self._cells = policy.config.side
        if not self._streams:
            self._state = policy.initial_state(self.config.streams)
            self._streams = [self._open() for _ in range(self.config.streams)]
            for stream in self._streams:  # else all would be at the same point of their episodes
                stream.skip(self._rng.random())

    def batches(self) -> Iterator[Chunk]:
        """See `Lessons.batches`."""
        for _ in range(self.config.updates):
            self._picked = self._rng.choice(self.config.streams, self.config.sequences, replace=False)
            yield self._batch(self._picked)

    def remember(self, state: State) -> None:
        """Where the streams of the last batch go on from."""
        assert self._state is not None
        index = torch.from_numpy(self._picked)
        for kept, new in zip(self._state, state, strict=True):
            kept[index.to(kept.device)] = new.to(kept.dtype)

    def statistics(self) -> dict[str, float]:
        """How often the data set was read."""
        return {"epochs": self._given / len(self._dataset)}

    def record(self) -> dict[str, Any]:
        """The next episode. Those under way are not kept: others begin in their place."""
        return {"given": self._given}

    def restore(self, record: dict[str, Any]) -> None:
        """See `Lessons.restore`."""
        self._given = record["given"]
        self._rng = np.random.default_rng([self._seed, 1, self._given])

    def close(self) -> None:
        """Nothing runs."""

    def _open(self) -> Stream:
        """The next episode in an order that is another each time around."""
        for _ in range(len(self._dataset)):
            epoch, position = divmod(self._given, len(self._dataset))
            self._given += 1
            order = np.random.default_rng([self._seed, 2, epoch]).permutation(len(self._dataset))
            episode = self._dataset[int(order[position])]
            if not (episode.about.success or self.config.failures):
                continue
            try:
                return Stream(episode, self._side, self.config, self._rng)
            except NoGoalView as error:
                LOG.warning("an episode is passed over: %s", error)
        raise DatasetError(f"{self._dataset.folder}: no episode succeeded and shows its goal")

    def _batch(self, picked: np.ndarray) -> Chunk:
        assert self._state is not None
        forget = torch.zeros(self.config.streams, dtype=torch.bool)
        for index in picked:
            if self._streams[index].over:
                self._streams[index], forget[index] = self._open(), True
        self._state = self._state.forget(forget.to(self._state.valid.device))
        streams = [self._streams[index] for index in picked]
        taken = [stream.take(self.config.steps, self._noop, self._cells) for stream in streams]
        rows = {name: torch.from_numpy(np.stack([part[name] for part in taken])) for name in taken[0]}
        return Chunk(
            images=rows["images"],
            goal_image=torch.from_numpy(np.stack([stream.goal_image for stream in streams])),
            goal_mask=torch.from_numpy(np.stack([stream.goal_mask for stream in streams])),
            event=torch.tensor([stream.event for stream in streams]),
            previous_action=rows["previous_action"].long(),
            state=self._state.rows(torch.from_numpy(picked).to(self._state.valid.device)),
            labels=Labels(
                rows["label"].long(), rows["cell"], rows["point"], rows["box"], rows["bearing"],
                rows["bearing_known"], rows["value"], rows["alive"],
            ),
        )  # fmt: skip
