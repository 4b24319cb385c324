"""Several batches of worlds played side by side with one policy, each in its own thread, none waited for forever.

A batch whose step takes longer than its deadline has hung: what it had played is handed out, the step under way does
not count, its episodes end without a verdict and a new batch takes its place. It knows no Ray.

    groups = Groups(GroupSettings(), policy, bf16=True, make=make_rollout)
    fragments = groups.play(steps=64)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.cluster.inference import Answering, QueuedPolicy, Retired
from xview_training.ppo.cluster.settings import GroupSettings
from xview_training.ppo.fragment import Fragment
from xview_training.ppo.rollout import Rollout

LOG = logging.getLogger(__name__)
LOOK_EVERY_S = 0.05  # at who is late, while nobody asks
MakeRollout = Callable[[CrossViewPolicy, int], Rollout]  # the policy to ask, and the group's number


class Group:
    """One batch of worlds: its rollout, and the thread that plays it."""

    def __init__(self, number: int, policy: QueuedPolicy, make: MakeRollout):
        self.number, self.policy = number, policy
        self.rollout: Rollout | None = None  # made by its own thread: that takes worlds' time too
        self.fragments: list[Fragment] = []
        self.error: BaseException | None = None
        self._make = make
        self._thread: threading.Thread | None = None

    @property
    def playing(self) -> bool:
        """Its thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, steps: int, version: int) -> None:
        """Plays that many decisions in each of its worlds with the weights of that version."""
        self._thread = threading.Thread(target=self._play, args=(steps, version), daemon=True)
        self._thread.start()

    def _play(self, steps: int, version: int) -> None:
        try:
            self.rollout = self.rollout or self._make(self.policy, self.number)
            if self.rollout.version != version:
                self.rollout.refresh(version)
            for _ in range(steps):
                self.fragments += self.rollout.step()
        except Retired:
            pass
        except BaseException as error:
            self.error = error

    def hand_out(self) -> list[Fragment]:
        """The fragments that were completed since the last time."""
        fragments, self.fragments = self.fragments, []
        return fragments


class Groups:
    """Keeps the groups playing; `hung` are the reasons why some were replaced."""

    def __init__(self, settings: GroupSettings, policy: CrossViewPolicy, bf16: bool, make: MakeRollout):
        self.settings, self.policy, self.make = settings, policy.eval(), make
        self.version = 0
        self.hung: list[str] = []
        self._answering = Answering(self.policy, bf16, settings.at_once)
        self._made = 0
        self.groups = [self._new_group() for _ in range(settings.groups)]

    def play(self, steps: int) -> list[Fragment]:
        """That many decisions in every world; the fragments that they complete.

        RuntimeError where so many groups hung that the process should be replaced.
        """
        for group in self.groups:
            self._answering.answered(group.number)
            group.start(steps, self.version)
        fragments: list[Fragment] = []
        while playing := {group.number for group in self.groups if group.playing}:
            self._answering.serve(playing, LOOK_EVERY_S)
            for group in [g for g in self.groups if self._is_late(g)]:
                fragments += self._replace(group)
        for group in self.groups:
            if group.error is not None:
                raise group.error
            fragments += group.hand_out()
        return fragments

    def close(self) -> None:
        """Ends the worlds."""
        for group in self.groups:
            if group.rollout is not None:
                group.rollout.close()

    def _new_group(self) -> Group:
        self._made += 1
        return Group(self._made, self._answering.proxy(self._made), self.make)

    def _is_late(self, group: Group) -> bool:
        return group.playing and self._answering.silent_s(group.number) > self.settings.step_deadline_s

    def _replace(self, group: Group) -> list[Fragment]:
        """Gives a hung group up; what it had played."""
        group.policy.retired = True
        self.hung.append(f"group {group.number}: no step within {self.settings.step_deadline_s:g} s")
        LOG.warning(self.hung[-1])
        if len(self.hung) > self.settings.abandoned:
            raise RuntimeError(f"{len(self.hung)} groups of worlds hung, the last: {self.hung[-1]}")
        self.groups[self.groups.index(group)] = self._new_group()
        return group.hand_out() + (group.rollout.give_up() if group.rollout is not None else [])
