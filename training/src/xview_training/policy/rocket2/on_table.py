"""ROCKET-2 in the contract's terms: asked and answering in rows of an action table, so that it trains, plays and
exports as every other policy does.

Its own heads choose among 8641 key combinations and 121 camera steps. A table's row is one of its combinations, with
the camera moving or still; pitch and yaw are the two halves of a camera step. Each of the table's three heads gets
the marginal of ROCKET-2's joint choice among what the table has: what it says of rows, pitch and yaw alone is kept,
how they depend on each other is not. Knows neither files nor tasks.

    policy = Rocket2OnTable(Rocket2Config())
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor
from xview_deploy.spec import ActionTable, CameraModel

from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.heads import PolicyOutput
from xview_training.policy.memory import State
from xview_training.policy.minecraft_actions import (
    CAMERA_BINS,
    CAMERA_DEG,
    EMBEDDED_KEYS,
    KEYS,
    MAX_CAMERA_DEG,
    STILL_BIN,
    encode,
)
from xview_training.policy.rocket2.heads import PreviousAction, Rocket2Output
from xview_training.policy.rocket2.layout import RELEASED, Rocket2Layout
from xview_training.policy.rocket2.policy import Rocket2Goal, Rocket2Policy
from xview_training.policy.vit import IMAGE_SIDE

NEVER = -1e9  # of a choice that a distribution does not have; finite, as a gradient's logits must be


@dataclasses.dataclass(frozen=True)
class Rocket2Config:
    """Which ROCKET-2, and the table that it acts by."""

    layout: Rocket2Layout = RELEASED
    actions: ActionTable = ActionTable()
    architecture: str = "rocket2"

    def __post_init__(self) -> None:
        if self.architecture != "rocket2":
            raise ValueError(f"architecture: expected rocket2 for this layout, got {self.architecture!r}")
        steps = self.actions.camera_deg
        if len(steps) != CAMERA_BINS or not np.allclose(steps, CAMERA_DEG, atol=1e-6):
            raise ValueError(
                f"actions.camera_deg: expected ROCKET-2's {CAMERA_BINS} steps a tick, from {CAMERA_DEG[0]:g} to "
                f"{CAMERA_DEG[-1]:g} degrees, got {steps}"
            )
        for key in {key for row in self.actions.buttons for key in row}:
            if key not in KEYS:
                raise ValueError(f"actions.buttons: expected Minecraft's keys, got {key!r}; known: {', '.join(KEYS)}")

    @property
    def image_size(self) -> int:
        """Pixels a side."""
        return IMAGE_SIDE

    @property
    def action_sizes(self) -> tuple[int, int, int]:
        """Of the table."""
        return self.actions.sizes

    @property
    def side(self) -> int:
        """ROCKET-2 says whether the target is in the picture, in one cell: its point is a number, not a heat-map."""
        return 1


def classes_of(table: ActionTable) -> np.ndarray:
    """ROCKET-2's button classes int64 (rows, 2) of a table's rows: with the camera still, with the camera moving."""
    rows = len(table.buttons)
    keys = np.zeros((rows, len(KEYS)), bool)
    for row, pressed in enumerate(table.buttons):
        keys[row, [KEYS.index(key) for key in pressed]] = True
    turns = (0.0, MAX_CAMERA_DEG)
    return np.stack([encode(keys.copy(), np.full((rows, 2), turn))[0] for turn in turns], 1)


def counted_once(classes: np.ndarray) -> np.ndarray:
    """bool (rows, 2): with the inventory open the camera always moves, so its class stands for both and counts once."""
    return np.stack([classes[:, 0] != classes[:, 1], np.ones(len(classes), bool)], 1)


class Rocket2OnTable(CrossViewPolicy):
    """See `CrossViewPolicy`. A goal's vector (B, 1) is the share of the goal view that the target covers.

    The bearing is that of its point in the picture: ROCKET-2 has none of its own.
    """

    moved = ("rocket2.value_head.normalizer.",)

    _classes: Tensor  # (rows, 2), see `classes_of`
    _counted: Tensor  # bool (rows, 2), see `counted_once`
    _row_keys: Tensor  # (rows, 19), in the order of EMBEDDED_KEYS
    _camera_deg: Tensor  # (bins,)
    _still: Tensor  # bool (bins,)

    def __init__(self, config: Rocket2Config, rocket2: Rocket2Policy | None = None) -> None:
        super().__init__()
        self.config: Rocket2Config = config
        self.rocket2 = rocket2 or Rocket2Policy(config.layout)
        table = config.actions
        keys = [[key in row for key in EMBEDDED_KEYS] for row in table.buttons]
        classes = classes_of(table)
        for name, value in {
            "classes": torch.from_numpy(classes),
            "counted": torch.from_numpy(counted_once(classes)),
            "row_keys": torch.tensor(keys, dtype=torch.int64),
            "camera_deg": torch.tensor(table.camera_deg, dtype=torch.float32),
            "still": torch.arange(CAMERA_BINS) == STILL_BIN,
        }.items():
            self.register_buffer(f"_{name}", value, persistent=False)
        camera = CameraModel()
        self._widest = camera.aspect * math.tan(math.radians(camera.vertical_fov_deg) / 2)

    def initial_state(self, batch: int) -> State:
        """See `CrossViewPolicy`."""
        return self.rocket2.initial_state(batch)

    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Goal:
        """See `CrossViewPolicy`."""
        covered = goal_mask.float().mean((1, 2)).unsqueeze(-1)
        return Goal(self.rocket2.encode_goal(goal_image, goal_mask).tokens.float(), covered)

    def forward(
        self,
        images: Tensor,
        goal: Goal,
        event: Tensor,
        previous_action: Tensor,
        state: State,
        hidden: Tensor | None = None,
    ) -> tuple[PolicyOutput, State]:
        """See `CrossViewPolicy`."""
        buttons, pitch, yaw = previous_action.unbind(-1)
        camera = torch.stack([self._camera_deg[pitch], self._camera_deg[yaw]], -1)
        previous = PreviousAction(self._row_keys[buttons], camera, hidden)
        output, state = self.ask(images, Rocket2Goal(goal.tokens), event, previous, state)
        rows, pitches, yaws = self.marginals(output.buttons, output.camera)
        seen = output.visible_logit.float().unsqueeze(-1)
        point = output.point.float().flip(-1)  # theirs is row, column
        sideways = (2 * point[..., 0] - 1) * self._widest
        bearing = torch.stack([sideways, torch.ones_like(sideways)], -1)
        return PolicyOutput(
            rows, pitches, yaws, output.value.float(), torch.cat([seen, torch.zeros_like(seen)], -1), point,
            output.box.float(), bearing,
        ), state  # fmt: skip

    def ask(
        self, images: Tensor, goal: Rocket2Goal, event: Tensor, previous: PreviousAction, state: State
    ) -> tuple[Rocket2Output, State]:
        """ROCKET-2's own answers (B, T, ...), and the memory after them."""
        answer: tuple[Rocket2Output, State] = self.rocket2(images, goal, event, previous, state)
        return answer

    def value_unit(self, returns: Tensor) -> Tensor:
        """The deviation of all returns so far, these included: the published loss is between normalised returns.

        Both sides of an error have the same mean taken off, so that what is left of normalising is this division.
        """
        normaliser = self.rocket2.value_head.normalizer
        if returns.numel():
            normaliser.update(returns)
        return normaliser.moments()[1].squeeze(0)

    def marginals(self, buttons: Tensor, camera: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities (B, T, 8641) and (B, T, 121) -> of rows (B, T, rows), pitch and yaw (B, T, 11)."""
        chosen = buttons[..., self._classes.flatten()].unflatten(-1, self._classes.shape)
        chosen = torch.where(self._counted, chosen, NEVER)
        chosen = chosen - chosen.flatten(-2).logsumexp(-1)[..., None, None]  # among what the table has
        still, moving = chosen.logsumexp(-2).unsqueeze(-1).unbind(-2)
        steps = camera.unflatten(-1, (CAMERA_BINS, CAMERA_BINS))
        halves = (steps.logsumexp(-1), steps.logsumexp(-2))
        stays = torch.where(self._still, still, NEVER)
        pitch, yaw = (torch.logaddexp(moving + half, stays) for half in halves)
        return chosen.logsumexp(-1), pitch, yaw
