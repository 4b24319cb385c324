"""Where the policies lie that come with the project."""

from __future__ import annotations

from pathlib import Path

BUNDLES = Path(__file__).with_name("bundles")
SHIPPED_BUNDLE = BUNDLES / "small.xview"  # the one for robots, unless another is named
SHIPPED = {path.stem: path for path in (SHIPPED_BUNDLE, BUNDLES / "five.xview")}


def bundle_path(name: str | Path | None = None) -> Path:
    """The bundle of that name, shipped ("small", "five") or at that path; the robot's one where there is no name."""
    if not name:
        return SHIPPED_BUNDLE
    return SHIPPED.get(str(name), Path(name))
