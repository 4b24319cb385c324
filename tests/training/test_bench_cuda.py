"""`xview bench sim --device cuda` runs to its end, in Numba's CUDA simulator where there is no GPU."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("numba.cuda.core", reason="needs numba-cuda, the extra `cuda`")


def test_the_command_measures_whole_steps_with_the_shares_of_drawing_and_rules(tmp_path):
    out = tmp_path / "figures.json"
    options = ("--device", "cuda", "--environments", "1", "--size", "2", "--seconds", "0", "--json", str(out))
    done = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-m", "xview_training", "bench", "sim", *options],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(out.read_text())
    assert (figures["environments"], figures["size"]) == (1, 2)
    assert figures["steps_per_second"] > 0
    assert figures["rendering_share"] > 0
    assert figures["rules_share"] > 0
    assert "MiB a world" in done.stdout
