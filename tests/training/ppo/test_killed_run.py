"""A run in one process that is killed goes on from its newest checkpoint; no decision is counted twice."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from xview_training import checkpoints
from xview_training.runs.curve import load

DEADLINE_S = 300.0  # of a machine that others use too; alone it takes ten


def killed_after_two_checkpoints(command: list[str], run: Path, environment: dict[str, str]) -> None:
    playing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    try:
        ends = time.monotonic() + DEADLINE_S
        while len(list((run / "checkpoints").glob("step-*"))) < 2:
            assert playing.poll() is None, playing.communicate()[1]
            assert time.monotonic() < ends, "no second checkpoint in time"
            time.sleep(0.05)
    finally:
        playing.kill()  # SIGKILL
        playing.communicate()


def test_a_killed_run_goes_on_and_counts_nothing_twice(tmp_path):
    settings = ("checkpoint_every_s=0", "rollout.environments=2", "rollout.fragment=4")
    command = [sys.executable, "-m", "xview_training", "train", "ppo", "--in-process", "--experiment", "debug"]
    command += ["--suite", "twin", "--run", str(tmp_path), "--threads", "1", "--set", *settings, "--frames"]
    quiet = os.environ | {"OMP_NUM_THREADS": "1"}
    killed_after_two_checkpoints([*command, "1000000"], tmp_path, quiet)
    _, state = checkpoints.load(checkpoints.newest(tmp_path / "checkpoints"))

    end = state["global_step"] + 16
    done = subprocess.run([*command, str(end)], capture_output=True, text=True, check=False, env=quiet)
    assert done.returncode == 0, done.stderr
    rows = load(tmp_path).rows
    assert [row["iteration"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["step"] >= end
    _, after = checkpoints.load(checkpoints.newest(tmp_path / "checkpoints"))
    assert after["global_step"] == rows[-1]["step"] == after["ledger"]["decisions"]
    assert after["kl_coef"] < state["kl_coef"]
    starts = json.loads((tmp_path / "run.json").read_text())["starts"]
    assert [start["resumed_from"] for start in starts] == [None, f"step-{state['global_step']}"]
