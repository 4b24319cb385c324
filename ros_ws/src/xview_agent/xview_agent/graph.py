"""The graphs: which nodes make up the robot and its simulation, and where their parameters are written.

The one list that the launch files of a ROS installation and the project's own starter both read. It knows
neither of the two.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from xview_deploy.spec import ContractError

PACKAGE = "xview_agent"


@dataclasses.dataclass(frozen=True)
class NodeEntry:
    """A node: its name is the name of its executable and of its module."""

    name: str
    parameter_files: tuple[str, ...]  # in config/, later ones win

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return f"{PACKAGE}.{self.name}"


def _entries(names: tuple[str, ...], parameter_files: tuple[str, ...]) -> tuple[NodeEntry, ...]:
    return tuple(NodeEntry(name, parameter_files) for name in names)


GRAPHS: dict[str, tuple[NodeEntry, ...]] = {
    "robot": _entries(("gate", "policy", "console"), ("robot.yaml",)),
    "sim": _entries(("twin", "gate", "policy", "console"), ("robot.yaml", "sim.yaml")),
}


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
