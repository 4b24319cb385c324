"""What a game tells after a tick: its picture, where the player is, and its own statistics.

Positions are the game's: blocks, x east, y up, z south; angles its degrees, yaw 0 along +z and growing to the right,
pitch growing downwards.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
from xview_deploy.preprocessing import check_picture
from xview_deploy.spec import ContractError

EYE_BLOCKS = 1.62  # above the feet of a standing player
VERTICAL_FOV_DEG = 70.0  # "Normal" in the game's settings; neither back-end is asked for another


class View(NamedTuple):
    """A player's pose: feet in blocks, angles in degrees."""

    x: float
    y: float
    z: float
    yaw_deg: float
    pitch_deg: float

    @property
    def eye(self) -> tuple[float, float, float]:
        """Where the player looks from."""
        return (self.x, self.y + EYE_BLOCKS, self.z)

    @property
    def ahead(self) -> tuple[float, float, float]:
        """Unit vector of the view."""
        yaw, pitch = math.radians(self.yaw_deg), math.radians(self.pitch_deg)
        return (-math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch))


class Seen(NamedTuple):
    """A creature near the player, and where its feet are."""

    name: str
    x: float
    y: float
    z: float


@dataclasses.dataclass(frozen=True)
class Sight:
    """One tick's answer.

    picture uint8 (H, W, 3); depth float32 (H, W), blocks along the optical axis, None where the back-end has none.
    counts: the game's running statistics, "mined:NAME", "killed:NAME", "used:NAME". aim: the block under the crosshair
    by the game's own ray cast, None where it hits none or the back-end casts none.
    """

    picture: np.ndarray
    depth: np.ndarray | None
    view: View
    dead: bool
    counts: dict[str, int]
    aim: tuple[int, int, int] | None
    creatures: tuple[Seen, ...]


def sight_of(message: dict[str, Any], arrays: dict[str, np.ndarray]) -> Sight:
    """A host's answer, checked. ContractError says what is wrong with it."""
    try:
        x, y, z = (float(value) for value in message["feet"])
        view = View(x, y, z, float(message["yaw_deg"]), float(message["pitch_deg"]))
        counts = {str(name): int(count) for name, count in message["counts"].items()}
        aim = message["aim"] and tuple(int(value) for value in message["aim"])
        creatures = tuple(Seen(str(name), float(a), float(b), float(c)) for name, a, b, c in message["creatures"])
        dead, picture, depth = bool(message["dead"]), arrays["picture"], arrays.get("depth")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError(f"sight: expected feet, angles, counts and a picture, got a fault at {error!r}") from None
    if not all(map(math.isfinite, view)):
        raise ContractError(f"sight: expected finite numbers for where the player is, got {view}")
    check_picture(picture)
    if depth is not None and depth.shape != picture.shape[:2]:
        raise ContractError(f"depth: expected the picture's size {picture.shape[:2]}, got {depth.shape}")
    return Sight(picture, depth, view, dead, counts, aim or None, creatures)
