"""Looks at held-out worlds while a run goes on, and keeps the checkpoint that succeeded most in RUN/best.

What a look is, whoever starts the run says: this knows when, and what becomes of the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xview_training.actions import actions_for
from xview_training.experiments import ValidationConfig
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.runs.best import Score, keep_best
from xview_training.tasks.sources import source_named

# Figures of a policy on held-out worlds by name, `success` and `first_right` among them.
Look = Callable[[CrossViewPolicy], dict[str, float]]


class Validating:
    """Looks wherever a run has passed another `every` steps, and at its end; never without a way to look."""

    def __init__(self, config: ValidationConfig, look: Look | None, policy: CrossViewPolicy):
        """ValueError where the policy cannot play the held-out tasks: better told now than after an hour."""
        self._config, self._look = config, look if config.every else None
        if self._look is not None:
            try:
                actions_for(source_named(config.suite), policy)
            except ValueError as error:
                raise ValueError(
                    f"validation.suite: {error}; choose another with --set validation.suite=NAME"
                ) from None

    def after(
        self, run: Path, before: int, step: int, ended: bool, policy: CrossViewPolicy, save: Callable[[], Path]
    ) -> dict[str, float]:
        """The figures under `validation_NAME` where it was time to look; none else.

        before, step: where the run stood before and after its latest iteration. save: writes its checkpoint.
        """
        config = self._config
        if self._look is None or not (ended or step // config.every > before // config.every):
            return {}
        found = self._look(policy)
        won, right = (round(found[name] * config.episodes) for name in ("success", "first_right"))
        keep_best(run, save(), Score(config.suite, config.episodes, config.seed, won, right, step))
        return {f"validation_{name}": value for name, value in found.items()}
