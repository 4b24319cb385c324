"""The deploy distribution in a virtual environment that holds nothing but what it asks for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORT_EVERYTHING = """
import importlib, pkgutil, sys, xview_deploy
for module in pkgutil.walk_packages(xview_deploy.__path__, "xview_deploy."):
    importlib.import_module(module.name)
print(sorted(set(sys.modules) & {"torch", "ray", "numba", "rclpy", "xview_training", "xview_agent"}))
"""


@pytest.fixture(scope="module")
def lone_python(tmp_path_factory):
    """The interpreter of a new environment with the deploy distribution and its dependencies."""
    folder = tmp_path_factory.mktemp("alone")
    source = shutil.copytree(
        ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    )
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*pip, *wheel], check=True, env=clean_environment())
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin/python"
    wheel = next(folder.glob("*.whl"))
    install = ["install", "--no-compile", "--constraint", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run([*pip, "--python", str(python), *install], check=True, env=clean_environment())
    yield python
    shutil.rmtree(folder)  # 700 MB


def clean_environment() -> dict[str, str]:
    """This process's environment without the traces of the one it runs in."""
    traces = ("_ROS_WHEELS", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(traces)}


def run(python: Path, *arguments: str) -> str:
    done = subprocess.run([str(python), *arguments], capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_installs_and_imports_with_neither_torch_nor_ray(lone_python):
    assert run(lone_python, "-c", IMPORT_EVERYTHING) == "[]\n"
    listing = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    installed = run(lone_python, "-c", listing).split()
    assert "xview-deploy" in installed
    assert not set(installed) & {"torch", "ray", "numba", "xview-training", "ros-rclpy"}


REPLAY = """
import cv2, numpy as np, sys
from xview_deploy.picture import encode_jpeg, encode_mask
folder = sys.argv[1]
room = np.full((240, 320, 3), 120, np.uint8)
room[100:140, 100:140] = (240, 120, 20)
writer = cv2.VideoWriter(f"{folder}/drive.avi", cv2.VideoWriter.fourcc(*"MJPG"), 20, (320, 240))
for _ in range(20):
    writer.write(room)
writer.release()
open(f"{folder}/goal.jpg", "wb").write(encode_jpeg(room))
open(f"{folder}/mask.png", "wb").write(encode_mask((room == (240, 120, 20)).all(-1)))
"""


def test_a_video_runs_through_the_shipped_policy_and_becomes_an_annotated_one(lone_python, tmp_path):
    run(lone_python, "-c", REPLAY, str(tmp_path))
    files = [str(tmp_path / name) for name in ("drive.avi", "goal.jpg", "mask.png", "out.mp4")]
    names = ("--goal", "--mask", "--out")
    options = [word for pair in zip(names, files[1:], strict=True) for word in pair]
    summary = run(lone_python, "-m", "xview_deploy.cli", "replay", files[0], *options)
    assert "8 decisions" in summary
    assert (tmp_path / "out.mp4").stat().st_size > 1000


def test_its_command_answers_without_the_other_distributions(lone_python):
    assert run(lone_python, "-m", "xview_deploy.cli", "--help").startswith("usage: xview")
