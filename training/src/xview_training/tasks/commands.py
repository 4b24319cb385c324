"""`xview tasks`. Imported for every `xview`, so functions import what they need."""

from __future__ import annotations

from pathlib import Path

import tyro
from xview_deploy.spec import ContractError

from xview_training.command_line import checked


def tasks_show(
    suite: tyro.conf.Positional[str],
    out: Path,
    count: int = 16,
    randomise: bool = True,
    resource_pack: Path | None = None,
) -> None:
    """Writes a contact sheet: first view, goal view with its mask, map from above.

    Args:
        suite: a suite (train, heldout-v1, ...) or a file of tasks.
        out: folder for SUITE.png and SUITE.jsonl.
        count: how many tasks, from the first on.
        randomise: --no-randomise gives everyone of a suite the published player's body, eye and start.
        resource_pack: a Minecraft resource pack (*.zip) to wear instead of the generated textures, docs/textures.md.
    """
    from xview_training.sim.packs import read_pack
    from xview_training.tasks import contact_sheet
    from xview_training.tasks.sources import source_named

    source = checked(source_named, suite, randomise)
    if not 1 <= count <= source.size:
        raise ContractError(f"count: expected at least 1, and at most {source.size}, got {count}")
    if resource_pack is not None:
        print(checked(read_pack, resource_pack).summary())
    sheet, records = contact_sheet.write(source, out, count, texture_pack=resource_pack)
    print(f"{sheet}\n{records}")


def tasks_gallery(
    out: Path,
    suites: tuple[str, ...] = (),
    count: int = 20,
    randomise: bool = True,
    resource_pack: Path | None = None,
) -> None:
    """Writes a page, one HTML file, that shows a sample of suites and can be filtered.

    Args:
        out: the file to write (*.html).
        suites: suites or files of tasks; every suite by default.
        count: tasks of each.
        randomise: --no-randomise gives everyone of a suite the published player's body, eye and start.
        resource_pack: a Minecraft resource pack (*.zip) to wear instead of the generated textures, docs/textures.md.
    """
    from xview_training.sim.packs import read_pack
    from xview_training.tasks import gallery
    from xview_training.tasks.sources import source_named
    from xview_training.tasks.suites import SUITES

    if count < 1:
        raise ContractError(f"count: expected at least 1, got {count}")
    if out.suffix not in (".html", ".htm"):
        raise ContractError(f"out: expected an HTML file (*.html), got {out}")
    if resource_pack is not None:
        print(checked(read_pack, resource_pack).summary())
    sources = [checked(source_named, name, randomise) for name in suites or SUITES]
    gallery.write(sources, out, count, resource_pack)
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB")
