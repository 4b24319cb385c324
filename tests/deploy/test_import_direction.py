"""xview_agent -> xview_deploy <- xview_training, late imports included; only the twin reaches training."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = sorted((ROOT / "deploy/src/xview_deploy").rglob("*.py"))
TRAINING = sorted((ROOT / "training/src/xview_training").rglob("*.py"))
AGENT = sorted((ROOT / "ros_ws/src/xview_agent/xview_agent").rglob("*.py"))
ROS = {"rclpy", "ament_index_python", "launch", "launch_ros", "xview_agent", "xview_interfaces"}
HEAVY = {"torch", "ray", "numba", "xview_training"}


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports anywhere in its text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", DEPLOY, ids=lambda path: path.name)
def test_deploy_knows_neither_training_nor_ros(path):
    assert not imported(path) & (HEAVY | ROS)


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.name)
def test_training_knows_no_ros(path):
    assert not imported(path) & ROS


@pytest.mark.parametrize("path", AGENT, ids=lambda path: path.name)
def test_only_the_twin_reaches_training(path):
    allowed = {"xview_training"} if path.name == "twin.py" else set()
    assert imported(path) & HEAVY <= allowed


@pytest.mark.parametrize("path", DEPLOY + TRAINING + AGENT, ids=lambda path: path.name)
def test_imports_are_absolute(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert all(node.level == 0 for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
