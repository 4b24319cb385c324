"""What `xview train ppo` does where it runs over Ray: prepares the folder, starts or joins Ray, shows how it goes."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from xview_training import checkpoints
from xview_training.actions import actions_for
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.cluster.plan import ClusterRun
from xview_training.ppo.cluster.running import Driver, Progress, start_ray, write_reference
from xview_training.ppo.trainer import PLAIN_LINE_EVERY_S
from xview_training.runs.manifest import record_start
from xview_training.tasks.sources import source_named
from xview_training.validating import Validating


def train_on_ray(run: ClusterRun, address: str | None, start: CrossViewPolicy, resume: bool) -> None:
    """Trains to the end, from the newest checkpoint where there is one; `start` is what a new run begins with.

    ValueError where the folder holds a run that is not to be resumed, the cluster has too little for the layout, or the
    policy does not fit the suite.
    """
    actions_for(source_named(run.experiment.suite, run.experiment.randomise), start)
    Validating(run.experiment.validation, run.look, start)
    known = checkpoints.newest(run.reference) is not None
    if known and not resume:
        raise ValueError(f"{run.folder} holds a run: expected another folder for a new one, or --resume")
    newest = checkpoints.newest(run.checkpoints)
    if newest is not None:
        print(f"resuming from {newest}")
    start_ray(address, run.settings)
    record_start(run.folder, "ppo", run.experiment, newest)
    if not known:
        write_reference(run, start)
    with Shown(run) as shown:
        last = Driver(run).train(shown)
    print(f"{last.line(run)}\n{run.folder}")


class Shown:
    """The progress on the terminal, what went wrong above it; a context manager."""

    def __init__(self, run: ClusterRun):
        self._run = run
        self._console = Console()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._moving = self._console.is_terminal
        self._bar = Bar(*columns, console=self._console, refresh_per_second=1, disable=not self._moving)
        self._line = self._bar.add_task("waiting for the learner", total=None)
        self._told: set[str] = set()
        self._printed_s = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Shows it; without a terminal a line now and then."""
        for trouble in (*progress.store.complaints, *progress.troubles):
            if trouble not in self._told:
                self._told.add(trouble)
                self._console.print(trouble, markup=False, highlight=False)
        self._bar.update(self._line, description=progress.line(self._run))
        if not self._moving and time.monotonic() - self._printed_s > PLAIN_LINE_EVERY_S:
            self._printed_s = time.monotonic()
            print(progress.line(self._run), flush=True)

    def __enter__(self) -> Shown:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
