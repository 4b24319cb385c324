"""Closed-loop trials on the real graph: twin, gate, policy and automatic operator as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from xview_agent import headless
from xview_agent.trials import trial_seeds


def test_every_policy_meets_the_same_rooms_and_a_seed_gives_them_again() -> None:
    assert trial_seeds(5, 7) == trial_seeds(5, 7)
    assert trial_seeds(5, 7) != trial_seeds(5, 8)
    assert len(set(trial_seeds(50, 7))) == 50


def test_a_trial_runs_from_marking_to_verdict_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headless, "ROUNDS", headless.ROUNDS[:1])
    out = tmp_path / "trials.json"
    assert headless.run_rounds(trials=2, seed=5, difficulty="near", bundle="", out=out) == 0
    report = json.loads(out.read_text())
    assert list(report) == ["shipped"]
    row = report["shipped"]
    assert row["trials"] == 2
    assert row["first_right"] <= row["success"] <= 2
    assert len(row["seconds"]) == row["success"]
    assert all(0 < seconds <= 30 for seconds in row["seconds"])
    assert "closed-loop trials" in capfd.readouterr().out


def test_a_graph_that_cannot_start_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headless, "ROUNDS", headless.ROUNDS[:1])
    out = tmp_path / "trials.json"
    handlers = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    status = headless.run_rounds(trials=1, seed=5, difficulty="near", bundle=str(tmp_path / "none.xview"), out=out)
    assert status == 1
    assert handlers == [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    assert not out.exists()
    assert "none.xview" in capfd.readouterr().err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_operator_who_is_called_away_leaves_at_once_without_a_traceback(probe, signum: int) -> None:
    command = [sys.executable, "-m", "xview_agent.trials", "--trials", "1"]
    environment = {**os.environ, "ROS_DOMAIN_ID": str(probe.domain_id)}
    operator = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        probe.until(lambda: "operator" in probe.node.get_node_names(), "the operator's node")
        operator.send_signal(signum)
        left_s = time.monotonic()
        _, errors = operator.communicate(timeout=60)
    finally:
        operator.kill()
    assert time.monotonic() - left_s < 10.0
    assert operator.returncode == 128 + signum
    assert "Traceback" not in errors
