"""What numbers settings may be: dataclasses check their fields when they are made, so a wrong one starts no run."""

from __future__ import annotations

from typing import Any


def at_least(least: float, settings: Any, *names: str) -> None:
    """ValueError names the first of these fields that is less."""
    _check(settings, names, least, float("inf"), f"{least:g} or more")


def shares(settings: Any, *names: str) -> None:
    """ValueError names the first of these fields that is not from 0 to 1."""
    _check(settings, names, 0, 1, "0 to 1")


def _check(settings: Any, names: tuple[str, ...], least: float, most: float, expected: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if not least <= value <= most:  # nor is nan
            raise ValueError(f"{name}: expected {expected}, got {value}")
