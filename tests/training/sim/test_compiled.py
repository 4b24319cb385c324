"""Stale binaries are never run: whatever compiled code is made of names the folder of its cache."""

import ast
import os
import shutil
import subprocess
import sys

import pytest
from xview_training.sim import compiled

MARK = "sim.compiled import"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's sources that may be edited."""
    copy = tmp_path / "xview_training"
    shutil.copytree(compiled.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiled, "PACKAGE", copy)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return copy


def edit(source) -> None:
    source.write_text(source.read_text() + "\nEDITED = 1\n")


def test_editing_any_source_with_compiled_functions_changes_the_folder(package):
    folders = [compiled._cache_folder()]
    assert folders == [compiled._cache_folder()]
    for source in sorted(package.rglob("*.py")):
        if MARK in source.read_text():
            edit(source)
            folders.append(compiled._cache_folder())
    assert len(folders) > 12
    assert len(set(folders)) == len(folders)


def names_in_compiled_functions(tree: ast.Module) -> set[str]:
    functions = [
        n for n in tree.body if isinstance(n, ast.FunctionDef) and "compiled" in ast.dump(ast.List(n.decorator_list))
    ]
    return {node.id for function in functions for node in ast.walk(function) if isinstance(node, ast.Name)}


def test_editing_what_compiled_functions_use_from_elsewhere_changes_the_folder_too(package):
    """Compiled code keeps the value that a constant had, also one that comes from a module without compiled code."""
    origins = set()
    for source in (s for s in package.rglob("*.py") if MARK in s.read_text()):
        tree = ast.parse(source.read_text())
        used = names_in_compiled_functions(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("xview_training."):
                module = package.joinpath(*node.module.split(".")[1:])
                for name in (a.name for a in node.names if (a.asname or a.name) in used):
                    origins.add(
                        module / f"{name}.py" if (module / f"{name}.py").is_file() else module.with_suffix(".py")
                    )
    assert {"blocks.py", "physics.py", "rules.py"} <= {origin.name for origin in origins}
    for origin in sorted(origins):
        before = compiled._cache_folder()
        edit(origin)
        assert compiled._cache_folder() != before, f"compiled code uses {origin.name}"


def test_sources_without_compiled_code_leave_the_cache_alone(package):
    before = compiled._cache_folder()
    edit(package / "cli.py")
    edit(package / "policy" / "small.py")
    assert compiled._cache_folder() == before


def test_the_folder_lies_in_the_user_s_cache_and_exists(package, tmp_path):
    folder = compiled._cache_folder()
    assert folder.startswith(str(tmp_path / "cache" / "xview" / "numba-"))
    assert (tmp_path / "cache" / "xview").is_dir()


def test_a_home_that_cannot_be_written_does_not_stop_the_simulator(package, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert "numba-" in compiled._cache_folder()


ONE_SIGNATURE = """
import sys
import numpy as np
from xview_training.sim.compiled import compiled

@compiled()
def size_of(array):
    return array.itemsize

if __name__ == "__main__":
    array = np.zeros(2, sys.argv[1])
    assert size_of(array) == array.itemsize
"""


def test_no_process_writes_over_another_s_binary_though_it_has_not_seen_it_in_the_index(tmp_path):
    """As when two compile at once: each reads the index before the other has written it."""
    script, cache = tmp_path / "sizes.py", tmp_path / "cache"
    script.write_text(ONE_SIGNATURE)
    for kind in ("int8", "float64"):
        env = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
        subprocess.run([sys.executable, script, kind], env=env, timeout=120, check=True)
        (index,) = cache.rglob("*.nbi")
        index.unlink()
    assert len(list(cache.rglob("*.nbc"))) == 2
