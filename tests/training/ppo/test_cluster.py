"""A run over a real Ray goes on where its processes are killed in the middle, and counts every decision once."""

import dataclasses
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from xview_training import checkpoints
from xview_training.policy.architectures import build
from xview_training.ppo.experiments import EXPERIMENTS
from xview_training.ppo.fragment_files import SUFFIX

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

from xview_training.ppo.cluster.actors import ask_first, hosted  # noqa: E402
from xview_training.ppo.cluster.plan import ClusterRun  # noqa: E402
from xview_training.ppo.cluster.running import Driver, Progress, start_ray, write_reference  # noqa: E402
from xview_training.ppo.cluster.settings import ClusterSettings, GroupSettings  # noqa: E402

WITHIN_S = 240.0  # on a machine that others use too; alone it takes seconds
SETTINGS = ClusterSettings(batch=8, groups=GroupSettings(groups=2), scan_every_s=5.0)
EXPERIMENT = dataclasses.replace(
    EXPERIMENTS["debug"],
    frames=10**9,
    checkpoint_every_s=0.0,
    rollout=dataclasses.replace(EXPERIMENTS["debug"].rollout, environments=4, threads=1),
)


class RunningRun:
    """A run under way in a thread of its own, as others look at it."""

    def __init__(self, run: ClusterRun):
        self.run = run
        self.latest: Progress | None = None
        self.changed = threading.Condition()
        self.stop = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._train, daemon=True)
        self._thread.start()

    def _train(self) -> None:
        try:
            Driver(self.run).train(self._look)
        except Stopped:
            pass
        except BaseException as error:
            self.error = error
            with self.changed:
                self.changed.notify_all()

    def _look(self, progress: Progress) -> None:
        with self.changed:
            self.latest = progress
            self.changed.notify_all()
        if self.stop:
            raise Stopped

    def until(self, happened: Callable[[Progress], bool]) -> Progress:
        """The first look of which this is so."""

        def so() -> bool:
            return self.error is not None or (self.latest is not None and happened(self.latest))

        with self.changed:
            assert self.changed.wait_for(so, WITHIN_S), f"not within {WITHIN_S} s: {self.latest}"
        if self.error is not None:
            raise self.error
        assert self.latest is not None
        return self.latest

    def end(self) -> None:
        self.stop = True
        self._thread.join(WITHIN_S)


class Stopped(Exception):
    """The test has seen enough."""


@pytest.fixture(scope="module")
def local_ray():
    """Ray on this machine, for all tests here."""
    before = dict(os.environ)
    os.environ["RAY_TRAIN_HEALTH_CHECK_INTERVAL_S"] = "0.2"
    start_ray(None, SETTINGS)
    yield
    ray.shutdown()
    os.environ.clear()
    os.environ.update(before)


def new_run(folder: Path, settings: ClusterSettings = SETTINGS) -> ClusterRun:
    run = ClusterRun(EXPERIMENT, settings, folder)
    torch.manual_seed(0)
    write_reference(run, build(EXPERIMENT.policy))
    return run


@pytest.fixture(scope="module")
def running(local_ray, tmp_path_factory):
    """One run that has begun to learn; it is killed here and there."""
    run = RunningRun(new_run(tmp_path_factory.mktemp("run")))
    run.until(lambda progress: progress.trained > 0)
    yield run
    run.end()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def steps(run: ClusterRun) -> list[int]:
    lines = (run.folder / "progress.jsonl").read_text().splitlines()
    return [json.loads(line)["step"] for line in lines if line.endswith("}")]


def assert_counted_once(run: ClusterRun) -> None:
    """Read off the journal, without the index: nothing was handed out twice, and the sums are right."""
    lines = (run.fragments / "journal.jsonl").read_bytes().splitlines()
    entries = [json.loads(line.partition(b" ")[2]) for line in lines if line.endswith(b"}")]
    added = [record for entry in entries if entry["do"] == "add" for record in entry["records"]]
    assert len({record[0] for record in added}) == len(added)
    taken = [id for entry in entries if entry["do"] == "take" for id in entry["ids"]]
    assert taken
    assert len(set(taken)) == len(taken)


def assert_whole(progress: Progress) -> None:
    counts = progress.store.counts
    assert counts.added == counts.waiting + counts.used + counts.stale + counts.damaged
    assert counts.uses == counts.used, "reuse is 1"
    assert counts.trained + counts.lost == counts.uses
    assert counts.damaged_files == 0


def test_a_killed_rollout_comes_back_and_the_run_goes_on(running):
    before = running.until(lambda progress: progress.pids.get("rollout0", 0) > 0)
    pid = before.pids["rollout0"]
    kill(pid)
    dead = running.until(lambda progress: progress.restarts["rollouts"] > before.restarts["rollouts"])
    after = running.until(
        lambda progress: progress.pids["rollout0"] != pid and progress.trained > dead.trained + 3 * 64
    )
    assert after.restarts["learner"] == before.restarts["learner"]
    assert_whole(after)
    assert_counted_once(running.run)


