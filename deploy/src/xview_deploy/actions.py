"""From a policy's action to a robot's velocity: what the keys of the training world mean on this base.

A policy walks 4.317 blocks a second and turns by degrees a tick; a robot has metres, radians and perhaps no
way to step aside. The mapping says how long a block is and which keys exist; the others are masked, so that
the policy never samples what the robot cannot do. Limits are the gate's business, not this module's.

    mapping = ActionMapping.load("mecanum.yaml")
    decision = policy.act(picture, allowed=mapping.allowed(policy.actions))
    velocity = mapping.velocity(decision.action, policy.actions)
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from xview_deploy.spec import TICK_HZ, ActionTable, ContractError
from xview_deploy.velocity import Velocity

WALK_BLOCKS_PER_S = 4.317  # the speed at which policies learn to walk
DIRECTIONS = {"forward": (1.0, 0.0), "back": (-1.0, 0.0), "left": (0.0, 1.0), "right": (0.0, -1.0)}  # x, y


@dataclasses.dataclass(frozen=True)
class ActionMapping:
    """How this base acts out the keys."""

    meters_per_block: float = 0.25  # length on the floor of one block of the training world, m
    walk_gain: float = 1.0  # multiplies the walking speed
    turn_gain: float = 1.0  # multiplies the turning speed
    keys: tuple[str, ...] = ("forward", "back", "left", "right")  # keys that the base can act out

    def __post_init__(self) -> None:
        for name in ("meters_per_block", "walk_gain", "turn_gain"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ContractError(f"action mapping {name}: expected a positive number, got {value!r}")
        if not isinstance(self.keys, tuple) or not all(key in tuple(DIRECTIONS) for key in self.keys):
            raise ContractError(f"action mapping keys: expected some of {list(DIRECTIONS)}, got {self.keys!r}")

    @classmethod
    def load(cls, path: str | Path) -> ActionMapping:
        """The mapping of a YAML file with this class's fields; ContractError names what is wrong with it."""
        try:
            fields = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise ContractError(f"action mapping: expected a readable YAML file, got {error}") from None
        if not isinstance(fields, dict):
            raise ContractError(f"action mapping {path}: expected names and values, got {fields!r}")
        return cls.from_fields(fields)

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ActionMapping:
        """The mapping with these fields; those left out keep their defaults."""
        known = [field.name for field in dataclasses.fields(cls)]
        for name in fields:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ContractError(f"action mapping: expected fields of {known}, got {name!r}{hint}")
        keys = fields.get("keys", cls.keys)
        return cls(**{**fields, "keys": tuple(keys) if isinstance(keys, list) else keys})

    @property
    def walk_m_per_s(self) -> float:
        """Speed while a direction key is held."""
        return WALK_BLOCKS_PER_S * self.meters_per_block * self.walk_gain

    def velocity(self, action: Sequence[int] | NDArray[np.int64], table: ActionTable) -> Velocity:
        """The velocity that acts out `action`, int (3,), until the next decision.

        Keys that the base lacks do nothing; two directions at once are no faster than one. The table's yaw is
        positive to the right, the robot's theta to the left. Raises ContractError outside the table.
        """
        buttons, _, yaw = check_action(action, table)
        x = y = 0.0
        for key in table.buttons[buttons]:
            if key in self.keys:
                x, y = x + DIRECTIONS[key][0], y + DIRECTIONS[key][1]
        speed = self.walk_m_per_s / max(math.hypot(x, y), 1.0)
        theta = -math.radians(table.camera_deg[yaw]) * TICK_HZ * self.turn_gain
        return Velocity(x * speed, y * speed, theta)

    def allowed(self, table: ActionTable) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """One mask a head: rows whose every key the base has, the camera level, any turn."""
        buttons = np.array([set(row) <= set(self.keys) for row in table.buttons], bool)
        level = np.arange(len(table.camera_deg)) == table.noop[1]
        return buttons, level, np.ones(len(table.camera_deg), bool)


def check_action(action: Sequence[int] | NDArray[np.int64], table: ActionTable) -> tuple[int, int, int]:
    """The three rows as plain ints; ContractError unless each lies within its head."""
    rows = np.asarray(action)
    if rows.shape != (3,) or rows.dtype.kind not in "iu":
        raise ContractError(f"action: expected 3 integers, got {rows.dtype} {rows.shape}")
    if not all(0 <= row < size for row, size in zip(rows, table.sizes, strict=True)):
        raise ContractError(f"action: expected rows below {table.sizes}, got {tuple(rows.tolist())}")
    return int(rows[0]), int(rows[1]), int(rows[2])
