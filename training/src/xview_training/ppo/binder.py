"""Makes fragments of what was recorded: takes the rows, adds what is told of them as a whole, waits for what follows.

A fragment after which its episode goes on, or which the time limit cut, lacks the value of the next picture: it waits
for it. Knows no policy but the reference. Axis letter: N environments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xview_training.envs.crossview import CrossViewEnvs
from xview_training.ppo.fragment import Fragment, Kind, Outcome
from xview_training.ppo.recorder import Recorder
from xview_training.ppo.reference import Reference
from xview_training.ppo.stopwatch import Stopwatch
from xview_training.ppo.truth import KNOWN
from xview_training.tasks import rules


class Binder:
    """Beside a recorder; it also numbers the episodes."""

    def __init__(
        self,
        envs: CrossViewEnvs,
        recorder: Recorder,
        reference: Reference,
        stopwatch: Stopwatch,
        book: Callable[[Kind, Outcome], None],
    ):
        """book: told of every episode that has ended, once."""
        self._envs, self._recorder, self._reference = envs, recorder, reference
        self._stopwatch, self._book = stopwatch, book
        self._waiting: list[tuple[int, dict[str, Any]]] = []  # slots and fragments that lack their bootstrap
        self._played = np.zeros(len(envs), np.int64)  # decisions of the episode
        self._episode = np.zeros(len(envs), np.int64)
        self.episodes = 0  # that were begun

    @property
    def waits(self) -> bool:
        """Some fragments lack what follows."""
        return bool(self._waiting)

    def free(self) -> np.ndarray:
        """int64: slots whose episode is over and whose last fragment waits for nothing."""
        kept = {slot for slot, _ in self._waiting}
        return np.array([slot for slot in np.flatnonzero(self._envs.done) if slot not in kept], np.int64)

    def begin(self, slots: np.ndarray) -> None:
        """New episodes."""
        self._played[slots] = 0
        self._episode[slots] = np.arange(self.episodes, self.episodes + len(slots))
        self.episodes += len(slots)

    def close(self, slots: np.ndarray, version: int) -> list[Fragment]:
        """Takes these slots' fragments; those after which nothing comes are finished, the others wait.

        version: of the weights that chose their last actions.
        """
        if len(slots) == 0:
            return []
        logits = self._reference_logits(slots)
        with self._stopwatch("store"):
            return self._taken(slots, logits, version)

    def settle(self, values: np.ndarray, known: np.ndarray) -> list[Fragment]:
        """Fragments that waited for the picture after them: its value (N,), and what a critic is told (N, KNOWN)."""
        finished = [
            Fragment(**fields, next_value=float(values[slot]), next_insight=known[slot].copy())
            for slot, fields in self._waiting
        ]
        self._waiting = []
        return finished

    def give_up(self, version: int) -> list[Fragment]:
        """What was recorded of worlds that answer no more, less the decision under way, which never came back.

        Its value is the bootstrap of those before it. No episode has ended with this.
        """
        slots = np.flatnonzero(self._recorder.length > 1)
        next_value, next_insight = self._recorder.drop_last(slots)
        logits = self._reference_logits(slots)
        unended = {"terminated": False, "truncated": False, "outcome": None}
        return [
            Fragment(
                **self._recorder.take(int(slot)),
                **(self._about(int(slot), version) | unended),
                reference_logits=logits[int(slot)],
                next_value=float(value),
                next_insight=insight,
            )
            for slot, value, insight in zip(slots, next_value, next_insight, strict=True)
        ]

    def _taken(self, slots: np.ndarray, logits: dict[int, np.ndarray], version: int) -> list[Fragment]:
        finished = []
        for slot in map(int, slots):
            fields = self._recorder.take(slot) | {"reference_logits": logits[slot]} | self._about(slot, version)
            self._played[slot] += len(fields["action"])
            if fields["terminated"]:
                finished.append(Fragment(**fields, next_value=0.0, next_insight=np.zeros(KNOWN, np.float32)))
            else:
                self._waiting.append((slot, fields))
            if fields["outcome"]:
                self._book(fields["kind"], fields["outcome"])
        return finished

    def _reference_logits(self, slots: np.ndarray) -> dict[int, np.ndarray]:
        """By slot, float16 (T, A); slots whose fragments are equally long are read together."""
        record, event = self._recorder, self._envs.observation.event
        found: dict[int, np.ndarray] = {}
        with self._stopwatch("reference"):
            for steps in np.unique(record.length[slots]):
                same = slots[record.length[slots] == steps]
                seen, previous = record.seen[same, :steps], record.previous_action[same, :steps]
                logits = self._reference.read(same, seen, event[same], previous)
                found |= {int(slot): rows for slot, rows in zip(same, logits, strict=True)}
        return found

    def _about(self, slot: int, version: int) -> dict[str, Any]:
        """A fragment's fields that are no rows: goal, kind, how it ended."""
        envs = self._envs
        seen, task, episode = envs.observation, envs.tasks[slot], envs.episode[slot]
        assert task is not None
        over = bool(envs.done[slot])
        outcome = Outcome(
            success=bool(episode[rules.SUCCESS]),
            first_right=bool(episode[rules.FIRST] == rules.TARGET_FIRST),
            first_wrong=bool(episode[rules.FIRST] == rules.DISTRACTOR_FIRST),
            ticks=int(episode[rules.TICKS]),
        )
        return {
            "goal_image": seen.goal_image[slot].copy(),
            "goal_mask": seen.goal_mask[slot].copy(),
            "event": int(seen.event[slot]),
            "terminated": over and bool(envs.terminated[slot]),
            "truncated": over and not bool(envs.terminated[slot]),
            "policy_version": version,
            "kind": Kind(
                task.world.place, task.event.value, task.difficulty, bool(task.visible_at_start), bool(task.strict)
            ),
            "task_id": task.task_id,
            "episode": int(self._episode[slot]),
            "start": int(self._played[slot]),
            "outcome": outcome if over else None,
        }