def test_a_killed_index_goes_on_where_it_stopped(running):
    before = running.until(lambda progress: progress.trained > 0)
    pid = before.pids["index"]
    kill(pid)
    after = running.until(lambda progress: progress.pids["index"] != pid and progress.trained > before.trained + 128)
    assert after.restarts["index"] == before.restarts["index"] + 1
    assert after.restarts["learner"] == before.restarts["learner"]
    assert after.store.counts.added > before.store.counts.added
    assert_whole(after)
    assert_counted_once(running.run)


def test_a_killed_learner_resumes_from_its_checkpoint_and_the_curve_joins(running):
    before = running.until(lambda progress: progress.pids["learner"] > 0 and progress.trained > 0)
    kill(before.pids["learner"])
    back = running.until(lambda progress: progress.restarts["learner"] > before.restarts["learner"])
    after = running.until(lambda progress: progress.trained > before.trained + 128 and progress.version > back.version)
    assert after.restarts["rollouts"] == before.restarts["rollouts"], "rollouts did not die with it"
    assert after.version > before.version, "weights of a lost line never carry the number of newer ones"
    assert_whole(after)
    assert_counted_once(running.run)
    logged = steps(running.run)
    assert logged == sorted(set(logged)), "every step once, rising"
    newest = checkpoints.newest(running.run.checkpoints)
    assert newest is not None
    _, state = checkpoints.load(newest)
    assert state["global_step"] in logged


def test_killed_weights_come_back_with_the_next_version(running):
    before = running.until(lambda progress: progress.trained > 0)
    pid = before.pids["weights"]
    kill(pid)
    after = running.until(lambda progress: progress.pids["weights"] != pid and progress.trained > before.trained + 128)
    assert after.restarts["weights"] == before.restarts["weights"] + 1
    assert after.version > before.version
    assert_whole(after)


def test_a_stopped_run_goes_on_and_ends(running, local_ray):
    running.end()
    run = running.run
    newest = checkpoints.newest(run.checkpoints)
    assert newest is not None
    trained = int(newest.name.removeprefix("step-"))
    ended = Driver(dataclasses.replace(run, experiment=dataclasses.replace(run.experiment, frames=trained + 100)))
    progress = ended.train(lambda _: None)
    assert trained + 100 <= progress.trained < trained + 100 + 2 * 64
    assert_whole(progress)
    assert_counted_once(run)
    assert steps(run)[-1] == progress.trained
    assert not list(run.fragments.glob(f".*{SUFFIX}.partial"))


def test_of_two_learners_one_is_killed_and_both_go_on_from_the_checkpoint(running, local_ray, tmp_path):
    running.end()  # its places are needed
    two = RunningRun(new_run(tmp_path, dataclasses.replace(SETTINGS, learners=2, learner_cpus=0.5)))
    before = two.until(lambda progress: progress.trained > 0)
    kill(before.pids["learner"])
    back = two.until(lambda progress: progress.restarts["learner"] > 0)
    after = two.until(lambda progress: progress.trained > before.trained + 128 and progress.version > back.version)
    two.end()
    assert after.restarts["learner"] == 1
    assert_whole(after)
    assert_counted_once(two.run)
    assert steps(two.run) == sorted(set(steps(two.run)))


def test_a_cluster_that_is_too_small_is_told(local_ray):
    with pytest.raises(ValueError, match="the run reserves 101 CPU, the cluster has 2"):
        start_ray(None, ClusterSettings(rollouts=100))
    with pytest.raises(ValueError, match="the run reserves 1 GPU, the cluster has 0"):
        start_ray(None, ClusterSettings(learner_gpus=1, learner_cpus=0))


class Refusing:
    """Hosts what cannot begin, as the index of a journal that another run keeps."""

    def __init__(self, folder: Path):
        raise ValueError(f"{folder}: another process keeps this journal")

    def status(self) -> None: ...


def test_an_index_that_cannot_begin_says_why_in_one_line(local_ray, tmp_path):
    index = hosted("refusing", Refusing, tmp_path)
    with pytest.raises(ValueError, match=f"^{tmp_path}: another process keeps this journal$"):
        ask_first(index.status.remote)


def test_what_learners_and_groups_cannot_share_is_refused(tmp_path):
    for settings in (ClusterSettings(learners=2, batch=7), ClusterSettings(groups=GroupSettings(groups=3))):
        with pytest.raises(ValueError, match="share evenly"):
            ClusterRun(EXPERIMENT, settings, tmp_path)
    with pytest.raises(ValueError, match="absolute path"):
        ClusterRun(EXPERIMENT, SETTINGS, Path("here"))
