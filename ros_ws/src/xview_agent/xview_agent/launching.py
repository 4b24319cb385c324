"""A graph as a launch description, for ROS installations: the body of the launch files.

Reads the same lists and parameter files as the project's own starter. `launch` is on no package registry, so
nothing but the launch files imports this module.

    ros2 launch xview_agent robot.launch.py --show-args
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch_ros.actions import Node

from xview_agent.graph import (
    ARGUMENTS,
    GRAPHS,
    PACKAGE,
    NodeEntry,
    argument_parameters,
    argument_remappings,
    configuration_file,
)
from xview_agent.topics import NAMESPACE

RESPAWN_DELAY_S = 2.0


def describe(graph: str) -> LaunchDescription:
    """The named graph with its arguments."""
    nodes = GRAPHS[graph]
    names = {node.name for node in nodes}
    options = {
        "namespace": (NAMESPACE.strip("/"), "of all nodes; below that of whoever includes this file"),
        "parameters": ("", "YAML file that wins over the package's own"),
        "only": ("", f"the nodes to start, as gate,policy; empty: {','.join(node.name for node in nodes)}"),
        "respawn": ("false", "true: a node that ends is started again, and the robot waits to be armed; "
                             "false: the end of one node ends all"),
        "log_level": ("info", "debug, info, warn, error or fatal"),
    }  # fmt: skip
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in options.items()
    ]
    declared += [
        DeclareLaunchArgument(
            a.name, default_value="", description=f"{a.description}; empty: {a.topic or 'as the files say'}"
        )
        for a in ARGUMENTS
        if a.topic or names & set(a.nodes)
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=launched_nodes, args=[nodes])])


def launched_nodes(context: LaunchContext, nodes: tuple[NodeEntry, ...]) -> list[Node]:
    """The nodes, once the arguments have values."""
    values = dict(context.launch_configurations)
    only = [name for name in values["only"].split(",") if name]
    return [launched(node, values) for node in nodes if not only or node.name in only]


def launched(node: NodeEntry, values: dict[str, str]) -> Node:
    """One node with its parameter files, the operator's own, and what the arguments say."""
    files = [str(configuration_file(name)) for name in node.parameter_files]
    own = [values["parameters"]] if values["parameters"] else []
    respawn = values["respawn"].lower() == "true"
    return Node(
        package=PACKAGE,
        executable=node.name,
        name=node.node_name(values),
        namespace=values["namespace"],
        parameters=[*files, *own, argument_parameters(node.name, values)],
        remappings=argument_remappings(values),
        ros_arguments=["--log-level", values["log_level"]],
        output="screen",
        respawn=respawn,
        respawn_delay=RESPAWN_DELAY_S,
        on_exit=None if respawn else Shutdown(reason=f"node {node.name} ended"),
    )
