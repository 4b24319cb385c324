"""The launch files against the list of nodes. Where ROS's launch is installed, they are read by it."""

import ast
import importlib.util
from pathlib import Path

import pytest
import yaml
from xview_agent.graph import GRAPHS, configuration_file

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ros_ws/src/xview_agent"
LAUNCH_FILES = {graph: ROOT / f"launch/{graph}.launch.py" for graph in ("robot", "sim", "camera")}
HAS_LAUNCH = getattr(importlib.util.find_spec("launch"), "origin", None) is not None


@pytest.mark.parametrize("graph", LAUNCH_FILES)
def test_a_launch_file_describes_the_graph_of_its_name(graph):
    tree = ast.parse(LAUNCH_FILES[graph].read_text())
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    calls = [node for node in ast.walk(functions["generate_launch_description"]) if isinstance(node, ast.Call)]
    assert [ast.unparse(call) for call in calls] == [f"describe('{graph}')"]
    imported = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert "xview_agent.launching" in imported


@pytest.mark.skipif(not HAS_LAUNCH, reason="needs ROS's launch, which is on no package registry")
@pytest.mark.parametrize("graph", LAUNCH_FILES)
def test_launch_reads_the_file_and_gets_the_nodes_of_the_graph(graph):
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    from launch_ros.actions import Node

    description = PythonLaunchDescriptionSource(str(LAUNCH_FILES[graph])).try_get_launch_description_without_context()
    nodes = [entity for entity in description.entities if isinstance(entity, Node)]
    assert [node.node_executable for node in nodes] == [node.name for node in GRAPHS[graph]]


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_node_has_a_module_an_executable_and_its_parameter_files(graph):
    for node in GRAPHS[graph]:
        assert importlib.util.find_spec(node.module), node.module
        script = PACKAGE / "scripts" / node.name
        assert script.stat().st_mode & 0o111, f"{script} is not executable"
        assert f"-m {node.module} " in script.read_text()
        for name in node.parameter_files:
            assert configuration_file(name).is_file()


@pytest.mark.parametrize("path", sorted((PACKAGE / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_parameter_files_name_only_nodes_of_the_graph(path):
    sections = yaml.safe_load(path.read_text())
    names = {key.removeprefix("/**/") for key in sections if key.startswith("/**/")}
    assert names <= {node.name for nodes in GRAPHS.values() for node in nodes}


def test_the_launch_folder_does_not_shadow_the_package_of_that_name():
    assert not (ROOT / "launch/__init__.py").exists()
