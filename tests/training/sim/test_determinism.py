"""The same seeds and keys give the same frames and the same worlds, in every process.

That a GPU plays by the same rules to the last bit is shown in test_cuda.py.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("replay.py")


@pytest.fixture(scope="module")
def here() -> list[str]:
    return runpy.run_path(str(SCRIPT))["replay"](1)


def test_a_game_changes_from_tick_to_tick(here):
    assert len(set(here)) == len(here) == 60


def test_played_again_it_is_the_same_game(here):
    assert runpy.run_path(str(SCRIPT))["replay"](1) == here


@pytest.mark.parametrize(("threads", "hash_seed", "fill"), [(1, "1", "0"), (3, "4242", "170")])
def test_another_process_sees_the_same_frames_with_any_threads_hash_seed_and_memory(here, threads, hash_seed, fill):
    """fill: what the C library writes into memory that is asked for; code that reads what it never wrote shows."""
    done = subprocess.run(
        [sys.executable, SCRIPT, str(threads)],
        env=os.environ
        | {
            "PYTHONHASHSEED": hash_seed,
            "NUMBA_NUM_THREADS": "1",
            "OMP_NUM_THREADS": str(threads),
            "MALLOC_PERTURB_": fill,
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == here
