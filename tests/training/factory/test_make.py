"""A file of tasks is a function of suite, seed and count: not of the workers, nor of who killed the run when."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from xview_training.factory import report
from xview_training.factory.candidates import OUTCOME
from xview_training.factory.intake import Intake
from xview_training.factory.journal import Journal
from xview_training.factory.make import Order, Work, make
from xview_training.tasks import synthesis
from xview_training.tasks.files import TaskFile
from xview_training.tasks.rejections import Rejection
from xview_training.tasks.suites import SUITES, suite_named
from xview_training.tasks.synthesis import Synthesiser

SUITE = suite_named("train-v1")
COUNT, BLOCK = 24, 4
DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A file that one process made without a stop."""
    path = tmp_path_factory.mktemp("whole") / "whole.xvt"
    make(Order(SUITE, COUNT), path, Work(1, BLOCK))
    return path


def test_two_workers_make_the_same_bytes_as_one(whole, tmp_path):
    make(Order(SUITE, COUNT), tmp_path / "two.xvt", Work(2, BLOCK))
    assert (tmp_path / "two.xvt").read_bytes() == whole.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["two.xvt"]


LONG_RUN = """
import sys
from pathlib import Path
from xview_training.factory.make import Order, Work, make
from xview_training.tasks.suites import suite_named
if __name__ == "__main__":
    make(Order(suite_named("train-v1"), 5000), Path(sys.argv[1]), Work(2, 4))
"""


def wait_until(what, process) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not what():
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds its workers in Linux's /proc")
def test_a_run_that_is_killed_goes_on_to_the_same_bytes_and_leaves_no_worker_behind(whole, tmp_path):
    script, path, journal = tmp_path / "run.py", tmp_path / "killed.xvt", tmp_path / "killed.xvt.journal"
    script.write_text(LONG_RUN)
    with subprocess.Popen([sys.executable, script, path]) as process:
        wait_until(lambda: journal.exists() and journal.stat().st_size > 3 * BLOCK * OUTCOME.itemsize, process)
        workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(process.pid, signal.SIGKILL)
    assert len(workers) >= 2
    deadline = time.monotonic() + DEADLINE_S
    while any(is_running(int(pid)) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not path.exists()
    made = make(Order(SUITE, COUNT), path, Work(1, BLOCK))
    assert made.continued >= 2 * BLOCK
    assert path.read_bytes() == whole.read_bytes()
    assert not journal.exists()


def test_a_torn_or_damaged_end_of_the_journal_is_made_again(whole, tmp_path):
    made = make(Order(SUITE, COUNT), tmp_path / "a.xvt", Work(1, BLOCK), watch=lambda intake: keep(tmp_path, intake))
    kept = sorted(tmp_path.glob("kept-*"), key=lambda file: file.stat().st_size)
    assert len(kept) >= 3
    torn, flipped = kept[-1].read_bytes()[:-7], bytearray(kept[-1].read_bytes())
    flipped[-7] ^= 1
    for content in (torn, bytes(flipped)):
        (tmp_path / "b.xvt.journal").write_bytes(content)
        again = make(Order(SUITE, COUNT), tmp_path / "b.xvt", Work(1, BLOCK))
        assert BLOCK <= again.continued < made.candidates
        assert again.rejected == made.rejected
        assert (tmp_path / "b.xvt").read_bytes() == whole.read_bytes()


def keep(folder: Path, intake: Intake) -> None:
    (folder / f"kept-{intake.candidates}").write_bytes((folder / "a.xvt.journal").read_bytes())


@pytest.mark.parametrize("change", [{"seed": 1}, {"suite": suite_named("heldout-v1")}, {"block": BLOCK + 1}])
def test_another_run_s_journal_is_not_continued(tmp_path, change):
    run = {"suite": SUITE, "seed": 0, "block": BLOCK}
    Journal(tmp_path / "j", **run).close()
    Journal(tmp_path / "j", **run).close()
    with pytest.raises(ValueError, match=r"is of another run, which made other tasks .* remove it"):
        Journal(tmp_path / "j", **run | change)


def test_a_file_s_tasks_are_those_of_its_suite_in_worlds_of_their_own(whole, new_sim):
    file, maker = TaskFile.open(whole), Synthesiser(new_sim(side=8))
    order = Order(SUITE, COUNT).candidates()
    tasks = [file[index] for index in range(COUNT)]
    assert [int(task.task_id.rpartition("-")[2]) for task in tasks] == order[:COUNT].tolist()
    assert maker.make(0, SUITE, int(order[3])) == tasks[3]
    assert len({task.world.seed for task in tasks}) == COUNT
    assert report.duplicates(file) == 0


def test_another_seed_makes_other_tasks_and_a_longer_file_begins_with_the_shorter():
    suite = suite_named("heldout-v1")
    one, other = Order(suite, 1000, 0).candidates(), Order(suite, 1000, 1).candidates()
    assert len(np.intersect1d(one[:1000], other[:1000])) < 10
    assert (Order(suite, 5).candidates() == one).all()


def outcome(world: int | None, rejected: int = 0) -> np.ndarray:
    made = np.zeros(1, OUTCOME)
    made["rejected"][:, 0] = rejected
    if world is not None:
        made["made"], made["task"]["world_seed"] = True, SUITE.first_seed + world
    return made


def test_the_intake_takes_each_world_once_counts_why_not_and_ends_with_the_last_one_wanted():
    intake = Intake(SUITE, 3)
    taken = intake.take(np.concatenate([outcome(5), outcome(5), outcome(None, 2), outcome(6)]))
    assert (taken["world_seed"] - SUITE.first_seed).tolist() == [5, 6]
    assert not intake.full
    taken = intake.take(np.concatenate([outcome(9, 1), outcome(10, 100)]))
    assert (taken["world_seed"] - SUITE.first_seed).tolist() == [9]
    assert intake.full
    assert (intake.candidates, intake.made) == (5, 3)
    assert intake.rejected[Rejection.WORLD_TAKEN] == 1
    assert intake.rejected[next(iter(Rejection))] == 3


def test_a_suite_that_runs_out_says_so_and_its_rejections_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(synthesis, "ATTEMPTS", 2)
    blind = dataclasses.replace(SUITES["robot"], min_goal_pixels=4097, size=8)
    seen: list[Intake] = []
    with pytest.raises(ValueError, match="suite robot gave 0 tasks out of 8 candidates, 3 were asked for"):
        make(Order(blind, 3), tmp_path / "none.xvt", Work(1, BLOCK), seen.append)
    assert seen[-1].rejected[Rejection.NO_WORLD] == 8
    assert seen[-1].rejected[Rejection.NO_GOAL_VIEW] >= 8
    assert not (tmp_path / "none.xvt").exists()


@pytest.mark.parametrize(
    ("count", "seed", "said"), [(0, 0, "count: expected 1 to"), (10**8, 0, "got 100000000"), (1, -1, "seed")]
)
def test_orders_that_cannot_be_met_are_refused(count, seed, said):
    with pytest.raises(ValueError, match=said):
        Order(SUITE, count, seed)


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="workers: expected at least 1, got 0"):
        Work(0)
