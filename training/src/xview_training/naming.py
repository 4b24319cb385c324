"""Things that are asked for by name; the rules are the robot's half's, so that both answer alike."""

from pathlib import Path

from xview_deploy.naming import named
from xview_deploy.shipped import bundle_path

__all__ = ["bundle_or_run", "named"]


def bundle_or_run(name: Path) -> Path:
    """What lies at that path; where nothing does, the shipped bundle of that name ("small", "five")."""
    return name if name.exists() else bundle_path(name)
