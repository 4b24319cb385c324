"""Where the policy lies that comes with the project."""

from __future__ import annotations

from pathlib import Path

SHIPPED_BUNDLE = Path(__file__).with_name("bundles") / "small.xview"


def bundle_path(name: str | Path | None = None) -> Path:
    """The bundle of that name, or the shipped one where there is no name."""
    return Path(name) if name else SHIPPED_BUNDLE
