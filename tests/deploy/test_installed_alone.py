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


def test_its_command_answers_without_the_other_distributions(lone_python):
    assert run(lone_python, "-m", "xview_deploy.cli", "--help").startswith("usage: xview")
