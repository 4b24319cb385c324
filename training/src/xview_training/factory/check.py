"""Whether tasks of a file can be done: the expert plays a random sample of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from xview_deploy.trials.intervals import Rate, wilson

from xview_training.evaluation.episodes import Episode, Selection, play
from xview_training.evaluation.players import ExpertPlayer
from xview_training.evaluation.table import table_rows
from xview_training.tasks.events import table_for
from xview_training.tasks.files import TaskFile


@dataclasses.dataclass(frozen=True)
class Check:
    """What the expert made of a sample."""

    episodes: list[Episode]

    @property
    def success(self) -> Rate:
        """Share of the tasks that it did, with the 95 % Wilson interval."""
        return wilson(sum(episode.success for episode in self.episodes), len(self.episodes))

    @property
    def failures(self) -> list[dict[str, str]]:
        """The tasks that it did not do, and how they ended."""
        return [
            {
                "task_id": episode.task_id,
                "event": episode.event,
                "difficulty": episode.difficulty,
                "ended": "it died" if episode.died else "its time ran out",
            }
            for episode in self.episodes
            if not episode.success
        ]

    def as_json(self) -> dict[str, Any]:
        """Rate, interval, table and failures."""
        rate = self.success
        return {
            "sample": len(self.episodes),
            "success_rate": rate.rate,
            "success_interval": [rate.low, rate.high],
            "table": table_rows(self.episodes),
            "failures": self.failures,
        }


def check(file: TaskFile, sample: int, seed: int = 0) -> Check:
    """Has the expert play `sample` random tasks of the file, or all where it has fewer."""
    selection = Selection(file, min(sample, file.size), seed)
    return Check(play(ExpertPlayer(table_for(file.events)), selection))
