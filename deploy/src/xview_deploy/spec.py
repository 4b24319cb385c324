"""The contract between training and robot: what a policy sees, is asked, and answers.

Everything that both halves must agree on is stated here once: events, the action table, the camera the
policy was trained with, the graphs' inputs and outputs, the bundle's metadata. This module knows neither
torch, ONNX Runtime nor ROS; it is numbers and names.

Axis letters used across the project: B batch, T time, S image side, L tokens, D width, W memory window.
"""

from __future__ import annotations

import dataclasses
import math
from enum import Enum

CONTRACT_VERSION = 1
TICK_HZ = 20.0  # Minecraft's game loop


class ContractError(ValueError):
    """Something does not honour the contract; the message says what was expected and what came."""


class Event(str, Enum):
    """What to do to the target once it is found (ROCKET-3, section 3: interaction events)."""

    APPROACH = "approach"
    BREAK = "break"
    USE = "use"
    HUNT = "hunt"

    @property
    def interaction_index(self) -> int:
        """Row of the interaction embedding: the published interaction id plus one (ROCKET-2)."""
        return {"hunt": 0, "break": 2, "use": 3, "approach": 6}[self.value] + 1

    @classmethod
    def parse(cls, name: str) -> Event:
        """The event of that name; ContractError names the known ones otherwise."""
        try:
            return cls(name)
        except ValueError:
            known = ", ".join(event.value for event in cls)
            raise ContractError(f"unknown event {name!r}: expected one of {known}") from None


INTERACTION_ROWS = 10  # rows of the interaction embedding; row 0 means "no interaction"


def mu_law_bins(max_deg: float = 10.0, mu: float = 10.0, bins: int = 11) -> tuple[float, ...]:
    """Camera steps in degrees a tick, mu-law spaced: fine near zero, coarse far out (VPT, appendix)."""
    half = (bins - 1) // 2
    levels = [(i - half) / half for i in range(bins)]
    return tuple(math.copysign(max_deg * ((1 + mu) ** abs(x) - 1) / mu, x) for x in levels)


@dataclasses.dataclass(frozen=True)
class ActionTable:
    """The discrete actions a policy chooses from: one row of key combinations and two camera bins.

    An action is int64 (3,): [buttons row, pitch bin, yaw bin]. Keys are Minecraft's; pitch is positive
    downwards, yaw positive to the right. The camera step is applied on each of `ticks_per_action` ticks.
    """

    buttons: tuple[tuple[str, ...], ...] = (
        (),
        ("forward",),
        ("back",),
        ("left",),
        ("right",),
        ("forward", "jump"),
        ("attack",),
    )
    camera_deg: tuple[float, ...] = mu_law_bins()  # degrees a tick
    ticks_per_action: int = 3

    @property
    def rate_hz(self) -> float:
        """Decisions a second."""
        return TICK_HZ / self.ticks_per_action

    @property
    def noop(self) -> tuple[int, int, int]:
        """No key, camera still: also the "previous action" of the first step."""
        centre = len(self.camera_deg) // 2
        return (0, centre, centre)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Number of choices of each head."""
        return (len(self.buttons), len(self.camera_deg), len(self.camera_deg))


# Tables by name. "walk" serves approach and break; "full" has the keys that use, melee and archery need too.
ACTION_TABLES = {
    "walk": ActionTable(),
    "full": ActionTable(
        buttons=(*ActionTable().buttons, ("use",), ("forward", "sprint"), ("forward", "sprint", "jump")),
    ),
}


@dataclasses.dataclass(frozen=True)
class CameraModel:
    """The pinhole camera a policy was trained with. The whole picture is squeezed to a square."""

    vertical_fov_deg: float = 70.0
    aspect: float = 4.0 / 3.0  # width / height before squeezing


# Graph signatures. `goal` runs once a goal, `step` once a decision; state goes in and comes out.
BATCH_AXIS = "batch"  # what the graphs call the first axis of every tensor
GOAL_INPUTS = ("goal_image", "goal_mask")
GOAL_OUTPUTS = ("goal_tokens", "goal_vector")
STATE_NAMES = ("keys", "values", "valid")
STEP_INPUTS = ("image", "goal_tokens", "goal_vector", "event", "previous_action", *STATE_NAMES)
ACTION_HEADS = ("buttons", "pitch", "yaw")
BELIEF_HEADS = ("visible", "point", "box", "bearing")
STEP_OUTPUTS = (*ACTION_HEADS, "value", *BELIEF_HEADS, *(f"next_{name}" for name in STATE_NAMES))


@dataclasses.dataclass(frozen=True)
class Belief:
    """What the policy says about the target in its present picture.

    visible: probability in [0, 1]. point: (x, y) of the target, 0..1, origin top left of the agent's
    picture; meaningful where visible. box: (x0, y0, x1, y1), same units. bearing: unit vector (right,
    forward) on the ground towards the target in the agent's frame, meaningful also when it is out of sight.
    """

    visible: float
    point: tuple[float, float]
    box: tuple[float, float, float, float]
    bearing: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Name, dtype and shape of a graph's tensor; -1 is the batch axis."""

    name: str
    dtype: str
    shape: tuple[int, ...]


PRECISIONS = ("fp32", "fp16", "int8")  # int8: of the step graph's matrix products, for the CPU


@dataclasses.dataclass(frozen=True)
class BundleMetadata:
    """What a bundle says of itself: enough to run it right, and to know where it came from."""

    name: str
    policy: str  # architecture: "small"
    image_size: int  # S, pixels a side after squeezing
    camera: CameraModel
    actions: ActionTable
    state: tuple[TensorSpec, ...]  # one for each of STATE_NAMES; all zeros is an empty memory
    events: tuple[str, ...]  # the events it was trained on
    training: dict[str, str]  # experiment, seed, frames, git revision, wall time
    measured: dict[str, dict[str, float]]  # suite -> {"episodes", "success_rate", "low", "high"}
    precision: str = "fp32"  # one of PRECISIONS; tensors that go in and come out are the same for all
    # Comparison with the trained policy, rollout -> figures: {"world": {"steps", "agreement", "logits", ...}}
    parity: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    contract_version: int = CONTRACT_VERSION
