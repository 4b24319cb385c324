"""Things that are asked for by name: an unknown name is answered with the nearest one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

from xview_deploy.spec import ContractError

T = TypeVar("T")


def named(table: Mapping[str, T], name: str, what: str) -> T:
    """The entry of that name; ContractError with the nearest and all known names otherwise."""
    if name in table:
        return table[name]
    close = difflib.get_close_matches(name, table, n=1)
    hint = f": did you mean {close[0]!r}?" if close else ""
    raise ContractError(f"unknown {what} {name!r}{hint} (known: {', '.join(table)})")
