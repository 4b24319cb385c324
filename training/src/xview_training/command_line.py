"""What the commands share: a ValueError becomes their one-line error, and figures go into a JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xview_deploy.spec import ContractError


def checked(function: Any, *arguments: Any) -> Any:
    """Calls a function; a ValueError becomes the one-line error of the command line."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise ContractError(str(error)) from error


def write_json(path: Path, content: Any) -> None:
    """Writes the file, its folder too, and prints its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))
    print(path)
