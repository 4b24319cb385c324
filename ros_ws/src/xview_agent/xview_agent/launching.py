"""A graph as a launch description, for ROS installations: the body of the launch files.

Reads the same list and parameter files as the project's own starter. `launch` is on no package registry, so
nothing but the launch files imports this module.
"""

from __future__ import annotations

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from xview_agent.graph import GRAPHS, PACKAGE, NodeEntry, configuration_file
from xview_agent.topics import NAMESPACE


def describe(graph: str) -> LaunchDescription:
    """The named graph with its arguments; the death of any node ends all of them."""
    namespace = DeclareLaunchArgument("namespace", default_value=NAMESPACE, description="of all nodes")
    # By default the last file once more: one that changes nothing.
    last = str(configuration_file(GRAPHS[graph][0].parameter_files[-1]))
    parameters = DeclareLaunchArgument("parameters", default_value=last, description="YAML file that wins")
    return LaunchDescription([namespace, parameters, *(launched(node) for node in GRAPHS[graph])])


def launched(node: NodeEntry) -> Node:
    """One node with its parameter files and the operator's own."""
    files = [str(configuration_file(name)) for name in node.parameter_files]
    return Node(
        package=PACKAGE,
        executable=node.name,
        name=node.name,
        namespace=LaunchConfiguration("namespace"),
        parameters=[*files, LaunchConfiguration("parameters")],
        output="screen",
        on_exit=Shutdown(reason=f"node {node.name} ended"),
    )
