"""The gate's settings: how fast, how old, how near. Each name is a parameter of the gate's node."""

from __future__ import annotations

import dataclasses
import math

from xview_deploy.bases.velocity import VelocityLimits
from xview_deploy.safety.freshness import FrozenLimits
from xview_deploy.safety.obstacles import Footprint
from xview_deploy.spec import ContractError

MAY_BE_ZERO = frozenset(
    {"picture_frozen_timeout", "odometry_frozen_timeout", "obstacle_margin", "obstacle_reaction", "future_tolerance"}
)


@dataclasses.dataclass(frozen=True)
class GateSettings:
    """When to trust what arrives. Zeros follow a dead camera within picture_timeout and one period."""

    limits: VelocityLimits = dataclasses.field(default_factory=VelocityLimits)
    smoothing_frequency: float = 30.0  # Hz, of the output
    future_tolerance: float = 0.05  # s, how far ahead of this clock, or behind its predecessor, a stamp may be
    clock_step_tolerance: float = 0.1  # s, by which the stamping clock may be stepped

    picture_timeout: float = 0.2  # s, age of the newest picture by its stamp
    picture_frozen_timeout: float = 0.5  # s of the same picture while the robot moves; 0: not looked for
    picture_frozen_distance: float = 0.1  # m, path on which a picture must change
    picture_frozen_turn: float = 0.1  # rad, turn on which it must

    velocity_timeout: float = 0.5  # s, since the newest command arrived
    command_picture_timeout: float = 0.3  # s, age of the picture that a command answers, when it arrives
    goal_timeout: float = 600.0  # s, age of the picture that a goal is marked on, when it arrives
    heartbeat_timeout: float = 1.0  # s, age of the operator's newest heartbeat by its stamp

    odometry_required: bool = False  # without it nothing moves
    odometry_timeout: float = 0.5  # s, age of the newest odometry by its stamp
    odometry_frozen_timeout: float = 1.0  # s of the same odometry while motion goes out, where required; 0: never
    odometry_frozen_distance: float = 0.2  # m, commanded path on which it must change
    odometry_frozen_turn: float = 0.5  # rad, commanded turn on which it must
    still_speed: float = 0.02  # m/s, up to which odometry says that the base stands
    still_turn: float = 0.05  # rad/s

    deadman_required: bool = False  # a joystick's button must be held
    joy_timeout: float = 0.5  # s, age of the joystick's newest message by its stamp

    obstacle_required: bool = False  # a range sensor must see a free way
    obstacle_timeout: float = 0.3  # s, age of the newest scan by its stamp
    obstacle_margin: float = 0.1  # m, that the base keeps from what is in its way
    obstacle_reaction: float = 0.2  # s, that base and sensor take to answer
    footprint: tuple[float, ...] = (0.3, 0.3, 0.25, 0.25)  # m: front, back, left, right of the base's origin

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            sound = not isinstance(value, float) or 0.0 < value < math.inf
            if not sound and (value != 0.0 or field.name not in MAY_BE_ZERO):
                raise ContractError(f"gate {field.name}: expected a positive number, got {value!r}")
        if len(self.footprint) != 4:
            raise ContractError(f"footprint: expected 4 numbers [front, back, left, right], got {self.footprint}")
        _ = self.rectangle

    @property
    def rectangle(self) -> Footprint:
        """The base seen from above."""
        front, back, left, right = self.footprint
        return Footprint(front, back, left, right)

    @property
    def picture_frozen(self) -> FrozenLimits:
        """When the camera counts as frozen."""
        return FrozenLimits(self.picture_frozen_timeout, self.picture_frozen_distance, self.picture_frozen_turn)

    @property
    def odometry_frozen(self) -> FrozenLimits:
        """When odometry counts as frozen."""
        return FrozenLimits(self.odometry_frozen_timeout, self.odometry_frozen_distance, self.odometry_frozen_turn)
