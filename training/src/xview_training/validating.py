"""Looks at held-out worlds while a run goes on, and keeps the checkpoint that succeeded most in RUN/best.

What a look is, whoever starts the run says: this knows when, at which tasks, and what becomes of the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xview_training.actions import actions_for
from xview_training.experiments import ValidationConfig
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.runs.best import Score, keep_best, log_score, narrowed, unplayed_best
from xview_training.tasks.sources import TaskSource, source_named
from xview_training.tasks.suites import SUITES
from xview_training.trained import load_policy

# Figures of a policy on held-out worlds by name, `success` and `first_right` among them.
Look = Callable[[CrossViewPolicy], dict[str, float]]


def held_out_tasks(config: ValidationConfig, randomise: bool) -> TaskSource:
    """What is looked at, by the run's bodies. ValueError where there is no such suite or file."""
    return source_named(config.suite, _draws_bodies(config, randomise))


def _draws_bodies(config: ValidationConfig, randomise: bool) -> bool:
    """As the run does; a file's tasks say themselves whose body acts."""
    return randomise or config.suite not in SUITES


class Validating:
    """Looks wherever a run has passed another `every` steps, and at its end; never without a way to look."""

    def __init__(self, config: ValidationConfig, randomise: bool, look: Look | None, policy: CrossViewPolicy):
        """randomise: whether the run draws bodies. ValueError where the policy cannot play the held-out tasks: better
        told now than after an hour.
        """
        self._config, self._look = config, look if config.every else None
        self._suite = narrowed(config.suite, randomise=_draws_bodies(config, randomise))
        if self._look is not None:
            try:
                actions_for(held_out_tasks(config, randomise), policy)
            except ValueError as error:
                raise ValueError(
                    f"validation.suite: {error}; choose another with --set validation.suite=NAME"
                ) from None

    def after(
        self, run: Path, before: int, step: int, ended: bool, policy: CrossViewPolicy, save: Callable[[], Path]
    ) -> dict[str, float]:
        """The figures under `validation_NAME` where it was time to look; none else.

        before, step: where the run stood before and after its latest iteration. save: writes its checkpoint. A best one
        that was not looked at on these tasks is, first: only a better one takes its place.
        """
        config = self._config
        if self._look is None or not (ended or step // config.every > before // config.every):
            return {}
        found = self._look(policy)
        score = self._score(found, step)
        best = unplayed_best(run, score.tasks)
        if best is not None:
            held, state = load_policy(best)
            held.eval().to(next(policy.parameters()).device)
            log_score(run, self._score(self._look(held), state["global_step"]))
        keep_best(run, save(), score)
        return {f"validation_{name}": value for name, value in found.items()}

    def _score(self, found: dict[str, float], step: int) -> Score:
        config = self._config
        won, right = (round(found[name] * config.episodes) for name in ("success", "first_right"))
        return Score(self._suite, config.episodes, config.seed, won, right, step)
