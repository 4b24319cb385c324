"""What the packages import against what they say they need: rosdep, pip and a bare robot install from that."""

import ast
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENT = ROOT / "ros_ws/src/xview_agent"
INTERFACES = ROOT / "ros_ws/src/xview_interfaces"
OWN = {"xview_agent", "xview_deploy", "xview_training"}  # the last two come from pip
KEYS = {"cv2": "python3-opencv", "numpy": "python3-numpy", "rich": "python3-rich", "yaml": "python3-yaml"}
WITHOUT_KEY = {"tyro"}  # rosdep has none: xview-deploy brings it
ON_NO_REGISTRY = {"launch", "launch_ros"}


def imports() -> set[str]:
    """Top-level names that the package imports, late imports included."""
    found = set()
    for file in [*(AGENT / "xview_agent").glob("*.py"), *(ROOT / "launch").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - OWN


def declared(package: Path, *tags: str) -> set[str]:
    root = xml.parse(package / "package.xml").getroot()
    return {element.text for tag in tags for element in root.iter(tag)}


def test_everything_that_is_imported_is_an_exec_depend():
    needed = {KEYS.get(name, name) for name in imports() - WITHOUT_KEY}
    assert needed <= declared(AGENT, "exec_depend", "depend")


def test_pip_is_told_of_every_ros_package():
    ros = imports() - set(KEYS) - WITHOUT_KEY - ON_NO_REGISTRY - {"xview_interfaces"}
    text = (AGENT / "pyproject.toml").read_text()
    missing = {name for name in ros if f'"ros-{name.replace("_", "-")}' not in text}
    assert missing == set()


def test_every_interface_is_generated_and_its_packages_are_declared():
    cmake = (INTERFACES / "CMakeLists.txt").read_text()
    files = [file for kind in ("msg", "srv", "action") for file in (INTERFACES / kind).glob("*")]
    assert {f'"{file.parent.name}/{file.name}"' for file in files} <= set(cmake.split())
    used = {
        line.split("/")[0]
        for file in files
        for line in file.read_text().splitlines()
        if "/" in line.split(" ")[0] and not line.startswith("#")
    } - {"xview_interfaces"}
    assert used <= declared(INTERFACES, "depend")
    for name in used:
        assert f"find_package({name} REQUIRED)" in cmake


@pytest.mark.parametrize("package", [AGENT, INTERFACES], ids=lambda package: package.name)
def test_versions_agree(package):
    version = xml.parse(package / "package.xml").getroot().findtext("version")
    assert f'version = "{version}"' in (package / "pyproject.toml").read_text()
