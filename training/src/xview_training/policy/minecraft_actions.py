"""VPT's hierarchy of Minecraft actions: joint classes of keys and camera, to keys and degrees and back.

8641 button classes: one for the inventory, and one for each choice of a hotbar slot, a direction along and across,
sprint or sneak, and use, drop, attack, jump and "camera moves". 121 camera classes: pitch bin x yaw bin, read only
where the button class says that the camera moves. Knows no policy and no simulator. Numbers: N actions.

    keys, camera_deg = decode(np.array([0]), np.array([60]))
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from xview_deploy.spec import ActionTable, mu_law_bins

HOTBAR = tuple(f"hotbar.{slot}" for slot in range(1, 10))
# The order in which ROCKET-2 embeds the previous action, then the one key it does not embed.
EMBEDDED_KEYS = ("forward", "back", "left", "right", "inventory", "sprint", "sneak", "jump", "attack", "use", *HOTBAR)
KEYS = (*EMBEDDED_KEYS, "drop")
GROUPS = (  # at most one key of each; the last group is "the camera moves", which is no key
    HOTBAR,
    ("forward", "back"),
    ("left", "right"),
    ("sprint", "sneak"),
    ("use",),
    ("drop",),
    ("attack",),
    ("jump",),
    ("camera",),
)
OPPOSITES = (("forward", "back"), ("left", "right"))  # pressed together they cancel
GROUP_SIZES = tuple(len(group) + 1 for group in GROUPS)
INVENTORY_CLASS = math.prod(GROUP_SIZES)
BUTTON_CLASSES = INVENTORY_CLASS + 1
MAX_CAMERA_DEG = 10.0  # a tick
CAMERA_MU = 10.0
CAMERA_BINS = 11  # an axis
CAMERA_CLASSES = CAMERA_BINS**2
STILL_BIN = CAMERA_BINS // 2
STILL_CLASS = STILL_BIN * CAMERA_BINS + STILL_BIN
CAMERA_DEG = np.array(mu_law_bins(MAX_CAMERA_DEG, CAMERA_MU, CAMERA_BINS))


def _tables() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Keys (8641, 20) of every button class, and whether its camera moves (8641,).

    With the inventory the camera moves, as in VPT: it is the cursor there.
    """
    choices = np.unravel_index(np.arange(INVENTORY_CLASS), GROUP_SIZES)
    keys = np.zeros((BUTTON_CLASSES, len(KEYS)), bool)
    for group, choice in zip(GROUPS[:-1], choices[:-1], strict=True):
        for number, key in enumerate(group, start=1):
            keys[:-1, KEYS.index(key)] = choice == number
    keys[INVENTORY_CLASS, KEYS.index("inventory")] = True
    return keys, np.append(choices[-1] == 1, True)


KEY_TABLE, CAMERA_MOVES = _tables()
ROW_CLASSES = np.flatnonzero(~CAMERA_MOVES | (np.arange(BUTTON_CLASSES) == INVENTORY_CLASS))


def minecraft_table() -> ActionTable:
    """The whole hierarchy as a table of actions: each combination of keys once, in the order of ROW_CLASSES, a tick
    at a time."""
    rows = tuple(tuple(np.array(KEYS)[pressed].tolist()) for pressed in KEY_TABLE[ROW_CLASSES])
    return ActionTable(rows, tuple(CAMERA_DEG.tolist()), ticks_per_action=1)


def table_rows(keys: NDArray[np.bool_], camera_deg: NDArray[np.floating]) -> NDArray[np.int64]:
    """Keys (N, 20) and camera (N, 2), degrees a tick -> the nearest actions of `minecraft_table` (N, 3)."""
    buttons, _ = encode(keys.copy(), np.zeros_like(camera_deg))
    rows = np.searchsorted(ROW_CLASSES, buttons)
    return np.concatenate([rows[:, None], nearest_bins(camera_deg)], 1)


def decode(buttons: NDArray[np.integer], camera: NDArray[np.integer]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Classes (N,) and (N,) -> keys (N, 20) in the order of KEYS, camera (N, 2): pitch and yaw, degrees a tick.

    ValueError where a class is out of range.
    """
    _check_range("button class", buttons, BUTTON_CLASSES)
    _check_range("camera class", camera, CAMERA_CLASSES)
    degrees = CAMERA_DEG[np.stack(np.divmod(camera, CAMERA_BINS), -1)]
    return KEY_TABLE[buttons], np.where(CAMERA_MOVES[buttons][:, None], degrees, 0.0)


def encode(keys: NDArray[np.bool_], camera_deg: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys (N, 20) and camera (N, 2), degrees a tick -> button and camera classes (N,), the nearest there are.

    Of one group the last key counts, opposites cancel, the inventory excludes everything else, and a camera beyond
    ten degrees turns ten. ValueError where the camera is no number.
    """
    if not np.isfinite(camera_deg).all():
        raise ValueError("camera_deg holds values that are no numbers: expected degrees a tick")
    keys = keys.astype(bool)
    for pair in OPPOSITES:
        columns = [KEYS.index(key) for key in pair]
        keys[:, columns] &= ~keys[:, columns].all(1, keepdims=True)
    bins = nearest_bins(camera_deg)
    choices = [_last_pressed(keys, group) for group in GROUPS[:-1]] + [(bins != STILL_BIN).any(1).astype(int)]
    inventory = keys[:, KEYS.index("inventory")]
    buttons = np.where(inventory, INVENTORY_CLASS, np.ravel_multi_index(tuple(choices), GROUP_SIZES))
    camera = np.where(inventory, STILL_CLASS, bins[:, 0] * CAMERA_BINS + bins[:, 1])
    return buttons, camera


def nearest_bins(camera_deg: NDArray[np.floating]) -> NDArray[np.int64]:
    """Degrees a tick of any shape -> bins, nearest on the mu-law's scale."""
    share = np.clip(camera_deg / MAX_CAMERA_DEG, -1, 1)
    level = np.sign(share) * np.log1p(CAMERA_MU * np.abs(share)) / np.log1p(CAMERA_MU)
    bins: NDArray[np.int64] = np.round((level + 1) * STILL_BIN).astype(np.int64)
    return bins


def as_minerl(keys: NDArray[np.bool_], camera_deg: NDArray[np.floating]) -> dict[str, int | NDArray[np.floating]]:
    """One action, keys (20,) and camera (2,), as the dictionary that MineRL's environments take."""
    return {**{name: int(pressed) for name, pressed in zip(KEYS, keys, strict=True)}, "camera": camera_deg}


def _last_pressed(keys: NDArray[np.bool_], group: tuple[str, ...]) -> NDArray[np.int64]:
    """Number of the last pressed key of the group, counted from one; zero where there is none (N,)."""
    pressed = keys[:, [KEYS.index(key) for key in group]]
    numbers: NDArray[np.int64] = (pressed * np.arange(1, len(group) + 1)).max(1)
    return numbers


def _check_range(what: str, classes: NDArray[np.integer], count: int) -> None:
    if classes.size and (classes.min() < 0 or classes.max() >= count):
        raise ValueError(f"{what} {classes.min()}..{classes.max()}: expected 0..{count - 1}")
