"""From a policy's action to a robot's command: what the keys of the training world mean on this robot.

One YAML file a robot says what kind of base it has, whether a decision is a velocity or a step, which joints turn
its camera and which keys trigger a service. What it lacks is masked, so that the policy never samples what the
robot cannot do. Limits are the gate's business, not this module's.

    mapping = ActionMapping.load("robot_car.yaml")
    decision = policy.act(picture, allowed=mapping.allowed(policy.actions))
    command = mapping.command(decision.action, policy.actions)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xview_deploy.bases.camera_mount import Gimbal
from xview_deploy.bases.driving import MOTIONS, Motion, Pace, Velocities
from xview_deploy.bases.kinds import BASES, DIRECTIONS, Base, OmniBase
from xview_deploy.bases.robot_command import MAX_HOLD_S, CameraRate, RobotCommand
from xview_deploy.bases.robot_file import check_names, load_kind, load_section, read_sections
from xview_deploy.bases.triggers import TriggerService, load_triggers
from xview_deploy.bases.velocity import Velocity
from xview_deploy.spec import ActionTable, ContractError

SECTIONS = ("base", "motion", "camera", "triggers")


@dataclasses.dataclass(frozen=True)
class ActionMapping:
    """How this robot acts out keys and camera steps."""

    base: Base = dataclasses.field(default_factory=OmniBase)
    motion: Motion = dataclasses.field(default_factory=Velocities)
    camera: Gimbal = dataclasses.field(default_factory=Gimbal)
    triggers: Mapping[str, TriggerService] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.base.turns and self.camera.yaw is not None:
            raise ContractError("camera.yaw: expected none on a base that turns: the policy has one yaw for both")

    @classmethod
    def load(cls, path: str | Path) -> ActionMapping:
        """The mapping of a robot's YAML file; ContractError names what is wrong with it."""
        return cls.from_sections(read_sections(path))

    @classmethod
    def from_sections(cls, sections: Mapping[str, object]) -> ActionMapping:
        """The mapping of these sections. `base` and `motion` must be there."""
        check_names((str(name) for name in sections), SECTIONS, "action mapping")
        for name in ("base", "motion"):
            if name not in sections:
                raise ContractError(f"action mapping: expected the section {name!r}, got only {sorted(sections)}")
        return cls(
            base=load_kind(BASES, sections["base"], "base"),
            motion=load_kind(MOTIONS, sections["motion"], "motion"),
            camera=load_section(Gimbal, sections.get("camera", {}), "camera"),
            triggers=load_triggers(sections.get("triggers", {})),
        )

    @property
    def keys(self) -> frozenset[str]:
        """All keys that do something on this robot."""
        return frozenset(self.base.keys) | frozenset(self.triggers)

    def command(self, action: Sequence[int] | NDArray[np.int64], table: ActionTable) -> RobotCommand:
        """What acts out `action`, int (3,): keys that the robot lacks do nothing.

        Two directions at once are no faster than one. The table's yaw is positive to the right, the robot's to the
        left; pitch is positive downwards in both. Raises ContractError outside the table.
        """
        buttons, pitch_bin, yaw_bin = check_action(action, table)
        down = [key for key in table.buttons[buttons] if key in self.keys]
        x, y = (sum(DIRECTIONS[key][axis] for key in down if key in DIRECTIONS) for axis in (0, 1))
        length = math.hypot(x, y)
        pitch_rad, yaw_rad = self._angles_rad(pitch_bin, yaw_bin, table)
        pace = self.motion.pace(length > 0.0, max(abs(pitch_rad), abs(yaw_rad)), 1.0 / table.rate_hz)
        speed = pace.speed_m_per_s / max(length, 1.0)
        turn = yaw_rad / pace.seconds
        return RobotCommand(
            velocity=self.base.drivable(Velocity(x * speed, y * speed, turn if self.base.turns else 0.0)),
            camera=CameraRate(pitch_rad / pace.seconds, 0.0 if self.base.turns else turn),
            hold_s=pace.hold_s,
            presses=tuple(key for key in down if key in self.triggers),
        )

    def allowed(self, table: ActionTable) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """One mask a head: rows whose every key the robot has; the camera's bins, where something turns it."""
        buttons = np.array([set(row) <= self.keys for row in table.buttons], bool)
        still = np.arange(len(table.camera_deg)) == table.noop[1]
        every = np.ones(len(table.camera_deg), bool)
        return buttons, every if self.camera.pitch else still, every if self._yaws else still

    def check_table(self, table: ActionTable) -> None:
        """ContractError where this robot cannot act out that policy's decisions: a step that lasts too long."""
        widest = math.radians(max(abs(step) for step in table.camera_deg)) * table.ticks_per_action
        pace: Pace = self.motion.pace(bool(self.base.keys), widest * self.motion.turn_gain, 1.0 / table.rate_hz)
        if pace.hold_s > MAX_HOLD_S:
            raise ContractError(
                f"action mapping: expected steps of at most {MAX_HOLD_S:g} s, got {pace.hold_s:.2f} s for the widest "
                "turn: raise speed_m_per_s or turn_rad_per_s, or lower turn_gain"
            )

    @property
    def _yaws(self) -> bool:
        return self.base.turns or self.camera.yaw is not None

    def _angles_rad(self, pitch_bin: int, yaw_bin: int, table: ActionTable) -> tuple[float, float]:
        """Of one decision: pitch downwards, yaw to the left; 0 where nothing turns that way."""
        gain = math.radians(1.0) * table.ticks_per_action * self.motion.turn_gain
        pitch = table.camera_deg[pitch_bin] * gain if self.camera.pitch else 0.0
        return pitch, -table.camera_deg[yaw_bin] * gain if self._yaws else 0.0


def check_action(action: Sequence[int] | NDArray[np.int64], table: ActionTable) -> tuple[int, int, int]:
    """The three rows as plain ints; ContractError unless each lies within its head."""
    rows = np.asarray(action)
    if rows.shape != (3,) or rows.dtype.kind not in "iu":
        raise ContractError(f"action: expected 3 integers, got {rows.dtype} {rows.shape}")
    if not all(0 <= row < size for row, size in zip(rows, table.sizes, strict=True)):
        raise ContractError(f"action: expected rows below {table.sizes}, got {tuple(rows.tolist())}")
    return int(rows[0]), int(rows[1]), int(rows[2])
