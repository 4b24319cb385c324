"""The package for both roads: `colcon build` on a ROS installation, `pip install` into an environment of wheels.

Both lay down what ROS tools look for: the index marker, share/ with launch and parameter files, lib/ with one
executable a node.
"""

from glob import glob

from setuptools import find_packages, setup

NAME = "xview_agent"

setup(
    name=NAME,
    version="0.1.0",
    description="ROS 2 nodes of xview: policy, safety gate, console, simulated robot",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={f"{NAME}.bench": ["*.cpp"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", sorted(glob("launch/*.launch.py"))),
        (f"share/{NAME}/config", sorted(glob("config/*.*"))),
        (f"share/{NAME}/config/examples", sorted(glob("config/examples/*.*"))),
        (f"lib/{NAME}", sorted(glob("scripts/*"))),
    ],
    entry_points={"xview.commands": ["agent = xview_agent.commands:commands"]},
    zip_safe=False,
)
