"""What `xview train ppo` does where it runs over Ray: prepares the folder, starts or joins Ray, shows how it goes."""

from __future__ import annotations

from xview_training import checkpoints
from xview_training.actions import actions_for
from xview_training.policy.cross_view import CrossViewPolicy
from xview_training.ppo.cluster.plan import ClusterRun
from xview_training.ppo.cluster.running import Driver, Progress, start_ray, write_reference
from xview_training.runs.line import Line
from xview_training.runs.manifest import record_start
from xview_training.tasks.sources import source_named
from xview_training.validating import Validating


def train_on_ray(run: ClusterRun, address: str | None, start: CrossViewPolicy, new: bool) -> None:
    """Trains to the end, from the newest checkpoint where there is one; `start` is what a new run begins with.

    new: nothing is gone on from. ValueError where the folder holds a run then, the cluster has too little for the
    layout, or the policy does not fit the suite.
    """
    actions_for(source_named(run.experiment.suite, run.experiment.randomise), start)
    Validating(run.experiment.validation, run.experiment.randomise, run.look, start)
    known = checkpoints.newest(run.reference) is not None
    if known and new:
        raise ValueError(f"{run.folder} holds a run: expected another folder for a new one, or --resume auto")
    newest = checkpoints.newest(run.checkpoints)
    if newest is not None:
        print(f"resuming from {newest}")
    start_ray(address, run.settings)
    if not known:
        write_reference(run, start)  # first, for it is what tells a run over Ray from one in process
    record_start(run.folder, "ppo", run.experiment, newest)
    with Shown(run) as shown:
        last = Driver(run).train(shown)
    print(f"{last.line(run)}\n{run.folder}")


class Shown:
    """The progress on the terminal, what went wrong above it; a context manager."""

    def __init__(self, run: ClusterRun):
        self._run = run
        self._line = Line("waiting for index, places and learners")
        self._told: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        """Shows it."""
        for trouble in (*progress.store.complaints, *progress.troubles):
            if trouble not in self._told:
                self._told.add(trouble)
                self._line.above(trouble)
        self._line.show(progress.line(self._run))

    def __enter__(self) -> Shown:
        self._line.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._line.__exit__(*exception)
