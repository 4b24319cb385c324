"""Training runs from the source folder, with nothing of the project installed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_training_commands_run_from_the_source_folder(tmp_path):
    sources = os.pathsep.join(str(ROOT / folder) for folder in ("training/src", "deploy/src"))
    done = subprocess.run(
        [sys.executable, "-m", "xview_training", "train", "ppo", "--help"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": sources}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--in-process" in done.stdout
