"""Expert demonstrations straight to disk: N environments at a time, each episode written when it ends.

Pictures are encoded as they are seen, so memory holds N encoded episodes and no more. An episode is one task of the
suite; one that is in the data set already is not played again, so a recording that was stopped goes on.

    record(DemonstrationConfig(episodes=1000), source_named("train-v1"), Path("demonstrations"))
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from xview_deploy.preprocessing import squeeze_mask

from xview_training.datasets.dataset import Manifest
from xview_training.datasets.pictures import encode_picture
from xview_training.datasets.recording import COLUMNS, About, Recording
from xview_training.datasets.writer import DatasetWriter
from xview_training.envs.crossview import CrossViewEnvs
from xview_training.envs.task_batch import assign_or_tell
from xview_training.imitation.bursts import Bursts
from xview_training.imitation.expert import Expert
from xview_training.imitation.labelling import sight_of
from xview_training.sim.worlds import GENERATION
from xview_training.tasks import rules
from xview_training.tasks.events import table_for
from xview_training.tasks.sources import TaskSource

Progress = Callable[[int, int], None]  # told episodes done, and of how many


@dataclasses.dataclass(frozen=True)
class DemonstrationConfig:
    """What to record."""

    episodes: int  # tasks 0 to episodes - 1 of the suite
    image_size: int = 64
    encoding: str = "png"
    environments: int = 32  # N
    threads: int = 2
    burst_probability: float = 0.05  # a decision, see imitation/bursts.py
    seed: int = 0  # of the pushes


class Take:
    """One environment's episode while it is played."""

    def __init__(self, envs: CrossViewEnvs, slot: int, encoding: str, source: str) -> None:
        self._envs, self._slot, self._encoding, self._source = envs, slot, encoding, source
        self._goal = encode_picture(envs.observation.goal_image[slot], encoding)
        self._goal_mask = envs.observation.goal_mask[slot].astype(bool)
        self._pictures: list[bytes] = []
        self._masks: list[np.ndarray] = []
        self._rows: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}

    def add(self, row: dict[str, np.ndarray]) -> None:
        """Takes the present frame, and what there is to say of it."""
        envs, slot = self._envs, self._slot
        self._pictures.append(encode_picture(envs.observation.image[slot], self._encoding))
        shown = envs.sim.ids[slot] == envs.target_id[slot]
        empty = np.zeros((envs.image_size, envs.image_size), np.uint8)
        self._masks.append(squeeze_mask(shown, envs.image_size) if shown.any() else empty)
        for name, values in row.items():
            self._rows[name].append(values[slot])

    def recording(self) -> Recording:
        """The episode, which has ended."""
        envs, slot = self._envs, self._slot
        task = envs.tasks[slot]
        assert task is not None
        success = bool(envs.episode[slot, rules.SUCCESS])
        last = len(self._pictures) - 1
        return Recording(
            about=About(self._source, task.event.asked.value, 0, last, success, task.to_json()),
            pictures=tuple(self._pictures),
            columns={name: np.array(rows, COLUMNS[name][0]) for name, rows in self._rows.items()},
            masks=np.stack(self._masks).astype(bool),
            goal_picture=self._goal,
            goal_mask=self._goal_mask,
        )


def record(config: DemonstrationConfig, suite: TaskSource, folder: Path, progress: Progress | None = None) -> int:
    """Adds what is missing of the suite's first episodes to the data set there; returns how many were added.

    ValueError where the folder holds another kind of data set, or one that is damaged.
    """
    if not 1 <= config.episodes <= suite.size:
        raise ValueError(f"episodes: expected 1 to {suite.size}, the size of suite {suite.name}, got {config.episodes}")
    actions = table_for(suite.events)
    manifest = Manifest(suite.title, config.image_size, actions, config.encoding, GENERATION)
    with DatasetWriter(folder, manifest) as writer:
        wanted = [index for index in range(config.episodes) if suite.task_id(index) not in writer.there]
        envs = CrossViewEnvs(min(config.environments, max(len(wanted), 1)), config.image_size, config.threads, actions)
        try:
            for episode in _play(config, suite, envs, wanted):
                writer.add(episode)
                if progress is not None:
                    progress(writer.episodes, len(wanted))
        finally:
            envs.close()
    return writer.episodes


def _play(
    config: DemonstrationConfig, suite: TaskSource, envs: CrossViewEnvs, wanted: list[int]
) -> Iterator[Recording]:
    """Plays these tasks; an episode comes when it is over."""
    expert, rng = Expert(envs), np.random.default_rng(config.seed)
    bursts = Bursts(len(envs), config.burst_probability, len(envs.actions.camera_deg), rng)
    waiting = iter(wanted)
    takes: dict[int, Take] = {}
    while True:
        for slot in [slot for slot in takes if envs.done[slot]]:
            yield takes.pop(slot).recording()
        free = [slot for slot in range(len(envs)) if slot not in takes]
        given = dict(zip(free, waiting, strict=False))
        if given:
            slots = np.array(list(given), np.int64)
            for slot in assign_or_tell(envs, slots, (suite.request(index) for index in given.values())):
                del given[int(slot)]
            expert.forget(slots)
            takes |= {s: Take(envs, s, config.encoding, suite.task_id(index)) for s, index in given.items()}
        elif not takes:
            return  # nothing is left to give
        if takes:
            _advance(envs, expert, bursts, takes)


def _advance(envs: CrossViewEnvs, expert: Expert, bursts: Bursts, takes: dict[int, Take]) -> None:
    """One decision of every episode under way, its frame taken before."""
    expert.label(np.array(sorted(takes)))
    actions = bursts.over(expert.actions)
    row = {"action": actions, "label": expert.actions, "value": expert.values} | sight_of(envs, expert)._asdict()
    for take in takes.values():
        take.add(row)
    envs.step(actions)
    bursts.advance()
