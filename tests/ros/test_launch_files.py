"""The launch files against the list of nodes. Where ROS's launch is installed, they are read by it."""

import ast
import importlib.util
from pathlib import Path

import pytest
import yaml
from xview_agent.graph import (
    ARGUMENTS,
    EVERY_NODE,
    GRAPHS,
    argument_parameters,
    argument_remappings,
    check_arguments,
    configuration_file,
    plain,
)
from xview_deploy.spec import ContractError

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


def launched(graph, **arguments):
    """What `ros2 launch` would start: the nodes, with the arguments' values filled in."""
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    context = LaunchContext()
    description = PythonLaunchDescriptionSource(str(LAUNCH_FILES[graph])).get_launch_description(context)
    context.launch_configurations.update(arguments)
    declared = [entity for entity in description.entities if isinstance(entity, DeclareLaunchArgument)]
    for argument in declared:
        argument.execute(context)
    nodes = [node for entity in description.entities if entity not in declared for node in entity.execute(context)]
    return context, declared, nodes


needs_launch = pytest.mark.skipif(not HAS_LAUNCH, reason="needs ROS's launch, which is on no package registry")


@needs_launch
@pytest.mark.parametrize("graph", LAUNCH_FILES)
def test_launch_reads_the_file_and_gets_the_nodes_of_the_graph(graph):
    _, _, nodes = launched(graph)
    assert [node.node_executable for node in nodes] == [node.name for node in GRAPHS[graph]]


@needs_launch
def test_every_argument_is_documented_and_some_nodes_may_be_left_out():
    _, declared, nodes = launched("robot", only="gate,policy", namespace="left")
    names = {node.name for node in GRAPHS["robot"]}
    expected = {argument.name for argument in ARGUMENTS if argument.topic or names & set(argument.nodes)}
    assert expected <= {argument.name for argument in declared}
    assert all(argument.description and argument.default_value is not None for argument in declared)
    assert [node.node_executable for node in nodes] == ["gate", "policy"]


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda argument: argument.name)
def test_an_argument_sets_a_parameter_that_its_nodes_have_or_renames_a_topic(argument):
    assert bool(argument.parameter) != bool(argument.topic)
    assert set(argument.nodes) <= set(EVERY_NODE)
    if argument.parameter and argument.parameter != "use_sim_time":
        sources = "".join(file.read_text() for file in (PACKAGE / "xview_agent").glob("*.py") if file.stem != "graph")
        assert f'"{argument.parameter}"' in sources


def test_arguments_reach_their_nodes_only_where_they_are_said():
    values = {"bundle": "/b.xview", "stamped_cmd_vel": "False", "onboard_image": "/camera/compressed", "port": ""}
    assert argument_parameters("policy", values) == {"bundle": "/b.xview"}
    assert argument_parameters("gate", values) == {"stamped_cmd_vel": False}
    assert argument_parameters("console", values) == {}
    assert argument_remappings(values) == [("onboard/image_raw/compressed", "/camera/compressed")]
    assert argument_remappings({}) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("7", 7), ("0.5", 0.5), ("[a, b]", ["a", "b"]), ('["a"]', ["a"]), ("/x", "/x")],
)
def test_values_are_read_as_people_write_them(text, value):
    assert plain(text) == value


def test_an_unknown_argument_is_refused_with_the_known_ones():
    with pytest.raises(ContractError, match=r"argument: expected one of bundle, .*, got 'bundel'"):
        check_arguments({"bundel": "x"})


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
