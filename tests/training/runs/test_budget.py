"""Runs end by frames, by the clock or by the processor's work, and go on counting where they stopped."""

import dataclasses
import threading
import time

import pytest
from xview_training.experiments import ImitationExperiment
from xview_training.ppo.experiments import ppo_experiment_named
from xview_training.runs.budget import Spending, share_done


def experiment(**limits):
    return ImitationExperiment("budget", **limits)


def test_what_ends_first_is_what_counts():
    assert share_done(experiment(frames=1000), 250, 1e9, 1e9) == 0.25
    assert share_done(experiment(frames=1000, minutes=2), 250, 90.0, 1e9) == 0.75
    assert share_done(experiment(minutes=2, core_minutes=4), 250, 30.0, 120.0) == 0.5
    assert share_done(experiment(core_minutes=1), 0, 0.0, 90.0) == 1.0


def test_a_run_without_an_end_is_refused():
    with pytest.raises(ValueError, match="frames, minutes or core_minutes above 0"):
        experiment()
    with pytest.raises(ValueError, match="after a number of frames"):
        dataclasses.replace(ppo_experiment_named("debug"), deterministic=True, core_minutes=1.0)


def busy_until(end_s):
    while time.process_time() < end_s:
        pass


def test_waiting_costs_no_work_and_every_threads_work_counts():
    spent = Spending()
    with spent:
        threading.Event().wait(0.05)
    assert spent.seconds >= 0.05
    assert spent.core_seconds < spent.seconds
    waited, began = spent.core_seconds, time.process_time()
    with spent:
        workers = [threading.Thread(target=busy_until, args=(began + 0.2,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert spent.core_seconds - waited == pytest.approx(0.2, abs=0.1)


def test_another_session_goes_on_counting_and_an_older_run_knows_no_cores():
    first, second = Spending(), Spending()
    first.seconds, first.core_seconds = 12.0, 20.0
    second.restore(first.record())
    assert (second.seconds, second.core_seconds) == (12.0, 20.0)
    second.restore({"seconds": 5.0})
    assert (second.seconds, second.core_seconds) == (5.0, 0.0)
