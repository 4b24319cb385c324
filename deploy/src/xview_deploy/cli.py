"""The `xview` command: finds the sub-commands of all installed distributions and runs one.

Each distribution names a function in the entry-point group `xview.commands`. Called without arguments, that
function returns a table: sub-command -> function with typed arguments, or -> a table of its own for a group
(`xview train imitation`). The function's docstring is its help; an int that it returns is the exit status.
Tables are built for every `xview --help`, so what they import must be light: functions import their own
machinery when they run. This module knows no sub-command.

    xview --help
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points

import tyro

from xview_deploy.spec import ContractError

Command = Callable[..., "int | None"]
Table = Mapping[str, "Command | Table"]
GROUP = "xview.commands"
USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    sys.exit(run(installed_commands(), sys.argv[1:] if arguments is None else list(arguments)))


def installed_commands() -> Table:
    """The tables of all distributions in one.

    A distribution that does not import is left out with a warning: the others must go on. A command that two of
    them claim raises ContractError; a group, such as `xview bench`, may be filled by several.
    """
    merged: dict[str, Command | Table] = {}
    for point in entry_points(group=GROUP):
        try:
            table = point.load()()
        except ImportError as error:
            print(f"xview: the commands of {point.value} are missing: {error}", file=sys.stderr)
            continue
        merged = merge(merged, table, point.value)
    return merged


def merge(ours: Table, theirs: Table, source: str, path: tuple[str, ...] = ("xview",)) -> dict[str, Command | Table]:
    """Both tables in one: groups of one name are joined, a command of one name raises ContractError."""
    merged = dict(ours)
    for name, command in theirs.items():
        present = merged.get(name)
        if isinstance(present, Mapping) and isinstance(command, Mapping):
            merged[name] = merge(present, command, source, (*path, name))
        elif present is not None:
            program = " ".join((*path, name))
            raise ContractError(f"{program}: expected one distribution to add it, got another in {source}")
        else:
            merged[name] = command
    return merged


def run(table: Table, arguments: Sequence[str], path: tuple[str, ...] = ("xview",)) -> int:
    """Runs the sub-command that the arguments name; returns the exit status."""
    wanted, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if wanted in ("-h", "--help"):
        print(overview(table, path))
        return 0 if arguments else USAGE_ERROR
    if wanted not in table:
        print(unknown(wanted, table, path), file=sys.stderr)
        return USAGE_ERROR
    command = table[wanted]
    if isinstance(command, Mapping):
        return run(command, rest, (*path, wanted))
    return call(command, rest, " ".join((*path, wanted)))


def call(command: Command, arguments: Sequence[str], program: str) -> int:
    """Parses the arguments by the function's signature and calls it; broken contracts become one clear line."""
    try:
        status = tyro.cli(command, prog=program, args=arguments)
    except ContractError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0


def overview(table: Table, path: tuple[str, ...]) -> str:
    """The sub-commands with a line each."""
    width = max((len(name) for name in table), default=0)
    lines = [f"  {name:<{width}}  {summary(table[name])}".rstrip() for name in sorted(table)]
    program = " ".join(path)
    return "\n".join([f"usage: {program} COMMAND [--help]", "", *lines])


def summary(command: Command | Table) -> str:
    """First line of the help; the names of a group."""
    if isinstance(command, Mapping):
        return ", ".join(sorted(command))
    return (inspect.getdoc(command) or "").partition("\n")[0]


def unknown(name: str, table: Table, path: tuple[str, ...]) -> str:
    """What to say to a name that is none."""
    program = " ".join(path)
    near = difflib.get_close_matches(name, table, n=1)
    hint = f"; did you mean `{program} {near[0]}`?" if near else ""
    return f"{program}: expected one of {', '.join(sorted(table))}, got {name!r}{hint}"


if __name__ == "__main__":
    main()
