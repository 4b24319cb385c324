"""`xview tasks`. Imported for every `xview`, so functions import what they need."""

from __future__ import annotations

from pathlib import Path

import tyro
from xview_deploy.spec import ContractError

from xview_training.command_line import checked


def tasks_show(suite: tyro.conf.Positional[str], out: Path, count: int = 16) -> None:
    """Writes a contact sheet of a suite: first view, goal view with its mask, map from above.

    Args:
        suite: train, heldout, robot or twin.
        out: folder for SUITE.png and SUITE.jsonl.
        count: how many tasks.
    """
    from xview_training.tasks import contact_sheet
    from xview_training.tasks.suites import suite_named

    if count < 1:
        raise ContractError(f"count: expected at least 1, got {count}")
    sheet, records = contact_sheet.write(checked(suite_named, suite), out, count)
    print(f"{sheet}\n{records}")
