"""The graphs: which nodes make up the robot and its simulation, what they may be told, where the rest is written.

The one list that the launch files of a ROS installation and the project's own starter both read. It knows
neither of the two.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from xview_deploy.spec import ContractError

from xview_agent import topics

PACKAGE = "xview_agent"


@dataclasses.dataclass(frozen=True)
class NodeEntry:
    """A node: its name is the name of its executable and of its module."""

    name: str
    parameter_files: tuple[str, ...]  # in config/, later ones win
    named_by: str = ""  # argument that tells several of them apart

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return f"{PACKAGE}.{self.name}"

    def node_name(self, values: Mapping[str, str]) -> str:
        """What it is called in the graph, with these arguments."""
        prefix = values.get(self.named_by)
        return f"{prefix}_{self.name}" if prefix else self.name


def _entries(names: tuple[str, ...], parameter_files: tuple[str, ...]) -> tuple[NodeEntry, ...]:
    return tuple(NodeEntry(name, parameter_files) for name in names)


GRAPHS: dict[str, tuple[NodeEntry, ...]] = {
    "robot": _entries(("gate", "policy", "console"), ("robot.yaml",)),
    "sim": _entries(("twin", "gate", "policy", "console"), ("robot.yaml", "sim.yaml")),
    "camera": (NodeEntry("camera", ("camera.yaml",), named_by="camera"),),
}
MANAGED_NODES = ("policy", "console", "twin", "camera")
EVERY_NODE = tuple(node.name for node in (*GRAPHS["sim"], *GRAPHS["camera"]))


@dataclasses.dataclass(frozen=True)
class Argument:
    """What a start may be told in a word, without a parameter file. Empty: as the files say, and no remapping."""

    name: str
    description: str
    nodes: tuple[str, ...] = ()  # whose parameter it sets
    parameter: str = ""
    topic: str = ""  # that it renames instead, for every node


ARGUMENTS = (
    Argument("bundle", "path of the policy's bundle", ("policy",), "bundle"),
    Argument("policy", "bundle, random or forward_biased_random", ("policy",), "policy"),
    Argument("action_mapping", "YAML file: what kind of robot this is", ("gate", "policy"), "action_mapping"),
    Argument("stamped_cmd_vel", "true: TwistStamped, false: Twist", ("gate", "twin"), "stamped_cmd_vel"),
    Argument("base_frame", "frame of the base", ("gate", "policy", "twin"), "base_frame"),
    Argument("third_person_cameras", "names of the console's cameras, as [a, b]", ("console",), "third_person_cameras"),
    Argument("onboard_calibration", "YAML file of the camera that the policy sees through", ("policy",), "calibration"),
    Argument("camera", "name of the camera, onboard or another", ("camera",), "camera"),
    Argument("source", "device, stream, video, folder or topic", ("camera",), "source"),
    Argument("path", "the camera's device, address, file, folder or topic", ("camera",), "path"),
    Argument("calibration", "YAML file of the camera", ("camera",), "calibration"),
    Argument("port", "port of the operator's page", ("console",), "port"),
    Argument("autostart", "false: all but the gate wait for a manager", MANAGED_NODES, "autostart"),
    Argument("use_sim_time", "true: stamps are compared with /clock", EVERY_NODE, "use_sim_time"),
    Argument("onboard_image", "topic of the onboard CompressedImage", topic=topics.image_topic(topics.ONBOARD)),
    Argument("onboard_camera_info", "topic of its CameraInfo", topic=topics.camera_info_topic(topics.ONBOARD)),
    Argument("third_person_image", "topic of the third person's picture", topic=topics.image_topic("third_person")),
    Argument("cmd_vel", "topic of the base's velocities", topic=topics.CMD_VEL),
    Argument("odom", "topic of the base's odometry", topic=topics.ODOMETRY),
)


def argument_parameters(node: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that the given arguments set on that node."""
    return {a.parameter: plain(values[a.name]) for a in ARGUMENTS if node in a.nodes and values.get(a.name)}


def argument_remappings(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """The topics that the given arguments rename."""
    return [(a.topic, values[a.name]) for a in ARGUMENTS if a.topic and values.get(a.name)]


def check_arguments(values: Mapping[str, str]) -> None:
    """ContractError for a name that is no argument."""
    known = [argument.name for argument in ARGUMENTS]
    for name in values:
        if name not in known:
            raise ContractError(f"argument: expected one of {', '.join(known)}, got {name!r}")


def plain(text: str) -> Any:
    """A value as people write it: JSON, Python's True and False, a list of plain words, or text."""
    try:
        return json.loads(text.lower() if text in ("True", "False") else text)
    except json.JSONDecodeError:
        pass
    if text.startswith("[") and text.endswith("]"):
        return [word.strip() for word in text[1:-1].split(",") if word.strip()]
    return text


def configuration_folder() -> Path:
    """The folder of the parameter files: a checkout's own where the code runs from one, else the installed."""
    own = Path(__file__).resolve().parents[1] / "config"
    if own.is_dir():
        return own
    try:
        return Path(get_package_share_directory(PACKAGE)) / "config"
    except (PackageNotFoundError, LookupError):
        return Path(__file__).parents[4] / "share" / PACKAGE / "config"


def configuration_file(name: str) -> Path:
    """A file of the configuration folder by its name, or any other by its path; ContractError if absent."""
    path = Path(name) if Path(name).is_absolute() else configuration_folder() / name
    if not path.is_file():
        raise ContractError(f"expected a parameter file at {path}, found none")
    return path
