"""Rows of an action table as what is pressed in Minecraft: the same keys, and the camera in degrees a tick."""

from __future__ import annotations

import numpy as np
from xview_deploy.spec import ActionTable

HOTBAR_KEYS = tuple(f"hotbar.{slot}" for slot in range(1, 10))
KEYS = ("forward", "back", "left", "right", "jump", "sneak", "sprint", "attack", "use", "drop", *HOTBAR_KEYS)


def check_table(table: ActionTable) -> None:
    """ValueError where a row of the table holds a key that Minecraft's back-ends do not have."""
    for row, keys in enumerate(table.buttons):
        for key in keys:
            if key not in KEYS:
                raise ValueError(f"action table, row {row}: expected keys of {', '.join(KEYS)}, got {key!r}")


def pressed(table: ActionTable, action: np.ndarray) -> tuple[tuple[str, ...], float, float]:
    """Keys, pitch and yaw in degrees of one tick of an action int64 (3,)."""
    return table.buttons[int(action[0])], table.camera_deg[int(action[1])], table.camera_deg[int(action[2])]
