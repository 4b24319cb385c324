"""Imports run one way, late ones included: agent -> deploy <- training, and inside training from the world upwards.

Read out of the sources, so that nothing need be installed and no import can hide in a function.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "xview_deploy": ROOT / "deploy/src/xview_deploy",
    "xview_training": ROOT / "training/src/xview_training",
    "xview_agent": ROOT / "ros_ws/src/xview_agent/xview_agent",
}
TWIN = "xview_agent.twin"

# What each part of the training package may import of the others; parts not named here may import all.
BESIDE_ALL = {"naming", "command_line", "ranges"}
WORLD = {"sim", *BESIDE_ALL}
TASKS = WORLD | {"tasks"}
ENVS = TASKS | {"envs"}
DATASETS = {"datasets", "policy", *BESIDE_ALL}
RUN = {"checkpoints", "gradients", "experiments", "runs", "actions", "validating"}
IMITATION = ENVS | RUN | {"policy", "datasets", "imitation"}
PPO = IMITATION | {"ppo"}
EVALUATION = ENVS | {"policy", "imitation", "evaluation", "runs", "trained"}
MAY_IMPORT = {
    "sim": WORLD,
    "tasks": TASKS,
    "envs": ENVS,
    "policy": {"policy", *BESIDE_ALL},
    "datasets": DATASETS,
    "imitation": IMITATION,
    "ppo": PPO,
    "evaluation": EVALUATION,
    "factory": EVALUATION | {"factory"},
    "experiments": {"policy", "imitation", "runs", *BESIDE_ALL},
    "actions": TASKS | {"policy"},
    "validating": TASKS | {"policy", "experiments", "runs", "actions", "trained"},
    "checkpoints": set(),
    "runs": {"runs", "checkpoints", *BESIDE_ALL},
    "trained": {"policy", "checkpoints", "torch_network"},
    "naming": set(),
    "command_line": set(),
    "ranges": set(),
    "gradients": set(),
}
WITHOUT_TORCH = ("sim", "tasks", "envs", "datasets", "evaluation", "factory", "bench.sim", "cli")
ON_GPU = {"xview_training.sim.cuda", "xview_training.bench.cuda"}  # share their buffers with torch


def module_name(package: str, file: Path) -> str:
    parts = file.relative_to(PACKAGES[package]).with_suffix("").parts
    return ".".join((package, *(part for part in parts if part != "__init__")))


def modules() -> dict[str, ast.Module]:
    return {
        module_name(package, file): ast.parse(file.read_text(), str(file))
        for package, folder in PACKAGES.items()
        for file in sorted(folder.rglob("*.py"))
    }


MODULES = modules()


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names that these nodes import: `from a import b` gives a.b where that is a module, else a."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import of {node.module}: expected an absolute one"
            inner = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if name in MODULES else str(node.module) for name in inner)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            assert isinstance(node.args[0], ast.Constant), f"cannot tell what {ast.unparse(node)} imports"
            yield str(node.args[0].value)


def everything(name: str) -> set[str]:
    return set(imported(ast.walk(MODULES[name])))


def when_loaded(name: str) -> set[str]:
    """Imports outside functions and outside `if TYPE_CHECKING`."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            late = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            checking = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            if not late and not checking:
                yield child
                yield from walk(child)

    return set(imported(walk(MODULES[name])))


def of(package: str) -> list[str]:
    return [name for name in MODULES if name.split(".")[0] == package]


def part(name: str) -> str:
    """First name below the package: `sim` of xview_training.sim.mesh."""
    return (name.split(".") + [""])[1]


def tops(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_the_sources_are_found():
    assert all(len(of(package)) > 10 for package in PACKAGES)
    assert "xview_training.sim.mesh" in everything("xview_training.sim.simulator")
    assert "xview_training.export" not in when_loaded("xview_training.cli")


@pytest.mark.parametrize("name", of("xview_deploy"))
def test_deploy_knows_neither_training_nor_the_agent_nor_their_machinery(name):
    forbidden = {
        "xview_training",
        "xview_agent",
        "xview_interfaces",
        "rclpy",
        "launch",
        "torch",
        "torchvision",
        "ray",
        "numba",
        "gymnasium",
    }
    assert not tops(everything(name)) & forbidden


@pytest.mark.parametrize("name", of("xview_training"))
def test_training_knows_no_ros(name):
    assert not tops(everything(name)) & {"xview_agent", "xview_interfaces", "rclpy"}


@pytest.mark.parametrize("name", of("xview_agent"))
def test_only_the_twin_reaches_the_training_package(name):
    assert not tops(everything(name)) & {"torch", "ray"}
    assert ("xview_training" in tops(everything(name))) == (name == TWIN)


def test_nobody_outside_imports_the_twin_s_module_and_with_it_training():
    for name in MODULES:
        if name != TWIN:
            assert TWIN not in when_loaded(name), name


@pytest.mark.parametrize("name", [name for name in of("xview_training") if part(name) in MAY_IMPORT])
def test_training_s_parts_import_only_what_lies_below_them(name):
    ours = {part(other) for other in everything(name) if other.startswith("xview_training.")}
    assert ours <= MAY_IMPORT[part(name)]


NEEDS_NO_TORCH = [
    name
    for name in of("xview_training")
    if name.removeprefix("xview_training.").startswith(WITHOUT_TORCH) and name not in ON_GPU
]


@pytest.mark.parametrize("name", NEEDS_NO_TORCH)
def test_the_world_and_its_tasks_need_no_torch_but_on_a_gpu(name):
    assert "torch" not in tops(everything(name))
    assert not when_loaded(name) & ON_GPU


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: when_loaded(name) & MODULES.keys() for name in MODULES}
    while leaves := [name for name, needs in graph.items() if not needs & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert not graph, f"circle among {', '.join(sorted(graph))}"


def test_launch_files_import_no_training():
    for file in (ROOT / "launch").glob("*.py"):
        assert "xview_training" not in tops(set(imported(ast.walk(ast.parse(file.read_text())))))
