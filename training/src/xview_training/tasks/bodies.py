"""Randomised embodiments: from what an agent's body and eye are drawn.

Camera height and field of view are where policies that were trained with one body fail on robots (ROCKET-3,
limitations). `PLAYER` is the published body; `BodyRange.players` is what a suite with `randomise=False` gives everyone.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from xview_deploy.spec import CameraModel

from xview_training.sim.simulator import Embodiment


@dataclasses.dataclass(frozen=True)
class BodyRange:
    """Ranges (low, high), drawn uniformly."""

    eye_height: tuple[float, float] = (1.62, 1.62)  # blocks above the feet
    vertical_fov_deg: tuple[float, float] = (70.0, 70.0)  # degrees
    speed: tuple[float, float] = (1.0, 1.0)  # times 4.317 blocks/s
    turn: tuple[float, float] = (1.0, 1.0)  # times the camera step asked for
    turn_lag: tuple[float, float] = (0.0, 0.0)  # share of the last tick's turning rate that remains
    latency_ticks: tuple[int, int] = (0, 0)  # ticks of 1/20 s during which the previous action still acts
    light: tuple[float, float] = (1.0, 1.0)  # the camera's exposure
    pitch: tuple[float, float] = (0.0, 0.0)  # radians downwards at the start
    texture_sets: int = 1  # how many sets of textures there are to choose from
    held_item: bool = False  # the item in its hand is in its picture
    extra_ticks: tuple[int, int] = (0, 0)  # of 1/20 s by which an action lasts longer than its table says

    def players(self) -> BodyRange:
        """The published player's. Whether its hand is in its picture stays: the suite chooses that, no draw."""
        return dataclasses.replace(PLAYER, held_item=self.held_item)

    def draw(self, rng: np.random.Generator) -> Embodiment:
        """One body, its numbers rounded so that a task's record holds them exactly."""
        return Embodiment(
            eye_height=round(float(rng.uniform(*self.eye_height)), 3),
            vertical_fov_deg=round(float(rng.uniform(*self.vertical_fov_deg)), 2),
            aspect=CameraModel().aspect,
            speed=round(float(rng.uniform(*self.speed)), 3),
            turn=round(float(rng.uniform(*self.turn)), 3),
            turn_lag=round(float(rng.uniform(*self.turn_lag)), 3),
            latency_ticks=int(rng.integers(self.latency_ticks[0], self.latency_ticks[1] + 1)),
            light=round(float(rng.uniform(*self.light)), 3),
            textures=int(rng.integers(self.texture_sets)),
            held_item=self.held_item,
        )

    def draw_extra_ticks(self, rng: np.random.Generator) -> int:
        """How much longer each of a task's actions lasts; without a range no number is drawn."""
        low, high = self.extra_ticks
        return int(rng.integers(low, high + 1)) if low < high else low


PLAYER = BodyRange()
ARMED_PLAYER = dataclasses.replace(PLAYER, held_item=True)  # what it holds is in its picture, as in the game
VARIED = BodyRange(
    eye_height=(1.0, 1.8),
    vertical_fov_deg=(60.0, 80.0),
    light=(0.7, 1.1),
    pitch=(-0.1, 0.15),
    latency_ticks=(0, 1),
    texture_sets=8,
)
ROBOT = BodyRange(
    eye_height=(0.6, 1.6),
    vertical_fov_deg=(60.0, 80.0),
    speed=(0.4, 1.0),
    turn=(0.5, 1.0),
    turn_lag=(0.0, 0.6),
    latency_ticks=(0, 2),
    light=(0.7, 1.1),
    pitch=(-0.05, 0.15),
    texture_sets=8,
)
LOW_ROBOT = dataclasses.replace(ROBOT, eye_height=(0.15, 0.6), vertical_fov_deg=(75.0, 110.0), extra_ticks=(0, 2))
EYES = BodyRange(
    eye_height=(0.15, 1.8),
    vertical_fov_deg=(60.0, 110.0),
    light=(0.7, 1.15),
    pitch=(-0.15, 0.25),
    latency_ticks=(0, 2),
    texture_sets=8,
    held_item=True,
    extra_ticks=(0, 1),  # more could not aim an arrow
)
